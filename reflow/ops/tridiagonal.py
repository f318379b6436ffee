"""Tridiagonal matrices, kept as three diagonals: products and solutions.

A row of the superdiagonal ends, and a row of the subdiagonal begins, with an element that is not used.
"""

import torch

from reflow.graph.build import call
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
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


def _shifted(x, padding):
    """Rows moved by one: padding [0, 1] brings the next row to each place, [1, 0] the one before; zeros come in."""
    kept = x[..., 1:, :] if padding == [0, 1] else x[..., :-1, :]
    return _pad_axis(kept, -2, padding)


def _pad_axis(x, axis, padding):
    rank = len(x.dims)
    return call("Pad", x, [padding if i == axis % rank else [0, 0] for i in range(rank)])


@gradient("TridiagonalMatMul")
def _tridiagonal_matmul_gradient(op, grad):
    from reflow.ops.decompositions import adjoint

    superdiag, maindiag, subdiag = (adjoint(t) for t in op._inputs[:3])
    rhs = op._inputs[3]
    rhs = call("Conj", rhs) if rhs.dtype.is_complex else rhs

    def row_sums(x):
        return call("ExpandDims", call("Sum", x, -1), -2)

    grad_rhs = _shifted(superdiag * grad, [1, 0]) + maindiag * grad + _shifted(subdiag * grad, [0, 1])
    return (
        row_sums(_shifted(rhs, [0, 1]) * grad), row_sums(rhs * grad), row_sums(_shifted(rhs, [1, 0]) * grad), grad_rhs
    )  # fmt: skip


# --- solutions ----------------------------------------------------------------------------------------------------


def _solve_shape(op):
    diagonals, rhs = (with_rank_at_least(t.dims, 2) for t in op._inputs)
    if diagonals is None or rhs is None:
        return [rhs]
    if diagonals[-2] not in (None, 3):
        raise ValueError(f"Expected diagonals [..., 3, M], not {dims_in_brackets(diagonals)}")
    return [merge(diagonals[:-2], rhs[:-2]) + (merge_size(diagonals[-1], rhs[-2]), rhs[-1])]


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
    solutions = []
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
        products(grad_rhs, _shifted(solution, [0, 1])),
        products(grad_rhs, solution),
        products(grad_rhs, _shifted(solution, [1, 0])),
    ]
    return -call("Pack", grad_diagonals, axis=-2), grad_rhs


def _transposed(diagonals):
    """The diagonals of the transposed matrix."""
    above = _pad_axis(diagonals[..., 2, 1:], -1, [0, 1])
    below = _pad_axis(diagonals[..., 0, :-1], -1, [1, 0])
    return call("Pack", [above, diagonals[..., 1, :], below], axis=-2)
