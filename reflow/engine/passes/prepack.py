"""Constant weights, those of frozen graphs, are packed once as their kernel wants them, not in every step.

Filters of convolutions that Winograd's way suits are transformed, those of others are packed for `direct_conv`, all
other weights are brought into oneDNN's order. Measured on 2 cores, batch 1: convolutions in oneDNN take 3 to 40 % less,
matrix products 35 to 50 %; those of Winograd 10 to 75 % less than those in oneDNN, for weights of 1.4 (5x5) or 4 times
(3x3) the memory; direct ones 5 to 40 % less.
"""

from typing import Any, NamedTuple

import numpy as np
import torch

from reflow.engine.passes.rewriting import constant_of, has_known_dims, sizes_of
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims, num_elements
from reflow.ops.conv import conv_frame, direct_frame, shallow_frame, winograd_frame
from reflow.ops.fused import bias_and_residual
from reflow.ops.matmul import ONEDNN_ACTIVATIONS, linear, linear_kernel
from reflow.ops.native import direct_conv, winograd
from reflow.ops.native.ending import Ending, split
from reflow.ops.output_activations import activated, expression, is_in_c
from reflow.ops.windows import DATA_FORMATS_2D, check_only_spatial

# Smaller weights lie in the cache whatever their order.
_LEAST_WEIGHTS = 1 << 12

# --- ops of the plan --------------------------------------------------------------------------------------------------


def _packed(resources, node_name, attrs):
    return attrs["tensor"]


define_op("_PackedWeights", "-> weights: T", "T: type", shape=None, resource=_packed, gradient=None)

_ENDING = "N: int, R: int, T: type, activation: string"
_INPUTS = "{}: T, weights: T, bias: N*T, residual: R*T -> output: T"


def _lower_conv(node):
    frame: Any = conv_frame(node)
    (bias, residual), activation = bias_and_residual(node), node.attrs["activation"]
    at_once = "" if residual or activation not in ONEDNN_ACTIVATIONS else activation
    frames = f"{frame.padding}, {frame.stride}, {frame.dilation}, {frame.groups}"
    arguments = f"{frame.x}, {node.args[1]}, {bias}, {frames}, {ONEDNN_ACTIVATIONS[at_once]}, ''"
    convolved = f"torch.ops.mkldnn._convolution_pointwise({arguments}){frame.last}.contiguous()"
    total = f"{convolved}.add_({residual})" if residual else convolved
    return total if at_once else expression(total, activation)


define_op(
    "_PackedConv2D", _INPUTS.format("input"),
    f"{_ENDING}, strides: list(int), padding: string, explicit_paddings: list(int) = [], {DATA_FORMATS_2D}, "
    "dilations: list(int) = [1, 1, 1, 1]", shape=None, lower=_lower_conv, gradient=None,
)  # fmt: skip


def _packed_product(a, weights, bias, residual, activation):
    vector, matrix = (tensors[0] if tensors else None for tensors in (bias, residual))
    return linear_kernel(a, weights, vector, matrix, activation)


def _lower_product(node):
    """None where oneDNN does not apply the activation and a function in C does."""
    bias, residual = bias_and_residual(node)
    activation = node.attrs["activation"]
    if (residual or activation not in ONEDNN_ACTIVATIONS) and is_in_c(node):
        return None
    return linear(node.args[0], node.args[1], bias, residual, activation)


define_op(
    "_PackedMatMul", _INPUTS.format("a"), _ENDING, shape=None, kernel=_packed_product, lower=_lower_product,
    gradient=None,
)  # fmt: skip


def _winograd_conv(input, weights, bias, residual, activation, window, pads, sizes, pool):
    # A constant whose numbers are all the same is one number, repeated.
    vector, added = (tensors[0].contiguous() if tensors else None for tensors in (bias, residual))
    at_once, later = split(activation)
    ending = Ending(vector, at_once, pool, residual=added)
    result, _ = winograd.convolve_transformed(input.contiguous(), weights, window, ending, pads, sizes)
    return activated(result, later)


