"""Which values of a plan may share memory: views, and ops that give back what they took."""

from reflow.engine.plan import Node, Plan, Value


def aliased_inputs(node: Node) -> list[Value]:
    """The inputs whose memory the outputs of a node may share, by the op's `aliases`."""
    aliases = node.op_def.aliases
    if not aliases or not node.inputs:
        return []
    if node.op_def.inputs[0].is_list:
        return node.inputs
    return [node.inputs[i] for i in aliases if i < len(node.inputs)]


def memory_roots(plan: Plan) -> dict[Value, frozenset[Value]]:
    """For each value that is not its own, the values in whose memory it may lie; nodes stand in a running order."""
    roots: dict[Value, frozenset[Value]] = {}
    for node in plan.nodes:
        inputs = aliased_inputs(node)
        if inputs:
            found = frozenset().union(*(roots_of(value, roots) for value in inputs))
            for output in node.outputs:
                roots[output] = found
    return roots


def roots_of(value: Value, roots: dict[Value, frozenset[Value]]) -> frozenset[Value]:
    """The values in whose memory `value` may lie: itself, if it is no view."""
    return roots.get(value) or frozenset([value])
