"""Elements handed out to rows by number: tf.ragged.stack_dynamic_partitions, dynamic_partition."""

import numpy as np

from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal, assert_less
from reflow.ops.gathering import gather as dense_gather
from reflow.ops.joining import stack
from reflow.ops.sorting import argsort
from reflow.ragged.gathering import gather
from reflow.ragged.tensor import RaggedTensor, convert_to_tensor_or_ragged_tensor


@export("ragged.stack_dynamic_partitions")
def stack_dynamic_partitions(data, partitions, num_partitions, name=None):
    """Elements of a tensor in the rows that they are given: row i has those whose partition is i, in their order.

    Args:
      data: a tensor, dense or ragged.
      partitions: an integer tensor of known rank, whose shape is that of the first dimensions of `data`.
      num_partitions: an integer scalar, the number of rows.
      name: a name scope.

    Returns:
      A RaggedTensor [num_partitions, (row length), ...].

    Raises:
      ValueError: if the rank of `partitions` is unknown, or the shapes do not fit.
      InvalidArgumentError: when it runs, if a partition is not less than `num_partitions`.
    """
    with name_scope(name, "SegmentStack", [data, partitions, num_partitions]):
        data = convert_to_tensor_or_ragged_tensor(data, name="data")
        splits_type = data.row_splits.dtype if isinstance(data, RaggedTensor) else None
        partitions = convert_to_tensor_or_ragged_tensor(partitions, name="partitions", preferred_dtype=splits_type)
        num_partitions = to_tensor(num_partitions, None, "num_partitions", partitions.dtype)
        if splits_type is not None:
            partitions = _cast_values(partitions, splits_type)
        num_partitions = cast(num_partitions, partitions.dtype)
        rank = partitions.shape.ndims
        if rank is None:
            raise ValueError("partitions must have known rank.")
        num_partitions.shape.assert_has_rank(0)
        partitions.shape.assert_is_compatible_with(data.shape[:rank])
        if rank == 0:
            return RaggedTensor.from_value_rowids(stack([data]), stack([partitions]), num_partitions, validate=False)
        if rank == 1:
            return _stacked(data, partitions, num_partitions)
        return _stacked_inside(data, partitions, num_partitions, rank)


def _cast_values(partitions, dtype):
    if isinstance(partitions, RaggedTensor):
        return partitions.with_flat_values(cast(partitions.flat_values, dtype))
    return cast(partitions, dtype)


def _stacked(data, partitions, num_partitions):
    """For one partition an element: all elements in the order of their partitions."""
    order = argsort(partitions, stable=True)
    rowids = dense_gather(partitions, order)
    values = gather(data, order) if isinstance(data, RaggedTensor) else dense_gather(data, order)
    message = "partitions must be less than num_partitions"
    with control_dependencies([assert_less(rowids[-1:], num_partitions, message=message)]):
        return RaggedTensor.from_value_rowids(values, rowids, num_partitions, validate=False)


def _stacked_inside(data, partitions, num_partitions, rank):
    """For partitions of the elements of rows: the rows do not matter."""
    if not isinstance(data, RaggedTensor):
        data = RaggedTensor.from_tensor(data, row_splits_dtype=partitions.dtype, ragged_rank=1)
    if not isinstance(partitions, RaggedTensor):
        partitions = RaggedTensor.from_tensor(partitions, row_splits_dtype=partitions.dtype,
                                              ragged_rank=max(data.ragged_rank, rank - 1))  # fmt: skip
    message = "data and partitions have incompatible ragged shapes"
    with control_dependencies([assert_equal(data.row_splits, partitions.row_splits, message=message)]):
        return stack_dynamic_partitions(data.values, partitions.values, num_partitions)


def dynamic_partition(data, partitions, num_partitions, name=None):
    """The rows of `stack_dynamic_partitions`, as a list; `tf.dynamic_partition` of ragged tensors.

    Args:
      data, partitions: as of `stack_dynamic_partitions`.
      num_partitions: a number, of which the fraction is cut off.
      name: a name scope.

    Returns:
      A list of `num_partitions` RaggedTensors and Tensors, as `data` has rows.

    Raises:
      TypeError: if `num_partitions` is no number, or negative.
    """
    if isinstance(num_partitions, (float, np.number)):
        num_partitions = int(num_partitions)
    if not isinstance(num_partitions, int) or num_partitions < 0:
        raise TypeError("num_partitions must be a non-negative integer")
    rows = stack_dynamic_partitions(data, partitions, num_partitions, name)
    return [rows[i] for i in range(num_partitions)]
