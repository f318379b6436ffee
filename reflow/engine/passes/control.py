"""Control edges that say nothing: one between two pure computations only matters for the effects before and after it.

tf.gradients with gates, tf.group and tf.tuple leave many such edges, which keep identities and twins in the plan.
"""

from reflow.engine.plan import Node, Plan


def has_effect(node: Node) -> bool:
    """True if running the node changes something that outlives it, or that the user sees: writes, prints, checks.

    A random op has state, too, but the order of two streams does not matter.
    """
    op_def = node.op_def
    if op_def.writes:
        return True
    if not op_def.is_stateful or op_def.resource is not None:
        return False
    return not any(v.is_state for v in node.inputs)


def remove_redundant_control_edges(plan: Plan) -> Plan:
    """Drop a control edge from B to A if A's data already comes after every effect that B comes after.

    That variables are read before they are written needs no edge: the schedule sees to it. Random numbers that are only
    waited for are drawn all the same, since what the next run draws follows upon them.
    """
    if any(node.control for node in plan.nodes):
        effects_until(plan, drop_redundant_edges=True)
        draws = [node for node in plan.nodes if _draws(node)]
        if draws:
            kept = needed_nodes(plan)
            plan.targets += [node for node in draws if node not in kept]
    return plan


def _draws(node: Node) -> bool:
    """True for a node with a stream of random numbers, or other state of its own."""
    op_def = node.op_def
    return op_def.is_stateful and op_def.resource is not None and op_def.kernel is not None


def needed_nodes(plan: Plan) -> set[Node]:
    """The nodes that the fetches and targets depend on."""
    needed: set[Node] = set()
    stack = [value.node for value in plan.fetches] + list(plan.targets)
    while stack:
        node = stack.pop()
        if node not in needed and node.type != "_Feed":
            needed.add(node)
            stack.extend(node.control)
            stack.extend(value.node for value in node.inputs)
            stack.extend(condition.node for condition, _ in node.guard)
    return needed


def effects_until(plan: Plan, drop_redundant_edges: bool = False) -> dict[Node, int]:
    """For nodes, the set of effects at or before them, as the bits of an integer; none for those that are not there.

    Args:
      plan: its nodes are in topological order.
      drop_redundant_edges: drop the control edges that add nothing to the effects before a node's data.
    """
    effects: dict[Node, int] = {}
    first = 0
    if not drop_redundant_edges:
        # Of what comes before the first effect there is nothing to tell: most of a training step.
        first = next((i for i, node in enumerate(plan.nodes) if has_effect(node)), len(plan.nodes))
    count = 0
    for node in plan.nodes[first:]:
        mask = 0
        for value in node.inputs:
            mask |= effects.get(value.node, 0)
        if node.control:
            if drop_redundant_edges:
                node.control = [c for c in node.control if c not in effects or effects[c] & ~mask]
            for control in node.control:
                mask |= effects.get(control, 0)
        if has_effect(node):
            mask |= 1 << count
            count += 1
        effects[node] = mask
    return effects
