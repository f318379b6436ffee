"""One product for all time steps with a weight that an unrolled recurrent network uses at each of them.

Cells are written with a matrix for the input and another for the state, x U + h V + b. (`recurrent_products.py` makes
this of cells that join the two.) The products x U wait for nothing that the recurrence makes: the inputs of all steps
are stacked and multiplied by U at once, with the bias where every step adds the same one. So are the outputs of all
steps by the weight of an output layer and, in the gradient, the gradients of the steps by U'. What is left at a step is
h V, to which its block of rows is added in the same call. States as columns, U x + V h + b, are stacked side by side.
"""

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
    split_nodes,
    sum_node,
)
from reflow.engine.passes.rewriting import (
    concat_nodes,
    downstream,
    has_known_dims,
    order_of_stack,
    sizes_of,
    sole_consumer,
    waited_for_in,
)
from reflow.engine.plan import Node, Plan, Value
from reflow.engine.schedule import topological
from reflow.graph import dtypes

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_SUMS = frozenset({"Add", "AddN", "AddV2"})
_SUMS_AND_BIASES = _SUMS | {"BiasAdd"}
# How many sums there may be from a product of the input to that with a product of the state: of other inputs, biases.
_MOST_SUMS = 4


def merge_products_over_time(plan: Plan) -> Plan:
    """Rewrite the products that share a weight, do not depend on each other, and stand in a recurrence."""
    if plan.lacks("MatMul", "_FusedMatMul"):
        return plan
    changed = False
    plan = remove_dead_nodes(plan)
    for side in SIDES:
        for products in _groups(plan, side):
            # A product of states may be part of a sum by now.
            if set(products) <= set(plan.nodes) and _stand_in_a_recurrence(plan, products, side):
                _merge(plan, products, side)
                changed = True
    # The stack of inputs is the one that the gradient of the weight takes.
    return merge_common_subexpressions(plan) if changed else plan


def _groups(plan: Plan, side: int) -> list[list[Node]]:
    """Products that differ in the factor at `side` only; of those that nothing waits for, since they go."""
    waited_for = waited_for_in(plan)
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type not in ("MatMul", "_FusedMatMul") or node.control or node in waited_for:
            continue
        if node.outputs[0].dtype not in _TYPES or not all(has_known_dims(v) for v in node.inputs[:2]):
            continue
        # A matrix that is added is another one at every step, and a vector is one for rows.
        if any(side != ROWS or len(v.dims or ()) != 1 for v in node.inputs[2:]):
            continue
        shared = id(node.inputs[1 - side]), *map(id, node.inputs[2:]), node.attrs.get("activation")
        key = (node.type, *shared, kept_axis(node, 0), kept_axis(node, 1), node.inputs[side].dims, node.device,
               node.guard)  # fmt: skip
        groups.setdefault(key, []).append(node)
    return [g for g in groups.values() if len(g) >= LEAST_STEPS and sizes_of(g[0].outputs[0])[side] < MOST_ROWS]


def _stand_in_a_recurrence(plan: Plan, products: list[Node], side: int) -> bool:
    """True if none of the products depends on another one, but what takes them, or what they take, forms a chain."""
    if _depend_on(plan, products, [v for p in products for v in p.inputs]):
        return False
    if len({id(p.inputs[side]) for p in products}) < len(products):
        return False
    if _form_a_chain_behind(plan, products):
        return True
    makers = {product.inputs[side].node for product in products}
    first = next((node for node in plan.nodes if node in makers), None)
    return first is not None and len(makers) == len(products) and makers <= downstream(plan, {first})


def _form_a_chain_behind(plan: Plan, products: list[Node]) -> bool:
    """True if what takes each of the products, be it behind some sums, depends on what takes the first one."""
    consumers = plan.consumers()
    takers = [set(consumers.get(product.outputs[0], ())) for product in products]
    for _ in range(_MOST_SUMS):
        after_first = downstream(plan, takers[0]) - takers[0]
        if all(not group.isdisjoint(after_first) for group in takers[1:]):
            return True
        if not all(taker.type in _SUMS_AND_BIASES for group in takers for taker in group):
            return False
        takers = [{n for taker in group for n in consumers.get(taker.outputs[0], ())} for group in takers]
    return False


def _depend_on(plan: Plan, products: list[Node], values: list[Value]) -> bool:
    """True if any of the values depends on any of the products."""
    later = downstream(plan, set(products))
    return any(value.node in later for value in values)


def _merge(plan: Plan, products: list[Node], side: int) -> None:
    first, steps = products[0], _Steps(plan, products, side)
    made, parts = _all_steps(plan, products, side, steps.bias)
    replaced: dict[Value, Value] = {}
    new: dict[Node, list[Node]] = {product: [] for product in products}
    new[first] = made
    for product in products:
        end, part = steps.ends[product], parts[product.inputs[side]]
        new.update((node, []) for node in steps.gone[product] if node is not end)
        if product in steps.states:
            state = steps.states[product]
            total = product_like(state, end.name, state.inputs, part)
            new[end] = [total]
            part = total.outputs[0]
        elif end is not product:
            new[end] = []
        replaced[end.outputs[0]] = part
    plan.nodes = [node for old in plan.nodes for node in new.get(old, [old])]
    plan.replace(replaced)
    plan.nodes = topological(plan.nodes)
    plan.notes.append(f"{first.name}: one product for {len(products)} time steps")


