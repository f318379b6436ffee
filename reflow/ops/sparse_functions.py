"""Functions of sparse tensors that are made of other ops: conversion, transposition, selection, indicators."""

from collections.abc import Iterable
from numbers import Integral

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.sparse_tensor import SparseTensor, is_sparse
from reflow.ops.arithmetic import add, maximum, minimum
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal, assert_less_equal
from reflow.ops.constant import constant, fill, ones, ones_like, zeros
from reflow.ops.control import with_dependencies
from reflow.ops.gathering import gather, gather_nd
from reflow.ops.identity import identity
from reflow.ops.joining import concat, stack
from reflow.ops.permute import transpose
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_max
from reflow.ops.select import where_v2
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape
from reflow.ops.slicing import slice_
from reflow.ops.sparse_coordinates import as_sparse_tensor
from reflow.ops.sparse_dense import sparse_tensor_to_dense
from reflow.ops.sparse_structure import sparse_reorder

# --- making sparse tensors ----------------------------------------------------------------------------------------


@export("sparse.from_dense")
def from_dense(tensor, name=None):
    """The SparseTensor of the elements of a tensor that are not zero.

    Args:
      tensor: a numeric tensor.
      name: a name scope for the operations.

    Returns:
      A SparseTensor of the same type and shape.
    """
    with name_scope(name, "dense_to_sparse"):
        tensor = to_tensor(tensor)
        indices = where_v2(call("NotEqual", tensor, constant(0, tensor.dtype.base_dtype)))
        return SparseTensor(indices, gather_nd(tensor, indices), shape(tensor, out_type=dtypes.int64))


@export("sparse.eye")
def sparse_eye(num_rows, num_columns=None, dtype=dtypes.float32, name=None):
    """A sparse matrix with ones on the diagonal.

    Args:
      num_rows: int or integer scalar tensor.
      num_columns: int or integer scalar tensor; as many as rows if None.
      dtype: the type of the values.
      name: a name scope for the operations.

    Returns:
      A SparseTensor.

    Raises:
      TypeError: if a size is no integer.
    """
    with name_scope(name, "eye", [num_rows, num_columns]):
        num_rows = _as_int64(num_rows, "num_rows")
        num_columns = num_rows if num_columns is None else _as_int64(num_columns, "num_columns")
        size = minimum(num_rows, num_columns)
        places = range_(size, dtype=dtypes.int64)
        return SparseTensor(stack([places, places], axis=1), ones(size, dtype=dtype), [num_rows, num_columns])


def _as_int64(value, name):
    if isinstance(value, (Integral, np.integer)):
        return to_tensor(value, dtypes.int64, name)
    if not isinstance(value, Tensor):
        raise TypeError(f"{name} must be an integer value")
    return value if value.dtype is dtypes.int64 else cast(value, dtypes.int64)


# --- axes ---------------------------------------------------------------------------------------------------------


@export("sparse.expand_dims")
def sparse_expand_dims(sp_input, axis=None, name=None):
    """A SparseTensor with an axis of size 1 put in.

    Args:
      sp_input: a SparseTensor of known rank.
      axis: int or int32 scalar tensor: the place of the new axis; the last one if None. Negative places count from
        the end.
      name: a name scope for the operations.

    Returns:
      A SparseTensor of rank one more.

    Raises:
      TypeError: if `axis` is no integer.
    """
    old_rank = sp_input.dense_shape.get_shape()[0]
    axis = -1 if axis is None else axis
    with name_scope(name, "expand_dims", [sp_input]):
        if isinstance(axis, (Integral, np.integer)):
            axis = to_tensor(axis, dtypes.int32, "axis")
        elif not isinstance(axis, Tensor):
            raise TypeError("axis must be an integer value in range [-rank(sp_input) - 1, rank(sp_input)]")
        axis = where_v2(axis >= 0, axis, axis + old_rank + 1)
        column = zeros([shape(sp_input.indices)[0], 1], dtype=dtypes.int64)
        before = slice_(sp_input.indices, [0, 0], [-1, axis])
        after = slice_(sp_input.indices, [0, axis], [-1, -1])
        indices = concat([before, column, after], axis=1)
        shape_before = slice_(sp_input.dense_shape, [0], [axis])
        shape_after = slice_(sp_input.dense_shape, [axis], [-1])
        one = to_tensor([1], dtypes.int64, "new_shape")
        return SparseTensor(indices, sp_input.values, concat([shape_before, one, shape_after], axis=0))


