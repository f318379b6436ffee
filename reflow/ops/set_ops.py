"""Sets along the last axis of tensors: their sizes, intersections, differences and unions."""

import math
from collections.abc import Callable

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.indexed_slices import convert_to_tensor_or_sparse_tensor
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.shape_rules import merge, unknown, with_rank, with_rank_at_least
from reflow.ops.sparse_coordinates import check_parts, check_sorted, flat_positions, in_brackets, invalid
from reflow.ops.torch_types import array_of, tensor_of

_TYPES = "int8|int16|int32|int64|uint8|uint16|string"
_VALID_TYPES = (dtypes.int8, dtypes.int16, dtypes.int32, dtypes.int64, dtypes.uint8, dtypes.uint16, dtypes.string)

# --- members of sets ----------------------------------------------------------------------------------------------


def _sparse_members(indices, values, shape):
    """The sets in a sparse tensor.

    Returns:
      (shape of the sets, for each value the number of its set, the values).
    """
    check_parts(indices, values, shape)
    dims = shape.tolist()
    if len(dims) < 2:
        raise invalid(f"Invalid input rank: {len(dims)}; sets are along the last of 2 axes or more.")
    # TensorFlow finds indices that are out of order on its way, even if it is not to validate them.
    check_sorted(indices, dims)
    return dims[:-1], array_of(flat_positions(indices[:, :-1], dims[:-1])), array_of(values)


def _dense_members(values):
    """As `_sparse_members`, for a dense tensor."""
    dims = list(values.shape)
    if len(dims) < 2:
        raise invalid(f"Shape must be at least rank 2 but is rank {len(dims)}")
    groups = np.repeat(np.arange(math.prod(dims[:-1])), dims[-1])
    return dims[:-1], groups, array_of(values).reshape(-1)


_COMBINATIONS = {
    b"intersection": np.intersect1d, b"union": np.union1d, b"a-b": np.setdiff1d,
    b"b-a": lambda a, b: np.setdiff1d(b, a),
}  # fmt: skip


def _combined(a, b, set_operation):
    """The sets that two tensors' sets are combined to, as the three parts of a sparse tensor.

    Members become numbers that sort by set first, by value then: combining two lists of those combines all sets.
    """
    (dims, a_groups, a_values), (b_dims, b_groups, b_values) = a, b
    if dims != b_dims:
        raise invalid(f"Mismatched group shapes {in_brackets(dims)} vs. {in_brackets(b_dims)}")
    if set_operation not in _COMBINATIONS:
        raise invalid(f"Invalid set_operation {set_operation.decode()}.")
    vocabulary, numbers = np.unique(np.concatenate([a_values, b_values]), return_inverse=True)
    numbers, count = numbers.reshape(-1), max(len(vocabulary), 1)
    members = _COMBINATIONS[set_operation](
        a_groups * count + numbers[: len(a_values)], b_groups * count + numbers[len(a_values) :]
    )
    groups, numbers = np.divmod(members, count)
    first = np.searchsorted(groups, groups)
    places = np.arange(len(groups)) - first
    coordinates = np.unravel_index(groups, dims) if len(groups) else [groups] * len(dims)
    indices = np.stack([*coordinates, places], axis=1).astype(np.int64)
    largest = int(places.max()) + 1 if len(places) else 0
    return torch.from_numpy(indices), tensor_of(vocabulary[numbers]), torch.tensor([*dims, largest])


# --- ops ----------------------------------------------------------------------------------------------------------


