"""Diagonals: of tensors (Diag), of batches of matrices (MatrixDiag and its relatives), and bands (MatrixBandPart)."""

import math

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.matrix_like import MatrixLike
from reflow.ops.movement import moves_elements
from reflow.ops.shape_rules import (
    constant_int,
    merge,
    merge_prefix,
    merge_size,
    unchanged_shape,
    with_rank,
    with_rank_at_least,
)
from reflow.ops.torch_types import array_of, tensor_of

# --- Diag: tensors as the diagonal of tensors of twice the rank ---------------------------------------------------

# ATen sets no elements of them.
_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)
_DIAG_TYPES = "T: type in bfloat16|half|float|double|int32|int64|complex64|complex128"


def _diag_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    return [None if dims is None else dims + dims]


def _diag(diagonal):
    return torch.diag(diagonal.reshape(-1)).reshape(diagonal.shape * 2)


def _diag_part_shape(op):
    dims = op._inputs[0].dims
    if dims is None:
        return [None]
    if len(dims) % 2 or not dims:
        raise ValueError(f"Input must have even and non-zero rank, input rank is {len(dims)}")
    half = len(dims) // 2
    return [tuple(map(merge_size, dims[:half], dims[half:]))]


def _diag_part(input):
    half = input.dim() // 2
    dims = input.shape[:half]
    if input.dim() % 2 or dims != input.shape[half:]:
        raise ValueError(f"Invalid shape {list(input.shape)}: dimensions i and i + rank / 2 must be equal")
    return input.reshape(math.prod(dims), math.prod(dims)).diagonal().reshape(dims)


define_op("Diag", "diagonal: T -> output: T", _DIAG_TYPES, shape=_diag_shape, kernel=_diag)
define_op("DiagPart", "input: T -> diagonal: T", _DIAG_TYPES, shape=_diag_part_shape, kernel=_diag_part, aliases=(0,))


@gradient("Diag")
def _diag_gradient(op, grad):
    return call("DiagPart", grad)


@gradient("DiagPart")
def _diag_part_gradient(op, grad):
    return call("Diag", grad)


@export("diag", "linalg.tensor_diag")
def diag(diagonal, name=None):
    """A tensor of shape [d1, ..., dk, d1, ..., dk] that has `diagonal` at [i1, ..., ik, i1, ..., ik], and else zeros.

    Args:
      diagonal: a tensor of shape [d1, ..., dk].
      name: the node's name.

    Returns:
      A Tensor of the same type.
    """
    return call("Diag", diagonal, name=name)


@export("diag_part", "linalg.tensor_diag_part")
def diag_part(input, name=None):
    """The elements [i1, ..., ik, i1, ..., ik] of a tensor: the inverse of `diag`.

    Args:
      input: a tensor of shape [d1, ..., dk, d1, ..., dk].
      name: the node's name.

    Returns:
      A Tensor of shape [d1, ..., dk].
    """
    return call("DiagPart", input, name=name)


# --- which diagonals ----------------------------------------------------------------------------------------------


def _bounds(k):
    """(lowest, highest) of the diagonals that `k`, a number or a list of one or two, names."""
    band = np.atleast_1d(k).tolist()
    if len(band) > 2:
        raise ValueError(f"diag_index must have only one or two elements, received {len(band)} elements.")
    low, high = band[0], band[-1]
    if low > high:
        raise ValueError(f"lower_diag_index must not be larger than upper_diag_index: {low} > {high}")
    return low, high


def _longest(rows, columns, low, high):
    """The length of the longest of the diagonals."""
    return min(rows + min(high, 0), columns - max(low, 0))


def _check_inside(rows, columns, low, high):
    for index in (low, high):
        if index and not -rows < index < columns:
            raise ValueError(f"diag_index {index} is out of range for a matrix of {rows} rows and {columns} columns. "
                             f"It must be between {-rows + 1} and {columns - 1}")  # fmt: skip


def _places(rows, columns, low, high):
    """Where the diagonals stand: (which one, place in it, row, column) of every element, as index tensors.

    Diagonals count from the highest; all begin at their first element, and shorter ones are filled up at the end.
    """
    row, column = torch.meshgrid(torch.arange(rows), torch.arange(columns), indexing="ij")
    offset = column - row
    inside = (offset >= low) & (offset <= high)
    row, column, offset = row[inside], column[inside], offset[inside]
    return high - offset, torch.minimum(row, column), row, column