define_op(
    "_WinogradConv2D", _INPUTS.format("input"),
    f"{_ENDING}, window: int, pads: list(int), sizes: list(int), pool: bool", shape=None, kernel=_winograd_conv,
    gradient=None,
)  # fmt: skip


def _direct_conv(input, weights, bias, residual, window, strides, pads, sizes, columns, activations):
    frame = direct_conv.Frame(strides, pads, sizes)
    at_once, later = zip(*map(split, activations), strict=True)
    added = residual[0].contiguous() if residual else None
    parts = list(zip(columns, at_once, strict=True))
    results = direct_conv.convolve(input.contiguous(), weights, bias, window, frame, parts, added)
    return [activated(result, activation) for result, activation in zip(results, later, strict=True)]


# One filter or several, side by side, for the same images (`sibling_convolutions`); a residual only for one.
define_op(
    "_DirectConv2D", "input: T, weights: T, bias: T, residual: R*T -> outputs: M*T",
    "M: int, R: int, T: type, window: list(int), strides: list(int), pads: list(int), sizes: list(int), "
    "columns: list(int), activations: list(string)", shape=None, kernel=_direct_conv, gradient=None,
)  # fmt: skip


# --- the pass ---------------------------------------------------------------------------------------------------------


class _Sizes:
    """A node as `conv_frame` sees it."""

    def __init__(self, node: Node):
        self.attrs = node.attrs
        self.args = ["x"]
        self._inputs = node.inputs

    def dims(self, position):
        """Raw dims of an input."""
        return self._inputs[position].dims


def pack_weights(plan: Plan) -> Plan:
    """Rewrite convolutions and products whose second input is a large constant."""
    new: dict[Node, list[Node]] = {}
    for node in plan.nodes:
        kind = _KINDS.get(node.type)
        if kind is None or node.outputs[0].dtype is not dtypes.float32 or "GPU" in node.device:
            continue
        weights, (bias, _) = constant_of(node.inputs[1]), _added(node)
        if weights is None or not has_known_dims(node.inputs[0]):
            continue
        if num_elements(node.inputs[0].dims) == 0 or bias and len(bias[0].dims or ()) != 1:
            continue
        packed = kind(node, torch.from_numpy(np.ascontiguousarray(weights)))
        if packed is not None:
            new[node] = _packed_nodes(node, packed)
    if new:
        plan.nodes = [n for old in plan.nodes for n in new.get(old, [old])]
        plan.replace({old.outputs[0]: made[-1].outputs[0] for old, made in new.items()},
                     {old: made[-1] for old, made in new.items()})  # fmt: skip
        plan.notes.append(f"{len(new)} constant weights packed for their kernels")
    return plan


class _Packed(NamedTuple):
    """The op that takes packed weights, these weights, its attributes besides those of `_ENDING`, and a packed
    bias.

    Without a packed bias the op takes the node's own, or none, and the activation.
    """

    op_name: str
    weights: torch.Tensor
    attrs: dict[str, Any]
    bias: torch.Tensor | None = None


def _added(node: Node) -> tuple[list[Value], list[Value]]:
    """The bias and the residual, one or none of each."""
    addends = node.inputs[2:]
    count = node.attrs["N"] if "N" in node.attrs else sum(len(value.dims or ()) != 2 for value in addends)
    return addends[:count], addends[count:]


def _packed_nodes(node: Node, packed: _Packed) -> list[Node]:
    (x, weights), (bias, residual) = node.inputs[:2], _added(node)
    sources = [_packed_source(node, f"{weights.name}/packed", packed.weights, weights.dims)]
    attrs = {"T": dtypes.float32, **packed.attrs, "R": len(residual)}
    if packed.bias is None:
        attrs |= {"N": len(bias), "activation": node.attrs.get("activation", "")}
    else:
        sources.append(_packed_source(node, f"{node.name}/packed_bias", packed.bias, tuple(packed.bias.shape)))
        bias = [sources[1].outputs[0]]
    output = node.outputs[0]
    return [*sources, new_node(node.name, packed.op_name, [x, sources[0].outputs[0], *bias, *residual], attrs,
                               [(output.dtype, output.dims)], like=node)]  # fmt: skip


