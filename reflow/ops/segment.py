"""Reductions of rows by segment: SegmentSum and its relatives for sorted ids, UnsortedSegmentSum for any."""

from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.arithmetic import maximum
from reflow.ops.constant import ones
from reflow.ops.native import indexing as indexing_native
from reflow.ops.shape_ops import reshape, shape_internal
from reflow.ops.shape_rules import constant_int, merge_prefix, with_rank, with_rank_at_least
from reflow.ops.torch_types import array_of, tensor_of

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)

# --- combining rows -----------------------------------------------------------------------------------------------


def combine(function: str, rows, ids, count: int, start):
    """`count` rows, where row i is `start` combined with those rows whose id is i.

    Args:
      function: "sum", "prod", "amax" or "amin".
      rows: tensor [n, ...].
      ids: int64 tensor [n] of numbers in [0, count).
      count: how many rows to make.
      start: the value of a row that no row is combined with; neutral to the function.
    """
    if rows.dtype in _UNSIGNED:
        return _combine_unsigned(function, rows, ids, count, start)
    result = rows.new_full((count, *rows.shape[1:]), start)
    if not rows.numel():
        return result
    if function == "sum":
        return result.index_add_(0, ids, rows)
    index = ids.reshape(-1, *[1] * (rows.ndim - 1)).expand_as(rows)
    return result.scatter_reduce_(0, index, rows, function, include_self=True)


_NUMPY = {"sum": np.add, "prod": np.multiply, "amax": np.maximum, "amin": np.minimum}


def _combine_unsigned(function, rows, ids, count, start):
    """ATen lacks these types."""
    array = array_of(rows)
    result = np.full((count, *array.shape[1:]), start, array.dtype)
    _NUMPY[function].at(result, array_of(ids), array)
    return tensor_of(result)


def limits(dtype: torch.dtype) -> tuple:
    """The least and the greatest number of a type."""
    info = torch.finfo(dtype) if dtype.is_floating_point else torch.iinfo(dtype)
    return info.min, info.max


# --- sorted ids ---------------------------------------------------------------------------------------------------


def check_sorted(ids) -> int:
    """The number of segments that sorted ids make.

    Raises:
      InvalidArgumentError: if an id is negative, or less than one before it.
    """
    if not ids.numel():
        return 0
    if bool((ids[1:] < ids[:-1]).any()):
        raise errors.InvalidArgumentError(None, None, "segment ids are not increasing")
    first, last = int(ids[0]), int(ids[-1])
    if first < 0:
        raise errors.InvalidArgumentError(
            None, None,
            f"Segment id {first} out of range [0, {last + 1}), possibly because 'segment_ids' input is not sorted.",
        )  # fmt: skip
    return last + 1


def divide_by_counts(total, counts):
    """Sums divided by how many rows they have; of integers, cut off."""
    counts = counts.clamp(min=1).reshape(-1, *[1] * (total.ndim - 1))
    if total.is_floating_point() or total.is_complex():
        return total / counts.to(total.dtype)
    return torch.div(total.long(), counts, rounding_mode="trunc").to(total.dtype)


def _segment_kernel(function: str, start, is_mean: bool = False):
    """Segments without rows are `start`, which TensorFlow has as 0 for extrema, too."""

    def kernel(data, segment_ids):
        if segment_ids.ndim != 1 or not data.ndim or segment_ids.shape[0] != data.shape[0]:
            raise errors.InvalidArgumentError(
                None, None, "segment_ids should be the same size as dimension 0 of input."
            )
        count, ids = check_sorted(segment_ids), segment_ids.long()
        neutral = start if function in ("sum", "prod") else limits(data.dtype)[function == "amin"]
        result = combine(function, data, ids, count, neutral)
        if is_mean:
            return divide_by_counts(result, torch.bincount(ids, minlength=count))
        if neutral == start:
            return result
        is_empty = torch.bincount(ids, minlength=count) == 0
        return torch.where(is_empty.reshape(-1, *[1] * (data.ndim - 1)), torch.tensor(start, dtype=data.dtype), result)

    return kernel


