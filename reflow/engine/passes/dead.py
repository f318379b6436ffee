"""Dead nodes: what nothing fetched depends on any more, and control edges from nodes that have no effect."""

from reflow.engine.plan import Node, Plan


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
        stack.extend(condition.node for condition, _ in node.guard)
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