def _packed_source(node: Node, name: str, tensor: torch.Tensor, dims: Dims) -> Node:
    source = new_node(name, "_PackedWeights", [], {"T": dtypes.float32, "tensor": tensor},
                      [(dtypes.float32, dims)], like=node)  # fmt: skip
    source.control, source.guard = [], ()
    return source


def _pack_filter(node: Node, filter: torch.Tensor) -> _Packed | None:
    """[height, width, in, out] packed for images of this size."""
    attrs = {"explicit_paddings": (), **node.attrs}
    for name in ("strides", "dilations"):
        check_only_spatial(attrs[name], attrs["data_format"], name)
    dims = sizes_of(node.inputs[0])
    if filter.numel() >= _LEAST_WEIGHTS and (places := winograd_frame(attrs, dims, filter.shape, is_transformed=True)):
        pads, out_sizes = places
        packed_attrs = {"window": filter.shape[0], "pads": pads, "sizes": list(out_sizes),
                        "pool": node.type == "_FusedConv2DMaxPool"}  # fmt: skip
        return _Packed("_WinogradConv2D", winograd.transformed(filter), packed_attrs)
    if (direct := _pack_direct(node, filter, direct_frame(attrs, dims, filter.shape, is_packed=True))) is not None:
        return direct
    is_small = filter.numel() < _LEAST_WEIGHTS or shallow_frame(attrs, dims, filter.shape) is not None
    if is_small or node.type == "_FusedConv2DMaxPool":
        return None
    frame = conv_frame(_Sizes(node))
    if frame is None or frame.is_padded or not torch.backends.mkldnn.is_available():
        return None
    batch, *sizes = dims
    first = node.attrs["data_format"] == b"NCHW"
    image = [batch, *sizes] if first else [batch, sizes[-1], *sizes[:-1]]
    packed = torch.ops.mkldnn._reorder_convolution_weight(
        filter.permute(3, 2, 0, 1).contiguous(), frame.padding, frame.stride, frame.dilation, frame.groups, image
    )
    return _Packed("_PackedConv2D", packed, node.attrs)


def _pack_direct(node: Node, filter: torch.Tensor, frame: direct_conv.Frame | None) -> _Packed | None:
    bias = [constant_of(value) for value in _added(node)[0]]
    if frame is None or any(array is None for array in bias) or node.type not in ("Conv2D", "_FusedConv2D"):
        return None
    columns = filter.shape[3]
    attrs = {"M": 1, "window": list(filter.shape[:2]), "strides": list(frame.strides), "pads": list(frame.pads),
             "sizes": list(frame.out_sizes), "columns": [columns],
             "activations": [node.attrs.get("activation", "")]}  # fmt: skip
    packed_bias = direct_conv.packed_bias(torch.from_numpy(bias[0]) if bias else None, columns)
    return _Packed("_DirectConv2D", direct_conv.packed(filter), attrs, packed_bias)


def _pack_matrix(node: Node, matrix: torch.Tensor) -> _Packed | None:
    """[in, out], or its transpose, packed for so many rows."""
    if node.attrs["transpose_a"] or matrix.numel() < _LEAST_WEIGHTS or not torch.backends.mkldnn.is_available():
        return None
    matrix = matrix if node.attrs["transpose_b"] else matrix.t().contiguous()
    packed = torch.ops.mkldnn._reorder_linear_weight(matrix, (node.inputs[0].dims or (1,))[0])
    return _Packed("_PackedMatMul", packed, node.attrs)


_KINDS = {"Conv2D": _pack_filter, "_FusedConv2D": _pack_filter, "_FusedConv2DMaxPool": _pack_filter,
          "MatMul": _pack_matrix, "_ActivatedMatMul": _pack_matrix, "_FusedMatMul": _pack_matrix,
          "_FusedMatMulWithResidual": _pack_matrix}  # fmt: skip
