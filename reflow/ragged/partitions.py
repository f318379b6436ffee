"""Row splits and their other forms: lengths and segment ids; ranges of values repeated."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.ops.constant import ones
from reflow.ops.counting import bincount
from reflow.ops.gathering import gather
from reflow.ops.grids import repeat
from reflow.ops.joining import concat
from reflow.ops.ranges import range as number_range
from reflow.ops.scan import cumsum
from reflow.ops.shape_ops import shape
from reflow.ragged.arguments import SPLITS_TYPES, int_tensor, told_value


def splits_of_lengths(lengths, axis: int = -1) -> Tensor:
    """The row splits of rows of these lengths: 0 and the running sum."""
    return concat([[0], cumsum(lengths)], axis=axis)


@export("ragged.row_splits_to_segment_ids")
def row_splits_to_segment_ids(splits, name=None, out_type=None):
    """The row number of each value, for rows that are given by splits.

    Args:
      splits: an int32 or int64 vector that begins with 0 and does not fall.
      name: a name scope.
      out_type: the type of the result; that of `splits` if None.

    Returns:
      A vector [splits[-1]] that does not fall: i as often as row i is long.

    Raises:
      ValueError: if `splits` is empty, no vector, or of another type.
    """
    with name_scope(name, "RaggedSplitsToSegmentIds", [splits]):
        splits = to_tensor(splits, name="splits", preferred_dtype=dtypes.int64)
        if splits.dtype not in SPLITS_TYPES:
            raise ValueError("splits must have dtype int32 or int64")
        splits.shape.assert_has_rank(1)
        if splits.dims == (0,):
            raise ValueError("Invalid row_splits: []")
        out_type = splits.dtype if out_type is None else as_dtype(out_type)
        lengths = splits[1:] - splits[:-1]
        count = shape(splits, out_type=out_type)[-1] - 1
        return repeat(number_range(count), lengths, axis=0)


@export("ragged.segment_ids_to_row_splits")
def segment_ids_to_row_splits(segment_ids, num_segments=None, out_type=None, name=None):
    """The row splits of rows that are given by the row number of each value.

    Args:
      segment_ids: an integer vector that does not fall.
      num_segments: an integer scalar, the number of rows; the last segment id + 1 if None.
      out_type: the type of the result; that of `segment_ids` or `num_segments`, whichever is a tensor, else int64 if
        None.
      name: a name scope.

    Returns:
      A vector [num_segments + 1].

    Raises:
      TypeError: if the ids are no integers.
      ValueError: if `segment_ids` is no vector or `num_segments` no scalar.
    """
    if out_type is not None:
        out_type = as_dtype(out_type)
    else:
        tensor = next((value for value in (segment_ids, num_segments) if isinstance(value, Tensor)), None)
        out_type = dtypes.int64 if tensor is None else tensor.dtype
    with name_scope(name, "SegmentIdsToRaggedSplits", [segment_ids]):
        segment_ids = int_tensor(segment_ids, "segment_ids")
        segment_ids.shape.assert_has_rank(1)
        if num_segments is not None:
            num_segments = int_tensor(num_segments, "num_segments")
            num_segments.shape.assert_has_rank(0)
        lengths = bincount(segment_ids, minlength=num_segments, maxlength=num_segments, dtype=out_type)
        splits = splits_of_lengths(lengths, axis=0)
        count = None if num_segments is None else told_value(num_segments)
        if count is not None:
            splits.set_shape([int(count) + 1])
        return splits


def repeat_ranges(params: Tensor, splits: Tensor, repeats: Tensor) -> Tensor:
    """Each row of a tensor's values repeated.

    Args:
      params: a tensor [splits[-1], ...].
      splits: the row splits.
      repeats: an integer scalar, or vector with a number for each row: how often, in the type of `splits`.

    Returns:
      A tensor [values, ...]: row 0 so often as it is repeated, then row 1, ...
    """
    if repeats.shape.ndims != 0:
        starts, limits = repeat(splits[:-1], repeats, axis=0), repeat(splits[1:], repeats, axis=0)
    else:
        # Every split as often as rows are repeated: row i is between one copy of split i and that of split i + 1.
        copies = repeat(splits, repeats, axis=0)
        count = shape(copies, out_type=repeats.dtype)[0]
        starts, limits = copies[: count - repeats], copies[repeats:]
    one = ones((), starts.dtype)
    places = call("RaggedRange", starts, limits, one).rt_dense_values
    return gather(params, places)