# --- MatrixDiag ---------------------------------------------------------------------------------------------------


def _matrix_diag_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    return [None if dims is None else (*dims, dims[-1])]


def _matrix_size(length, num_rows, num_cols, low, high):
    """(rows, columns) of a matrix for diagonals of `length`, where -1 stands for a size to find out."""
    least_rows, least_columns = length - min(high, 0), length + max(low, 0)
    if num_rows == -1 and num_cols == -1:
        size = max(least_rows, least_columns)
        return size, size
    rows = least_rows if num_rows == -1 else num_rows
    columns = least_columns if num_cols == -1 else num_cols
    if rows < least_rows or columns < least_columns or (rows != least_rows and columns != least_columns):
        raise ValueError(f"num_rows and num_cols ({rows}, {columns}) do not fit diagonals of length {length}, which "
                         f"need at least {least_rows} and {least_columns}, and exactly so for one of them")  # fmt: skip
    return rows, columns


def _matrix_diag_v2_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    k = constant_value(op._inputs[1])
    num_rows, num_cols = (constant_int(t) for t in op._inputs[2:4])
    if dims is None or k is None:
        return [None]
    low, high = _bounds(k)
    batch = dims[:-1] if low == high else dims[:-2]
    if low < high:
        with_rank_at_least(dims, 2)
        if dims[-2] not in (None, high - low + 1):
            raise ValueError(f"The number of diagonals provided in the input does not match the lower_diag_index and "
                             f"upper_diag_index range: {dims[-2]} and {high - low + 1}")  # fmt: skip
    if None in (dims[-1], num_rows, num_cols):
        return [(*batch, None, None)]
    return [(*batch, *_matrix_size(dims[-1], num_rows, num_cols, low, high))]


def _matrix_diag_v2(diagonal, k, num_rows, num_cols, padding_value):
    low, high = _bounds(k)
    length = diagonal.shape[-1]
    rows, columns = _matrix_size(length, num_rows, num_cols, low, high)
    batch = tuple(diagonal.shape[:-1] if low == high else diagonal.shape[:-2])
    if diagonal.dtype in _UNSIGNED:
        arrays = array_of(diagonal), array_of(padding_value)
        return tensor_of(_matrix_diag_v2(arrays[0], k, num_rows, num_cols, arrays[1]))
    bands = diagonal.reshape(*batch, high - low + 1, length)
    result = _filled((*batch, rows, columns), padding_value)
    which, place, row, column = _places(rows, columns, low, high)
    result[..., row, column] = bands[..., which, place]
    return result


def _filled(dims, value):
    if isinstance(value, torch.Tensor):
        return value.expand(dims).clone()
    return np.full(dims, value, getattr(value, "dtype", object))


def _zero_like(x):
    return torch.zeros((), dtype=x.dtype) if isinstance(x, torch.Tensor) else b""


def _matrix_diag(diagonal):
    if isinstance(diagonal, torch.Tensor):
        return torch.diag_embed(diagonal)
    return _matrix_diag_v2(diagonal, 0, -1, -1, b"")


for _name in ("MatrixDiag", "BatchMatrixDiag"):
    define_op(_name, "diagonal: T -> output: T", "T: type", shape=_matrix_diag_shape, kernel=_matrix_diag)

define_op(
    "MatrixDiagV2", "diagonal: T, k: int32, num_rows: int32, num_cols: int32, padding_value: T -> output: T", "T: type",
    shape=_matrix_diag_v2_shape, kernel=_matrix_diag_v2, host="k num_rows num_cols",
)  # fmt: skip


@gradient("MatrixDiag")
def _matrix_diag_gradient(op, grad):
    return matrix_diag_part(grad)


@gradient("MatrixDiagV2")
def _matrix_diag_v2_gradient(op, grad):
    return matrix_diag_part(grad, k=op._inputs[1]), None, None, None, None