@export("sparse.transpose", "sparse_transpose")
def sparse_transpose(sp_input, perm=None, name=None):
    """A SparseTensor with its axes in another order.

    Args:
      sp_input: a SparseTensor.
      perm: integer vector: axis i of the result is axis perm[i] of `sp_input`; the axes reversed if None.
      name: a name scope for the operations.

    Returns:
      A SparseTensor of the same type, its values in row-major order.
    """
    with name_scope(name, "SparseTranspose", [sp_input]):
        if perm is None:
            count, order = rank(sp_input), None
            perm = count - 1 - range_(0, count, 1)
        else:
            order = constant_value(to_tensor(perm))
        indices = transpose(gather(transpose(sp_input.indices), perm))
        static = sp_input.get_shape()
        if order is not None and static.is_fully_defined():
            sizes = static.as_list()
            new_shape = [sizes[axis] for axis in order]
        else:
            new_shape = gather(sp_input.dense_shape, perm)
        return sparse_reorder(SparseTensor(indices, sp_input.values, new_shape))


# --- selection ----------------------------------------------------------------------------------------------------


@export("sparse.retain", "sparse_retain")
def sparse_retain(sp_input, to_retain):
    """A SparseTensor with some of its values.

    Args:
      sp_input: a SparseTensor of n values.
      to_retain: bool vector [n]: True for the values to keep.

    Returns:
      A SparseTensor of the same shape and type.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
      ValueError: if the lengths are known to differ.
    """
    sp_input = as_sparse_tensor(sp_input)
    to_retain = to_tensor(to_retain)
    to_retain.get_shape().assert_has_rank(1)
    sp_input.values.get_shape().merge_with(to_retain.get_shape())
    kept = reshape(where_v2(to_retain), [-1])
    return SparseTensor(gather(sp_input.indices, kept), gather(sp_input.values, kept), identity(sp_input.dense_shape))


@export("sparse.reset_shape", "sparse_reset_shape")
def sparse_reset_shape(sp_input, new_shape=None):
    """A SparseTensor with another shape and the same coordinates: a larger one, or the least that holds all values.

    Args:
      sp_input: a SparseTensor.
      new_shape: integer vector: the new shape, in no axis less than the old one; None for the bounding box.

    Returns:
      A SparseTensor of the same type.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
      ValueError: if the ranks, or shapes that are known, do not fit; InvalidArgumentError when it runs if they were
        not known.
    """
    sp_input = as_sparse_tensor(sp_input)
    indices, values, old_shape = (identity(t) for t in (sp_input.indices, sp_input.values, sp_input.dense_shape))
    if new_shape is None:
        greatest = reduce_max(indices, axis=0)
        new_shape = maximum(constant(0, dtypes.int64), add(greatest, ones_like(old_shape)))
        return SparseTensor(indices, values, new_shape)
    new_shape = to_tensor(new_shape)
    new_shape.get_shape().assert_has_rank(1)
    new_shape = cast(new_shape, dtypes.int64)
    new_shape.get_shape()[:1].assert_is_compatible_with(old_shape.get_shape()[:1])
    known, static = constant_value(new_shape), sp_input.get_shape()
    if known is not None and static.is_fully_defined():
        old = np.array(static.as_list())
        if not np.all(old <= known):
            raise ValueError("Requested new_shape should have dimension sizes >= sp_input.shape.  Found new_shape "
                             f"({old}), sp_input.shape ({known}).")  # fmt: skip
        return SparseTensor(indices, values, known)
    new_shape = with_dependencies([assert_equal(shape(old_shape), shape(new_shape))], new_shape)
    new_shape = with_dependencies([assert_less_equal(old_shape, new_shape)], new_shape)
    return SparseTensor(indices, values, new_shape)


