"""Rows and columns of ragged tensors combined: unsorted_segment_sum and its like, reduce_sum and its like."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import constant_value
from reflow.graph.operation import Tensor
from reflow.ops import reduction, segment
from reflow.ops.arithmetic import maximum
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal
from reflow.ops.constant import ones_like, zeros
from reflow.ops.elementwise import sqrt
from reflow.ops.gathering import gather
from reflow.ops.joining import concat
from reflow.ops.scan import cumsum
from reflow.ops.shape_ops import shape
from reflow.ops.string_reduction import reduce_join as dense_reduce_join
from reflow.ops.string_reduction import unsorted_segment_join
from reflow.ragged.arguments import SPLITS_TYPES, axis_from_front
from reflow.ragged.mapping import map_flat_values
from reflow.ragged.partitions import row_splits_to_segment_ids
from reflow.ragged.ranges import ragged_range
from reflow.ragged.tensor import RaggedTensor, common_splits_type, convert_to_tensor_or_ragged_tensor, is_ragged

# --- segments ---------------------------------------------------------------------------------------------------------


def _combine(segment_function, data, segment_ids, num_segments, name=None):
    """Rows of one segment combined place by place: the result has as many places as the longest of them.

    Args:
      segment_function: `(data, segment_ids, num_segments, name)`, which does so for dense tensors.
      data: a tensor, dense or ragged.
      segment_ids: an integer tensor, whose shape is that of the first dimensions of `data`.
      num_segments: an integer scalar.
      name: a name scope.

    Returns:
      A tensor with `num_segments` rows.
    """
    if not (is_ragged(data) or is_ragged(segment_ids)):
        return segment_function(data, segment_ids, num_segments, name)
    with name_scope(name, "RaggedSegment", [data, segment_ids, num_segments]):
        data = convert_to_tensor_or_ragged_tensor(data, name="data")
        segment_ids = convert_to_tensor_or_ragged_tensor(segment_ids, name="segment_ids")
        common_splits_type(data, segment_ids)
        if segment_ids.dtype not in SPLITS_TYPES:
            raise ValueError("segment_ids must have dtype int32 or int64.")
        if is_ragged(segment_ids):
            return _combine_elements(segment_function, data, segment_ids, num_segments)
        return _combine_rows(segment_function, data, segment_ids, num_segments)


def _combine_elements(segment_function, data, segment_ids, num_segments):
    """For segment ids of elements: the rows do not matter."""
    message = "segment_ids.shape must be a prefix of data.shape"
    if not is_ragged(data):
        raise ValueError(f"{message}, but segment_ids is ragged and data is not.")
    with control_dependencies([assert_equal(segment_ids.row_splits, data.row_splits, message=message)]):
        return _combine(segment_function, data.values, segment_ids.values, num_segments)


def _combine_rows(segment_function, data, segment_ids, num_segments):
    """For segment ids of rows: elements are combined that go to the same place of the same segment."""
    lengths = data.row_splits[1:] - data.row_splits[:-1]
    longest = maximum(segment.unsorted_segment_max(lengths, segment_ids, num_segments), 0)
    splits = concat([zeros([1], longest.dtype), cumsum(longest)], axis=0)
    starts = gather(splits, segment_ids)
    limits = starts + lengths
    places = ragged_range(starts, limits).values
    values = _combine(segment_function, data.values, places, splits[-1])
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def _segment_function(op: str):
    dense = getattr(segment, f"unsorted_segment_{op}")
    default_name = f"RaggedSegment{op.capitalize()}"

    def function(data, segment_ids, num_segments, name=None):
        return _combine(dense, data, segment_ids, num_segments, name or default_name)

    function.__name__ = function.__qualname__ = f"segment_{op}"
    function.__doc__ = f"`tf.unsorted_segment_{op}` of ragged tensors: rows of one segment, place by place."
    return function


segment_sum = _segment_function("sum")
segment_prod = _segment_function("prod")
segment_min = _segment_function("min")
segment_max = _segment_function("max")


def _ones_in_rows(data):
    return RaggedTensor.from_nested_row_splits(ones_like(data.flat_values), data.nested_row_splits, validate=False)


def _sum_and_count(data, segment_ids, num_segments):
    total = segment_sum(data, segment_ids, num_segments)
    return total, segment_sum(_ones_in_rows(data), segment_ids, num_segments)


def segment_mean(data, segment_ids, num_segments, name=None):
    """`tf.unsorted_segment_mean` of ragged tensors: rows of one segment, place by place."""
    with name_scope(name, "RaggedSegmentMean", [data, segment_ids, num_segments]):
        total, count = _sum_and_count(data, segment_ids, num_segments)
        if is_ragged(total):
            return total.with_flat_values(total.flat_values / count.flat_values)
        return total / count


def segment_sqrt_n(data, segment_ids, num_segments, name=None):
    """`tf.unsorted_segment_sqrt_n` of ragged tensors: rows of one segment, place by place."""
    with name_scope(name, "RaggedSegmentSqrtN", [data, segment_ids, num_segments]):
        total, count = _sum_and_count(data, segment_ids, num_segments)
        if is_ragged(total):
            return total.with_flat_values(total.flat_values / sqrt(count.flat_values))
        return total / sqrt(count)


# --- reductions -------------------------------------------------------------------------------------------------------


def _reduce(functions, input_tensor, axis, keepdims, name=None):
    """Elements combined along dimensions.

    Args:
      functions: what reduces dense tensors, `(input, axis, name=name)`, and the segment function that goes with it.
      input_tensor: a tensor, dense or ragged.
      axis: an int, a list of ints, or a constant tensor; None for all dimensions.
      keepdims: must not be set for a ragged tensor.
      name: a name scope.
    """
    reduce_dense, segment_function = functions
    if not is_ragged(input_tensor):
        return reduce_dense(input_tensor, axis, name=name)
    if keepdims:
        raise ValueError("keepdims=True is not supported for RaggedTensors.")
    axis = _known_axis(axis)
    if axis is None:
        return reduce_dense(input_tensor.flat_values, None, name=name)
    with name_scope(name, "RaggedReduce", [input_tensor, axis]):
        if isinstance(axis, (tuple, list)):
            if not axis:
                return input_tensor
            if len(axis) > 1:
                *outer, innermost = sorted(axis_from_front(each, input_tensor.shape.ndims) for each in axis)
                return _reduce(functions, _reduce(functions, input_tensor, innermost, keepdims), outer, keepdims)
            (axis,) = axis
        ragged = convert_to_tensor_or_ragged_tensor(input_tensor, name="rt_input")
        return _reduce_along(functions, ragged, axis_from_front(axis, ragged.shape.ndims), keepdims)


def _known_axis(axis):
    if isinstance(axis, Tensor):
        axis = constant_value(axis)
        if axis is None:
            raise ValueError("axis must be known at graph construction time.")
    return axis.tolist() if isinstance(axis, (np.ndarray, np.generic)) else axis


def _reduce_along(functions, ragged, axis: int, keepdims):
    segment_function = functions[1]
    if axis > 1:
        return ragged.with_values(_reduce(functions, ragged.values, axis - 1, keepdims))
    if axis == 1:
        rows = shape(ragged.row_splits)[0] - 1
        return _combine(segment_function, ragged.values, row_splits_to_segment_ids(ragged.row_splits), rows)
    lengths = ragged.row_splits[1:] - ragged.row_splits[:-1]
    longest = maximum(reduction.reduce_max(lengths), 0)
    return _combine(segment_function, ragged.values, ragged_range(lengths).values, longest)


def _reducing_function(op: str):
    functions = getattr(reduction, f"reduce_{op}"), getattr(segment, f"unsorted_segment_{op}")
    default_name = f"RaggedReduce{op.capitalize()}"

    def function(input_tensor, axis=None, keepdims=None, name=None):
        return _reduce(functions, input_tensor, axis, keepdims, name or default_name)

    function.__name__ = function.__qualname__ = f"reduce_{op}"
    function.__doc__ = f"`tf.reduce_{op}` of ragged tensors; `keepdims` must not be set."
    return function


reduce_sum = _reducing_function("sum")
reduce_prod = _reducing_function("prod")
reduce_min = _reducing_function("min")
reduce_max = _reducing_function("max")


def reduce_mean(input_tensor, axis=None, keepdims=None, name=None):
    """`tf.reduce_mean` of ragged tensors; `keepdims` must not be set. The mean of nothing is NaN."""
    with name_scope(name, "RaggedReduceMean", [input_tensor, axis]):
        total = reduce_sum(input_tensor, axis, keepdims)
        ones = _ones_in_rows(input_tensor) if is_ragged(input_tensor) else ones_like(input_tensor)
        count = reduce_sum(ones, axis, keepdims)
        if not is_ragged(total):
            return total / count
        quotient = total.flat_values / count.flat_values
        return RaggedTensor.from_nested_row_splits(quotient, total.nested_row_splits, validate=False)


def _cast(value, dtype):
    return map_flat_values(cast, value, dtype)


def reduce_all(input_tensor, axis=None, keepdims=None, name=None):
    """`tf.reduce_all` of ragged tensors; `keepdims` must not be set."""
    with name_scope(name, "RaggedReduceAll", [input_tensor, axis]):
        return _cast(reduce_prod(_cast(input_tensor, dtypes.int32), axis, keepdims), dtypes.bool_)


def reduce_any(input_tensor, axis=None, keepdims=None, name=None):
    """`tf.reduce_any` of ragged tensors; `keepdims` must not be set."""
    with name_scope(name, "RaggedReduceAny", [input_tensor, axis]):
        return _cast(reduce_sum(_cast(input_tensor, dtypes.int32), axis, keepdims), dtypes.bool_)


def reduce_join(inputs, axis=None, keepdims=None, separator="", name=None):
    """`tf.strings.reduce_join` of ragged tensors; `keepdims` must not be set."""

    def join_dense(inputs, axis, name=None):
        return dense_reduce_join(inputs, axis, separator=separator, name=name)

    def join_segments(data, segment_ids, num_segments, name=None):
        return unsorted_segment_join(data, segment_ids, num_segments, separator, name)

    return _reduce((join_dense, join_segments), inputs, axis, keepdims, name or "RaggedSegmentJoin")
