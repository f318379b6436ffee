"""Functions of the shape of ragged tensors: expand_dims, squeeze, size, rank, one_hot."""

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.operation import Tensor
from reflow.ops.checks import Assert
from reflow.ops.comparison import equal
from reflow.ops.constant import constant
from reflow.ops.control import with_dependencies
from reflow.ops.joining import stack
from reflow.ops.ranges import range as number_range
from reflow.ops.reduction import reduce_all
from reflow.ops.select import one_hot as dense_one_hot
from reflow.ops.shape_ops import expand_dims as dense_expand_dims
from reflow.ops.shape_ops import rank as dense_rank
from reflow.ops.shape_ops import size as dense_size
from reflow.ops.shape_ops import squeeze as dense_squeeze
from reflow.ragged.arguments import axis_from_front
from reflow.ragged.tensor import RaggedTensor, convert_to_tensor_or_ragged_tensor, is_ragged


def expand_dims(input, axis, name=None):
    """A tensor with one dimension of size 1 more; `tf.expand_dims` of ragged tensors.

    Args:
      input: a tensor, dense or ragged.
      axis: int, the place of the new dimension.
      name: a name scope.

    Returns:
      A RaggedTensor with the same values.
    """
    with name_scope(name, "RaggedExpandDims", [input]):
        input = convert_to_tensor_or_ragged_tensor(input, name="input")
        if not is_ragged(input):
            return dense_expand_dims(input, axis)
        rank_of_input = input.shape.ndims
        axis = axis_from_front(axis, None if rank_of_input is None else rank_of_input + 1)
        if axis == 0:
            values, splits = input, stack([0, input.nrows()])
        elif axis == 1:
            values, splits = input, number_range(input.nrows() + 1)
        else:
            values, splits = expand_dims(input.values, axis - 1), input.row_splits
        return RaggedTensor.from_row_splits(values, splits, validate=False)


def squeeze(input, axis=None, name=None):
    """A tensor without some dimensions of size 1; `tf.squeeze` of ragged tensors.

    Args:
      input: a tensor, dense or ragged.
      axis: int or list of ints, the dimensions; it has to be given for a ragged tensor.
      name: a name scope.

    Returns:
      A tensor of the same values, ragged if a ragged dimension is left.

    Raises:
      TypeError: if `axis` holds something else.
      ValueError: if there is no such axis, or none is given.
      InvalidArgumentError: when it runs, if such a dimension has another size.
    """
    with name_scope(name, "RaggedSqueeze", [input]):
        input = convert_to_tensor_or_ragged_tensor(input)
        if isinstance(input, Tensor):
            return dense_squeeze(input, axis, name)
        axes = [axis_from_front(each, input.shape.ndims) for each in _axes(axis)]
        dense_axes = [each - input.ragged_rank for each in axes if each > input.ragged_rank]
        ragged_axes = {each for each in axes if each <= input.ragged_rank}
        values = with_dependencies(_size_checks(input, ragged_axes), input.flat_values)
        if dense_axes:
            values = dense_squeeze(values, dense_axes)
        # The splits of dimension i stand at place i - 1; those of dimension 0 would be [0, 1].
        splits = [splits for i, splits in enumerate(input.nested_row_splits, 1) if i not in ragged_axes]
        if splits and 0 in ragged_axes:
            splits.pop(0)
        result = RaggedTensor.from_nested_row_splits(values, splits)
        if ragged_axes.issuperset(range(input.ragged_rank + 1)):
            return dense_squeeze(result, [0], name)
        return result


def _axes(axis) -> list:
    if axis is None:
        raise ValueError("Ragged.squeeze must have an axis argument.")
    if isinstance(axis, int):
        return [axis]
    if not isinstance(axis, (list, tuple)) or not all(isinstance(each, int) for each in axis):
        raise TypeError("Axis must be a list or tuple of integers.")
    return list(axis)


def _size_checks(ragged, axes) -> list:
    """Operations that fail, when they run, unless the dimensions have size 1."""
    checks = []
    one = constant(1, dtype=ragged.row_splits.dtype)
    for axis, lengths in enumerate(ragged.nested_row_lengths(), 1):
        if axis in axes:
            message = f"the given axis (axis = {axis}) is not squeezable!"
            checks.append(Assert(reduce_all(equal(lengths, one)), [message]))
    if 0 in axes:
        two = constant(2, dtype=dtypes.int32)
        message = "the given axis (axis = 0) is not squeezable!"
        checks.append(Assert(equal(dense_size(ragged.row_splits), two), [message]))
    return checks


def size(input, out_type=dtypes.int32, name=None):
    """The number of elements of a tensor, dense or ragged: a scalar of `out_type`; `tf.size`.

    Args:
      input: a tensor.
      out_type: int32 or int64.
      name: the node's name.
    """
    return dense_size(input.flat_values if is_ragged(input) else input, out_type=out_type, name=name)


def rank(input, name=None):
    """The number of dimensions of a tensor, dense or ragged: an int32 scalar; `tf.rank`.

    Args:
      input: a tensor.
      name: a name scope.
    """
    with name_scope(name, "RaggedRank", [input]) as scope:
        if not is_ragged(input):
            return dense_rank(input, scope)
        return input.ragged_rank + dense_rank(input.flat_values)


def one_hot(indices, depth, on_value=None, off_value=None, axis=None, dtype=None, name=None):
    """Rows with one value at the place that an index names; `tf.one_hot` of ragged tensors.

    Args:
      indices: an integer tensor, dense or ragged.
      depth: the length of a row.
      on_value, off_value: the values at the place and elsewhere.
      axis: the new dimension, below all ragged ones; the innermost if None.
      dtype: the type of the values.
      name: a name scope.

    Returns:
      A RaggedTensor.

    Raises:
      ValueError: if `axis` is among the ragged dimensions.
    """
    with name_scope(name, "RaggedOneHot", [indices]):
        indices = convert_to_tensor_or_ragged_tensor(indices, name="indices")
        if axis is not None:
            axis = axis_from_front(axis, indices.shape.ndims)
            if axis < indices.ragged_rank:
                raise ValueError("axis may not be less than indices.ragged_rank.")
        hot = dense_one_hot(indices.flat_values, depth, on_value, off_value, axis, dtype, name)
        return indices.with_flat_values(hot)
