"""A sum of matrix products over time becomes one product: A1 B1 + A2 B2 + ... = [A1 A2 ...] [B1; B2; ...].

The gradient of a weight that an unrolled recurrent network uses at every step is such a sum of many small products, x'g
where states are rows and g x' where they are columns, and that of a bias a sum of sums over rows or columns. Terms may
be transposed, or have another shape, all in the same way: that is done to the sum, then.
"""

from collections.abc import Callable

from reflow.engine.passes.common_subexpressions import merge_common_subexpressions
from reflow.engine.passes.products import SIDES, kept_axis, product_like, summed_axis
from reflow.engine.passes.rewriting import (
    concat_nodes,
    constant_node,
    constant_of,
    has_known_dims,
    order_of_stack,
    sizes_of,
    sole_consumer,
    waited_for_in,
)
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_LEAST_TERMS = 3
_VIEWS = frozenset({"Reshape", "Transpose"})
# What makes a weight. (What is fed may be the input of a step, too.)
_WEIGHTS = frozenset({"Const", "ReadVariableOp", "_Read"})


def merge_products(plan: Plan) -> Plan:
    """Rewrite AddN nodes whose inputs are all products, or all sums over rows or columns."""
    if plan.lacks("AddN"):
        return plan
    products = _rewrite_sums(plan, _are_products, _one_product, "products")
    sums = _rewrite_sums(plan, _are_sums, _one_sum, "sums of rows")
    if products and sums:
        # A weight's product and its bias's sum take the same stack of gradients.
        return merge_common_subexpressions(plan)
    return plan


def _rewrite_sums(plan: Plan, fit: Callable, merged: Callable, what: str) -> bool:
    consumers = plan.consumers()
    fetched, waited_for = set(plan.fetches), waited_for_in(plan)
    position = {node: i for i, node in enumerate(plan.nodes)}
    in_place_of: dict[Node, list[Node]] = {}
    replaced: dict[Value, Value] = {}
    gone: set[Node] = set()

    def are_only_for(takers: list[Node], nodes: list[Node]) -> bool:
        return all(not node.control and node not in waited_for and node.device == taker.device
                   and sole_consumer(node.outputs[0], consumers, fetched) is taker
                   for node, taker in zip(nodes, takers, strict=True))  # fmt: skip

    for node in plan.nodes:
        if node.type != "AddN" or node.control or node.outputs[0].dtype not in _TYPES:
            continue
        views = [value.node for value in node.inputs]
        if len(views) < _LEAST_TERMS or not are_only_for([node] * len(views), views):
            continue
        terms = [view.inputs[0].node for view in views] if _are_equal_views(views) else views
        if not fit(terms) or terms is not views and not are_only_for(views, terms):
            continue
        # In the order of time, in which a network's inputs stand.
        terms.sort(key=lambda term: position.get(_state_of(term).node, -1))
        new = merged(plan, node, terms)
        if views[0] not in terms:
            new.append(_view_like(views[0], node, new[-1]))
        in_place_of[node] = new
        replaced[node.outputs[0]] = new[-1].outputs[0]
        gone.update(terms, views)
        plan.notes.append(f"{node.name}: {len(terms)} {what} as one")
    if in_place_of:
        plan.nodes = [new for n in plan.nodes if n not in gone for new in in_place_of.get(n, [n])]
        plan.replace(replaced, {node: new[-1] for node, new in in_place_of.items()})
    return bool(in_place_of)


def _state_of(term: Node) -> Value:
    """What tells the time step of a term: in a gradient x' g, or g x', that is x."""
    return term.inputs[term.type == "MatMul" and not term.attrs["transpose_a"]]


def _are_equal_views(nodes: list[Node]) -> bool:
    """True if all nodes transpose or reshape values of one shape in the same, constant way."""
    first = nodes[0]
    if first.type not in _VIEWS or constant_of(first.inputs[1]) is None:
        return False
    return all(n.type == first.type and n.inputs[1] is first.inputs[1] and n.inputs[0].dims == first.inputs[0].dims
               and n.inputs[0].node.outputs == [n.inputs[0]] for n in nodes)  # fmt: skip