@export("matrix_diag", "linalg.diag")
def matrix_diag(diagonal, name="diag", k=0, num_rows=-1, num_cols=-1, padding_value=0):
    """Matrices that have given diagonals.

    Args:
      diagonal: a tensor [..., length], or [..., number of diagonals, length]: from the highest to the lowest, all of
        them from their first element.
      name: the node's name.
      k: which diagonals: an int32 scalar, 0 the main one and positive above it; or a pair (lowest, highest).
      num_rows: int32 scalar; as small as possible if -1.
      num_cols: int32 scalar; as small as possible if -1.
      padding_value: what stands outside of the diagonals.

    Returns:
      A Tensor [..., num_rows, num_cols].
    """
    if _is_plain(k) and num_rows == num_cols == -1 and _is_plain(padding_value):
        return call("MatrixDiag", diagonal, name=name)
    if _is_main(k) and (num_rows, num_cols, padding_value) == (-1, -1, 0):
        return call("MatrixDiag", diagonal, name=name)
    return call("MatrixDiagV2", diagonal, k, num_rows, num_cols, _padding_for(diagonal, padding_value), name=name)


def _is_main(k):
    """True for the main diagonal: TensorFlow 1.15 then makes the older ops, which know no other."""
    return isinstance(k, int) and k == 0


def _is_plain(value) -> bool:
    """True for 0: for the main diagonal TensorFlow 1.15 writes the ops before version 2."""
    return isinstance(value, (int, float)) and value == 0


def _padding_for(tensor, value):
    is_bool = isinstance(tensor, Tensor) and tensor.dtype.base_dtype is dtypes.bool_
    return bool(value) if is_bool and not isinstance(value, Tensor) else value


# --- MatrixDiagPart -----------------------------------------------------------------------------------------------


def _matrix_diag_part_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 2)
    if dims is None:
        return [None]
    return [(*dims[:-2], 0 if 0 in dims[-2:] else None if None in dims[-2:] else min(dims[-2:]))]


def _matrix_diag_part_v2_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 2)
    k = constant_value(op._inputs[1])
    if dims is None or k is None:
        return [None]
    low, high = _bounds(k)
    many = () if low == high else (high - low + 1,)
    if None in dims[-2:]:
        return [(*dims[:-2], *many, None)]
    _check_inside(*dims[-2:], low, high)
    return [(*dims[:-2], *many, _longest(*dims[-2:], low, high))]


def _matrix_diag_part_v2(input, k, padding_value):
    low, high = _bounds(k)
    rows, columns = input.shape[-2:]
    _check_inside(rows, columns, low, high)
    if input.dtype in _UNSIGNED:
        return tensor_of(_matrix_diag_part_v2(array_of(input), k, array_of(padding_value)))
    batch = tuple(input.shape[:-2])
    result = _filled((*batch, high - low + 1, _longest(rows, columns, low, high)), padding_value)
    which, place, row, column = _places(rows, columns, low, high)
    # The places of a diagonal above the main one count columns from where it begins, and below it rows.
    result[..., which, place] = input[..., row, column]
    return result[..., 0, :] if low == high else result


@moves_elements
def _matrix_diag_part(input):
    return input.diagonal(dim1=-2, dim2=-1)


for _name in ("MatrixDiagPart", "BatchMatrixDiagPart"):
    define_op(_name, "input: T -> diagonal: T", "T: type", shape=_matrix_diag_part_shape, kernel=_matrix_diag_part,
              aliases=(0,))  # fmt: skip

define_op(
    "MatrixDiagPartV2", "input: T, k: int32, padding_value: T -> diagonal: T", "T: type",
    shape=_matrix_diag_part_v2_shape, kernel=_matrix_diag_part_v2, host="k",
)  # fmt: skip


@gradient("MatrixDiagPart")
def _matrix_diag_part_gradient(op, grad):
    from reflow.ops.constant import zeros_like

    dims = op._inputs[0].dims
    if dims is not None and None not in dims[-2:] and dims[-2] == dims[-1]:
        return matrix_diag(grad)
    return matrix_set_diag(zeros_like(op._inputs[0]), grad)


@gradient("MatrixDiagPartV2")
def _matrix_diag_part_v2_gradient(op, grad):
    from reflow.ops.constant import zeros_like

    dims, k = op._inputs[0].dims, op._inputs[1]
    if dims is not None and None not in dims[-2:]:
        return matrix_diag(grad, k=k, num_rows=dims[-2], num_cols=dims[-1]), None, None
    return matrix_set_diag(zeros_like(op._inputs[0]), grad, k=k), None, None


