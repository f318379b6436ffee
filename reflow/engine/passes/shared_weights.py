"""One product for all time steps with a weight that an unrolled recurrent network uses at each of them.

Cells are also written with a matrix for the input and another for the state, x U + h V + b. The products x U wait for
nothing that the recurrence makes: the inputs of all steps are stacked and multiplied by U at once, with the bias where
every step adds the same one. So are the outputs of all steps by the weight of an output layer and, in the gradient, the
gradients of the steps by U'. What is left at a step is h V, to which its block of rows is added in the same call.

(`recurrent_products.py` does this where input and state are joined first.)
"""

from reflow.engine.passes.common_subexpressions import merge_common_subexpressions
from reflow.engine.passes.rewriting import (
    concat_nodes,
    downstream,
    has_known_dims,
    order_of_stack,
    sizes_of,
    sole_consumer,
    split_rows_nodes,
    waited_for_in,
)
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_SUMS = frozenset({"Add", "AddV2"})
# With fewer time steps there is little to gain.
_LEAST_STEPS = 3
# From so many rows on a product runs at full speed by itself.
_MOST_ROWS = 256


def merge_products_over_time(plan: Plan) -> Plan:
    """Rewrite the products that share a weight, do not depend on each other, and stand in a recurrence."""
    if plan.lacks("MatMul", "_FusedMatMul"):
        return plan
    changed = False
    for products in _groups(plan):
        # A product of states may be part of a sum by now.
        if set(products) <= set(plan.nodes) and _stand_in_a_recurrence(plan, products):
            _merge(plan, products)
            changed = True
    # The stack of inputs is the one that the gradient of the weight takes.
    return merge_common_subexpressions(plan) if changed else plan


def _groups(plan: Plan) -> list[list[Node]]:
    """Products that differ in their left side only; of those that nothing waits for, since they go."""
    waited_for = waited_for_in(plan)
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type not in ("MatMul", "_FusedMatMul") or node.control or node in waited_for:
            continue
        left, right = node.inputs[:2]
        if node.attrs["transpose_a"] or not has_known_dims(left) or not has_known_dims(right):
            continue
        # A matrix that is added is another one at every step.
        if node.outputs[0].dtype not in _TYPES or any(len(v.dims or ()) != 1 for v in node.inputs[2:]):
            continue
        key = (node.type, *map(id, node.inputs[1:]), node.attrs["transpose_b"], node.attrs.get("activation"), left.dims,
               node.device, node.guard)  # fmt: skip
        groups.setdefault(key, []).append(node)
    return [g for g in groups.values() if len(g) >= _LEAST_STEPS and sizes_of(g[0].inputs[0])[0] < _MOST_ROWS]


def _stand_in_a_recurrence(plan: Plan, products: list[Node]) -> bool:
    """True if none of the products depends on another one, but what takes them, or what they take, forms a chain."""
    if _depend_on(plan, products, [v for p in products for v in p.inputs]):
        return False
    if len({id(p.inputs[0]) for p in products}) < len(products):
        return False
    consumers = plan.consumers()
    takers = [set(consumers.get(product.outputs[0], ())) for product in products]
    after_first = downstream(plan, takers[0]) - takers[0]
    if all(not group.isdisjoint(after_first) for group in takers[1:]):
        return True
    makers = {product.inputs[0].node for product in products}
    first = next((node for node in plan.nodes if node in makers), None)
    return first is not None and len(makers) == len(products) and makers <= downstream(plan, {first})


def _depend_on(plan: Plan, products: list[Node], values: list[Value]) -> bool:
    """True if any of the values depends on any of the products."""
    later = downstream(plan, set(products))
    return any(value.node in later for value in values)


def _merge(plan: Plan, products: list[Node]) -> None:
    first = products[0]
    steps = _Steps(plan, products)
    name = f"{first.name}/all_steps"
    order = order_of_stack(plan, [product.inputs[0] for product in products])
    stack = concat_nodes(f"{name}/rows", order, 0, first)
    together = _stacked(name, first, stack[-1].outputs[0], steps.bias)
    parts = split_rows_nodes(f"{name}/split", together.outputs[0], len(products), first)
    part_of = dict(zip(order, parts[-1].outputs, strict=True))
    replaced: dict[Value, Value] = {}
    sums: dict[Node, Node] = {}
    new: dict[Node, list[Node]] = {product: [] for product in products}
    new[first] = [*stack, together, *parts]
    for product in products:
        part = part_of[product.inputs[0]]
        end, state_product = steps.ends.get(product, (product, None))
        if state_product is not None:
            total = _with_addend(end.name, state_product, part)
            new.update(dict.fromkeys(steps.between(product), []))
            new[end] = [total]
            sums[end] = total
            part = total.outputs[0]
        replaced[end.outputs[0]] = part
    plan.nodes = [made for node in plan.nodes for made in new.get(node, [node])]
    plan.replace(replaced, sums)
    plan.nodes = topological(plan.nodes)
    plan.notes.append(f"{first.name}: one product for {len(products)} time steps")


