"""Clipping of values and of norms."""

from collections.abc import Sequence

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import colocate_with, name_scope
from reflow.graph.convert import constant_tensor, to_tensor
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.registry import define_op
from reflow.graph.shapes import merge_dims
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.casting import cast
from reflow.ops.constant import ones_like
from reflow.ops.joining import stack
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import rank, size
from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.torch_types import array_of, tensor_of


def _clip_by_value(t, clip_value_min, clip_value_max):
    """Where the bounds cross, the lower one counts."""
    shapes = [tuple(x.shape) for x in (t, clip_value_min, clip_value_max)]
    if any(shape not in ((), shapes[0]) for shape in shapes[1:]):
        raise errors.InvalidArgumentError(
            None, None, "clip_value_min and clip_value_max must be either of the same shape as input, or a scalar. "
            "input shape: {} clip_value_min shape: {} clip_value_max shape: {}".format(*map(list, shapes)))  # fmt: skip
    if t.dtype in _NUMPY_TORCH_TYPES:
        low, high = array_of(clip_value_min), array_of(clip_value_max)
        return tensor_of(np.maximum(np.minimum(array_of(t), high), low))
    return torch.maximum(torch.minimum(t, clip_value_max), clip_value_min)


# ATen does not compare them.
_NUMPY_TORCH_TYPES = (torch.uint16, torch.uint32, torch.uint64)


define_op(
    "ClipByValue", "t: T, clip_value_min: T, clip_value_max: T -> output: T", "T: type in number",
    shape=unchanged_shape, kernel=_clip_by_value,
)  # fmt: skip


def _values_of(t, name):
    return to_tensor(t.values if isinstance(t, IndexedSlices) else t, name=name)


def _like(t, values):
    """`values` as what `t` is: a tensor, or the slices of a larger one."""
    return IndexedSlices(values, t.indices, t.dense_shape) if isinstance(t, IndexedSlices) else values


@export("clip_by_value")
def clip_by_value(t, clip_value_min, clip_value_max, name=None):
    """Bounds values: what is less than the minimum becomes the minimum, what is greater than the maximum the maximum.

    Args:
      t: a Tensor or IndexedSlices.
      clip_value_min: a scalar, or a tensor of a shape that broadcasts to that of `t`.
      clip_value_max: a scalar, or a tensor of a shape that broadcasts to that of `t`.
      name: a name for the operation.

    Returns:
      A Tensor or IndexedSlices, as `t` is.

    Raises:
      ValueError: if a bound would make the result larger than `t`.
    """
    with name_scope(name, "clip_by_value", [t, clip_value_min, clip_value_max]) as scope:
        values = _values_of(t, "t")
        below = minimum(values, clip_value_max)
        merge_dims(values.dims, below.dims)
        bounded = maximum(below, clip_value_min, name=scope)
        merge_dims(values.dims, bounded.dims)
        return _like(t, bounded)


@export("clip_by_norm")
def clip_by_norm(t, clip_norm, axes=None, name=None):
    """Scales a tensor down so that its L2 norm is at most `clip_norm`.

    Args:
      t: a Tensor or IndexedSlices of a float type.
      clip_norm: a positive scalar, the greatest norm.
      axes: the axes over which to take the norm: an int, a list of ints, or a tensor; all of them if None.
      name: a name for the operation.

    Returns:
      A Tensor or IndexedSlices, as `t` is: t * clip_norm / max(norm, clip_norm).
    """
    with name_scope(name, "clip_by_norm", [t, clip_norm]) as scope:
        values = _values_of(t, "t")
        square_sum = reduce_sum(values * values, axes, keepdims=True)
        # The root has no gradient at 0: there it is taken of 1, and the result not used.
        is_positive = square_sum > 0
        safe = call("Select", is_positive, square_sum, ones_like(square_sum))
        norm = call("Select", is_positive, call("Sqrt", safe), square_sum)
        scaled = values * clip_norm
        merge_dims(values.dims, scaled.dims)
        return _like(t, call("Identity", scaled / maximum(norm, clip_norm), name=scope))


def _listed(t_list) -> list:
    if not isinstance(t_list, Sequence) or isinstance(t_list, str):
        raise TypeError("t_list should be a sequence")
    return list(t_list)


def _all_values(tensors):
    return [None if t is None else _values_of(t, f"t_{i}") for i, t in enumerate(tensors)]


@export("global_norm", "linalg.global_norm")
def global_norm(t_list, name=None):
    """The L2 norm of all tensors of a list together: sqrt(sum of the squares of all their elements).

    Args:
      t_list: a list of Tensors, IndexedSlices or None; None counts for nothing.
      name: a name scope for the operations.

    Returns:
      A scalar of the type of the tensors.

    Raises:
      TypeError: if `t_list` is no sequence.
    """
    tensors = _listed(t_list)
    with name_scope(name, "global_norm", tensors):
        halves = []
        for values in _all_values(tensors):
            if values is not None:
                with colocate_with(values):
                    halves.append(call("L2Loss", values))
        half = reduce_sum(stack(halves))
        return call("Sqrt", half * constant_tensor(2.0, half.dtype.base_dtype, "Const"), name="global_norm")


@export("clip_by_global_norm")
def clip_by_global_norm(t_list, clip_norm, use_norm=None, name=None):
    """Scales all tensors of a list down by one factor so that their norm together is at most `clip_norm`.

    Pascanu et al., "On the difficulty of training recurrent neural networks", 2012.

    Args:
      t_list: a list of Tensors, IndexedSlices or None.
      clip_norm: a positive scalar, the greatest norm.
      use_norm: the norm of the list, if it is known already.
      name: a name scope for the operations.

    Returns:
      (list, norm): the scaled tensors, with None where `t_list` has None, and the norm before. If the norm is not
      finite, all values are NaN.

    Raises:
      TypeError: if `t_list` is no sequence.
    """
    tensors = _listed(t_list)
    if use_norm is None:
        use_norm = global_norm(tensors, name)
    with name_scope(name, "clip_by_global_norm", [*tensors, clip_norm]) as scope:
        dtype = use_norm.dtype.base_dtype
        finite_scale = clip_norm * minimum(1.0 / use_norm, constant_tensor(1.0, dtype, "Const") / clip_norm)
        is_finite = call("IsFinite", use_norm)
        scale = call("Select", is_finite, finite_scale, constant_tensor(float("nan"), dtype, "Const"))
        clipped = []
        for i, values in enumerate(_all_values(tensors)):
            if values is not None:
                with colocate_with(values):
                    values = call("Identity", values * scale, name=f"{scope}_{i}")
                values = _like(tensors[i], values)
            clipped.append(values)
        return clipped, use_norm


@export("clip_by_average_norm")
def clip_by_average_norm(t, clip_norm, name=None):
    """Scales a tensor down so that its L2 norm divided by its number of elements is at most `clip_norm`.

    Args:
      t: a float32 tensor.
      clip_norm: a positive scalar, the greatest average norm.
      name: a name for the operation.

    Returns:
      A tensor shaped like `t`.
    """
    with name_scope(name, "clip_by_average_norm", [t, clip_norm]) as scope:
        t = to_tensor(t, name="t")
        count = cast(size(t), dtypes.float32)
        inverse_norm = call("Rsqrt", reduce_sum(t * t, range_(0, rank(t))))
        clipped = t * clip_norm
        factor = minimum(inverse_norm * count, constant_tensor(1.0, dtypes.float32, "Const") / clip_norm)
        return call("Identity", clipped * factor, name=scope)
