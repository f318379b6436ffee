"""Ragged tensors of dense and sparse ones, and dense ones of ragged ones."""

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.indexed_slices import convert_to_tensor_or_sparse_tensor
from reflow.graph.shapes import TensorShape
from reflow.graph.sparse_tensor import is_sparse
from reflow.ops.arithmetic import maximum, minimum
from reflow.ops.casting import cast
from reflow.ops.checks import Assert
from reflow.ops.comparison import equal, logical_and, not_equal
from reflow.ops.conditional import cond
from reflow.ops.constant import constant, fill, ones, zeros
from reflow.ops.elementwise import logical_not
from reflow.ops.gathering import gather
from reflow.ops.grids import sequence_mask
from reflow.ops.joining import concat, stack
from reflow.ops.padding import broadcast_to
from reflow.ops.ranges import range as number_range
from reflow.ops.reduction import reduce_all, reduce_any, reduce_max, reduce_sum
from reflow.ops.scan import cumprod, cumsum
from reflow.ops.select import boolean_mask, where
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape
from reflow.ragged.arguments import int_tensor
from reflow.ragged.tensor import RaggedTensor

# --- from dense tensors -----------------------------------------------------------------------------------------------


def from_dense(tensor, lengths, padding, ragged_rank, name, splits_type) -> RaggedTensor:
    """What `RaggedTensor.from_tensor` does."""
    if lengths is not None and padding is not None:
        raise ValueError("Specify lengths or padding, but not both")
    if not isinstance(ragged_rank, int):
        raise TypeError(f"ragged_rank expected int, got {ragged_rank!r}")
    if ragged_rank <= 0:
        raise ValueError(f"ragged_rank must be greater than 0; got {ragged_rank}")
    with name_scope(name, "RaggedFromTensor", [tensor, lengths, padding]):
        tensor = to_tensor(tensor, name="tensor")
        tensor.shape.with_rank_at_least(ragged_rank + 1)
        sizes = shape(tensor, out_type=splits_type)
        columns = sizes[1]
        if ragged_rank > 1:
            return _nested_from_dense(tensor, sizes, lengths, padding, ragged_rank, splits_type)
        if padding is not None:
            lengths = _lengths_without(tensor, padding, columns, splits_type)
        if lengths is None:
            return _whole_rows(tensor, sizes, columns)
        if isinstance(lengths, (list, tuple)) and lengths and not isinstance(lengths[0], (int, float)):
            return _nested_rows(tensor, lengths)
        return _first_of_rows(tensor, lengths, columns, splits_type)


def _nested_from_dense(tensor, sizes, lengths, padding, ragged_rank, splits_type):
    inner_shape = concat([constant([-1], splits_type), sizes[ragged_rank:]], axis=0)
    values = RaggedTensor.from_tensor(reshape(tensor, inner_shape), lengths, padding, row_splits_dtype=splits_type)
    counts = cumprod(sizes)
    splits = [number_range(0, counts[axis - 1] + 1) * sizes[axis] for axis in range(1, ragged_rank)]
    return RaggedTensor.from_nested_row_splits(values, splits, validate=False)


def _lengths_without(tensor, padding, columns, splits_type):
    """The place of the last value of each row that is not padding, counted from 1; 0 if there is none."""
    padding = to_tensor(padding, tensor.dtype, "padding")
    padding.shape.assert_is_compatible_with(tensor.shape[2:])
    is_padding = equal(padding, tensor)
    tensor_rank = rank(tensor)
    inner_axes = number_range(2, tensor_rank)
    is_padding = cond(tensor_rank > 2, lambda: reduce_all(is_padding, axis=inner_axes), lambda: is_padding)
    is_padding.set_shape([None, None])
    is_padding.set_shape(tensor.shape[:2])
    is_value = cast(logical_not(is_padding), splits_type)
    places = is_value * expand_dims(number_range(1, columns + 1), 0)
    return reduce_max(places, axis=1)


def _nested_rows(tensor, lengths):
    tensor.shape.with_rank_at_least(len(lengths) + 1)
    marks = ones([reduce_sum(lengths[-1])], dtype=dtypes.bool_)
    mask = RaggedTensor.from_nested_row_lengths(marks, lengths, validate=False).to_tensor(default_value=False)
    return RaggedTensor.from_nested_row_lengths(boolean_mask(tensor, mask), lengths, validate=False)


