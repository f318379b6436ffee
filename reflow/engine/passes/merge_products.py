"""A sum of matrix products over time becomes one product: A1'B1 + A2'B2 + ... = [A1; A2; ...]' [B1; B2; ...].

The gradient of a weight that an unrolled recurrent network uses at every step is such a sum of many small products.
"""

import numpy as np

from reflow.engine.passes.rewriting import sole_consumer
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})


def merge_products(plan: Plan) -> Plan:
    """Rewrite AddN nodes whose inputs are all products with a transposed first factor."""
    consumers = plan.consumers()
    fetched = set(plan.fetches)
    replaced: dict[Value, Value] = {}
    in_place_of: dict[Node, list[Node]] = {}
    gone: set[Node] = set()
    for node in plan.nodes:
        if node.type != "AddN" or node.control or node.outputs[0].dtype not in _TYPES:
            continue
        products = [value.node for value in node.inputs]
        if len(products) < 3 or not all(_fits(p, node, products[0], consumers, fetched) for p in products):
            continue
        new = _one_product(node, products)
        in_place_of[node] = new
        replaced[node.outputs[0]] = new[-1].outputs[0]
        gone.update(products)
        plan.notes.append(f"{node.name}: {len(products)} products as one")
    if in_place_of:
        nodes: list[Node] = []
        for node in plan.nodes:
            if node in in_place_of:
                nodes.extend(in_place_of[node])
            elif node not in gone:
                nodes.append(node)
        plan.nodes = nodes
        plan.replace(replaced, {node: new[-1] for node, new in in_place_of.items()})
    return plan


def _fits(product: Node, total: Node, first: Node, consumers, fetched) -> bool:
    """True if this is a product A'B that only the sum takes, with inner dimensions like the first one's."""
    if product.type != "MatMul" or product.control or product.device != total.device:
        return False
    if not product.attrs["transpose_a"] or product.attrs["transpose_b"]:
        return False
    sizes, wanted = ([v.dims for v in node.inputs] for node in (product, first))
    if any(dims is None or None in dims for dims in sizes + wanted):
        return False
    if [dims[1:] for dims in sizes if dims] != [dims[1:] for dims in wanted if dims]:
        return False
    return sole_consumer(product.outputs[0], consumers, fetched) is total


def _one_product(total: Node, products: list[Node]) -> list[Node]:
    dtype = total.outputs[0].dtype
    axis = new_node(f"{total.name}/axis", "Const", [], {"value": np.array(0, np.int32), "dtype": dtypes.int32},
                    [(dtypes.int32, ())], like=total)  # fmt: skip
    stacked = []
    for side, position in (("a", 0), ("b", 1)):
        factors = [p.inputs[position] for p in products]
        dims = [f.dims or () for f in factors]
        rows = sum(d[0] or 0 for d in dims)
        attrs = {"N": len(factors), "T": dtype, "Tidx": dtypes.int32}
        stacked.append(new_node(f"{total.name}/{side}", "ConcatV2", [*factors, axis.outputs[0]], attrs,
                                [(dtype, (rows, *dims[0][1:]))], like=total))  # fmt: skip
    product = new_node(total.name, "MatMul", [s.outputs[0] for s in stacked], products[0].attrs,
                       [(dtype, total.outputs[0].dims)], like=total)  # fmt: skip
    return [axis, *stacked, product]
