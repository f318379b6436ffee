"""Recurrent cells that join input and state, written out of single ops and unrolled over time: their products part.

A cell multiplies [x, h], its input joined with its state, by a weight W = [U; V]. Of the product xU + hV only hV has
to wait for the step before; `shared_weights.py` makes xU of all steps at once. In the gradient, G W' = [G U', G V'] is
that of [x, h], and the gradients of all inputs are one product, too; where they are not wanted, none. The same holds
for states as columns: W [x; h] with W = [U V].

Whether a part is an input or the state is not guessed from names: it is an input if at no step it depends on any of the
products. With layers on top of each other, the whole first layer runs before the second one then.
"""

from collections.abc import Callable

from reflow.engine.passes.common_subexpressions import merge_common_subexpressions
from reflow.engine.passes.dead import remove_dead_nodes
from reflow.engine.passes.products import (
    LEAST_STEPS,
    MOST_ROWS,
    ROWS,
    SIDES,
    in_order,
    kept_axis,
    product_like,
    slice_nodes,
    sum_node,
    summed_axis,
)
from reflow.engine.passes.rewriting import (
    concat_nodes,
    constant_of,
    downstream,
    has_known_dims,
    sizes_of,
    waited_for_in,
)
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})


def split_joined_products(plan: Plan) -> Plan:
    """Rewrite the products of unrolled recurrent cells with joined inputs, and those of their gradients."""
    if plan.lacks("ConcatV2"):
        return plan
    changed = False
    # Nothing takes the gradients of inputs that are fed, nor that of a first state of zeros.
    plan = remove_dead_nodes(plan)
    for side in SIDES:
        for products in _groups(plan, side, _cell_key):
            changed |= _split_inputs(plan, products, side)
        sliced = {node.inputs[0] for node in plan.nodes if node.type == "Slice"}
        for products in _groups(plan, side, _gradient_key):
            # Most groups are no cells: that shows at once.
            if all(product.outputs[0] in sliced for product in products):
                changed |= _split_gradients(plan, products, side)
    if changed:
        _join_stacks(plan)
        # The stacks are the same as those that the gradient of the weight takes.
        plan = merge_common_subexpressions(plan)
    return plan


def _groups(plan: Plan, side: int, key_of: Callable[[Node, int], tuple | None]) -> list[list[Node]]:
    """Products with equal keys; of those that nothing waits for, since they go."""
    waited_for = waited_for_in(plan)
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type not in ("MatMul", "_FusedMatMul") or node.control or node in waited_for:
            continue
        if node.outputs[0].dtype not in _TYPES or not all(has_known_dims(v) for v in node.inputs):
            continue
        key = key_of(node, side)
        if key is not None:
            own = *map(id, _shared(node, side)), kept_axis(node, 0), kept_axis(node, 1), node.device, node.guard
            groups.setdefault((node.type, *own, *key), []).append(node)
    return [g for g in groups.values() if len(g) >= LEAST_STEPS and sizes_of(g[0].outputs[0])[side] < MOST_ROWS]


def _shared(product: Node, side: int) -> list[Value]:
    """What is the same at all steps: the weight, and the bias if there is one."""
    return [product.inputs[1 - side], *product.inputs[2:]]


# --- the cells --------------------------------------------------------------------------------------------------------


def _cell_key(node: Node, side: int) -> tuple | None:
    """What the products of one cell have in common; None for a product that is none of a cell."""
    joined = node.inputs[side].node
    if not _joins(joined, summed_axis(node, side)) or len(joined.inputs) != 3:
        return None
    # A bias is a vector for all rows.
    if any(side != ROWS or len(v.dims or ()) > 1 for v in node.inputs[2:]):
        return None
    if not all(has_known_dims(v) for v in joined.inputs):
        return None
    return node.attrs.get("activation"), joined.guard, *(v.dims for v in joined.inputs)


def _joins(node: Node, axis: int) -> bool:
    """True for a concatenation of matrices along that axis."""
    if node.type != "ConcatV2" or node.control:
        return False
    at = constant_of(node.inputs[-1])
    return at is not None and int(at) in (axis, axis - 2) and len(node.outputs[0].dims or ()) == 2


def _split_inputs(plan: Plan, products: list[Node], side: int) -> bool:
    later = downstream(plan, set(products))
    steps = [product.inputs[side].node.inputs[:2] for product in products]
    free = [all(values[part].node not in later for values in steps) for part in (0, 1)]
    if free.count(True) != 1:
        return False
    first, weight = products[0], products[0].inputs[1 - side]
    axis = summed_axis(first, 1 - side)
    cut, end = sizes_of(steps[0][0])[summed_axis(first, side)], sizes_of(weight)[axis]
    weights = [slice_nodes(f"{first.name}/weight_{i}", weight, axis, *part, first)
               for i, part in enumerate([(0, cut), (cut, end)])]  # fmt: skip
    new, replaced = {}, {}
    for product, values in zip(products, steps, strict=True):
        pairs = [in_order(side, value, nodes[-1].outputs[0]) for value, nodes in zip(values, weights, strict=True)]
        new[product] = _sum_of_products(product, pairs[free.index(True)], pairs[free.index(False)])
        replaced[product.outputs[0]] = new[product][-1].outputs[0]
    new[first] = [*weights[0], *weights[1], *new[first]]
    _substitute(plan, new, replaced)
    plan.notes.append(f"{first.name}: apart for input and state at {len(products)} time steps")
    return True


