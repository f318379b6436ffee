"""Sequences of evenly spaced numbers: Range, LinSpace."""

import math

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.casting import cast
from reflow.ops.native import indexing as indexing_native
from reflow.ops.shape_rules import constant_int, with_rank
from reflow.ops.torch_types import FROM_TORCH, tensor_of


def _length(start, limit, delta) -> int:
    """How many numbers a range holds, computed in the type of the three NumPy scalars.

    Raises:
      ValueError: for a range that never reaches its limit.
    """
    if delta == 0:
        raise ValueError(f"Requires delta != 0: {delta}")
    if delta > 0 and start > limit:
        raise ValueError(f"Requires start <= limit when delta > 0: {start}/{limit}")
    if delta < 0 and start < limit:
        raise ValueError(f"Requires start >= limit when delta < 0: {start}/{limit}")
    if isinstance(start, np.integer):
        return -((int(start) - int(limit)) // int(delta))
    return math.ceil(abs((limit - start) / delta))


def _range_shape(op):
    for name, tensor in zip(("start", "limit", "delta"), op._inputs, strict=True):
        _check_scalar(tensor, name)
    values = [constant_value(t) for t in op._inputs]
    return [(None if any(v is None for v in values) else _length(*(v[()] for v in values)),)]


def _check_scalar(tensor, name):
    try:
        with_rank(tensor.dims, 0)
    except ValueError as error:
        raise ValueError(f"{error} for '{name}'") from None


def _range(start, limit, delta, Tidx):
    dtype = FROM_TORCH[Tidx].np_dtype
    start, limit, delta = (dtype.type(v) for v in (start, limit, delta))
    try:
        length = _length(start, limit, delta)
    except ValueError as error:
        raise errors.InvalidArgumentError(None, None, str(error)) from None
    if dtype.kind == "i":
        return torch.arange(int(start), int(start) + length * int(delta), int(delta), dtype=Tidx)
    # TensorFlow adds the step again and again in the type itself, and so rounds each time.
    steps = np.full(length, delta, dtype)
    steps[:1] = start
    return tensor_of(np.add.accumulate(steps))


def _range_value(op):
    values = [constant_value(t) for t in op._inputs]
    if any(v is None for v in values) or not op.attrs["Tidx"].is_integer:
        return None
    return np.arange(*(v.item() for v in values), dtype=op.attrs["Tidx"].np_dtype)


define_op(
    "Range", "start: Tidx, limit: Tidx, delta: Tidx -> output: Tidx",
    "Tidx: type in bfloat16|float|double|int32|int64 = int32",
    shape=_range_shape, kernel=_range, native=indexing_native.range_of_int32(_range), host="start limit delta",
    value=_range_value, gradient=None,
)  # fmt: skip


def _lin_space_shape(op):
    for tensor in op._inputs:
        with_rank(tensor.dims, 0)
    count = constant_int(op._inputs[2])
    if count is not None and count <= 0:
        raise ValueError(f"Requires num > 0: {count}")
    return [(count,)]


def _lin_space(start, stop, num, T):
    """As TensorFlow: start + step * i, where the step is rounded to the type."""
    if num <= 0:
        raise errors.InvalidArgumentError(None, None, f"Requires num > 0: {num}")
    start, stop = torch.tensor(start, dtype=T), torch.tensor(stop, dtype=T)
    if num == 1:
        return start.reshape(1)
    step = (stop - start) / torch.tensor(num - 1, dtype=T)
    return start + step * torch.arange(num, dtype=T)


define_op(
    "LinSpace", "start: T, stop: T, num: Tidx -> output: T",
    "T: type in bfloat16|float|double, Tidx: type in index = int32",
    shape=_lin_space_shape, kernel=_lin_space, host="start stop num", gradient=None,
)  # fmt: skip

_WIDENING_ORDER = [dtypes.int32, dtypes.int64, dtypes.float32, dtypes.float64]


def cast_to_widest(bounds):
    """The bounds of a range, a list of tensors, cast to the widest of their types.

    Raises:
      AssertionError: as in TensorFlow, if one is neither int32, int64, float32 nor float64.
    """
    assert all(bound.dtype.base_dtype in _WIDENING_ORDER for bound in bounds), "a bound's type has no place in order"
    widest = max((bound.dtype.base_dtype for bound in bounds), key=_WIDENING_ORDER.index)
    return [cast(bound, widest) for bound in bounds]


@export("range")
def range(start, limit=None, delta=1, dtype=None, name="range"):
    """The numbers start, start + delta, start + 2 delta, ... up to, and without, `limit`.

    Args:
      start: a scalar; the limit of a range from 0 if `limit` is None.
      limit: a scalar.
      delta: a scalar, not 0.
      dtype: the type of the result; else the widest of the types of the arguments (int32, int64, float32, float64).
      name: a name for the operation.

    Returns:
      A vector.

    Raises:
      ValueError: if an argument is no scalar, or `delta` leads away from `limit`, where that is known.
      AssertionError: if `dtype` is None and an argument is of another type than those.
      InvalidArgumentError: when it runs, in the same cases.
    """
    if limit is None:
        start, limit = 0, start
    with name_scope(name, "Range", [start, limit, delta]) as scope:
        dtype = None if dtype is None else as_dtype(dtype)
        values = [to_tensor(start, dtype, "start"), to_tensor(limit, dtype, "limit"), to_tensor(delta, dtype, "delta")]
        if dtype is None:
            values = cast_to_widest(values)
        return call("Range", *values, name=scope)


@export("linspace", "lin_space")
def linspace(start, stop, num, name=None):
    """`num` evenly spaced numbers from `start` to `stop`, both included.

    Args:
      start: a scalar of bfloat16, float32 or float64.
      stop: a scalar of the same type.
      num: an int32 or int64 scalar, at least 1.
      name: a name for the operation.

    Returns:
      A vector of `num` numbers of the type of `start`.

    Raises:
      ValueError: if an argument is no scalar, or `num` is known to be less than 1.
    """
    return call("LinSpace", start, stop, num, name=name)