def _all_steps(plan: Plan, products: list[Node], side: int, bias: Value | None) -> tuple[list[Node], dict]:
    """The nodes of the one product, and its parts by the factor that they are made of."""
    first = products[0]
    name = f"{first.name}/all_steps"
    order = order_of_stack(plan, [product.inputs[side] for product in products])
    stack = concat_nodes(f"{name}/stack", order, kept_axis(first, side), first)
    is_vector = bias is not None and len(bias.dims or ()) == 1
    together = product_like(first, name, in_order(side, stack[-1].outputs[0], first.inputs[1 - side]),
                            bias if is_vector else None, first.attrs.get("activation", ""))  # fmt: skip
    made = [*stack, together]
    if bias is not None and not is_vector:
        made.append(sum_node(f"{name}/bias", together.outputs[0], bias, first))
    parts = split_nodes(f"{name}/split", made[-1].outputs[0], len(products), side, first)
    return [*made, *parts], dict(zip(order, parts[-1].outputs, strict=True))


class _Steps:
    """What follows the products in the same way at all steps: a bias, and the sum with a product of the state.

    Attributes:
      bias: what is added to each row (or column) of the products; None if nothing.
      states: for a product, that of the state in the same sum; empty if there is none.
      ends: for a product, the last of the nodes that become part of the new ones.
      gone: for a product, all of these.
    """

    def __init__(self, plan: Plan, products: list[Node], side: int):
        self._plan, self._side = plan, side
        self._consumers = plan.consumers()
        self._fetched = set(plan.fetches)
        self._waited_for = waited_for_in(plan)
        self.bias: Value | None = products[0].inputs[2] if len(products[0].inputs) > 2 else None
        self.states: dict[Node, Node] = {}
        self.ends: dict[Node, Node] = {product: product for product in products}
        self.gone: dict[Node, list[Node]] = {product: [] for product in products}
        if products[0].attrs.get("activation"):
            return
        self._take_bias()
        if self._take_states():
            self._take_bias()

    def _takers(self) -> list[Node] | None:
        """The one node at each step that takes what there is so far; None if it is not so at every step."""
        takers = [self._sole_taker(end) for end in self.ends.values()]
        found = [taker for taker in takers if taker is not None]
        return found if len(set(found)) == len(self.ends) else None

    def _advance(self, takers: list[Node]) -> None:
        for product, taker in zip(self.ends, takers, strict=True):
            self.ends[product] = taker
            self.gone[product].append(taker)

    def _take_bias(self) -> None:
        """Let the product of all steps add the bias, if every step adds the same."""
        takers = self._takers()
        if self.bias is not None or takers is None:
            return
        biases = {self._bias_in(taker, end) for taker, end in zip(takers, self.ends.values(), strict=True)}
        bias = biases.pop()
        if not biases and bias is not None and not _depend_on(self._plan, list(self.ends), [bias]):
            self.bias = bias
            self._advance(takers)

    def _bias_in(self, taker: Node, end: Node) -> Value | None:
        """What a node adds to each row of `end`, or to each column where states are columns."""
        is_sum = taker.type in _SUMS and len(taker.inputs) == 2
        if not is_sum and (taker.type != "BiasAdd" or taker.attrs["data_format"] == b"NCHW"):
            return None
        left, right = taker.inputs
        other, sizes = right if left.node is end else left, list(sizes_of(end.outputs[0]))
        sizes[self._side] = 1
        fits = other.dims == tuple(sizes) or self._side == ROWS and other.dims == tuple(sizes[1:])
        return other if fits and not other.is_state else None

    def _take_states(self) -> bool:
        takers = self._takers()
        if takers is None:
            return False
        states = [self._state_in(taker, end) for taker, end in zip(takers, self.ends.values(), strict=True)]
        found = {state for state in states if state is not None}
        # Products that wait for none of these are of another input: they become one, too.
        if len(found) < len(takers) or found.isdisjoint(downstream(self._plan, set(takers))):
            return False
        self._advance(takers)
        for product, state in zip(self.ends, states, strict=True):
            if state is not None:  # It never is: there are as many as steps.
                self.states[product] = state
                self.gone[product].append(state)
        return True

    def _state_in(self, taker: Node, end: Node) -> Node | None:
        """The product that a node adds to `end`, if nothing else takes it."""
        if taker.type not in _SUMS or len(taker.inputs) != 2:
            return None
        left, right = taker.inputs
        other = (right if left.node is end else left).node
        plain = other.type == "MatMul" and not other.control and other.outputs[0].dims == end.outputs[0].dims
        return other if plain and self._sole_taker(other) is taker else None

    def _sole_taker(self, node: Node) -> Node | None:
        """The one node that takes this one's value, under the same conditions, with nothing that waits for them."""
        taker = sole_consumer(node.outputs[0], self._consumers, self._fetched)
        if taker is None or taker.control or not self._waited_for.isdisjoint((node, taker)):
            return None
        return taker if taker.guard == node.guard and taker.device == node.device else None