def _first_of_rows(tensor, lengths, columns, splits_type):
    lengths = int_tensor(lengths, "lengths", splits_type)
    lengths.shape.assert_has_rank(1)
    lengths = maximum(minimum(lengths, columns), 0)
    limits = cumsum(lengths)
    splits = concat([zeros([1], splits_type), limits], axis=0)
    values = boolean_mask(tensor, sequence_mask(lengths, maxlen=columns))
    return RaggedTensor.from_row_splits(values, splits, validate=False)


def _whole_rows(tensor, sizes, columns):
    rows = sizes[0]
    count = rows * columns
    splits = number_range(rows + 1) * columns
    values = reshape(tensor, concat([[count], sizes[2:]], axis=0))
    return RaggedTensor.from_row_splits(values, splits, validate=False)


# --- to dense tensors -------------------------------------------------------------------------------------------------


def to_dense(ragged: RaggedTensor, default_value, name):
    """What `RaggedTensor.to_tensor` does."""
    splits_type = ragged.row_splits.dtype
    with name_scope(name, "RaggedToTensor", [ragged, default_value]):
        if default_value is not None:
            default_value = to_tensor(default_value, ragged.dtype, "default_value")
        values = ragged.values
        if isinstance(values, RaggedTensor):
            values = values.to_tensor(default_value)
        if default_value is not None:
            default_value = _broadcast_default(default_value, values)
        lengths = [ragged.row_splits[1:] - ragged.row_splits[:-1]]
        rows = shape(ragged.row_splits, out_type=splits_type)[0] - 1
        columns = maximum(reduce_max(lengths), 0)
        sizes = shape(values, out_type=splits_type)
        inner_shape = sizes[1:]
        count = sizes[0]
        if default_value is None:
            default_value = zeros(inner_shape, dtype=values.dtype)
        default_value.shape.assert_is_compatible_with(values.shape[1:])
        default_value.set_shape(values.shape[1:])
        return _spread(ragged.row_splits, values, default_value, rows, columns, count)


def _broadcast_default(default_value, values):
    ranks = values.shape.ndims, default_value.shape.ndims
    if ranks[0] is not None:
        default_value.shape.with_rank_at_most(ranks[0] - 1)
    if None in ranks or ranks[0] != ranks[1] + 1:
        default_value = broadcast_to(default_value, shape(values)[1:])
    default_value.shape.assert_is_compatible_with(values.shape[1:])
    return default_value


def _spread(splits, values, default_value, rows, columns, count):
    """The rows side by side: the default value, which is put behind the last value, stands where rows are short."""
    starts, limits = expand_dims(splits[:-1], 1), expand_dims(splits[1:], 1)
    places = expand_dims(number_range(0, columns), 0)
    values = concat([values, stack([default_value])], axis=0)
    places = starts + places
    is_value = places < limits
    behind_the_last = fill(stack([rows, columns]), count)
    return gather(values, where(is_value, places, behind_the_last))


# --- from sparse tensors ----------------------------------------------------------------------------------------------


def from_sparse(sparse, name, splits_type) -> RaggedTensor:
    """What `RaggedTensor.from_sparse` does."""
    if not is_sparse(sparse):
        raise TypeError(f"Expected SparseTensor, got {type(sparse).__name__}")
    with name_scope(name, "RaggedFromSparse", [sparse]):
        sparse = convert_to_tensor_or_sparse_tensor(sparse, name="st_input")
        if 2 not in (_size(sparse.dense_shape, 0), _size(sparse.indices, 1)):
            raise ValueError("rank(st_input) must be 2")
        with control_dependencies([_has_no_gaps(sparse.indices)]):
            rows = cast(sparse.indices[:, 0], splits_type)
            count = cast(sparse.dense_shape[0], splits_type)
            return RaggedTensor.from_value_rowids(sparse.values, rows, count, validate=False)


def _size(tensor, axis):
    dims = TensorShape(tensor.dims).dims
    return None if dims is None else dims[axis].value


def _has_no_gaps(indices):
    """An operation that fails, when it runs, unless the last coordinate counts from 0 in each row."""
    rows, columns = indices[:, :-1], indices[:, -1]
    is_new_row = reduce_any(not_equal(rows[1:], rows[:-1]), axis=1)
    follows = where(is_new_row, equal(columns[1:], 0), equal(columns[1:], columns[:-1] + 1))
    is_packed = logical_and(reduce_all(equal(columns[:1], 0)), reduce_all(follows))
    return Assert(is_packed, ["SparseTensor is not right-ragged", "SparseTensor.indices =", indices])
