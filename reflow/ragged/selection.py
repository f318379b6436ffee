"""Elements of ragged tensors picked by conditions: where, boolean_mask."""

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.gathering import gather as dense_gather
from reflow.ops.joining import concat as dense_concat
from reflow.ops.ranges import range as number_range
from reflow.ops.reduction import count_nonzero
from reflow.ops.scan import cumprod
from reflow.ops.select import boolean_mask as dense_boolean_mask
from reflow.ops.select import where as dense_where
from reflow.ops.shape_ops import expand_dims, reshape, shape
from reflow.ragged.arguments import check_splits_match
from reflow.ragged.gathering import gather
from reflow.ragged.joining import concat
from reflow.ragged.mapping import map_flat_values
from reflow.ragged.partitions import row_splits_to_segment_ids, splits_of_lengths
from reflow.ragged.reduction import reduce_sum
from reflow.ragged.tensor import RaggedTensor, common_splits_type, convert_to_tensor_or_ragged_tensor, is_ragged

# --- where ------------------------------------------------------------------------------------------------------------


def where(condition, x=None, y=None, name=None):
    """`x` where a condition is true, else `y`; or where it is true; `tf.where` of ragged tensors.

    Args:
      condition: a bool tensor, dense or ragged; a vector picks whole rows.
      x, y: tensors of one type; both or none.
      name: a name scope.

    Returns:
      A RaggedTensor; without `x` and `y` an int64 matrix of the coordinates where the condition is true.

    Raises:
      ValueError: if only one of `x` and `y` is given, or only some of the three are ragged (but for a vector).
      InvalidArgumentError: when it runs, if row splits differ.
    """
    if (x is None) != (y is None):
        raise ValueError("x and y must be either both None or both non-None")
    # TensorFlow gives the scope of this one function in the wrong place, so that `name` counts for nothing.
    with name_scope("RaggedWhere", name, [condition, x, y]):
        condition = convert_to_tensor_or_ragged_tensor(condition, name="condition")
        if x is None:
            return _coordinates(condition)
        x, y = convert_to_tensor_or_ragged_tensor(x, name="x"), convert_to_tensor_or_ragged_tensor(y, name="y")
        common_splits_type(condition, x, y)
        return _picked(condition, x, y)


def _picked(condition, x, y):
    ragged = [is_ragged(each) for each in (condition, x, y)]
    if not any(ragged):
        return dense_where(condition, x, y)
    if all(ragged):
        return map_flat_values(dense_where, condition, x, y)
    if ragged[0]:
        raise ValueError("Input shapes do not match.")
    condition.shape.assert_has_rank(1)
    both = concat([x, y], axis=0)
    rows_of_x, rows_of_y = (_row_count(each, both.row_splits.dtype) for each in (x, y))
    return gather(both, dense_where(condition, number_range(rows_of_x), rows_of_x + number_range(rows_of_y)))


def _row_count(value, dtype):
    return value.nrows(out_type=dtype) if is_ragged(value) else shape(value, out_type=dtype)[0]


def _coordinates(condition):
    """int64 [n, rank]: where a condition is true; from the coordinates in the level below."""
    if not is_ragged(condition):
        return dense_where(condition)
    inner = _coordinates(condition.values)
    condition = condition.with_row_splits_dtype(inner.dtype)
    numbers = inner[:, 0]
    rows = dense_gather(condition.value_rowids(), numbers)
    places = numbers - dense_gather(condition.row_splits, rows)
    return dense_concat([expand_dims(rows, 1), expand_dims(places, 1), inner[:, 1:]], axis=1)


# --- boolean_mask -----------------------------------------------------------------------------------------------------


@export("ragged.boolean_mask")
def boolean_mask(data, mask, name=None):
    """The elements where a mask is true, in their rows: unlike `tf.boolean_mask` it keeps the dimensions.

    Args:
      data: a tensor, dense or ragged.
      mask: a bool tensor of known rank, dense or ragged, whose shape is that of the first dimensions of `data`.
      name: a name scope.

    Returns:
      A RaggedTensor of the rank of `data`, whose dimensions are ragged up to that of the mask; a Tensor for a dense
      `data` and a mask of rank 1.

    Raises:
      ValueError: for a scalar mask or one of unknown rank.
      InvalidArgumentError: when it runs, if the row splits of mask and data differ.
    """
    with name_scope(name, "RaggedMask", [data, mask]):
        data = convert_to_tensor_or_ragged_tensor(data, name="data")
        mask = convert_to_tensor_or_ragged_tensor(mask, dtypes.bool_, name="mask")
        splits_type = common_splits_type(data, mask)
        rank = mask.shape.ndims
        if rank is None:
            raise ValueError("mask.shape.ndims must be known statically.")
        if rank == 0:
            raise ValueError("mask cannot be scalar.")
        if is_ragged(mask):
            return _masked_by_ragged(data, mask, splits_type)
        if not is_ragged(data):
            return _masked_dense(data, mask, splits_type)
        if rank == 1:
            return _masked_rows(data, mask)
        mask = RaggedTensor.from_tensor(mask, ragged_rank=min(data.ragged_rank, rank - 1),
                                        row_splits_dtype=data.row_splits.dtype)  # fmt: skip
        return boolean_mask(data, mask)


def _masked_by_ragged(data, mask, splits_type):
    if not is_ragged(data):
        data = RaggedTensor.from_tensor(data, ragged_rank=mask.ragged_rank, row_splits_dtype=mask.row_splits.dtype)
    lists = [mask.nested_row_splits, data.nested_row_splits[: mask.ragged_rank]]
    with control_dependencies(check_splits_match(lists)):
        splits = []
        while is_ragged(mask):
            if mask.shape.ndims > 2:
                splits.append(mask.row_splits)
            else:
                counts = reduce_sum(map_flat_values(cast, mask, dtype=splits_type), axis=1)
                splits.append(splits_of_lengths(counts))
            mask, data = mask.values, data.values
        return RaggedTensor.from_nested_row_splits(boolean_mask(data, mask), splits, validate=False)


def _masked_rows(data, mask):
    splits = splits_of_lengths(dense_boolean_mask(data.row_lengths(), mask))
    of_values = dense_gather(mask, row_splits_to_segment_ids(data.row_splits))
    return RaggedTensor.from_row_splits(boolean_mask(data.values, of_values), splits, validate=False)


def _masked_dense(data, mask, splits_type):
    masked = dense_boolean_mask(data, mask)
    rank = mask.shape.ndims
    if rank == 1:
        return masked
    counts = reshape(count_nonzero(mask, axis=-1, dtype=splits_type), [-1])
    masked = RaggedTensor.from_row_lengths(masked, counts, validate=False)
    if rank > 2:
        sizes = shape(mask, out_type=splits_type)
        split_counts = cumprod(sizes) + 1
        for axis in range(rank - 3, -1, -1):
            size = sizes[axis + 1]
            splits = number_range(split_counts[axis]) * size
            masked = RaggedTensor.from_row_splits(masked, splits, validate=False)
    return masked