def _set_size(set_indices, set_values, set_shape):
    dims, groups, values = _sparse_members(set_indices, set_values, set_shape)
    vocabulary, numbers = np.unique(values, return_inverse=True)
    count = max(len(vocabulary), 1)
    members = np.unique(groups * count + numbers.reshape(-1))
    sizes = np.bincount(members // count, minlength=math.prod(dims)).astype(np.int32)
    return torch.from_numpy(sizes).reshape(dims)


define_op(
    "SetSize", "set_indices: int64, set_values: T, set_shape: int64 -> size: int32",
    f"validate_indices: bool = true, T: type in {_TYPES}", shape=unknown, kernel=_set_size, gradient=None,
)  # fmt: skip


def _dense_to_dense(set1, set2, set_operation):
    return _combined(_dense_members(set1), _dense_members(set2), set_operation)


def _dense_to_sparse(set1, set2_indices, set2_values, set2_shape, set_operation):
    set2 = _sparse_members(set2_indices, set2_values, set2_shape)
    return _combined(_dense_members(set1), set2, set_operation)


def _sparse_to_sparse(set1_indices, set1_values, set1_shape, set2_indices, set2_values, set2_shape, set_operation):
    set1 = _sparse_members(set1_indices, set1_values, set1_shape)
    set2 = _sparse_members(set2_indices, set2_values, set2_shape)
    return _combined(set1, set2, set_operation)


def _result(rank: int | None) -> list[Dims]:
    return [(None, rank), (None,), (rank,)]


def _dense_to_dense_shape(op):
    a, b = (with_rank_at_least(t.dims, 2) for t in op._inputs)
    if a is not None and b is not None:
        with_rank(b, len(a))
        merge(a[:-1], b[:-1])
    known = b if a is None else a
    return _result(None if known is None else len(known))


def _rank_of_sparse(op, first: int) -> int | None:
    """The rank of the sparse tensor whose parts are the three inputs from `first` on."""
    columns = with_rank(op._inputs[first].dims, 2)[1]
    length = with_rank(op._inputs[first + 2].dims, 1)[0]
    rank = length if columns is None else columns
    if rank is not None and rank < 2:
        raise ValueError(f"Input {first} rank, {rank}, must be at least 2")
    return rank


def _dense_to_sparse_shape(op):
    dense, rank = with_rank_at_least(op._inputs[0].dims, 2), _rank_of_sparse(op, 1)
    if dense is not None and rank is not None:
        with_rank(dense, rank)
    # Of a dense input of unknown rank, TensorFlow takes the result's rank from the input that is a shape.
    return _result(with_rank(op._inputs[3].dims, 1)[0] if dense is None else len(dense))


def _sparse_to_sparse_shape(op):
    a, b = _rank_of_sparse(op, 0), _rank_of_sparse(op, 3)
    if a is not None and b is not None and a != b:
        raise ValueError(f"Ranks do not match: {a} and {b}")
    # TensorFlow takes the result's rank from the inputs that are shapes.
    lengths = [with_rank(op._inputs[i].dims, 1)[0] for i in (2, 5)]
    return _result(next((length for length in lengths if length is not None), None))


def _define(name: str, inputs: str, shape: Callable, kernel: Callable) -> None:
    define_op(
        f"{name}SetOperation", f"{inputs} -> result_indices: int64, result_values: T, result_shape: int64",
        f"set_operation: string, validate_indices: bool = true, T: type in {_TYPES}", shape=shape, kernel=kernel,
        gradient=None,
    )  # fmt: skip


_SET2 = "set2_indices: int64, set2_values: T, set2_shape: int64"

_define("DenseToDense", "set1: T, set2: T", _dense_to_dense_shape, _dense_to_dense)
_define("DenseToSparse", f"set1: T, {_SET2}", _dense_to_sparse_shape, _dense_to_sparse)
_define("SparseToSparse", f"set1_indices: int64, set1_values: T, set1_shape: int64, {_SET2}", _sparse_to_sparse_shape,
        _sparse_to_sparse)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------


@export("sets.size", "sets.set_size")
def set_size(a, validate_indices=True):
    """How many different elements each set has.

    Args:
      a: a SparseTensor of integers of up to 64 bits or strings, of rank n >= 2: sets along the last axis.
      validate_indices: without effect: the order and range of indices are always checked.

    Returns:
      An int32 Tensor of rank n - 1.

    Raises:
      TypeError: if `a` is no SparseTensor or of another type.
      InvalidArgumentError: when it runs, if an index is wrong.
    """
    a = convert_to_tensor_or_sparse_tensor(a, name="a")
    if not isinstance(a, SparseTensor):
        raise TypeError(f"Expected `SparseTensor`, got {a}.")
    if a.values.dtype.base_dtype not in _VALID_TYPES:
        raise TypeError(f"Invalid dtype {a.values.dtype}.")
    return call("SetSize", a.indices, a.values, a.dense_shape, validate_indices=validate_indices)


def _operands(a, b):
    """Both converted; a sparse `a` and a dense `b` change places. The last element says if they did."""
    a = convert_to_tensor_or_sparse_tensor(a, name="a")
    if a.dtype.base_dtype not in _VALID_TYPES:
        raise TypeError(f"'a' invalid dtype {a.dtype}.")
    b = convert_to_tensor_or_sparse_tensor(b, name="b")
    if b.dtype.base_dtype is not a.dtype.base_dtype:
        raise TypeError(f"Types don't match, {a.dtype} vs {b.dtype}.")
    if isinstance(a, SparseTensor) and not isinstance(b, SparseTensor):
        return b, a, True
    return a, b, False


def _call_operation(a, b, set_operation, validate_indices):
    kinds = "To".join("Sparse" if isinstance(t, SparseTensor) else "Dense" for t in (a, b))
    inputs = []
    for t in (a, b):
        inputs += [t.indices, t.values, t.dense_shape] if isinstance(t, SparseTensor) else [t]
    return SparseTensor(*call(f"{kinds}SetOperation", *inputs, set_operation=set_operation,
                              validate_indices=validate_indices))  # fmt: skip


@export("sets.intersection", "sets.set_intersection")
def set_intersection(a, b, validate_indices=True):
    """The elements that the sets of both tensors have.

    Args:
      a: a Tensor or SparseTensor of integers or strings, of rank n >= 2: sets along the last axis.
      b: another one of the same type; all axes but the last have the same size.
      validate_indices: without effect: the order and range of sparse indices are always checked.

    Returns:
      A SparseTensor of rank n, each set sorted.

    Raises:
      TypeError: if the types differ or are no integers or strings.
      InvalidArgumentError: when it runs, if the shapes differ or an index is wrong.
    """
    a, b, _ = _operands(a, b)
    return _call_operation(a, b, "intersection", validate_indices)


@export("sets.difference", "sets.set_difference")
def set_difference(a, b, aminusb=True, validate_indices=True):
    """The elements that the sets of one tensor have and those of another lack.

    Args:
      a: a Tensor or SparseTensor of integers or strings, of rank n >= 2: sets along the last axis.
      b: another one of the same type; all axes but the last have the same size.
      aminusb: a - b; if False, b - a.
      validate_indices: without effect: the order and range of sparse indices are always checked.

    Returns:
      A SparseTensor of rank n, each set sorted.

    Raises:
      TypeError: if the types differ or are no integers or strings.
      InvalidArgumentError: when it runs, if the shapes differ or an index is wrong.
    """
    a, b, are_swapped = _operands(a, b)
    return _call_operation(a, b, "a-b" if bool(aminusb) != are_swapped else "b-a", validate_indices)


@export("sets.union", "sets.set_union")
def set_union(a, b, validate_indices=True):
    """The elements that the sets of either tensor have.

    Args:
      a: a Tensor or SparseTensor of integers or strings, of rank n >= 2: sets along the last axis.
      b: another one of the same type; all axes but the last have the same size.
      validate_indices: without effect: the order and range of sparse indices are always checked.

    Returns:
      A SparseTensor of rank n, each set sorted.

    Raises:
      TypeError: if the types differ or are no integers or strings.
      InvalidArgumentError: when it runs, if the shapes differ or an index is wrong.
    """
    a, b, _ = _operands(a, b)
    return _call_operation(a, b, "union", validate_indices)
