"""Cumulative sums and products along an axis: Cumsum, Cumprod, CumulativeLogsumexp."""

from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.shape_rules import unchanged_shape

# ATen scans no wide unsigned integers; signed ones of the same size wrap around to the same bits.
_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def _scan(function: Callable, neutral: Callable):
    """A kernel: `function(x, axis)` scans; `neutral(dtype)` is what an exclusive scan begins with."""

    def kernel(x, axis, exclusive, reverse):
        if isinstance(axis, list):
            shape = dims_in_brackets(np.shape(axis))
            raise errors.InvalidArgumentError(None, None, f"ScanOp: axis must be a scalar, not {shape}")
        if not -x.ndim <= axis < x.ndim:
            raise errors.InvalidArgumentError(
                None, None, f"ScanOp: Expected scan axis in the range [{-x.ndim}, {x.ndim}), but got {axis}"
            )
        if not x.numel():
            return x.clone()
        if x.dtype in _SIGNED:
            return kernel(x.view(_SIGNED[x.dtype]), axis, exclusive, reverse).view(x.dtype)
        if reverse:
            x = torch.flip(x, (axis,))
        result = function(x, axis)
        if exclusive:
            first = torch.full_like(result.narrow(axis, 0, 1), neutral(x.dtype))
            result = torch.cat([first, result.narrow(axis, 0, result.shape[axis] - 1)], axis)
        return torch.flip(result, (axis,)) if reverse else result

    return kernel


def _lower_scan(function: str):
    def lower(node):
        axis, dims, dtype = node.constant(1), node.dims(0), node.dtype(0)
        is_plain = (dtype.is_floating or dtype.is_complex) and not (node.attrs["exclusive"] or node.attrs["reverse"])
        if axis is None or axis.ndim or not dims or not is_plain:
            return None
        return f"{function}({node.args[0]}, {int(axis)})" if -len(dims) <= axis < len(dims) else None

    return lower


def _known_scan(numpy: Callable):
    """A `value` rule: plain scans of known sizes, so that shape rules see through products of them."""

    def value(op):
        x, axis = constant_value(op._inputs[0]), constant_value(op._inputs[1])
        is_plain = not (op.attrs["exclusive"] or op.attrs["reverse"])
        if x is None or axis is None or not is_plain or x.ndim != 1 or x.dtype.kind != "i":
            return None
        return numpy(x, dtype=x.dtype)

    return value


def _define_scan(op_name: str, types: str, function: Callable, neutral: Callable, lowered: str, **rules) -> None:
    define_op(
        op_name, "x: T, axis: Tidx -> out: T",
        f"T: type in {types}, Tidx: type in index = int32, exclusive: bool = false, reverse: bool = false",
        shape=unchanged_shape, kernel=_scan(function, neutral), lower=_lower_scan(lowered), host="axis",
        **rules,
    )  # fmt: skip


_define_scan(
    "Cumsum", "number", lambda x, i: torch.cumsum(x, i, dtype=x.dtype), lambda dtype: 0, "torch.cumsum",
    value=_known_scan(np.cumsum),
)  # fmt: skip
_define_scan(
    "Cumprod", "number", lambda x, i: torch.cumprod(x, i, dtype=x.dtype), lambda dtype: 1, "torch.cumprod",
    value=_known_scan(np.cumprod),
)  # fmt: skip
_define_scan(
    "CumulativeLogsumexp", "half|float|double", torch.logcumsumexp, lambda dtype: torch.finfo(dtype).min,
    "torch.logcumsumexp",
)  # fmt: skip


# --- gradients ----------------------------------------------------------------------------------------------------


@gradient("Cumsum")
def _cumsum_gradient(op, grad):
    """Each element counts in all later sums: the sum of their gradients, from the other end."""
    attrs = op.attrs
    return [cumsum(grad, op._inputs[1], exclusive=attrs["exclusive"], reverse=not attrs["reverse"]), None]


@gradient("Cumprod")
def _cumprod_gradient(op, grad):
    """TensorFlow's, which divides by the input, and so is NaN where that is 0."""
    x, axis = op._inputs
    exclusive, reverse = op.attrs["exclusive"], op.attrs["reverse"]
    product = cumprod(x, axis, exclusive=exclusive, reverse=reverse)
    total = cumsum(product * grad, axis, exclusive=exclusive, reverse=not reverse)
    return [total / x, None]


@gradient("CumulativeLogsumexp")
def _cumulative_logsumexp_gradient(op, grad):
    """exp(x) times the sum over later results y of grad exp(-y), of positive and negative gradients apart, as logs."""
    x, axis = op._inputs
    y = op.outputs[0]
    exclusive, reverse = op.attrs["exclusive"], op.attrs["reverse"]
    least = float(grad.dtype.min)
    log_positive = call("SelectV2", call("Greater", grad, 0), call("Log", grad), least)
    log_negative = call("SelectV2", call("Less", grad, 0), call("Log", -grad), least)

    def contribution(log_gradient):
        total = cumulative_logsumexp(log_gradient - y, axis=axis, reverse=not reverse, exclusive=exclusive)
        return call("Exp", total + x)

    positive = contribution(log_positive)
    return [positive - contribution(log_negative), None]


# --- public functions ---------------------------------------------------------------------------------------------


@export("cumsum", "math.cumsum")
def cumsum(x, axis=0, exclusive=False, reverse=False, name=None):
    """Cumulative sums along an axis: out[i] = x[0] + ... + x[i].

    Args:
      x: a numeric tensor.
      axis: an int32 or int64 scalar in [-rank, rank).
      exclusive: leave x[i] out of out[i], so that out[0] is 0.
      reverse: sum from the other end.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.

    Raises:
      InvalidArgumentError: when it runs, if the axis is out of range.
    """
    return call("Cumsum", x, axis, name=name, exclusive=exclusive, reverse=reverse)


@export("cumprod", "math.cumprod")
def cumprod(x, axis=0, exclusive=False, reverse=False, name=None):
    """Cumulative products along an axis: out[i] = x[0] * ... * x[i].

    Args:
      x: a numeric tensor.
      axis: an int32 or int64 scalar in [-rank, rank).
      exclusive: leave x[i] out of out[i], so that out[0] is 1.
      reverse: multiply from the other end.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.

    Raises:
      InvalidArgumentError: when it runs, if the axis is out of range.
    """
    return call("Cumprod", x, axis, name=name, exclusive=exclusive, reverse=reverse)


@export("math.cumulative_logsumexp")
def cumulative_logsumexp(x, axis=0, exclusive=False, reverse=False, name=None):
    """Cumulative log(sum(exp(x))) along an axis, without overflow: out[i] = log(exp(x[0]) + ... + exp(x[i])).

    Args:
      x: a tensor of half, float32 or float64.
      axis: an int32 or int64 scalar in [-rank, rank).
      exclusive: leave x[i] out of out[i], so that out[0] is the least number of the type.
      reverse: sum from the other end.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.

    Raises:
      InvalidArgumentError: when it runs, if the axis is out of range.
    """
    return call("CumulativeLogsumexp", x, axis, name=name, exclusive=exclusive, reverse=reverse)
