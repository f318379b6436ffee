"""Recurrent cells written out of single ops and unrolled over time: one product with the inputs of all time steps.

A cell multiplies [x, h], its input joined with its state, by a weight W = [U; V]. Of the product xU + hV only hV has to
wait for the step before. So the inputs of all steps are stacked and multiplied by U at once, before the recurrence. In
the gradient, G W' = [G U', G V'] is that of [x, h]: the gradients of all inputs are one product, after the recurrence.

Whether a part is an input or the state is not guessed from names: it is an input if at no step it depends on any of the
products. With layers on top of each other, the whole first layer runs before the second one then.
"""

from reflow.engine.passes.common_subexpressions import merge_common_subexpressions
from reflow.engine.passes.rewriting import (
    concat_nodes,
    constant_of,
    downstream,
    has_known_dims,
    order_of_stack,
    sizes_of,
    slice_rows_nodes,
    split_rows_nodes,
    waited_for_in,
)
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})
# With fewer time steps there is little to gain.
_LEAST_STEPS = 3


def hoist_input_products(plan: Plan) -> Plan:
    """Rewrite the products of unrolled recurrent cells, and those of their gradients."""
    changed = False
    for products in _groups(plan, _cell_key):
        changed |= _hoist_inputs(plan, products)
    sliced = {node.inputs[0] for node in plan.nodes if node.type == "Slice"}
    for products in _groups(plan, _gradient_key):
        # Most groups are no cells: that shows at once.
        if all(product.outputs[0] in sliced for product in products):
            changed |= _hoist_input_gradients(plan, products)
    if changed:
        _join_stacks(plan)
        # The stacks are the same as those that the gradient of the weight takes.
        plan = merge_common_subexpressions(plan)
    return plan


def _groups(plan: Plan, key_of) -> list[list[Node]]:
    """Products with equal keys; of those that nothing waits for, since they go."""
    waited_for = waited_for_in(plan)
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type not in ("MatMul", "_FusedMatMul") or node.control or node in waited_for:
            continue
        key = key_of(node) if node.outputs[0].dtype in _TYPES else None
        if key is not None:
            groups.setdefault(key, []).append(node)
    return [group for group in groups.values() if len(group) >= _LEAST_STEPS]


# --- the cells --------------------------------------------------------------------------------------------------------


def _cell_key(node: Node) -> tuple | None:
    """What the products of one cell have in common; None for a product that is none of a cell."""
    joined = node.inputs[0].node
    if node.attrs["transpose_a"] or node.attrs["transpose_b"] or not _joins(joined, 1) or len(joined.inputs) != 3:
        return None
    if any(len(v.dims or ()) > 2 or not has_known_dims(v) for v in (*joined.inputs, *node.inputs)):
        return None
    shapes = tuple(v.dims for v in joined.inputs)
    weights = node.type, *map(id, node.inputs[1:]), node.attrs.get("activation"), shapes
    return *weights, node.device, node.guard, joined.guard


def _joins(node: Node, axis: int) -> bool:
    """True for a concatenation of matrices along that axis."""
    if node.type != "ConcatV2" or node.control:
        return False
    at = constant_of(node.inputs[-1])
    return at is not None and int(at) in (axis, axis - 2) and len(node.outputs[0].dims or ()) == 2


def _hoist_inputs(plan: Plan, products: list[Node]) -> bool:
    later = downstream(plan, set(products))
    steps = [product.inputs[0].node.inputs[:2] for product in products]
    free = [all(values[side].node not in later for values in steps) for side in (0, 1)]
    if free.count(True) != 1:
        return False
    side = free.index(True)
    first, weight = products[0], products[0].inputs[1]
    cut, end = (sizes_of(v)[i] for v, i in ((steps[0][0], 1), (weight, 0)))
    rows = [(0, cut), (cut, end)]
    name = f"{first.name}/all_steps"
    stack = concat_nodes(f"{name}/inputs", [values[side] for values in steps], 0, first)
    input_weight = slice_rows_nodes(f"{name}/input_weight", weight, *rows[side], first)
    state_weight = slice_rows_nodes(f"{name}/state_weight", weight, *rows[1 - side], first)
    bias = first.inputs[2:]
    together = _product(name, stack[-1].outputs[0], input_weight[-1].outputs[0], bias, first)
    parts = split_rows_nodes(f"{name}/split", together.outputs[0], len(products), first)
    replaced, new = {}, {}
    for product, values, part in zip(products, steps, parts[-1].outputs, strict=True):
        step = _product(product.name, values[1 - side], state_weight[-1].outputs[0], [part], product)
        step.attrs = {**step.attrs, "activation": product.attrs.get("activation", "")}
        new[product] = [step]
        replaced[product.outputs[0]] = step.outputs[0]
    new[first] = [*stack, *input_weight, *state_weight, together, *parts, *new[first]]
    _substitute(plan, new, replaced)
    plan.notes.append(f"{first.name}: one product with the inputs of {len(products)} time steps")
    return True


def _product(name: str, a: Value, b: Value, addend: list[Value], like: Node, transpose_b: bool = False) -> Node:
    """a b, or a b + addend: a vector for all rows, or a matrix."""
    rows, columns = (a.dims or (0, 0))[0], (b.dims or (0, 0))[0 if transpose_b else 1]
    attrs = {"T": a.dtype, "transpose_a": False, "transpose_b": transpose_b}
    if addend:
        attrs["activation"] = ""
    node = new_node(name, "_FusedMatMul" if addend else "MatMul", [a, b, *addend], attrs, [(a.dtype, (rows, columns))],
                    like=like)  # fmt: skip
    node.control = []
    return node


