"""Late scheduling: a node runs just before the first that takes its output, so that the output lives briefly.

A node that is the last to need large inputs stays where it is, since it frees more memory than it takes.
"""

from reflow.engine.aliases import memory_roots, roots_of
from reflow.engine.memory import size_of
from reflow.engine.passes.control import has_effect
from reflow.engine.plan import Node, Plan, Value


def run_late(plan: Plan) -> Plan:
    """Move nodes of a scheduled plan down to their first user, never past a change of a variable or another effect."""
    roots = memory_roots(plan)
    # Where a node runs: before the node of that position in the old order; and the last place where memory is read.
    place: dict[Node, int] = {}
    last_read: dict[Value, int] = {value: len(plan.nodes) for value in plan.fetches}
    first_user: dict[Node, int] = {}
    stays = _pinned(plan)
    effect = len(plan.nodes)
    moved = False
    for position in reversed(range(len(plan.nodes))):
        node = plan.nodes[position]
        place[node] = position
        if _is_fixed(node):
            effect = position if has_effect(node) else effect
        elif node not in stays:
            latest = min(first_user.get(node, position), effect)
            if latest > position + 1 and _is_worth_it(node, latest, last_read, roots):
                place[node] = latest
                moved = True
        _note_reads(node, place[node], first_user, last_read, roots)
    if moved:
        # Nodes of one place stand in the order they had, which is topological.
        plan.nodes = sorted(plan.nodes, key=place.__getitem__)
    return plan


def _is_fixed(node: Node) -> bool:
    op_def = node.op_def
    if op_def.is_stateful or op_def.writes or op_def.resource is not None or node.guard:
        return True
    return node.type in ("Const", "_Read") or any(v.is_state for v in (*node.inputs, *node.outputs))


def _pinned(plan: Plan) -> set[Node]:
    """What is fetched or run for its effect, and what branches take, which would be cut in two."""
    pinned = {value.node for value in plan.fetches} | set(plan.targets)
    for node in plan.nodes:
        if node.guard:
            pinned.update(value.node for value in node.inputs)
            pinned.update(condition.node for condition, _ in node.guard)
    return pinned


def _is_worth_it(node: Node, latest: int, last_read: dict[Value, int], roots) -> bool:
    """True if the outputs are larger than the inputs that would have to live longer."""
    longer = {root for value in node.inputs for root in roots_of(value, roots) if last_read.get(root, -1) < latest}
    return sum(map(size_of, node.outputs)) > sum(map(size_of, longer))


def _note_reads(node: Node, place: int, first_user, last_read, roots) -> None:
    conditions = [condition for condition, _ in node.guard]
    for value in (*node.inputs, *conditions):
        first_user[value.node] = min(first_user.get(value.node, place), place)
        for root in roots_of(value, roots):
            last_read[root] = max(last_read.get(root, -1), place)
    for control in node.control:
        first_user[control] = min(first_user.get(control, place), place)
