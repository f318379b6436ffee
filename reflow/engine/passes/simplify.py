"""Identity simplification: nodes that only pass a tensor on, and control edges that say nothing, go."""

from reflow.engine.plan import Node, Plan, Value

_PASS_ON = frozenset({"Identity", "StopGradient", "PreventGradient", "Snapshot", "GuaranteeConst", "PlaceholderWithDefault",
                      "EnsureShape"})  # fmt: skip


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
    return node.type != "EnsureShape" or source.dims is not None and None not in source.dims


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


def remove_dead_nodes(plan: Plan) -> Plan:
    """Drop nodes that nothing fetched depends on any more, and control edges from nodes without an effect."""
    needed: set[Node] = set()
    stack = [v.node for v in plan.fetches] + list(plan.targets)
    while stack:
        node = stack.pop()
        if node in needed or node.type == "_Feed":
            continue
        needed.add(node)
        if node.control:
            node.control = [c for c in _expand(node.control) if c not in {v.node for v in node.inputs}]
            stack.extend(node.control)
        stack.extend(v.node for v in node.inputs)
    plan.nodes = [n for n in plan.nodes if n in needed]
    return plan


def _expand(control: list[Node]) -> list[Node]:
    """Control edges without those that wait for nothing: constants, and NoOps replaced by what they wait for."""
    found: dict[Node, None] = {}
    stack, seen = list(reversed(control)), set()
    while stack:
        node = stack.pop()
        if node in seen:
            continue
        seen.add(node)
        if node.type == "NoOp":
            stack.extend(reversed(node.control))
        elif node.type not in ("Const", "VariableV2", "Variable", "VarHandleOp", "_Feed"):
            found[node] = None
    return list(found)
