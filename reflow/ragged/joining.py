"""Ragged tensors joined along a dimension: concat, stack."""

from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.ops.checks import assert_equal
from reflow.ops.joining import concat as dense_concat
from reflow.ops.joining import stack as dense_stack
from reflow.ops.permute import transpose
from reflow.ops.ranges import range as number_range
from reflow.ops.shape_ops import reshape
from reflow.ragged.arguments import axis_from_front, check_splits_match
from reflow.ragged.gathering import gather
from reflow.ragged.partitions import splits_of_lengths
from reflow.ragged.shape_functions import expand_dims
from reflow.ragged.tensor import RaggedTensor, common_splits_type, convert_to_tensor_or_ragged_tensor, is_ragged


def concat(values, axis, name=None):
    """Tensors joined along a dimension that they have; `tf.concat` of ragged tensors.

    Args:
      values: a list of tensors of one type and rank, dense or ragged.
      axis: int, the dimension.
      name: a name scope.

    Returns:
      A RaggedTensor; a Tensor if all are dense and `axis` is the innermost dimension.

    Raises:
      ValueError: for an empty list, different ranks, an axis that is not there, or sizes that are known to differ.
      InvalidArgumentError: when it runs, if other dimensions differ.
    """
    return _join(values, axis, name, stacks=False)


@export("ragged.stack")
def stack(values, axis=0, name=None):
    """Tensors joined along a new dimension.

    Args:
      values: a list of tensors of one type and rank, dense or ragged; they may differ in all sizes.
      axis: int, the place of the new dimension.
      name: a name scope.

    Returns:
      A RaggedTensor; a Tensor if all are dense and the new dimension is the innermost.

    Raises:
      ValueError: for an empty list, different ranks, an axis that is not there, or sizes that are known to differ.
      InvalidArgumentError: when it runs, if dimensions in front of the new one differ.
    """
    return _join(values, axis, name, stacks=True)


def _join(values, axis, name, stacks):
    if not isinstance(values, (list, tuple)):
        values = [values]
    with name_scope(name, "RaggedConcat", values):
        return _joined(values, axis, stacks)


def _joined(values, axis, stacks: bool):
    if not values:
        raise ValueError("rt_inputs may not be empty.")
    values = [convert_to_tensor_or_ragged_tensor(value, name="rt_input") for value in values]
    splits_type = common_splits_type(*values)
    if len(values) == 1:
        return expand_dims(values[0], axis=axis) if stacks else values[0]
    rank = values[0].shape.ndims
    for value in values[1:]:
        if rank is None:
            rank = value.shape.ndims
        else:
            value.shape.assert_has_rank(rank)
    axis = axis_from_front(axis, None if rank is None else rank + stacks)
    if rank is not None and axis in (rank + stacks - 1, rank - 1) and not any(map(is_ragged, values)):
        return dense_stack(values, axis) if stacks else dense_concat(values, axis)
    values = _of_one_ragged_rank(values, splits_type)
    if axis == 0:
        return _one_behind_the_other(values, stacks)
    if axis == 1:
        return _row_by_row(values, stacks)
    splits = [[value.row_splits] for value in values]
    with control_dependencies(check_splits_match(splits)):
        inner = _joined([value.values for value in values], axis - 1, stacks)
        return RaggedTensor.from_row_splits(inner, splits[0][0], validate=False)


def _of_one_ragged_rank(values, splits_type):
    ragged = [value if is_ragged(value) else RaggedTensor.from_tensor(value, row_splits_dtype=splits_type)
              for value in values]  # fmt: skip
    most = max(value.ragged_rank for value in ragged)
    return [_with_ragged_rank(value, most, splits_type) for value in ragged]


def _with_ragged_rank(value, ragged_rank, splits_type):
    """`value` with uniform dimensions made ragged until there are so many."""
    if not is_ragged(value):
        value = RaggedTensor.from_tensor(value, row_splits_dtype=splits_type)
    if value.ragged_rank == ragged_rank:
        return value
    return value.with_values(_with_ragged_rank(value.values, ragged_rank - 1, splits_type))


def _one_behind_the_other(values, stacks):
    """Joined along dimension 0: the flat values one behind the other, the splits moved by what comes before."""
    flat_values = dense_concat([value.flat_values for value in values], axis=0)
    nested = [value.nested_row_splits for value in values]
    joined = [_moved_splits(splits) for splits in zip(*nested, strict=True)]
    if stacks:
        counts = dense_stack([value.nrows() for value in values])
        joined.insert(0, splits_of_lengths(counts))
    return RaggedTensor.from_nested_row_splits(flat_values, joined, validate=False)


def _moved_splits(splits):
    pieces, end = [splits[0]], splits[0][-1]
    for each in splits[1:]:
        pieces.append(each[1:] + end)
        end += each[-1]
    return dense_concat(pieces, axis=0)


def _row_by_row(values, stacks):
    """Joined along dimension 1: all rows of all tensors, permuted so that the first rows of all come first."""
    count = len(values)
    rows = values[0].nrows()
    message = "Input tensors have incompatible shapes."
    for value in values[1:]:
        values[0].shape[:1].assert_is_compatible_with(value.shape[:1])
    checks = [assert_equal(value.nrows(), rows, message=message) for value in values[1:]]
    with control_dependencies(checks):
        together = _one_behind_the_other(values, stacks=False)
        numbers = reshape(number_range(rows * count), [count, -1])
        permuted = gather(together, reshape(transpose(numbers), [-1]))
        if stacks:
            splits = number_range(0, rows * count + 1, count)
            _tell_rows(splits, values)
            return RaggedTensor.from_row_splits(permuted, splits, validate=False)
        splits = permuted.row_splits[::count]
        _tell_rows(splits, values)
        return RaggedTensor.from_row_splits(permuted.values, splits, validate=False)


def _tell_rows(splits, values):
    """Tell the static number of splits, one more than each of the tensors has rows."""
    for value in values:
        splits.set_shape([value.shape[0] + 1])