def _view_like(view: Node, total: Node, sum_of_terms: Node) -> Node:
    node = new_node(total.name, view.type, [sum_of_terms.outputs[0], view.inputs[1]], view.attrs,
                    [(total.outputs[0].dtype, total.outputs[0].dims)], like=total)  # fmt: skip
    node.control = []
    return node


# --- products ---------------------------------------------------------------------------------------------------------


def _are_products(terms: list[Node]) -> bool:
    """True for products that agree in all but the sizes that they sum over."""
    if not all(t.type == "MatMul" and all(has_known_dims(v) for v in t.inputs) for t in terms):
        return False
    if len({_form(term) for term in terms}) > 1:
        return False
    # Sums over a state's gates, each with its weight, are none over time: to stack weights would only copy them.
    weights = _WEIGHTS if terms[0].attrs["transpose_a"] else _WEIGHTS | {"_Feed"}
    return not any(all(t.inputs[side].node.type in weights for t in terms) for side in SIDES)


def _form(product: Node) -> tuple:
    """How a product transposes its factors, and its sizes."""
    axes = tuple(kept_axis(product, position) for position in SIDES)
    return axes, tuple(sizes_of(v)[axis] for v, axis in zip(product.inputs, axes, strict=True))


def _one_product(plan: Plan, total: Node, products: list[Node]) -> list[Node]:
    first = products[0]
    stacks = [concat_nodes(f"{total.name}/{'ab'[side]}", [p.inputs[side] for p in products], summed_axis(first, side),
                           total) for side in SIDES]  # fmt: skip
    product = product_like(first, total.name, [stack[-1].outputs[0] for stack in stacks])
    return [*stacks[0], *stacks[1], product]


# --- sums -------------------------------------------------------------------------------------------------------------


def _are_sums(terms: list[Node]) -> bool:
    """True for the sums of matrices over the same axis, which agree in the other one."""
    axis = _axis_of_sum(terms[0])
    if axis is None or any(_axis_of_sum(term) != axis for term in terms):
        return False
    return len({sizes_of(term.inputs[0])[1 - axis] for term in terms}) == 1


def _axis_of_sum(node: Node) -> int | None:
    """The axis over which a node sums a matrix and makes a vector; None for any other node."""
    matrix = node.inputs[0] if node.inputs else None
    if matrix is None or not has_known_dims(matrix) or len(matrix.dims or ()) != 2:
        return None
    if node.type == "BiasAddGrad":
        return 0 if node.attrs.get("data_format") != b"NCHW" else None
    axes = constant_of(node.inputs[1]) if node.type == "Sum" and not node.attrs["keep_dims"] else None
    return int(axes.item()) % 2 if axes is not None and axes.size == 1 else None


def _one_sum(plan: Plan, total: Node, sums: list[Node]) -> list[Node]:
    axis = _axis_of_sum(sums[0]) or 0
    stack = concat_nodes(f"{total.name}/rows", order_of_stack(plan, [s.inputs[0] for s in sums]), axis, total)
    rows, dtype = stack[-1].outputs[0], total.outputs[0].dtype
    output = [(dtype, (sizes_of(rows)[1 - axis],))]
    if axis == 0:
        attrs = {"T": dtype, "data_format": b"NHWC"}
        return [*stack, new_node(total.name, "BiasAddGrad", [rows], attrs, output, like=total)]
    axes = constant_node(f"{total.name}/axis", [axis], dtypes.int32, total)
    attrs = {"T": dtype, "Tidx": dtypes.int32, "keep_dims": False}
    return [*stack, axes, new_node(total.name, "Sum", [rows, axes.outputs[0]], attrs, output, like=total)]
