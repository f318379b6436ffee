"""Local response normalization as a product with a banded matrix, between elementwise ops.

With n = bias + alpha (x * x) B, where B has ones up to `depth_radius` off the diagonal, and p = n^-beta:
    y = x p,    dx = dy p - 2 alpha beta x ((dy y / n) B).
The numbers before B and the bias are part of one call, a product with a constant and a constant vector. Norms and
powers serve the gradient too, as common subexpressions, and the JIT can join what is elementwise with its neighbours.

On a CPU the kernel in C is several times as fast: where it takes the exponent, the op stays. Its gradient makes the
norms again, which is cheap there, and needs the image alone, not the normalized one. Half precision and bfloat16
become float32 on the way in.
"""

from typing import Any

import numpy as np

from reflow.engine.passes.rewriting import constant_node, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.torch_devices import is_gpu
from reflow.graph import dtypes
from reflow.graph.dtypes import DType
from reflow.graph.shapes import num_elements
from reflow.ops.native import lrn as lrn_native

_ATTRS = ("depth_radius", "bias", "alpha", "beta")


def lower_lrn(plan: Plan) -> Plan:
    """Rewrite LRN and LRNGrad, or note that they are left to the kernel in C."""
    if plan.lacks("LRN", "LRNGrad"):
        return plan
    waited_for = waited_for_in(plan)
    constants: dict[tuple, Node] = {}
    new: dict[Node, list[Node]] = {}
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        if node.type not in ("LRN", "LRNGrad") or node.control or node in waited_for:
            continue
        nodes = _Nodes(node, constants)
        output = _of_image(nodes) if node.type == "LRN" else _of_gradient(nodes)
        if output is None:
            continue
        if output is not node.outputs[0]:
            new[node] = nodes.made
            replaced[node.outputs[0]] = output
        in_c = any(made.type in ("LRN", "_LRNGradOfImage") for made in new.get(node, [node]))
        plan.notes.append(f"{node.name}: {'left to the kernel in C' if in_c else 'a product with a banded matrix'}")
    plan.nodes = [made for node in plan.nodes for made in new.get(node, [node])]
    plan.replace(replaced)
    return plan


