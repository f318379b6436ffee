"""Values without repetition: Unique, UniqueWithCounts, ListDiff."""

import math
from collections import namedtuple

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.dtypes import as_dtype
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import with_rank
from reflow.ops.torch_types import array_of, tensor_of

_OUT_INDEX = "T: type, out_idx: type in index = int32"

Unique = namedtuple("Unique", ["y", "idx"])
UniqueWithCounts = namedtuple("UniqueWithCounts", ["y", "idx", "count"])
ListDiff = namedtuple("ListDiff", ["out", "idx"])


# --- kernels ------------------------------------------------------------------------------------------------------


def _grouped(keys):
    """Number equal keys alike, in order of first occurrence.

    Args:
      keys: a list of hashable values.

    Returns:
      (positions of the first of each, number of each key's group): int64 arrays.
    """
    numbers: dict = {}
    first: list[int] = []
    group = np.empty(len(keys), np.int64)
    for i, key in enumerate(keys):
        number = numbers.setdefault(key, len(numbers))
        if number == len(first):
            first.append(i)
        group[i] = number
    return np.array(first, np.int64), group


def _grouped_numbers(array):
    """As `_grouped`, for a vector of numbers: sorted by NumPy, then put in order of first occurrence."""
    _, first, inverse = np.unique(array, return_index=True, return_inverse=True, equal_nan=False)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(order.size)
    return first[order], rank[inverse.reshape(-1)]


def _groups_along(x, axis):
    """Groups of equal slices of `x` along `axis`, in order of first occurrence."""
    array = np.moveaxis(array_of(x), axis, 0)
    if array.ndim == 1 and array.dtype != object and array.dtype.kind != "V":
        return _grouped_numbers(array)
    rows = array.reshape(array.shape[0], math.prod(array.shape[1:]))
    keys = [tuple(row) if rows.dtype == object else _bytes_of(row) for row in rows]
    return _grouped(keys)


def _bytes_of(row):
    # Zero is equal to minus zero; adding 0 makes the two the same bytes.
    return (row + 0).tobytes() if row.dtype.kind in "fc" else row.tobytes()


def _axis_of(dims, axis):
    """The axis that the input `axis` names: an empty vector stands for the only axis of a vector."""
    if np.ndim(axis) != 1:
        raise InvalidArgumentError(None, None, "axis expects a 1D vector.")
    if len(axis) > 1:
        raise InvalidArgumentError(None, None, "axis does not support input tensors larger than 1 elements")
    if not axis:
        if len(dims) != 1:
            raise InvalidArgumentError(None, None, "unique expects a 1D vector.")
        return 0
    if not -len(dims) <= axis[0] < len(dims):
        raise InvalidArgumentError(None, None, f"axis has to be between [0, {len(dims)})")
    return axis[0] % len(dims)


def _unique_v2(x, axis, out_idx):
    return _unique_with_counts_v2(x, axis, out_idx)[:2]


def _unique_with_counts_v2(x, axis, out_idx):
    where = _axis_of(x.shape, axis)
    first, group = _groups_along(x, where)
    counts = np.bincount(group, minlength=first.size)
    kept = tensor_of(np.take(array_of(x), first, where))
    return kept, torch.from_numpy(group).to(out_idx), torch.from_numpy(counts).to(out_idx)


def _unique(x, out_idx):
    return _unique_v2(x, [], out_idx)


def _unique_with_counts(x, out_idx):
    return _unique_with_counts_v2(x, [], out_idx)


def _list_diff(x, y, out_idx):
    for name, vector in (("x", x), ("y", y)):
        if len(vector.shape) != 1:
            raise ValueError(f"{name} should be a 1D vector.")
    values, excluded = array_of(x), array_of(y)
    if values.dtype == object:
        seen = set(excluded.tolist())
        missing = np.array([v not in seen for v in values.tolist()], bool)
    else:
        missing = ~np.isin(values, excluded)
    places = np.flatnonzero(missing)
    return tensor_of(values[places]), torch.from_numpy(places).to(out_idx)


# --- shape rules --------------------------------------------------------------------------------------------------


