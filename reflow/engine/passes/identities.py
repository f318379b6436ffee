"""Identity simplification: nodes that only pass a tensor on, and control edges that say nothing, go."""

from reflow.engine.plan import Node, Plan, Value
from reflow.graph.shapes import dims_compatible

_PASS_ON = frozenset({"Identity", "StopGradient", "PreventGradient", "Snapshot", "GuaranteeConst",
                      "PlaceholderWithDefault", "EnsureShape"})  # fmt: skip


def remove_identities(plan: Plan) -> Plan:
    """Let the users of an Identity of a tensor take the tensor; an Identity of a variable stays a read."""
    replaced: dict[Value, Value] = {}
    gone: dict[Node, Node | None] = {}
    for node in plan.nodes:
        for i, value in enumerate(node.inputs):
            if value in replaced:
                node.inputs[i] = replaced[value]
        if node.type in _PASS_ON and not node.control and _is_plain(node):
            replaced[node.outputs[0]] = node.inputs[0]
            gone[node] = node.inputs[0].node
    if gone:
        plan.nodes = [n for n in plan.nodes if n not in gone]
        plan.fetches = [replaced.get(v, v) for v in plan.fetches]
        _reroute_control(plan, gone)
    return plan


def _is_plain(node: Node) -> bool:
    source = node.inputs[0]
    if source.is_state or node.outputs[0].is_state:
        return False
    if node.type == "EnsureShape":
        known = source.dims is not None and None not in source.dims
        return known and dims_compatible(source.dims, node.attrs["shape"])
    return True


def _reroute_control(plan: Plan, gone: dict) -> None:
    """Control edges from a removed node come from what it waited for."""

    def final(node):
        while node in gone:
            node = gone[node]
        return node if node is not None and node.type != "_Feed" else None

    for node in plan.nodes:
        if node.control:
            node.control = list(dict.fromkeys(c for c in map(final, node.control) if c is not None))
    plan.targets = [t for t in map(final, plan.targets) if t is not None]
