"""A sum of matrix products over time becomes one product: A1'B1 + A2'B2 + ... = [A1; A2; ...]' [B1; B2; ...].

The gradient of a weight that an unrolled recurrent network uses at every step is such a sum of many small products, and
that of a bias a sum of sums over rows.
"""

from reflow.engine.passes.common_subexpressions import merge_common_subexpressions
from reflow.engine.passes.rewriting import concat_nodes, constant_of, has_known_dims, order_of_stack, sole_consumer
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_LEAST_TERMS = 3


def merge_products(plan: Plan) -> Plan:
    """Rewrite AddN nodes whose inputs are all products with a transposed first factor, or all sums over rows."""
    if plan.lacks("AddN"):
        return plan
    products = _rewrite_sums(plan, _is_product, _one_product, "products")
    sums = _rewrite_sums(plan, _is_sum_of_rows, _one_sum, "sums of rows")
    if products and sums:
        # A weight's product and its bias's sum take the same stack of gradients.
        return merge_common_subexpressions(plan)
    return plan


def _rewrite_sums(plan: Plan, fits, merged, what: str) -> bool:
    consumers = plan.consumers()
    fetched = set(plan.fetches)
    position = {node: i for i, node in enumerate(plan.nodes)}
    replaced: dict[Value, Value] = {}
    in_place_of: dict[Node, list[Node]] = {}
    gone: set[Node] = set()
    for node in plan.nodes:
        if node.type != "AddN" or node.control or node.outputs[0].dtype not in _TYPES:
            continue
        terms = [value.node for value in node.inputs]
        if len(terms) < _LEAST_TERMS or not all(fits(term, terms[0]) for term in terms):
            continue
        if any(t.control or t.device != node.device or sole_consumer(t.outputs[0], consumers, fetched) is not node
               for t in terms):  # fmt: skip
            continue
        # In the order of time, in which a network's inputs stand.
        terms.sort(key=lambda term: position.get(term.inputs[0].node, -1))
        new = merged(plan, node, terms)
        in_place_of[node] = new
        replaced[node.outputs[0]] = new[-1].outputs[0]
        gone.update(terms)
        plan.notes.append(f"{node.name}: {len(terms)} {what} as one")
    if in_place_of:
        plan.nodes = [new for n in plan.nodes if n not in gone for new in in_place_of.get(n, [n])]
        plan.replace(replaced, {node: new[-1] for node, new in in_place_of.items()})
    return bool(in_place_of)


def _is_product(term: Node, first: Node) -> bool:
    """True for a product A'B with inner dimensions like the first one's."""
    if term.type != "MatMul" or not term.attrs["transpose_a"] or term.attrs["transpose_b"]:
        return False
    if first.type != "MatMul" or not all(has_known_dims(v) for v in (*term.inputs, *first.inputs)):
        return False
    return [v.dims[1:] for v in term.inputs if v.dims] == [v.dims[1:] for v in first.inputs if v.dims]


def _one_product(plan: Plan, total: Node, products: list[Node]) -> list[Node]:
    stacks = [concat_nodes(f"{total.name}/{side}", [p.inputs[position] for p in products], 0, total)
              for position, side in enumerate("ab")]  # fmt: skip
    product = new_node(total.name, "MatMul", [stack[-1].outputs[0] for stack in stacks], products[0].attrs,
                       [(total.outputs[0].dtype, total.outputs[0].dims)], like=total)  # fmt: skip
    return [*stacks[0], *stacks[1], product]


def _is_sum_of_rows(term: Node, first: Node) -> bool:
    """True for the sum of a matrix's rows, of as many columns as the first one's."""
    matrix = term.inputs[0] if term.inputs else None
    if matrix is None or not has_known_dims(matrix) or len(matrix.dims or ()) != 2:
        return False
    if term.type == "Sum":
        axes = constant_of(term.inputs[1])
        if term.attrs["keep_dims"] or axes is None or axes.ravel().tolist() != [0]:
            return False
    elif term.type != "BiasAddGrad":
        return False
    return bool(first.inputs) and (first.inputs[0].dims or ())[1:] == (matrix.dims or ())[1:]


def _one_sum(plan: Plan, total: Node, sums: list[Node]) -> list[Node]:
    stack = concat_nodes(f"{total.name}/rows", order_of_stack(plan, [s.inputs[0] for s in sums]), 0, total)
    dtype = total.outputs[0].dtype
    return [*stack, new_node(total.name, "BiasAddGrad", [stack[-1].outputs[0]], {"T": dtype, "data_format": b"NHWC"},
                             [(dtype, total.outputs[0].dims)], like=total)]  # fmt: skip