class _Steps:
    """What follows the products: sums with the products of the states, and the same bias at every step.

    Attributes:
      bias: what the product of all steps adds to each row; None if nothing.
      ends: for a product, the node whose value is the sum at its step, and the product of the state in it.
    """

    def __init__(self, plan: Plan, products: list[Node]):
        self._consumers = plan.consumers()
        self._fetched = set(plan.fetches)
        self._waited_for = waited_for_in(plan)
        self.bias: Value | None = products[0].inputs[2] if len(products[0].inputs) > 2 else None
        self.ends: dict[Node, tuple[Node, Node]] = {}
        self._gone: dict[Node, list[Node]] = {}
        sums = [] if products[0].attrs.get("activation") else [self._sum_of(product) for product in products]
        found = [pair for pair in sums if pair is not None]
        # A product that stands in two of the sums can be part of one only.
        if len(found) < len(products) or len({state for _, state in found}) < len(products):
            return
        for product, (total, state) in zip(products, found, strict=True):
            self.ends[product] = total, state
            self._gone[product] = [total, state]
        self._take_bias(plan, products)

    def between(self, product: Node) -> list[Node]:
        """The nodes of a step that go."""
        return self._gone[product]

    def _sum_of(self, product: Node) -> tuple[Node, Node] | None:
        """The sum of this product with another one that nothing else takes, and that other one."""
        total = self._sole_taker(product)
        if total is None or total.type not in _SUMS:
            return None
        left, right = total.inputs
        other = (right if left.node is product else left).node
        plain = other.type == "MatMul" and not other.control and other not in self._waited_for
        if not plain or other is product or other.outputs[0].dims != product.outputs[0].dims:
            return None
        return (total, other) if other.guard == total.guard and self._sole_taker(other) is total else None

    def _take_bias(self, plan: Plan, products: list[Node]) -> None:
        """Let the product of all steps add the bias, if every step adds the same vector to its sum."""
        ends = [self._sole_taker(self.ends[product][0]) for product in products]
        biases = {self._vector_in(end, self.ends[p][0]) for p, end in zip(products, ends, strict=True)}
        bias = next(iter(biases))
        if self.bias is not None or len(biases) > 1 or bias is None or _depend_on(plan, products, [bias]):
            return
        self.bias = bias
        for product, end in zip(products, ends, strict=True):
            if end is not None:  # It never is: the bias was found in each.
                self._gone[product].append(end)
                self.ends[product] = end, self.ends[product][1]

    def _vector_in(self, end: Node | None, total: Node) -> Value | None:
        if end is None or end.type not in _SUMS | {"BiasAdd"} or end.attrs.get("data_format") == b"NCHW":
            return None
        left, right = end.inputs
        other = right if left.node is total else left
        columns = (total.outputs[0].dims or (0,))[-1]
        return other if other.dims == (columns,) and not other.is_state else None

    def _sole_taker(self, node: Node) -> Node | None:
        """The one node that takes this one's value, under the same conditions and with nothing else to wait for."""
        taker = sole_consumer(node.outputs[0], self._consumers, self._fetched)
        if taker is None or taker.control or node in self._waited_for:
            return None
        return taker if taker.guard == node.guard and taker.device == node.device else None


def _stacked(name: str, first: Node, rows: Value, bias: Value | None) -> Node:
    weight = first.inputs[1]
    columns = (weight.dims or (0, 0))[0 if first.attrs["transpose_b"] else 1]
    attrs = {"T": rows.dtype, "transpose_a": False, "transpose_b": first.attrs["transpose_b"]}
    if bias is not None:
        attrs["activation"] = first.attrs.get("activation", "")
    inputs = [rows, weight] if bias is None else [rows, weight, bias]
    node = new_node(name, "MatMul" if bias is None else "_FusedMatMul", inputs, attrs,
                    [(rows.dtype, ((rows.dims or (0,))[0], columns))], like=first)  # fmt: skip
    node.control = []
    return node


def _with_addend(name: str, product: Node, addend: Value) -> Node:
    """A product plus a matrix, as one call."""
    output = product.outputs[0]
    attrs = {"T": output.dtype, "activation": "", **{k: product.attrs[k] for k in ("transpose_a", "transpose_b")}}
    return new_node(name, "_FusedMatMul", [*product.inputs, addend], attrs, [(output.dtype, output.dims)], like=product)
