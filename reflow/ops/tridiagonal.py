"""Tridiagonal matrices, kept as three diagonals: products and solutions.

A row of the superdiagonal ends, and a row of the subdiagonal begins, with an element that is not used.
"""

import torch

from reflow.graph.build import call
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_compatible, dims_in_brackets
from reflow.ops.complex import conj
from reflow.ops.constant import zeros_like
from reflow.ops.diagonal import matrix_diag_part
from reflow.ops.gathering import gather_nd
from reflow.ops.joining import concat, stack
from reflow.ops.padding import pad
from reflow.ops.permute import matrix_transpose, transpose
from reflow.ops.shape_ops import expand_dims, squeeze
from reflow.ops.shape_rules import merge, merge_size, with_rank_at_least

_TYPES = "T: type in double|float|complex64|complex128"


# --- products -----------------------------------------------------------------------------------------------------


def _matmul_shape(op):
    return [with_rank_at_least(op._inputs[3].dims, 2)]


def _tridiagonal_matmul(superdiag, maindiag, subdiag, rhs):
    output = maindiag.mT * rhs
    output[..., :-1, :] += superdiag.mT[..., :-1, :] * rhs[..., 1:, :]
    output[..., 1:, :] += subdiag.mT[..., 1:, :] * rhs[..., :-1, :]
    return output


define_op(
    "TridiagonalMatMul", "superdiag: T, maindiag: T, subdiag: T, rhs: T -> output: T", _TYPES, shape=_matmul_shape,
    kernel=_tridiagonal_matmul,
)  # fmt: skip


def _shifted(x, step):
    """Rows moved by one: step 1 brings the next row to each place, -1 the one before; zeros come in."""
    zeros = zeros_like(x[..., :1, :])
    return concat([x[..., 1:, :], zeros] if step == 1 else [zeros, x[..., :-1, :]], -2)


@gradient("TridiagonalMatMul")
def _tridiagonal_matmul_gradient(op, grad):
    from reflow.ops.decompositions import adjoint

    superdiag, maindiag, subdiag = (adjoint(t) for t in op._inputs[:3])
    rhs = conj(op._inputs[3])

    def row_sums(x):
        return call("ExpandDims", call("Sum", x, -1), -2)

    grad_rhs = _shifted(superdiag * grad, -1) + maindiag * grad + _shifted(subdiag * grad, 1)
    return (
        row_sums(_shifted(rhs, 1) * grad), row_sums(rhs * grad), row_sums(_shifted(rhs, -1) * grad), grad_rhs
    )  # fmt: skip


# --- solutions ----------------------------------------------------------------------------------------------------


def _solve_shape(op):
    diagonals, rhs = (with_rank_at_least(t.dims, 2) for t in op._inputs)
    if diagonals is None or rhs is None:
        return [rhs]
    if diagonals[-2] not in (None, 3):
        raise ValueError(f"Expected diagonals [..., 3, M], not {dims_in_brackets(diagonals)}")
    merge(diagonals[:-2], rhs[:-2])
    merge_size(diagonals[-1], rhs[-2])
    return [rhs]


def _tridiagonal_solve(diagonals, rhs, partial_pivoting):
    """Gaussian elimination on the band, for all systems of the batch at once."""
    size = rhs.shape[-2]
    if size == 0:
        return rhs.clone()
    above, main, below = diagonals.unbind(-2)
    zero = torch.zeros_like(main[..., :1])
    # A row stands as its elements in columns i, i + 1 and i + 2 (swaps fill the last), then its right-hand sides.
    row = torch.cat([main[..., :1], above[..., :1], zero, rhs[..., 0, :]], -1)
    eliminated = []
    for i in range(1, size):
        lower = torch.cat([below[..., i : i + 1], main[..., i : i + 1], above[..., i : i + 1], rhs[..., i, :]], -1)
        if i == size - 1:
            lower[..., 2] = 0
        if partial_pivoting:
            swap = lower[..., :1].abs() > row[..., :1].abs()
            row, lower = torch.where(swap, lower, row), torch.where(swap, row, lower)
        eliminated.append(_checked(row))
        lower = lower - lower[..., :1] / row[..., :1] * row
        row = torch.cat([lower[..., 1:3], zero, lower[..., 3:]], -1)
    if size == 1:
        row[..., 1] = 0
    return _back_substitute([*eliminated, _checked(row)])


