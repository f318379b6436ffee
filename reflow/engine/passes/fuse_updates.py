"""Multi-tensor optimizer updates: the updates of many variables by one rule become one call."""

from reflow.engine.plan import Node, Plan, new_node
from reflow.graph.registry import define_op
from reflow.ops.optimizer_ops import UPDATES


def _apply_many(states, gradients, numbers, op, settings):
    """Update `len(gradients)` variables: `states` holds all variables, then for each slot all of that slot's."""
    count = len(gradients)
    columns = [states[i:i + count] for i in range(0, len(states), count)]
    update = UPDATES[op]
    update.many(columns, gradients, **dict(zip(update.numbers, numbers, strict=True)), **dict(settings))


define_op(
    "_ApplyMany", "states: list:Tstates, gradients: N*T, numbers: list:Tnumbers ->",
    "Tstates: list(type), N: int, T: type, Tnumbers: list(type), op: string, settings: list(string)",
    kernel=_apply_many, host="numbers", writes=True, gradient=None,
)  # fmt: skip


def fuse_updates(plan: Plan) -> Plan:
    """Merge update nodes of one op that take the same numbers and attributes, and whose results nobody takes."""
    groups: dict[tuple, list[Node]] = {}
    taken = {v for node in plan.nodes for v in node.inputs} | set(plan.fetches)
    for node in plan.nodes:
        if node.type in UPDATES and taken.isdisjoint(node.outputs) and not node.attrs["use_locking"]:
            groups.setdefault(_key(node), []).append(node)
    merged: dict[Node, Node] = {}
    last: dict[Node, Node] = {}
    for group in groups.values():
        if len(group) > 1 and _states_differ(group):
            fused = _merge(group)
            merged.update(dict.fromkeys(group, fused))
            last[group[-1]] = fused
            plan.notes.append(f"{len(group)} nodes of {group[0].type}: one update of many variables")
    if merged:
        plan.nodes = [last.get(n, n) for n in plan.nodes if n not in merged or n in last]
        plan.replace({}, merged)
        plan.targets = list(dict.fromkeys(plan.targets))
    return plan


def _key(node: Node) -> tuple:
    update = UPDATES[node.type]
    numbers = tuple(id(node.inputs[i]) for i in update.numbers.values())
    settings = tuple(node.attrs[a] for a in update.attrs)
    # An update that waits for another change is not moved in front of it.
    controls = tuple(sorted(map(id, node.control)))
    return node.type, node.attrs["T"], numbers, settings, controls, node.device, node.level, node.guard


def _states_differ(group: list[Node]) -> bool:
    variables = [node.inputs[0] for node in group]
    return len(set(variables)) == len(variables)


def _merge(group: list[Node]) -> Node:
    first = group[0]
    update = UPDATES[first.type]
    states = [node.inputs[i] for i in range(update.slots) for node in group]
    gradients = [node.inputs[update.gradient] for node in group]
    numbers = [first.inputs[i] for i in update.numbers.values()]
    attrs = {
        "Tstates": [v.dtype for v in states], "N": len(group), "T": first.attrs["T"],
        "Tnumbers": [v.dtype for v in numbers], "op": first.type,
        "settings": [(a, first.attrs[a]) for a in update.attrs],
    }  # fmt: skip
    fused = new_node(f"{first.name.rpartition('/')[0] or first.name}/many", "_ApplyMany",
                     [*states, *gradients, *numbers], attrs, [], like=first)  # fmt: skip
    fused.control = list(dict.fromkeys(c for node in group for c in node.control))
    return fused