@export("matrix_diag_part", "linalg.diag_part")
def matrix_diag_part(input, name="diag_part", k=0, padding_value=0):
    """Diagonals of matrices.

    Args:
      input: a tensor [..., rows, columns], or a linear operator (whose main diagonal it is always).
      name: the node's name.
      k: which diagonals: an int32 scalar, 0 the main one and positive above it; or a pair (lowest, highest).
      padding_value: what fills up the shorter ones of several diagonals.

    Returns:
      A Tensor [..., length], or [..., number of diagonals, length], from the highest to the lowest.
    """
    if isinstance(input, MatrixLike):
        return input.diag_part(name)
    if _is_plain(k):
        return call("MatrixDiagPart", input, name=name)
    if _is_main(k):
        return call("MatrixDiagPart", input, name=name)
    return call("MatrixDiagPartV2", input, k, _padding_for(input, padding_value), name=name)


# --- MatrixSetDiag ------------------------------------------------------------------------------------------------


def _matrix_set_diag_shape(op):
    dims, diagonal = with_rank_at_least(op._inputs[0].dims, 2), with_rank_at_least(op._inputs[1].dims, 1)
    if dims is None or diagonal is None:
        return [dims]
    least = None if None in dims[-2:] else min(dims[-2:])
    with_rank(diagonal, len(dims) - 1)
    merge_size(least, diagonal[-1])
    return [merge_prefix(dims, diagonal[:-1])[0]]


def _matrix_set_diag_v2_shape(op):
    dims, k = with_rank_at_least(op._inputs[0].dims, 2), constant_value(op._inputs[2])
    diagonal = with_rank_at_least(op._inputs[1].dims, 1)
    if dims is None or diagonal is None or k is None:
        return [dims]
    low, high = _bounds(k)
    length = None
    if None not in dims[-2:]:
        _check_inside(*dims[-2:], low, high)
        length = _longest(*dims[-2:], low, high)
    many = () if low == high else (high - low + 1,)
    merge((*dims[:-2], *many, length), diagonal)
    return [dims]


def _matrix_set_diag_v2(input, diagonal, k):
    low, high = _bounds(k)
    rows, columns = input.shape[-2:]
    _check_inside(rows, columns, low, high)
    batch, length = tuple(input.shape[:-2]), _longest(rows, columns, low, high)
    many = () if low == high else (high - low + 1,)
    if tuple(diagonal.shape) != (*batch, *many, length):
        raise ValueError(f"Expected a diagonal of shape {[*batch, *many, length]}, got {list(diagonal.shape)}")
    if input.dtype in _UNSIGNED:
        return tensor_of(_matrix_set_diag_v2(array_of(input), array_of(diagonal), k))
    result = input.clone() if isinstance(input, torch.Tensor) else input.copy()
    if low == high and isinstance(input, torch.Tensor):
        result.diagonal(low, -2, -1).copy_(diagonal)
        return result
    bands = diagonal.reshape(*batch, high - low + 1, length)
    which, place, row, column = _places(rows, columns, low, high)
    result[..., row, column] = bands[..., which, place]
    return result


def _matrix_set_diag(input, diagonal):
    return _matrix_set_diag_v2(input, diagonal, 0)


for _name in ("MatrixSetDiag", "BatchMatrixSetDiag"):
    define_op(_name, "input: T, diagonal: T -> output: T", "T: type", shape=_matrix_set_diag_shape,
              kernel=_matrix_set_diag)  # fmt: skip

define_op(
    "MatrixSetDiagV2", "input: T, diagonal: T, k: int32 -> output: T", "T: type",
    shape=_matrix_set_diag_v2_shape, kernel=_matrix_set_diag_v2, host="k",
)  # fmt: skip