def _substitute(plan: Plan, new: dict[Node, list[Node]], replaced: dict[Value, Value]) -> None:
    plan.nodes = [made for node in plan.nodes for made in new.get(node, [node])]
    plan.replace(replaced)
    plan.nodes = topological(plan.nodes)


# --- their gradients --------------------------------------------------------------------------------------------------


def _gradient_key(node: Node) -> tuple | None:
    """What the gradients of one cell's joined inputs have in common."""
    if node.type != "MatMul" or node.attrs["transpose_a"] or not node.attrs["transpose_b"]:
        return None
    if not all(has_known_dims(v) for v in node.inputs):
        return None
    return id(node.inputs[1]), node.inputs[0].dims, node.device, node.guard


def _hoist_input_gradients(plan: Plan, products: list[Node]) -> bool:
    slices = _slices(plan, products)
    if slices is None:
        return False
    # By the columns they take: an input's, and the state's.
    ranges: dict[tuple[int, int], list[Node]] = {}
    for node, columns in slices.items():
        ranges.setdefault(columns, []).append(node)
    gradients = [product.inputs[0] for product in products]
    free = []
    for columns, nodes in ranges.items():
        later = downstream(plan, set(nodes))
        if len(nodes) >= _LEAST_STEPS and not any(g.node in later for g in gradients):
            free.append(columns)
    if len(ranges) > 2 or len(free) != 1:
        return False
    _split_gradient(plan, products, ranges, free[0])
    return True


def _slices(plan: Plan, products: list[Node]) -> dict[Node, tuple[int, int]] | None:
    """The nodes that take columns of the products, with which columns; None if anything else is done with these."""
    wanted = {product.outputs[0] for product in products}
    waited_for = waited_for_in(plan)
    if not wanted.isdisjoint(plan.fetches):
        return None
    found: dict[Node, tuple[int, int]] = {}
    for node in plan.nodes:
        if wanted.isdisjoint(node.inputs):
            continue
        plain = node.type == "Slice" and not node.control and node not in waited_for
        begin = constant_of(node.inputs[1]) if plain else None
        if begin is None or begin[0] != 0 or not has_known_dims(node.outputs[0]):
            return None
        rows, columns = sizes_of(node.outputs[0])
        if rows != sizes_of(node.inputs[0])[0] or node.guard != products[0].guard:
            return None
        found[node] = int(begin[1]), int(begin[1]) + columns
    return found


def _split_gradient(plan: Plan, products: list[Node], ranges, free: tuple[int, int]) -> None:
    first, weight = products[0], products[0].inputs[1]
    name = f"{first.name}/all_steps"
    slice_of = {node.inputs[0].node: node for node in ranges[free]}
    order = order_of_stack(plan, [p.inputs[0] for p in products if p in slice_of])
    by_gradient = {p.inputs[0]: slice_of[p] for p in products if p in slice_of}
    stack = concat_nodes(f"{name}/gradients", order, 0, first)
    input_weight = slice_rows_nodes(f"{name}/input_weight", weight, free[0], free[1], first)
    together = _product(name, stack[-1].outputs[0], input_weight[-1].outputs[0], [], first, transpose_b=True)
    parts = split_rows_nodes(f"{name}/split", together.outputs[0], len(order), first)
    new = {first: [*stack, *input_weight, together, *parts]}
    replaced = {by_gradient[g].outputs[0]: part for g, part in zip(order, parts[-1].outputs, strict=True)}
    for columns, nodes in ranges.items():
        if columns == free:
            new.update((node, []) for node in nodes)
            continue
        state_weight = slice_rows_nodes(f"{name}/state_weight", weight, columns[0], columns[1], first)
        new[first] += state_weight
        for node in nodes:
            gradient = node.inputs[0].node.inputs[0]
            step = _product(node.name, gradient, state_weight[-1].outputs[0], [], node, transpose_b=True)
            new[node] = [step]
            replaced[node.outputs[0]] = step.outputs[0]
    new.update((product, []) for product in products[1:])
    _substitute(plan, new, replaced)
    plan.notes.append(f"{first.name}: one product for the gradients of the inputs of {len(order)} time steps")


# --- the stacks that the gradient of the weight takes -----------------------------------------------------------------


def _join_stacks(plan: Plan) -> None:
    """The stack of joined inputs and states is the stack of the inputs joined with that of the states."""
    consumers = plan.consumers()
    fetched, waited_for = set(plan.fetches), waited_for_in(plan)
    new, replaced = {}, {}
    for node in plan.nodes:
        joined = [v.node for v in node.inputs[:-1]]
        if not _joins(node, 0) or node in waited_for or not _are_alike(joined) or not waited_for.isdisjoint(joined):
            continue
        if any(consumers[n.outputs[0]] != [node] or n.outputs[0] in fetched for n in joined):
            continue
        sides = [concat_nodes(f"{node.name}/{i}", list(values), 0, node)
                 for i, values in enumerate(zip(*(n.inputs[:-1] for n in joined), strict=True))]  # fmt: skip
        whole = concat_nodes(node.name, [side[-1].outputs[0] for side in sides], 1, node)
        new[node] = [*(n for side in sides for n in side), *whole]
        new.update((n, []) for n in joined)
        replaced[node.outputs[0]] = whole[-1].outputs[0]
    if new:
        _substitute(plan, new, replaced)


def _are_alike(nodes: list[Node]) -> bool:
    """True for at least a few concatenations along the columns, of parts of the same shapes."""
    if len(nodes) < _LEAST_STEPS or not all(_joins(n, 1) for n in nodes):
        return False
    first = [v.dims for v in nodes[0].inputs]
    return all([v.dims for v in n.inputs] == first and n.guard == nodes[0].guard for n in nodes) and all(
        has_known_dims(v) for v in nodes[0].inputs)  # fmt: skip
