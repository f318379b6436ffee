"""Softmax and its logarithm."""

import torch

from reflow.graph.build import call
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.joining import concat
from reflow.ops.native import cross_entropy as cross_entropy_native
from reflow.ops.ranges import range as range_
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_ops import rank
from reflow.ops.shape_rules import with_rank_at_least


def _softmax_shape(op):
    return [with_rank_at_least(op._inputs[0].dims, 1)]


define_op(
    "Softmax", "logits: T -> softmax: T", "T: type in floating",
    shape=_softmax_shape, kernel="torch.softmax({logits}, -1)",
    native=cross_entropy_native.softmax("softmax", torch.softmax),
)  # fmt: skip
define_op(
    "LogSoftmax", "logits: T -> logsoftmax: T", "T: type in floating",
    shape=_softmax_shape, kernel="torch.log_softmax({logits}, -1)",
    native=cross_entropy_native.softmax("log_softmax", torch.log_softmax),
)  # fmt: skip


def _sum_last(tensor: Tensor) -> Tensor:
    return call("Sum", tensor, [-1], keep_dims=True)


@gradient("Softmax")
def _softmax_gradient(op, grad):
    """With y = softmax(x): dx = (dy - sum(dy * y)) * y."""
    softmax_value = op.outputs[0]
    return (grad - _sum_last(grad * softmax_value)) * softmax_value


@gradient("LogSoftmax")
def _log_softmax_gradient(op, grad):
    """With y = log softmax(x): dx = dy - sum(dy) * exp(y)."""
    return grad - _sum_last(grad) * call("Exp", op.outputs[0])


@export("nn.softmax", "math.softmax")
def softmax(logits, axis=None, name=None, dim=None):
    """exp(logits) / sum(exp(logits), axis): positive numbers that sum to 1 along `axis`.

    Args:
      logits: tensor of half, bfloat16, float32 or float64, of rank 1 or more.
      axis: the dimension of the classes, -1 (the last) if None.
      name: a name for the operation.
      dim: the older name of `axis`.

    Returns:
      A tensor like `logits`.

    Raises:
      InvalidArgumentError: if `logits` has no such dimension.
    """
    return _along(logits, "Softmax", _axis_argument(axis, dim), name)


@export("nn.log_softmax", "math.log_softmax")
def log_softmax(logits, axis=None, name=None, dim=None):
    """logits - log(sum(exp(logits), axis)).

    Args:
      logits: tensor of half, bfloat16, float32 or float64, of rank 1 or more.
      axis: the dimension of the classes, -1 (the last) if None.
      name: a name for the operation.
      dim: the older name of `axis`.

    Returns:
      A tensor like `logits`.

    Raises:
      InvalidArgumentError: if `logits` has no such dimension.
    """
    return _along(logits, "LogSoftmax", _axis_argument(axis, dim), name)


def _axis_argument(axis, dim):
    axis = renamed_argument("axis", axis, "dim", dim)
    return -1 if axis is None else axis


def _along(logits, op_name, axis, name):
    """The op works on the last dimension: swap another one with it before, and back after."""
    logits = to_tensor(logits)
    dims = logits.dims
    if not isinstance(axis, Tensor) and (axis == -1 or dims is not None and axis == len(dims) - 1):
        return call(op_name, logits, name=name)
    axis = _axis_from_front(axis, logits)
    logits_rank = rank(logits)
    swapped = _swap_with_last(logits, axis, call("Sub", logits_rank, 1))
    result = _swap_with_last(call(op_name, swapped), axis, call("Sub", logits_rank, 1), name)
    result.set_shape(dims)
    return result


def _axis_from_front(axis, logits):
    """The axis as a non-negative number, or as a tensor."""
    count = len(logits.shape)
    value = constant_value(axis) if isinstance(axis, Tensor) else axis
    if value is not None and not -count <= value < count:
        raise InvalidArgumentError(
            None, None,
            f"Dimension ({value}) must be in the range [{-count}, {count}) where {count} is the number of dimensions "
            "in the input.",
        )  # fmt: skip
    logits_rank = rank(logits)
    if isinstance(axis, Tensor):
        axis = call("Select", call("Less", axis, 0), axis + logits_rank, axis)
    elif axis < 0:
        axis = axis + logits_rank
    return axis % count


def _swap_with_last(tensor, axis, last, name=None):
    order = [range_(axis), [last], range_(axis + 1, last), [axis]]
    return call("Transpose", tensor, concat(order, 0), name=name or "transpose")