@gradient("MatrixSetDiag")
def _matrix_set_diag_gradient(op, grad):
    from reflow.ops.constant import zeros
    from reflow.ops.joining import concat
    from reflow.ops.reduction import reduce_min
    from reflow.ops.shape_ops import rank, shape

    known = merge(op._inputs[0].dims, grad.dims)
    if known is not None and None not in known:
        diagonal_shape = [*known[:-2], min(known[-2:])]
    else:
        sizes = shape(grad)
        outer = call("Slice", sizes, [0], [rank(grad) - 2])
        inner = call("Slice", sizes, [rank(grad) - 2], [2])
        diagonal_shape = concat([outer, [reduce_min(inner)]], 0)
    without = matrix_set_diag(grad, zeros(diagonal_shape, dtype=grad.dtype))
    return without, matrix_diag_part(grad)


@gradient("MatrixSetDiagV2")
def _matrix_set_diag_v2_gradient(op, grad):
    from reflow.ops.constant import zeros_like

    k = op._inputs[2]
    without = matrix_set_diag(grad, zeros_like(op._inputs[1]), k=k)
    return without, matrix_diag_part(grad, k=k), None


@export("matrix_set_diag", "linalg.set_diag")
def matrix_set_diag(input, diagonal, name="set_diag", k=0):
    """Matrices with other diagonals.

    Args:
      input: a tensor [..., rows, columns].
      diagonal: a tensor [..., length], or [..., number of diagonals, length], from the highest to the lowest.
      name: the node's name.
      k: which diagonals: an int32 scalar, 0 the main one and positive above it; or a pair (lowest, highest).

    Returns:
      A Tensor like `input`.
    """
    if _is_plain(k):
        return call("MatrixSetDiag", input, diagonal, name=name)
    if _is_main(k):
        return call("MatrixSetDiag", input, diagonal, name=name)
    return call("MatrixSetDiagV2", input, diagonal, k, name=name)


# --- MatrixBandPart -----------------------------------------------------------------------------------------------


def _matrix_band_part(input, num_lower, num_upper):
    rows, columns = input.shape[-2:]
    for name, number, size in (("num_lower", num_lower, rows), ("num_upper", num_upper, columns)):
        if number > size:
            raise ValueError(f"{name} must be negative or less or equal to number of rows or columns ({size}) got: "
                             f"{number}")  # fmt: skip
    if isinstance(input, torch.Tensor) and input.dtype not in _UNSIGNED:
        band = input.tril(num_upper) if num_upper >= 0 else input.clone()
        return band.triu_(-num_lower) if num_lower >= 0 else band
    device = getattr(input, "device", None)
    offset = torch.arange(columns, device=device) - torch.arange(rows, device=device)[:, None]
    inside = torch.ones((), dtype=torch.bool, device=device)
    if num_lower >= 0:
        inside = inside & (offset >= -num_lower)
    if num_upper >= 0:
        inside = inside & (offset <= num_upper)
    if isinstance(input, torch.Tensor):
        return torch.where(inside, input, _zero_like(input))
    return np.where(inside.numpy(), input, b"")


def _band_shape(op):
    with_rank_at_least(op._inputs[0].dims, 2)
    return unchanged_shape(op)


define_op(
    "MatrixBandPart", "input: T, num_lower: Tindex, num_upper: Tindex -> band: T",
    "T: type, Tindex: type in index = int64", shape=_band_shape, kernel=_matrix_band_part, host="num_lower num_upper",
)  # fmt: skip

define_op(
    "BatchMatrixBandPart", "input: T, num_lower: int64, num_upper: int64 -> band: T", "T: type",
    shape=_band_shape, kernel=_matrix_band_part, host="num_lower num_upper",
)  # fmt: skip


@gradient("MatrixBandPart")
def _matrix_band_part_gradient(op, grad):
    _, num_lower, num_upper = op._inputs
    return matrix_band_part(grad, num_lower, num_upper), None, None


@export("matrix_band_part", "linalg.band_part")
def matrix_band_part(input, num_lower, num_upper, name=None):
    """Matrices with zeros outside of a band around the main diagonal.

    Args:
      input: a tensor [..., rows, columns].
      num_lower: int32 or int64 scalar: how many diagonals to keep below the main one; all if negative.
      num_upper: a scalar like `num_lower`: how many above it.
      name: the node's name.

    Returns:
      A Tensor like `input`.
    """
    return call("MatrixBandPart", input, num_lower, num_upper, name=name)
