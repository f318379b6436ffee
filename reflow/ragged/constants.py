"""Ragged tensors of nested Python lists, and placeholders: tf.ragged.constant, constant_value, placeholder."""

import itertools

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.ops.constant import constant as dense_constant
from reflow.ops.placeholder import placeholder as dense_placeholder
from reflow.ragged.tensor import RaggedTensor, is_ragged
from reflow.ragged.value import RaggedTensorValue


@export("ragged.constant")
def constant(pylist, dtype=None, ragged_rank=None, inner_shape=None, name=None, row_splits_dtype=dtypes.int64):
    """A constant ragged tensor of nested lists.

    Args:
      pylist: a nested list, tuple or array; its scalars are equally deep.
      dtype: the type of the values; told from them if None.
      ragged_rank: the number of ragged dimensions; as many as `inner_shape` leaves, all but the innermost if None.
      inner_shape: a tuple, the shape of the values below the ragged dimensions; told from `pylist` if None.
      name: a name scope.
      row_splits_dtype: the type of the row splits, int32 or int64.

    Returns:
      A RaggedTensor; a Tensor if no dimension is ragged.

    Raises:
      TypeError: if `pylist` is ragged already.
      ValueError: if its scalars are not equally deep, or it does not fit the other arguments.
    """

    def ragged(values, splits):
        splits = dense_constant(splits, dtype=row_splits_dtype)
        return RaggedTensor.from_row_splits(values, splits, validate=False)

    with name_scope(name, "RaggedConstant"):
        return _nested(pylist, dtype, ragged_rank, inner_shape, ragged, dense_constant)


@export("ragged.constant_value", "compat.v1.ragged.constant_value")
def constant_value(pylist, dtype=None, ragged_rank=None, inner_shape=None, row_splits_dtype="int64"):
    """A RaggedTensorValue of nested lists; arguments and errors as of `ragged.constant`, types may be NumPy's.

    Returns:
      A RaggedTensorValue; an array if no dimension is ragged.
    """
    if isinstance(dtype, DType):
        dtype = dtype.as_numpy_dtype
    splits_dtype = as_dtype(row_splits_dtype).as_numpy_dtype

    def dense(pylist, dtype, shape, name=None):
        return np.reshape(np.array(pylist, dtype=dtype), shape)

    def ragged(values, splits):
        return RaggedTensorValue(values, np.array(splits, dtype=splits_dtype))

    return _nested(pylist, dtype, ragged_rank, inner_shape, ragged, dense)


def _is_list(value) -> bool:
    return isinstance(value, (list, tuple)) or np.ndim(value) != 0


def _nested(pylist, dtype, ragged_rank, inner_shape, ragged, dense):
    """A value of nested lists: `dense(list, dtype, shape, name)` makes dense parts, `ragged(values, splits)` rows."""
    if is_ragged(pylist):
        raise TypeError("pylist may not be a RaggedTensor or RaggedTensorValue.")
    if not _is_list(pylist):
        _check_scalar(pylist, ragged_rank, inner_shape)
        return dense(pylist, dtype, ())
    if ragged_rank is not None and ragged_rank < 0:
        raise ValueError(f"Invalid ragged_rank={ragged_rank!r}: must be nonnegative")
    scalar_depth, max_depth = _depths(pylist)
    _check_depths(pylist, scalar_depth, max_depth, ragged_rank, inner_shape)
    if ragged_rank == 0 or ragged_rank is None and max_depth - len(inner_shape or ()) < 2:
        return dense(pylist, dtype, inner_shape)
    if inner_shape is None:
        inner_shape = () if ragged_rank is None else _inner_shape(pylist, ragged_rank)
    if ragged_rank is None:
        depth = max_depth if scalar_depth is None else scalar_depth - len(inner_shape)
        ragged_rank = max(1, depth - 1)
    values, nested_splits = pylist, []
    for _ in range(ragged_rank):
        nested_splits.append([0, *itertools.accumulate(map(len, values))])
        values = [item for row in values for item in row]
    values = dense(values, dtype=dtype, shape=(len(values), *inner_shape), name="values")
    for splits in reversed(nested_splits):
        values = ragged(values, splits)
    return values


def _check_scalar(value, ragged_rank, inner_shape):
    if ragged_rank:
        raise ValueError(f"Invalid pylist={value!r}: incompatible with ragged_rank={ragged_rank}")
    if inner_shape:
        raise ValueError(f"Invalid pylist={value!r}: incompatible with dim(inner_shape)={len(inner_shape)}")


def _check_depths(pylist, scalar_depth, max_depth, ragged_rank, inner_shape):
    if scalar_depth is not None and max_depth > scalar_depth:
        raise ValueError(f"Invalid pylist={pylist!r}: empty list nesting is greater than scalar value nesting")
    if ragged_rank is None or inner_shape is None:
        return
    depth = ragged_rank + len(inner_shape) + 1
    if depth != scalar_depth if scalar_depth is not None else depth < max_depth:
        raise ValueError(f"Invalid pylist={pylist!r}: incompatible with ragged_rank={ragged_rank} and "
                         f"dim(inner_shape)={len(inner_shape)}")  # fmt: skip


def _depths(value):
    """How deep scalars are nested (None if there are none), and how deep lists are.

    Raises:
      ValueError: if scalars are not equally deep.
    """
    if not _is_list(value):
        return 0, 0
    scalar_depth, max_depth = None, 1
    for item in value:
        item_depth, item_max = _depths(item)
        if item_depth is not None:
            if scalar_depth not in (None, item_depth + 1):
                raise ValueError("all scalar values must have the same nesting depth")
            scalar_depth = item_depth + 1
        max_depth = max(max_depth, item_max + 1)
    return scalar_depth, max_depth


def _inner_shape(pylist, ragged_rank):
    """The shape that all values below the ragged dimensions have.

    Raises:
      ValueError: if they differ, or scalars are less deep than that.
    """
    values = pylist
    for axis in range(ragged_rank):
        if not all(map(_is_list, values)):
            raise ValueError(f"pylist has scalar values depth {axis + 1}, but ragged_rank={ragged_rank} requires "
                             f"scalar value depth greater than {ragged_rank}")  # fmt: skip
        values = [item for row in values for item in row]
    shape = _shape_of_first(values)
    _check_shape(values, shape)
    return shape[1:]


def _shape_of_first(value):
    if not _is_list(value):
        return ()
    return (len(value), *_shape_of_first(value[0])) if len(value) else (0,)


def _check_shape(value, shape):
    if _is_list(value) != bool(shape) or shape and len(value) != shape[0]:
        raise ValueError("inner values have inconsistent shape")
    for item in value if shape else ():
        _check_shape(item, shape[1:])


@export("ragged.placeholder", "compat.v1.ragged.placeholder")
def placeholder(dtype, ragged_rank, value_shape=None, name=None):
    """A ragged tensor that is fed: with a RaggedTensorValue.

    Args:
      dtype: the type of the values.
      ragged_rank: int, the number of ragged dimensions.
      value_shape: the shape of one of the innermost values; unknown if None.
      name: a name scope.

    Returns:
      A RaggedTensor of placeholders; one placeholder for the ragged rank 0.
    """
    if ragged_rank == 0:
        return dense_placeholder(dtype, value_shape, name)
    with name_scope(name, "RaggedPlaceholder", []):
        result = dense_placeholder(dtype, TensorShape([None]).concatenate(value_shape), "flat_values")
        for axis in reversed(range(ragged_rank)):
            splits = dense_placeholder(dtypes.int64, [None], f"row_splits_{axis}")
            result = RaggedTensor(result, splits, internal=True)
        return result