def _vector_shape(op):
    # TensorFlow looks at the rank in one of the two.
    if op.type == "Unique":
        with_rank(op._inputs[0].dims, 1)
    return [(None,), op._inputs[0].dims, (None,)][: len(op.op_def.outputs)]


def _along_axis_shape(op):
    dims, axis = op._inputs[0].dims, constant_value(op._inputs[1])
    count = len(op.op_def.outputs)
    if dims is None or axis is None:
        return [None, (None,), (None,)][:count]
    try:
        where = _axis_of(dims, axis.tolist())
    except InvalidArgumentError:
        return [None, (None,), (None,)][:count]  # As in TensorFlow, an axis that is none fails in the run.
    return [dims[:where] + (None,) + dims[where + 1:], (dims[where],), (None,)][:count]


def _list_diff_shape(op):
    with_rank(op._inputs[0].dims, 1)
    with_rank(op._inputs[1].dims, 1)
    return [(None,), (None,)]


# --- ops ----------------------------------------------------------------------------------------------------------

define_op("Unique", "x: T -> y: T, idx: out_idx", _OUT_INDEX, shape=_vector_shape, kernel=_unique)
define_op(
    "UniqueV2", "x: T, axis: Taxis -> y: T, idx: out_idx", f"{_OUT_INDEX}, Taxis: type in index = int64",
    shape=_along_axis_shape, kernel=_unique_v2, host="axis",
)  # fmt: skip
define_op("UniqueWithCounts", "x: T -> y: T, idx: out_idx, count: out_idx", _OUT_INDEX, shape=_vector_shape,
          kernel=_unique_with_counts)  # fmt: skip
define_op(
    "UniqueWithCountsV2", "x: T, axis: Taxis -> y: T, idx: out_idx, count: out_idx",
    f"{_OUT_INDEX}, Taxis: type in index = int64",
    shape=_along_axis_shape, kernel=_unique_with_counts_v2, host="axis",
)  # fmt: skip
define_op("ListDiff", "x: T, y: T -> out: T, idx: out_idx", _OUT_INDEX, shape=_list_diff_shape, kernel=_list_diff)


@export("unique")
def unique(x, out_idx=dtypes.int32, name=None):
    """The different elements of a vector, in order of first occurrence.

    Args:
      x: a vector.
      out_idx: the type of `idx`, int32 or int64.
      name: the node's name.

    Returns:
      A named tuple: `y` the different elements, `idx` for each element of `x` its place in `y`.
    """
    return Unique._make(call("Unique", x, out_idx=as_dtype(out_idx), name=name))


@export("unique_with_counts")
def unique_with_counts(x, out_idx=dtypes.int32, name=None):
    """The different elements of a vector, in order of first occurrence, and how often they occur.

    Args:
      x: a vector.
      out_idx: the type of `idx` and `count`, int32 or int64.
      name: the node's name.

    Returns:
      A named tuple: `y` the different elements, `idx` for each element of `x` its place in `y`, `count`.
    """
    return UniqueWithCounts._make(call("UniqueWithCounts", x, out_idx=as_dtype(out_idx), name=name))


@export("setdiff1d")
def setdiff1d(x, y, index_dtype=dtypes.int32, name=None):
    """The elements of one vector that are not in another.

    Args:
      x: a vector.
      y: a vector of the same type.
      index_dtype: the type of `idx`, int32 or int64.
      name: the node's name.

    Returns:
      A named tuple: `out` the elements of `x` that are not in `y`, in order, `idx` their places in `x`.
    """
    return ListDiff._make(call("ListDiff", x, y, out_idx=as_dtype(index_dtype), name=name))


@export("sparse_mask", "sparse.mask")
def sparse_mask(a, mask_indices, name=None):
    """IndexedSlices without the slices that some indices name.

    Args:
      a: IndexedSlices.
      mask_indices: vector of indices to leave out.
      name: the name scope.

    Returns:
      IndexedSlices.
    """
    from reflow.graph.context import name_scope
    from reflow.graph.indexed_slices import IndexedSlices
    from reflow.ops.gathering import gather

    with name_scope(name, "sparse_mask", [a.values, mask_indices]) as scope:
        indices, kept = call("ListDiff", a.indices, mask_indices)
        return IndexedSlices(gather(a.values, kept, name=scope), indices, a.dense_shape)
