"""Batch normalization in inference: its scale goes into the weights before it, its offset becomes their bias.

Behind a convolution or a matrix product, y = scale * (x w) + offset = x (w * scale) + offset. With the constants of a
frozen graph the new weights are computed once, when the plan is made. With variables it happens in every step, where
the weights are fewer than the images that would have to be scaled. In a step that trains, the product itself is wanted
for the gradient, and so it stays.
"""

import numpy as np

from reflow.engine.passes.rewriting import constant_of, has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.graph.shapes import num_elements

_NORMS = frozenset({"FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"})
_PRODUCTS = frozenset({"Conv2D", "DepthwiseConv2dNative", "MatMul"})


def fold_batch_norm(plan: Plan) -> Plan:
    """Rewrite FusedBatchNorm nodes with given statistics, and products by a vector of the channels."""
    if plan.lacks(*_PRODUCTS):
        return plan
    folding = _Folding(plan)
    for node in plan.nodes:
        folding.visit(node)
    if folding.made:
        plan.nodes = [n for old in plan.nodes if old not in folding.gone for n in folding.made.get(old, [old])]
        plan.replace(folding.replaced)
        plan.notes.append(f"{len(folding.made)} scales of channels: in the weights before them")
    return plan


class _Folding:
    """`made` has the nodes in place of each scale, `gone` what they make needless."""

    def __init__(self, plan: Plan):
        self.made: dict[Node, list[Node]] = {}
        self.gone: set[Node] = set()
        self.replaced: dict[Value, Value] = {}
        self._consumers = plan.consumers()
        self._fetched = set(plan.fetches)
        self._waited_for = waited_for_in(plan)

    def visit(self, node: Node) -> None:
        """Fold `node`, if it scales the channels of a product."""
        if node.control or node in self._waited_for or not node.outputs or node.outputs[0].dtype is not dtypes.float32:
            return
        if node.type in _NORMS and not node.attrs["is_training"]:
            self._fold_norm(node)
        elif node.type == "Mul":
            for x, factor in (node.inputs, node.inputs[::-1]):
                if self._fold_scale(node, x, factor):
                    return

    def _fold_scale(self, node: Node, x: Value, factor: Value) -> bool:
        product = self._product_before(x, node)
        if product is None or _channels_first(product) or not _is_vector(factor, x.dims):
            return False
        if x.dims != node.outputs[0].dims:
            return False
        steps = self._scaled(product, factor, node)
        if steps is None:
            return False
        self._replace(node, product, steps)
        return True

    def _fold_norm(self, node: Node) -> None:
        """The norm's other outputs are the statistics that it was given."""
        product = self._product_before(node.inputs[0], node)
        if product is None or any(v in self._consumers or v in self._fetched for v in node.outputs[1:]):
            return
        arrays = [a.astype(np.float64) for a in map(constant_of, node.inputs[1:]) if a is not None]
        if len(arrays) < 4 or (node.attrs["data_format"] == b"NCHW") != _channels_first(product):
            return
        scale, offset, mean, variance = arrays
        factor = scale / np.sqrt(variance + node.attrs["epsilon"])
        vector = _constant(f"{node.name}/factor", factor, node)
        steps = self._scaled(product, vector.outputs[0], node)
        if steps is None:
            return
        shift = _constant(f"{node.name}/shift", offset - mean * factor, node)
        attrs = {"T": dtypes.float32, "data_format": product.attrs.get("data_format", b"NHWC")}
        add = new_node(node.name, "BiasAdd", [steps[-1].outputs[0], shift.outputs[0]], attrs,
                       [(dtypes.float32, node.outputs[0].dims)], like=node)  # fmt: skip
        self._replace(node, product, [vector, *steps, shift, add])

    def _product_before(self, x: Value, node: Node) -> Node | None:
        product = x.node
        if product.type not in _PRODUCTS or product.control or product in self._waited_for or product in self.gone:
            return None
        if product.guard != node.guard or product.device != node.device or not has_known_dims(product.inputs[1]):
            return None
        return product if sole_consumer(x, self._consumers, self._fetched) is node else None

    def _scaled(self, product: Node, factor: Value, node: Node) -> list[Node] | None:
        """The nodes of a product whose weights have the factor in them; None if that would cost more."""
        x, weights = product.inputs
        kernel, vector = constant_of(weights), constant_of(factor)
        if kernel is not None and vector is not None:
            scaled = _constant(f"{weights.name}/scaled", _times(kernel, vector, product), node)
        elif _is_cheap(product, factor):
            scaled = new_node(f"{weights.name}/scaled", "Mul", [weights, factor], {"T": weights.dtype},
                              [(weights.dtype, weights.dims)], like=node)  # fmt: skip
        else:
            return None
        outputs = [(v.dtype, v.dims) for v in product.outputs]
        again = new_node(product.name, product.type, [x, scaled.outputs[0]], product.attrs, outputs, like=product)
        return [scaled, again]

    def _replace(self, node: Node, product: Node, steps: list[Node]) -> None:
        self.made[node] = steps
        self.gone.add(product)
        self.replaced[node.outputs[0]] = steps[-1].outputs[0]


def _is_cheap(product: Node, factor: Value) -> bool:
    """True if the weights, whose last dimension is the channels, are far fewer than the images."""
    if product.type == "DepthwiseConv2dNative" or product.attrs.get("transpose_b") or len(factor.dims or ()) != 1:
        return False
    images = num_elements(product.outputs[0].dims) or 0
    return 2 * (num_elements(product.inputs[1].dims) or 0) <= images


def _channels_first(product: Node) -> bool:
    return product.attrs.get("data_format") == b"NCHW"


def _is_vector(factor: Value, dims) -> bool:
    """True if `factor` has one number for each of the last dimension's channels of what it multiplies."""
    if factor.dims is None or not has_known_dims(factor) or dims is None or dims[-1] is None or dims[-1] < 2:
        return False
    return factor.dims[-1:] == dims[-1:] and num_elements(factor.dims) == dims[-1]


def _times(weights: np.ndarray, factor: np.ndarray, product: Node) -> np.ndarray:
    """Weights with each output channel multiplied by its factor."""
    factor = factor.astype(np.float64).ravel()
    if product.type == "DepthwiseConv2dNative":
        factor = factor.reshape(weights.shape[-2:])
    elif product.attrs.get("transpose_b"):
        factor = factor[:, np.newaxis]
    return weights * factor


def _constant(name: str, array: np.ndarray, like: Node) -> Node:
    array = array.astype(np.float32)
    node = new_node(name, "Const", [], {"value": array, "dtype": dtypes.float32}, [(dtypes.float32, array.shape)],
                    like=like)  # fmt: skip
    node.control = []
    return node