def _segment_shape(op):
    data = with_rank_at_least(op._inputs[0].dims, 1)
    with_rank(op._inputs[1].dims, 1)
    return [None if data is None else (None, *data[1:])]


def _define_segment(name: str, summary: str, types: str, kernel: Callable, **rules) -> Callable:
    op_name = f"Segment{name}"
    define_op(op_name, "data: T, segment_ids: Tindices -> output: T", f"T: type in {types}, Tindices: type in index",
              shape=_segment_shape, kernel=kernel, **rules)  # fmt: skip

    def function(data, segment_ids, name=None):
        return call(op_name, data, segment_ids, name=name)

    public_name = f"segment_{name.lower()}"
    function.__name__ = function.__qualname__ = public_name
    function.__doc__ = f"""{summary} of the rows of each segment.

    Args:
      data: a tensor [n, ...] of a {"numeric" if types == "number" else "real"} type.
      segment_ids: int32 or int64 vector [n], sorted: the segment that each row belongs to.
      name: a name for the operation.

    Returns:
      A tensor [segment_ids[-1] + 1, ...] of the same type.

    Raises:
      InvalidArgumentError: when it runs, if the ids are not sorted or negative.
    """
    return export(public_name, f"math.{public_name}")(function)


_add_up = _segment_kernel("sum", 0)
segment_sum = _define_segment("Sum", "The sum", "number", _add_up, native=indexing_native.segment_sum(_add_up))
segment_mean = _define_segment("Mean", "The mean", "number", _segment_kernel("sum", 0, is_mean=True))
segment_prod = _define_segment("Prod", "The product", "number", _segment_kernel("prod", 1))
segment_max = _define_segment("Max", "The maximum", "real", _segment_kernel("amax", 0))
segment_min = _define_segment("Min", "The minimum", "real", _segment_kernel("amin", 0))

# --- ids in any order ---------------------------------------------------------------------------------------------


def _unsorted_kernel(function: str, start: Callable):
    """`start(dtype)` is the value of a segment without rows; rows with a negative id count nowhere."""

    def kernel(data, segment_ids, num_segments):
        if num_segments < 0:
            raise errors.InvalidArgumentError(
                None, None, f"Input num_segments == {num_segments} must not be negative."
            )
        rank = segment_ids.ndim
        if data.shape[:rank] != segment_ids.shape:
            have, want = (dims_in_brackets(tuple(t.shape)) for t in (data, segment_ids))
            raise errors.InvalidArgumentError(
                None, None, f"data.shape = {have} does not start with segment_ids.shape = {want}"
            )
        ids = segment_ids.reshape(-1).long()
        rows = data.reshape(ids.shape[0], *data.shape[rank:])
        least, greatest = (limit.item() for limit in torch.aminmax(ids)) if ids.numel() else (0, -1)
        if greatest >= num_segments and rows.numel():
            is_beyond = ids >= num_segments
            position = int(is_beyond.nonzero()[0])
            where = ",".join(map(str, np.unravel_index(position, tuple(segment_ids.shape))))
            raise errors.InvalidArgumentError(
                None, None, f"segment_ids[{where}] = {int(ids[position])} is out of range [0, {num_segments})"
            )
        if least < 0:
            is_kept = ids >= 0
            rows, ids = rows[is_kept], ids[is_kept]
        return combine(function, rows, ids, num_segments, start(data.dtype))

    return kernel


def _unsorted_shape(op):
    data, ids = op._inputs[0].dims, op._inputs[1].dims
    with_rank(op._inputs[2].dims, 0)
    if data is None or ids is None:
        return [None]
    data, ids = merge_prefix(data, ids)
    count = constant_int(op._inputs[2])
    if count is not None and count < 0:
        raise ValueError(f"Dimension size, given by scalar input 2, must be non-negative but is {count}")
    return [(count, *data[len(ids) :])]