def _checked(row):
    if bool((row[..., 0] == 0).any()):
        raise InvalidArgumentError(None, None, "The input matrix is not invertible.")
    return row


def _back_substitute(rows):
    solutions: list[torch.Tensor] = []
    for row in reversed(rows):
        value = row[..., 3:]
        for column, solution in enumerate(reversed(solutions[-2:]), 1):
            value = value - row[..., column : column + 1] * solution
        solutions.append(value / row[..., :1])
    return torch.stack(solutions[::-1], -2)


define_op(
    "TridiagonalSolve", "diagonals: T, rhs: T -> output: T", f"partial_pivoting: bool = true, {_TYPES}",
    shape=_solve_shape, kernel=_tridiagonal_solve,
)  # fmt: skip


@gradient("TridiagonalSolve")
def _tridiagonal_solve_gradient(op, grad):
    """As MatrixSolve's, of which the three diagonals are kept."""
    diagonals, solution = op._inputs[0], op.outputs[0]
    grad_rhs = call("TridiagonalSolve", _transposed(diagonals), grad, partial_pivoting=op.attrs["partial_pivoting"])

    def products(x, y):
        return call("Sum", x * y, -1)

    # The subdiagonal's first and the superdiagonal's last element do not count: their gradients are zero.
    grad_diagonals = [
        products(grad_rhs, _shifted(solution, 1)),
        products(grad_rhs, solution),
        products(grad_rhs, _shifted(solution, -1)),
    ]
    return -call("Pack", grad_diagonals, axis=-2), grad_rhs


def _transposed(diagonals):
    """The diagonals of the transposed matrix."""
    zeros = zeros_like(diagonals[..., 0, :1])
    above = concat([diagonals[..., 2, 1:], zeros], -1)
    below = concat([zeros, diagonals[..., 0, :-1]], -1)
    return call("Pack", [above, diagonals[..., 1, :], below], axis=-2)


# --- public functions ---------------------------------------------------------------------------------------------


def _known_size(matrix):
    rows, columns = matrix.shape[-2].value, matrix.shape[-1].value
    if rows and columns and rows != columns:
        raise ValueError(f"Expected last two dimensions of diagonals to be same, got {rows} and {columns}")
    if not (rows or columns):
        raise ValueError('The size of the matrix needs to be known for diagonals_format="matrix"')
    return rows or columns


def _outer_places(size):
    """Where the super- and the subdiagonal stand in the transposed matrix; [0, 0] for the element that is not used."""
    return [[i + 1, i] for i in range(size - 1)] + [[0, 0]], [[0, 0]] + [[i - 1, i] for i in range(1, size)]


@export("linalg.tridiagonal_solve")
def tridiagonal_solve(diagonals, rhs, diagonals_format="compact", transpose_rhs=False, conjugate_rhs=False, name=None,
                      partial_pivoting=True):  # fmt: skip
    """X with A X = rhs for tridiagonal matrices A.

    Args:
      diagonals: by `diagonals_format`, "compact": tensor [..., 3, m] of super-, main and subdiagonal; "sequence": a
        list of these three, [..., m], the outer two of m or m - 1 elements; "matrix": tensor [..., m, m].
      rhs: tensor [..., m] or [..., m, k] of the same type.
      diagonals_format: "compact", "sequence" or "matrix".
      transpose_rhs: transpose `rhs` first, and the result.
      conjugate_rhs: conjugate `rhs` first.
      name: a name for the operation.
      partial_pivoting: swap rows for stability.

    Returns:
      A tensor like `rhs`.

    Raises:
      ValueError: for another format, or shapes that do not fit.
      InvalidArgumentError: when it runs, if a matrix is singular.
    """
    if diagonals_format == "sequence":
        diagonals = _stacked(diagonals)
    elif diagonals_format == "matrix":
        diagonals = _compact(diagonals)
    elif diagonals_format != "compact":
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    _check_solve_shapes(diagonals, rhs)
    is_vector = len(rhs.shape) == len(diagonals.shape) - 1
    if transpose_rhs and not is_vector:
        rhs = matrix_transpose(rhs, conjugate=conjugate_rhs)
    elif conjugate_rhs:
        rhs = conj(rhs)
    rhs = expand_dims(rhs, -1) if is_vector else rhs
    _check_rows(diagonals, rhs)
    result = call("TridiagonalSolve", diagonals, rhs, name=name, partial_pivoting=partial_pivoting)
    if is_vector:
        return squeeze(result, -1)
    return matrix_transpose(result) if transpose_rhs else result