# --- ids as coordinates -------------------------------------------------------------------------------------------


@export("sparse.to_indicator", "sparse_to_indicator")
def sparse_to_indicator(sp_input, vocab_size, name=None):
    """A dense bool tensor that is True at the ids which a sparse tensor holds.

    Args:
      sp_input: an integer SparseTensor [D0, ..., Dn, K] of ids.
      vocab_size: int or scalar tensor: how many ids there are.
      name: a name for the operations.

    Returns:
      A bool Tensor [D0, ..., Dn, vocab_size].

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
    """
    sp_input = as_sparse_tensor(sp_input)
    with name_scope(name, "SparseToIndicator", [sp_input]) as scope:
        count = shape(sp_input.indices)[0]
        truth = fill(expand_dims(count, 0), True)
        marks = SparseTensor(sp_input.indices, truth, sp_input.dense_shape)
        merged = _merge(sp_input, marks, vocab_size, scope)
        return sparse_tensor_to_dense(merged, default_value=False, validate_indices=False, name=scope)


@export("sparse.merge", "sparse_merge")
def sparse_merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    """A batch of ids and values as one SparseTensor, where the ids are the last coordinates.

    Args:
      sp_ids: an integer SparseTensor [D0, ..., Dn, K], or a list of them, one for each new axis.
      sp_values: a SparseTensor with the same indices.
      vocab_size: int or scalar tensor, or a list of as many: the sizes of the new axes.
      name: a name scope for the operations.
      already_sorted: the values are in row-major order then; do not sort them.

    Returns:
      A SparseTensor [D0, ..., Dn, *vocab_size].

    Raises:
      TypeError: if the ids are no SparseTensors or the sizes no integers.
      ValueError: if there are not as many sizes as ids.
    """
    return _merge(sp_ids, sp_values, vocab_size, name, already_sorted)


def _merge(sp_ids, sp_values, vocab_size, name=None, already_sorted=False):
    sp_ids, vocab_size = _id_lists(sp_ids, vocab_size)
    with name_scope(name, "SparseMerge", [sp_ids, sp_values]):
        sp_ids = [as_sparse_tensor(ids) for ids in sp_ids]
        sp_values = as_sparse_tensor(sp_values)
        columns = []
        for ids in sp_ids:
            numbers = ids.values if ids.dtype is dtypes.int64 else cast(ids.values, dtypes.int64)
            columns.append(expand_dims(numbers, axis=1))
        sizes = [cast(size, dtypes.int64) for size in vocab_size]
        indices = concat([sp_ids[0].indices[:, :-1], *columns], 1)
        new_shape = concat([sp_ids[0].dense_shape[:-1], sizes], 0)
        result = SparseTensor(indices, sp_values.values, new_shape)
        if already_sorted:
            return result
        in_order = sparse_reorder(result)
        return SparseTensor(in_order.indices, in_order.values, new_shape)


def _id_lists(sp_ids, vocab_size):
    """Both as lists of one length."""
    if is_sparse(sp_ids):
        if not _is_size(vocab_size):
            raise TypeError(f"vocab_size has to be a Tensor or Python int. Found {type(vocab_size)}")
        return [sp_ids], [vocab_size]
    if not isinstance(sp_ids, Iterable):
        raise TypeError(f"sp_ids has to be a SparseTensor or list thereof. Found {type(sp_ids)}")
    if isinstance(vocab_size, Tensor) or not isinstance(vocab_size, Iterable):
        raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Found {type(vocab_size)}")
    for size in vocab_size:
        if not _is_size(size):
            raise TypeError(f"vocab_size has to be a list of Tensors or Python ints. Found {type(size)}")
    if len(sp_ids) != len(vocab_size):
        raise ValueError("sp_ids and vocab_size have to have equal lengths.")
    return sp_ids, vocab_size


def _is_size(value):
    return isinstance(value, (Tensor, Integral))
