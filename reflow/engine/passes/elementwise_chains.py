"""Chains of elementwise ops for which ATen has one call: they read and write memory once.

a + b c, a - b c, a + b / c, a + s b with a number s, (1 - u) a + u b and a + u (b - a), and x sigmoid(x). The results
differ from those of the single ops by rounding only.
"""

import numpy as np

from reflow.engine.passes.rewriting import constant_of, has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.graph.registry import define_op
from reflow.graph.shapes import num_elements
from reflow.ops.shape_rules import broadcast_all, unchanged_shape

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_SUMS = frozenset({"Add", "AddV2", "AddN"})
# Smaller tensors gain little, and keep TensorFlow's rounding.
_LEAST_ELEMENTS = 256

_ENDS = _SUMS | {"Sub", "Mul"}

_TERNARY = "a: T, b: T, c: T -> sum: T"
define_op("_AddProduct", _TERNARY, "T: type, value: int = 1", shape=broadcast_all, gradient=None,
          kernel="torch.addcmul({a}, {b}, {c}, value={value})")  # fmt: skip
define_op("_AddQuotient", _TERNARY, "T: type, value: int = 1", shape=unchanged_shape, gradient=None,
          kernel="torch.addcdiv({a}, {b}, {c}, value={value})")  # fmt: skip
define_op("_AddScaled", "a: T, b: T -> sum: T", "T: type, scale: float", shape=unchanged_shape, gradient=None,
          kernel="torch.add({a}, {b}, alpha={scale})")  # fmt: skip
define_op("_Lerp", "start: T, end: T, weight: T -> mean: T", "T: type", shape=unchanged_shape, gradient=None,
          kernel="torch.lerp({start}, {end}, {weight})")  # fmt: skip
define_op("_Silu", "x: T -> y: T", "T: type", shape=unchanged_shape, gradient=None,
          kernel="torch.nn.functional.silu({x})")  # fmt: skip


def fuse_chains(plan: Plan) -> Plan:
    """Rewrite sums, differences and products that end a chain whose other results nothing else takes."""
    chains = _Chains(plan)
    for node in plan.nodes:
        if node.type in _ENDS and node.outputs[0].dtype in _TYPES and _is_large(node.outputs[0]):
            chains.visit(node)
    new = chains.made
    if new:
        plan.nodes = [new.get(node, node) for node in plan.nodes if node not in chains.gone]
        plan.replace({old.outputs[0]: made.outputs[0] for old, made in new.items()}, new)
        plan.notes.append(f"{len(new)} chains of elementwise ops: one call each")
    return plan


class _Chains:
    """Looks for the ends of chains; `made` has the node in place of each, `gone` those that became part of one."""

    def __init__(self, plan: Plan):
        self.made: dict[Node, Node] = {}
        self.gone: set[Node] = set()
        self._consumers = plan.consumers()
        self._fetched = set(plan.fetches)
        self._waited_for = waited_for_in(plan)

    def visit(self, node: Node) -> None:
        """Make the one node for the chain that ends with `node`, if there is one."""
        made = self._rewritten(node)
        if made is not None:
            self.made[node] = made

    def _rewritten(self, node: Node) -> Node | None:
        if node.type in _SUMS and len(node.inputs) == 2:
            left, right = node.inputs
            orders = (left, right), (right, left)
            means = (made for a, b in orders if (made := self._mean(node, a, b)) is not None)
            sums = (made for a, b in orders if (made := self._sum(node, a, b, 1)) is not None)
            return next(means, None) or next(sums, None)
        elif node.type == "Sub":
            return self._sum(node, node.inputs[0], node.inputs[1], -1)
        elif node.type == "Mul":
            return self._silu(node)
        return None

    def _sum(self, node: Node, addend: Value, term: Value, sign: int) -> Node | None:
        product = self._inner(term, node, "Mul", "RealDiv")
        if product is None or addend is term or not has_known_dims(addend):
            return None
        x, y = product.inputs
        if addend.dims != node.outputs[0].dims:
            # A normalization: images times a vector, plus a vector.
            plain = product.type == "Mul" and node.outputs[0].dims in (x.dims, y.dims)
            return self._merged(node, [product], "_AddProduct", [addend, x, y], {"value": sign}) if plain else None
        if product.type == "RealDiv":
            return self._merged(node, [product], "_AddQuotient", [addend, x, y], {"value": sign})
        for factor, scale in ((x, constant_of(y)), (y, constant_of(x))):
            if scale is not None and scale.size == 1 and np.isfinite(scale).all() and factor.dims == term.dims:
                return self._merged(node, [product], "_AddScaled", [addend, factor], {"scale": sign * scale.item()})
        return self._merged(node, [product], "_AddProduct", [addend, x, y], {"value": sign})

    def _mean(self, node: Node, first: Value, second: Value) -> Node | None:
        """first + second, where that is a + u (b - a), or u b + (1 - u) a."""
        product = self._inner(second, node, "Mul")
        if product is None:
            return None
        for weight, factor in (product.inputs, reversed(product.inputs)):
            if weight.dims not in (second.dims, ()):
                continue
            difference = self._inner(factor, product, "Sub")
            if difference is not None and difference.inputs[1] is first:
                gone = [product, difference]
                return self._merged(node, gone, "_Lerp", [first, difference.inputs[0], weight], {})
            complement = self._inner(weight, product, "Sub")
            other = self._inner(first, node, "Mul")
            if complement is None or other is None or not _is_one(complement.inputs[0]):
                continue
            weight = complement.inputs[1]
            if weight in other.inputs and weight.dims == second.dims:
                end = other.inputs[1] if other.inputs[0] is weight else other.inputs[0]
                return self._merged(node, [product, complement, other], "_Lerp", [factor, end, weight], {})
        return None

    def _silu(self, node: Node) -> Node | None:
        for x, y in (node.inputs, reversed(node.inputs)):
            sigmoid = self._inner(y, node, "Sigmoid")
            if sigmoid is not None and sigmoid.inputs[0] is x:
                return self._merged(node, [sigmoid], "_Silu", [x], {})
        return None

    def _inner(self, value: Value, taker: Node, *kinds: str) -> Node | None:
        """The node that makes `value`, if it is one of `kinds` and nothing but `taker` takes it."""
        node = value.node
        if node.type not in kinds or node.control or node in self._waited_for:
            return None
        # The end of another chain has no parts any more.
        if node in self.gone or node in self.made:
            return None
        if value.dims != taker.outputs[0].dims or node.guard != taker.guard or node.device != taker.device:
            return None
        return node if sole_consumer(value, self._consumers, self._fetched) is taker else None

    def _merged(self, node: Node, parts: list[Node], op: str, inputs: list[Value], attrs: dict) -> Node | None:
        output = node.outputs[0]
        self.gone.update(parts)
        return new_node(node.name, op, inputs, {"T": output.dtype, **attrs}, [(output.dtype, output.dims)], like=node)


def _is_large(value: Value) -> bool:
    return has_known_dims(value) and (num_elements(value.dims) or 0) >= _LEAST_ELEMENTS


def _is_one(value: Value) -> bool:
    array = constant_of(value)
    return array is not None and array.size == 1 and array.item() == 1
