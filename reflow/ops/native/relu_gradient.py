"""An op of plans: the gradient of a ReLU and, with it, that of the bias before it."""

from __future__ import annotations

import ctypes
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.graph.registry import define_op
from reflow.ops import native
from reflow.ops.native.kernel import row_stride
from reflow.ops.shape_rules import merge

_SOURCE = Path(__file__).with_name("relu_gradient.c")
# Rows that are summed before blocks are.
_BLOCK = 256
# Of fewer numbers a thread is done before another one has begun.
_PARALLEL = 1 << 15
_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


def load() -> ctypes.CDLL | None:
    """The library of `relu_gradient.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    function = library.reflow_relu_gradient
    function.argtypes = [_POINTER, _I64, _POINTER, _I64, _I64, _I64, _I64, ctypes.c_int, _POINTER, _POINTER]
    function.restype = None
    values, sums = _run(library, torch.tensor([[1.0, 2.0], [4.0, 8.0]]), torch.tensor([[1.0, 0.0], [2.0, 3.0]]), None)
    if values.tolist() != [[1.0, 0.0], [4.0, 8.0]] or sums.tolist() != [5.0, 8.0]:
        raise RuntimeError("it fails the known-answer test")


def fits(dtype: dtypes.DType) -> bool:
    """Whether the C kernel takes gradients of a type, and is there."""
    return dtype is dtypes.float32 and load() is not None


def native_relu_and_bias_gradient(gradients, features, out=None):
    """The gradients where features are positive, and their sums over all but the last dimension.

    Args:
        gradients: float32 [..., channels]; may be some channels of a larger tensor.
        features: what a ReLU has put out, of the same shape; may be some channels, too.
        out: where the first result goes: None or `gradients`.

    Returns:
        float32 [..., channels] and [channels].
    """
    if row_stride(gradients) is None or row_stride(features) is None or not gradients.numel():
        values, sums = _relu_and_bias_gradient(gradients, features)
        return values if out is None else out.copy_(values), sums
    return _run(load(), gradients, features, out)


def _run(library, gradients, features, out):
    depth = gradients.shape[-1]
    rows = gradients.numel() // max(depth, 1)
    if not rows:
        return _relu_and_bias_gradient(gradients, features)
    if out is None:
        out = gradients.new_empty(gradients.shape)
    sums = gradients.new_empty(-(-rows // _BLOCK), depth)
    threads = torch.get_num_threads() if gradients.numel() >= _PARALLEL else 1
    library.reflow_relu_gradient(
        gradients.data_ptr(), row_stride(gradients), features.data_ptr(), row_stride(features), rows, depth, _BLOCK,
        threads, out.data_ptr(), sums.data_ptr(),
    )  # fmt: skip
    return out, sums[0]


def _relu_and_bias_gradient(gradients, features):
    values = torch.ops.aten.threshold_backward(gradients, features, 0)
    return values, values.sum(list(range(values.dim() - 1)))


def _shape(op):
    dims = merge(op._inputs[0].dims, op._inputs[1].dims)
    return [dims, (None if dims is None else dims[-1],)]


define_op(
    "_ReluGradAndBiasAddGrad", "gradients: T, features: T -> output: T, sums: T", "T: type", shape=_shape,
    kernel=_relu_and_bias_gradient, native=lambda call: native_relu_and_bias_gradient if fits(call.dtype(0)) else None,
    gradient=None,
)  # fmt: skip