def _compact(matrix):
    """The three diagonals of matrices as one tensor."""
    size = _known_size(matrix)
    above, below = _outer_places(size)
    places = [[above[i], [i, i], below[i]] for i in range(size)]
    # gather_nd picks along the first dimensions: the matrices have to be turned there and back.
    return transpose(gather_nd(transpose(matrix), places))


def _stacked(diagonals):
    """A list of three diagonals as one tensor."""
    if not isinstance(diagonals, (tuple, list)) or len(diagonals) != 3:
        raise ValueError("Expected diagonals to be a sequence of length 3.")
    above, main, below = diagonals
    if not all(d.shape[:-1].is_compatible_with(main.shape[:-1]) for d in (above, below)):
        raise ValueError("Tensors representing the three diagonals must have the same shape,except for the last "
                         f"dimension, got {below.shape}, {main.shape}, {above.shape}")  # fmt: skip
    size = main.shape[-1].value
    below = _filled_up(below, size, "subdiagonal", [1, 0])
    return stack((_filled_up(above, size, "superdiagonal", [0, 1]), main, below), axis=-2)


def _filled_up(diagonal, size, which, padding):
    length = diagonal.shape[-1].value
    if not length or length == size:
        return diagonal
    if length != size - 1:
        raise ValueError(f"Expected {which} to be have length {size} or {size - 1}, got {length}.")
    return pad(diagonal, [[0, 0]] * (len(diagonal.shape) - 1) + [padding])


def _check_solve_shapes(diagonals, rhs):
    rank, rhs_rank = len(diagonals.shape), len(rhs.shape)
    if rank < 2:
        raise ValueError(f"Expected diagonals to have rank at least 2, got {rank}")
    if rhs_rank not in (rank - 1, rank):
        raise ValueError(f"Expected the rank of rhs to be {rank - 1} or {rank}, got {rhs_rank}")
    if diagonals.dims[-2] not in (None, 3):
        raise ValueError(f"Expected 3 diagonals got {diagonals.dims[-2]}")
    if not dims_compatible(diagonals.dims[:-2], rhs.dims[: rank - 2]):
        raise ValueError(f"Batch shapes {diagonals.shape[:-2]} and {rhs.shape[: rank - 2]} are incompatible")


def _check_rows(diagonals, rhs):
    if None not in (diagonals.dims[-1], rhs.dims[-2]) and diagonals.dims[-1] != rhs.dims[-2]:
        raise ValueError("Expected number of left-hand sided and right-hand sides to be equal, got "
                         f"{diagonals.dims[-1]} and {rhs.dims[-2]}")  # fmt: skip


@export("linalg.tridiagonal_matmul")
def tridiagonal_matmul(diagonals, rhs, diagonals_format="compact", name=None):
    """The products of tridiagonal matrices with matrices.

    Args:
      diagonals: as in `tridiagonal_solve`; in a sequence all three have m elements.
      rhs: tensor [..., m, k] of the same type.
      diagonals_format: "compact", "sequence" or "matrix".
      name: a name for the operation.

    Returns:
      A tensor [..., m, k].

    Raises:
      ValueError: for another format.
    """
    if diagonals_format == "compact":
        parts = [diagonals[..., i, :] for i in range(3)]
    elif diagonals_format == "sequence":
        parts = list(diagonals)
    elif diagonals_format == "matrix":
        places = _outer_places(_known_size(diagonals))
        main, turned = matrix_diag_part(diagonals), transpose(diagonals)
        above, below = (transpose(gather_nd(turned, outer)) for outer in places)
        parts = [above, main, below]
    else:
        raise ValueError(f"Unrecognized diagonals_format: {diagonals_format}")
    return call("TridiagonalMatMul", *[expand_dims(part, -2) for part in parts], rhs, name=name)