def _define_unsorted(name: str, summary: str, empty: str, types: str, kernel: Callable, **rules) -> Callable:
    op_name = f"UnsortedSegment{name}"
    define_op(
        op_name, "data: T, segment_ids: Tindices, num_segments: Tnumsegments -> output: T",
        f"T: type in {types}, Tindices: type in index, Tnumsegments: type in index = int32",
        shape=_unsorted_shape, kernel=kernel, host="num_segments", **rules,
    )  # fmt: skip

    def function(data, segment_ids, num_segments, name=None):
        return call(op_name, data, segment_ids, num_segments, name=name)

    public_name = f"unsorted_segment_{name.lower()}"
    function.__name__ = function.__qualname__ = public_name
    function.__doc__ = f"""{summary} of the rows of each segment, of ids in any order; of no rows it is {empty}.

    Args:
      data: a tensor of a {"numeric" if types == "number" else "real"} type, whose shape begins with that of the ids.
      segment_ids: int32 or int64 tensor: the segment that each row belongs to; rows with a negative id are dropped.
      num_segments: int32 or int64 scalar, greater than all ids.
      name: a name for the operation.

    Returns:
      A tensor [num_segments, ...] of the same type, where ... are the dimensions of `data` beyond those of the ids.

    Raises:
      InvalidArgumentError: when it runs, if an id is not less than `num_segments`.
    """
    return export(public_name, f"math.{public_name}")(function)


_add_up_unsorted = _unsorted_kernel("sum", lambda dtype: 0)
unsorted_segment_sum = _define_unsorted(
    "Sum", "The sum", "0", "number", _add_up_unsorted, native=indexing_native.unsorted_segment_sum(_add_up_unsorted)
)
unsorted_segment_prod = _define_unsorted(
    "Prod", "The product", "1", "number", _unsorted_kernel("prod", lambda dtype: 1)
)
unsorted_segment_max = _define_unsorted(
    "Max", "The maximum", "the least number of the type", "real",
    _unsorted_kernel("amax", lambda dtype: limits(dtype)[0]),
)  # fmt: skip
unsorted_segment_min = _define_unsorted(
    "Min", "The minimum", "the greatest number of the type", "real",
    _unsorted_kernel("amin", lambda dtype: limits(dtype)[1]),
)  # fmt: skip


def _sum_and_count(data, segment_ids, num_segments):
    """The sums of the segments, and how many rows each has (at least 1), shaped to divide the sums."""
    data, segment_ids = to_tensor(data), to_tensor(segment_ids)
    one_each = ones(shape_internal(segment_ids), dtype=data.dtype)
    count = unsorted_segment_sum(one_each, segment_ids, num_segments)
    more = len(data.dims) - len(segment_ids.dims)
    count = maximum(reshape(count, [num_segments] + [1] * more), 1)
    return unsorted_segment_sum(data, segment_ids, num_segments), count


@export("unsorted_segment_mean", "math.unsorted_segment_mean")
def unsorted_segment_mean(data, segment_ids, num_segments, name=None):
    """The mean of the rows of each segment, of ids in any order; of no rows it is 0.

    Args:
      data: a tensor of a float or complex type of known rank, whose shape begins with that of the ids.
      segment_ids: int32 or int64 tensor: the segment that each row belongs to; rows with a negative id are dropped.
      num_segments: int32 or int64 scalar, greater than all ids.
      name: a name scope for the operations.

    Returns:
      A tensor [num_segments, ...] of the same type.
    """
    with name_scope(name, "UnsortedSegmentMean"):
        total, count = _sum_and_count(data, segment_ids, num_segments)
        return total / count


@export("unsorted_segment_sqrt_n", "math.unsorted_segment_sqrt_n")
def unsorted_segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """The sum of the rows of each segment divided by the root of their number, of ids in any order.

    Args:
      data: a tensor of a float or complex type of known rank, whose shape begins with that of the ids.
      segment_ids: int32 or int64 tensor: the segment that each row belongs to; rows with a negative id are dropped.
      num_segments: int32 or int64 scalar, greater than all ids.
      name: a name scope for the operations.

    Returns:
      A tensor [num_segments, ...] of the same type.
    """
    with name_scope(name, "UnsortedSegmentSqrtN"):
        total, count = _sum_and_count(data, segment_ids, num_segments)
        return total / call("Sqrt", count)