class _Nodes:
    """The nodes that take the place of `node`, as they are made; images are matrices there, of a row a pixel."""

    def __init__(self, node: Node, constants: dict[tuple, Node]):
        self.node = node
        self.made: list[Node] = []
        self.radius, self.bias, self.alpha, self.beta = (node.attrs[name] for name in _ATTRS)
        self.in_c = not is_gpu(node.device) and lrn_native.fits(dtypes.float32, self.radius, self.beta)
        self._constants = constants
        self._dims = node.outputs[0].dims or ()
        self._channels = self._dims[-1] or 0 if self._dims else 0

    def add(self, op: str, *inputs: Value, dims=None, dtype: DType = dtypes.float32, **attrs) -> Value:
        """The value of a new node; of the first input's shape unless `dims` says otherwise."""
        made = new_node(f"{self.node.name}/{op.strip('_')}", op, list(inputs), {"T": dtype, **attrs},
                        [(dtype, inputs[0].dims if dims is None else dims)], like=self.node)  # fmt: skip
        self.made.append(made)
        return made.outputs[0]

    def constant(self, key: tuple, make) -> Value:
        """The value of a constant that all nodes of this device share, by a key."""
        key = *key, self.node.device
        if key not in self._constants:
            array = np.asarray(make())
            self._constants[key] = constant_node(f"{self.node.name}/{key[0]}", array, dtypes.as_dtype(array.dtype),
                                                 self.node)  # fmt: skip
            self.made.append(self._constants[key])
        return self._constants[key].outputs[0]

    def in_one(self, op: str, *images: Value) -> Value:
        """The result of an op that has a kernel in C, for float32."""
        attrs = {name: self.node.attrs[name] for name in _ATTRS}
        floats = [self._cast(image, dtypes.float32) for image in images]
        return self.result(self.add(op, *floats, dims=self.node.outputs[0].dims, **attrs))

    def result(self, value: Value) -> Value:
        """The output, of the type and shape that the node had."""
        if value.dims != self.node.outputs[0].dims:
            value = self._reshape(value, self._dims)
        return self._cast(value, self.node.outputs[0].dtype)

    def rows(self, value: Value) -> Value:
        """An image, or what has its shape, as float32, a row a pixel."""
        pixels = num_elements(self._dims[:-1])
        return self._reshape(self._cast(value, dtypes.float32), (pixels, self._channels))

    def have_rows(self) -> bool:
        """True if the sizes are known well enough to reshape there and back."""
        unknown = self._dims.count(None)
        return self._channels > 0 and (unknown == 0 or unknown == 1 and 0 not in self._dims)

    def banded(self, scale: float) -> Value:
        """The matrix that sums each channel with its neighbours, times a number."""
        numbers = np.arange(self._channels)

        def make():
            return np.float32(scale) * (abs(numbers[:, None] - numbers) <= self.radius).astype(np.float32)

        return self.constant(("band", self._channels, self.radius, scale), make)

    def product(self, rows: Value, matrix: Value, *bias: Value) -> Value:
        """rows matrix, or rows matrix + bias."""
        attrs: dict[str, Any] = {"transpose_a": False, "transpose_b": False}
        if bias:
            return self.add("_FusedMatMul", rows, matrix, *bias, **attrs, activation="")
        return self.add("MatMul", rows, matrix, **attrs)

    def norms(self, image: Value) -> Value:
        """bias + alpha * the sums of the squares of neighbouring channels."""
        bias = self.constant(("bias", self._channels, self.bias),
                             lambda: np.full(self._channels, self.bias, np.float32))  # fmt: skip
        return self.product(self.add("Square", image), self.banded(self.alpha), bias)

    def power(self, norms: Value) -> Value:
        """norms ** -beta, the usual exponents without a logarithm."""
        if self.beta == 1:
            return self.add("Reciprocal", norms)
        if self.beta not in (0.5, 0.75):
            return self.add("Pow", norms, self.constant(("exponent", -self.beta), lambda: np.float32(-self.beta)))
        root = self.add("Rsqrt", norms)
        return root if self.beta == 0.5 else self.add("Mul", self.add("Sqrt", root), root)

    def _cast(self, value: Value, dtype: DType) -> Value:
        if value.dtype is dtype:
            return value
        return self.add("Cast", value, dtype=dtype, SrcT=value.dtype, DstT=dtype, Truncate=False)

    def _reshape(self, value: Value, dims) -> Value:
        sizes = [-1 if size is None else size for size in dims]
        shape = self.constant(("shape", *sizes), lambda: np.array(sizes, np.int32))
        return self.add("Reshape", value, shape, dims=tuple(dims), Tshape=dtypes.int32)


def _of_image(nodes: _Nodes) -> Value | None:
    """The normalized image; None if sizes are missing, the node's own output if it is to stay."""
    node = nodes.node
    if nodes.in_c:
        if node.outputs[0].dtype is dtypes.float32:
            return node.outputs[0]
        return nodes.in_one("LRN", node.inputs[0])
    if not nodes.have_rows():
        return None
    image = nodes.rows(node.inputs[0])
    return nodes.result(nodes.add("Mul", nodes.power(nodes.norms(image)), image))


def _of_gradient(nodes: _Nodes) -> Value | None:
    """The gradient by the image; None if sizes are missing."""
    gradient, image, output = nodes.node.inputs
    is_own = _is_output_for(nodes.node, image, output)
    if nodes.in_c and is_own:
        return nodes.in_one("_LRNGradOfImage", gradient, image)
    if not nodes.have_rows():
        return None
    image, gradient = nodes.rows(image), nodes.rows(gradient)
    norms = nodes.norms(image)
    scaled = nodes.add("Mul", gradient, nodes.power(norms))
    # dy y = (dy p) x, without keeping y.
    terms = nodes.add("Mul", scaled, image) if is_own else nodes.add("Mul", gradient, nodes.rows(output))
    sums = nodes.product(nodes.add("RealDiv", terms, norms), nodes.banded(-2 * nodes.alpha * nodes.beta))
    return nodes.result(nodes.add("AddV2", scaled, nodes.add("Mul", sums, image)))


def _is_output_for(node: Node, image: Value, output: Value) -> bool:
    """True if `output` is what normalizing the image gives: it may be any tensor of that shape."""
    forward = output.node
    return forward.type == "LRN" and forward.inputs[0] is image and all(
        forward.attrs[name] == node.attrs[name] for name in _ATTRS)  # fmt: skip