def _sum_of_products(product: Node, of_input: list[Value], of_state: list[Value]) -> list[Node]:
    """The product of a step, which may have a bias and an activation, as the sum of two."""
    bias = product.inputs[2] if len(product.inputs) > 2 else None
    one = product_like(product, f"{product.name}/input", of_input, bias)
    other = product_like(product, f"{product.name}/state", of_state)
    total = sum_node(product.name, one.outputs[0], other.outputs[0], product)
    nodes = [one, other, total]
    if activation := product.attrs.get("activation"):
        output = total.outputs[0]
        nodes.append(new_node(f"{product.name}/activation", activation, [output], {"T": output.dtype},
                              [(output.dtype, output.dims)], like=product))  # fmt: skip
    return nodes


def _substitute(plan: Plan, new: dict[Node, list[Node]], replaced: dict[Value, Value]) -> None:
    plan.nodes = [made for node in plan.nodes for made in new.get(node, [node])]
    plan.replace(replaced)
    plan.nodes = topological(plan.nodes)


# --- their gradients --------------------------------------------------------------------------------------------------


def _gradient_key(node: Node, side: int) -> tuple | None:
    """What the gradients of one cell's joined inputs have in common."""
    return (node.inputs[side].dims,) if node.type == "MatMul" else None


def _split_gradients(plan: Plan, products: list[Node], side: int) -> bool:
    slices = _slices(plan, products, 1 - side)
    if slices is None:
        return False
    # By what they take of the product: an input's part, and the state's.
    ranges: dict[tuple[int, int], list[Node]] = {}
    for node, taken in slices.items():
        ranges.setdefault(taken, []).append(node)
    first = products[0]
    if len(ranges) > 2 or not _are_worth_it(plan, [p.inputs[side].node for p in products], list(ranges.values())):
        return False
    weight, axis = first.inputs[1 - side], kept_axis(first, 1 - side)
    new: dict[Node, list[Node]] = {product: [] for product in products}
    replaced = {}
    for i, (taken, nodes) in enumerate(ranges.items()):
        part = slice_nodes(f"{first.name}/weight_{i}", weight, axis, *taken, first)
        new[first] += part
        for node in nodes:
            product = node.inputs[0].node
            new[node] = [product_like(product, node.name, in_order(side, product.inputs[side], part[-1].outputs[0]))]
            replaced[node.outputs[0]] = new[node][0].outputs[0]
    _substitute(plan, new, replaced)
    plan.notes.append(f"{first.name}: apart for the gradients of input and state at {len(products)} time steps")
    return True


def _are_worth_it(plan: Plan, makers: list[Node], parts: list[list[Node]]) -> bool:
    """True if one of the parts waits for no step, or only one is wanted."""
    free = [len(nodes) >= LEAST_STEPS and downstream(plan, set(nodes)).isdisjoint(makers) for nodes in parts]
    return len(parts) == 1 or free.count(True) == 1


def _slices(plan: Plan, products: list[Node], axis: int) -> dict[Node, tuple[int, int]] | None:
    """The nodes that take a part of the products along an axis, with which part; None if anything else takes them."""
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
        if begin is None or begin[1 - axis] != 0 or not has_known_dims(node.outputs[0]):
            return None
        sizes = sizes_of(node.outputs[0])
        if sizes[1 - axis] != sizes_of(node.inputs[0])[1 - axis] or node.guard != products[0].guard:
            return None
        found[node] = int(begin[axis]), int(begin[axis]) + sizes[axis]
    return found


# --- the stacks that the gradient of the weight takes -----------------------------------------------------------------


def _join_stacks(plan: Plan) -> None:
    """The stack of joined inputs and states is the stack of the inputs joined with that of the states."""
    consumers = plan.consumers()
    fetched, waited_for = set(plan.fetches), waited_for_in(plan)
    new, replaced = {}, {}
    for node in plan.nodes:
        joined = [v.node for v in node.inputs[:-1]]
        axis = next((axis for axis in SIDES if _joins(node, axis) and _are_alike(joined, 1 - axis)), None)
        if axis is None or node in waited_for or not waited_for.isdisjoint(joined):
            continue
        if any(consumers[n.outputs[0]] != [node] or n.outputs[0] in fetched for n in joined):
            continue
        sides = [concat_nodes(f"{node.name}/{i}", list(values), axis, node)
                 for i, values in enumerate(zip(*(n.inputs[:-1] for n in joined), strict=True))]  # fmt: skip
        whole = concat_nodes(node.name, [side[-1].outputs[0] for side in sides], 1 - axis, node)
        new[node] = [*(n for side in sides for n in side), *whole]
        new.update((n, []) for n in joined)
        replaced[node.outputs[0]] = whole[-1].outputs[0]
    if new:
        _substitute(plan, new, replaced)


def _are_alike(nodes: list[Node], axis: int) -> bool:
    """True for at least a few concatenations along an axis, of parts of the same shapes."""
    if len(nodes) < LEAST_STEPS or not all(_joins(n, axis) for n in nodes):
        return False
    first = [v.dims for v in nodes[0].inputs]
    return all([v.dims for v in n.inputs] == first and n.guard == nodes[0].guard for n in nodes) and all(
        has_known_dims(v) for v in nodes[0].inputs)  # fmt: skip
