"""Linear systems: inverses, solutions, least squares, determinants, and tridiagonal matrices."""

import torch

from reflow.graph.build import call
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.decompositions import adjoint, at_least_single, checked_lu, square_matrices, square_shape
from reflow.ops.matmul import matmul
from reflow.ops.matrix_like import MatrixLike
from reflow.ops.native import small_matrices as small_matrices_native
from reflow.ops.shape_rules import matrix_dims, matrix_parts, merge, merge_size, with_rank

_TYPES = "T: type in double|float|half|complex64|complex128"
_OLD_TYPES = "T: type in double|float"


# --- MatrixInverse ------------------------------------------------------------------------------------------------


@at_least_single
def _matrix_inverse(input, adjoint):
    factors, pivots = checked_lu(input.mH if adjoint else input, "Input is not invertible.")
    identity = torch.eye(input.shape[-1], dtype=input.dtype, device=input.device)
    return torch.linalg.lu_solve(factors, pivots, identity.expand(input.shape))


for _name, _types in (("MatrixInverse", _TYPES), ("BatchMatrixInverse", _OLD_TYPES)):
    define_op(
        _name, "input: T -> output: T", f"adjoint: bool = false, {_types}", shape=square_shape, kernel=_matrix_inverse,
        native=small_matrices_native.matrix_inverse(_matrix_inverse),
    )  # fmt: skip


@gradient("MatrixInverse")
def _matrix_inverse_gradient(op, grad):
    """With Y = X^-1: dX = -Y^H dY Y^H."""
    inverse = op.outputs[0]
    return -matmul(inverse, matmul(grad, inverse, adjoint_b=True), adjoint_a=True)


@export("linalg.inv", "matrix_inverse")
def matrix_inverse(input, adjoint=False, name=None):
    """The inverses of square matrices, or of their adjoints.

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128, or a linear operator.
      adjoint: invert the adjoint (conjugate transpose).
      name: a name for the operation.

    Returns:
      A tensor [..., n, n], or a linear operator.

    Raises:
      InvalidArgumentError: when it runs, if a matrix is singular.
    """
    if isinstance(input, MatrixLike):
        inverse = input.inverse(name)
        return inverse.adjoint() if adjoint else inverse
    return call("MatrixInverse", input, name=name, adjoint=adjoint)


# --- MatrixSolve --------------------------------------------------------------------------------------------------


def _solve_shape(op):
    batch_matrix, size, _ = matrix_parts(square_matrices(op._inputs[0].dims))
    batch_rhs, rows, columns = matrix_parts(op._inputs[1].dims)
    return [matrix_dims(merge(batch_matrix, batch_rhs), merge_size(size, rows), columns)]


def _check_batches(matrix, rhs):
    """Raise InvalidArgumentError unless both have one batch shape: nothing is broadcast here."""
    if matrix.dim() != rhs.dim():
        raise InvalidArgumentError(None, None, "All input tensors must have the same rank.")
    if matrix.shape[:-2] != rhs.shape[:-2]:
        raise InvalidArgumentError(None, None, "All input tensors must have the same outer dimensions.")


@at_least_single
def _matrix_solve(matrix, rhs, adjoint):
    _check_batches(matrix, rhs)
    factors, pivots = checked_lu(matrix.mH if adjoint else matrix, "Input matrix is not invertible.")
    return torch.linalg.lu_solve(factors, pivots, rhs)


for _name, _types in (("MatrixSolve", _TYPES), ("BatchMatrixSolve", _OLD_TYPES)):
    define_op(
        _name, "matrix: T, rhs: T -> output: T", f"adjoint: bool = false, {_types}", shape=_solve_shape,
        kernel=_matrix_solve,
    )  # fmt: skip


def _solution_gradient(op, grad_rhs):
    """dA for X = A^-1 B (or A^-H B), given dB."""
    solution = op.outputs[0]
    if op.attrs["adjoint"]:
        return -matmul(solution, grad_rhs, adjoint_b=True)
    return -matmul(grad_rhs, solution, adjoint_b=True)


@gradient("MatrixSolve")
def _matrix_solve_gradient(op, grad):
    """With A X = B: dB = A^-H dX and dA = -dB X^H."""
    grad_rhs = call("MatrixSolve", op._inputs[0], grad, adjoint=not op.attrs["adjoint"])
    return _solution_gradient(op, grad_rhs), grad_rhs


@export("linalg.solve", "matrix_solve")
def matrix_solve(matrix, rhs, adjoint=False, name=None):
    """X with matrix X = rhs, or adjoint(matrix) X = rhs.

    Args:
      matrix: tensor [..., n, n] of half, float32, float64, complex64 or complex128, or a linear operator.
      rhs: tensor [..., n, k] of the same type; with a linear operator another one too.
      adjoint: solve with the adjoint (conjugate transpose) of `matrix`.
      name: a name for the operation.

    Returns:
      A tensor [..., n, k], or a linear operator if `rhs` is one.

    Raises:
      ValueError: if `rhs` is a linear operator and `matrix` is none.
      InvalidArgumentError: when it runs, if a matrix is singular.
    """
    if isinstance(matrix, MatrixLike):
        return matrix.solve(rhs, adjoint=adjoint, name=name)
    if isinstance(rhs, MatrixLike):
        raise ValueError("Passing in `matrix` as a Tensor and `rhs` as a LinearOperator is not supported.")
    return call("MatrixSolve", matrix, rhs, name=name, adjoint=adjoint)


# --- MatrixTriangularSolve ----------------------------------------------------------------------------------------


@at_least_single
def _matrix_triangular_solve(matrix, rhs, lower, adjoint):
    _check_batches(matrix, rhs)
    if bool((matrix.diagonal(dim1=-2, dim2=-1) == 0).any()):
        raise InvalidArgumentError(None, None, "Input matrix is not invertible.")
    if adjoint:
        return torch.linalg.solve_triangular(matrix.mH, rhs, upper=lower)
    return torch.linalg.solve_triangular(matrix, rhs, upper=not lower)


for _name, _types in (("MatrixTriangularSolve", _TYPES), ("BatchMatrixTriangularSolve", _OLD_TYPES)):
    define_op(
        _name, "matrix: T, rhs: T -> output: T", f"lower: bool = true, adjoint: bool = false, {_types}",
        shape=_solve_shape, kernel=_matrix_triangular_solve,
        native=small_matrices_native.triangular_solve(_matrix_triangular_solve),
    )  # fmt: skip


@gradient("MatrixTriangularSolve")
def _matrix_triangular_solve_gradient(op, grad):
    """As MatrixSolve's, kept to the triangle that is read."""
    lower = op.attrs["lower"]
    grad_rhs = call("MatrixTriangularSolve", op._inputs[0], grad, lower=lower, adjoint=not op.attrs["adjoint"])
    band = (-1, 0) if lower else (0, -1)
    return call("MatrixBandPart", _solution_gradient(op, grad_rhs), *band), grad_rhs


@export("linalg.triangular_solve", "matrix_triangular_solve")
def matrix_triangular_solve(matrix, rhs, lower=True, adjoint=False, name=None):
    """X with matrix X = rhs for triangular matrices, by substitution.

    Args:
      matrix: tensor [..., n, n] of half, float32, float64, complex64 or complex128; only one triangle is read.
      rhs: tensor [..., n, k] of the same type.
      lower: read the lower triangle, not the upper one.
      adjoint: solve with the adjoint (conjugate transpose) of the triangular matrix.
      name: a name for the operation.

    Returns:
      A tensor [..., n, k].

    Raises:
      InvalidArgumentError: when it runs, if a diagonal holds a zero.
    """
    return call("MatrixTriangularSolve", matrix, rhs, name=name, lower=lower, adjoint=adjoint)


# --- MatrixSolveLs ------------------------------------------------------------------------------------------------


def _solve_ls_shape(op):
    (batch_matrix, rows, size), (batch_rhs, rows_rhs, columns) = (matrix_parts(t.dims) for t in op._inputs[:2])
    with_rank(op._inputs[2].dims, 0)
    merge_size(rows, rows_rhs)
    return [matrix_dims(merge(batch_matrix, batch_rhs), size, columns)]


@at_least_single
def _matrix_solve_ls(matrix, rhs, l2_regularizer, fast):
    _check_batches(matrix, rhs)
    rows, columns = matrix.shape[-2:]
    if matrix.numel() == 0 or rhs.numel() == 0:
        return rhs.new_zeros(*rhs.shape[:-2], columns, rhs.shape[-1])
    if not fast:
        # Minimum norm solution by a complete orthogonal decomposition.
        return torch.linalg.lstsq(matrix, rhs, driver="gelsy").solution
    if rows >= columns:
        return _cholesky_solve(matrix.mH @ matrix, matrix.mH @ rhs, l2_regularizer)
    return matrix.mH @ _cholesky_solve(matrix @ matrix.mH, rhs, l2_regularizer)


def _cholesky_solve(gramian, rhs, l2_regularizer):
    if l2_regularizer:
        gramian = gramian + l2_regularizer * torch.eye(gramian.shape[-1], dtype=gramian.dtype, device=gramian.device)
    factor, info = torch.linalg.cholesky_ex(gramian)
    if bool(info.any()):
        raise InvalidArgumentError(None, None, "Input matrix was rank deficient or ill-conditioned. Try setting "
                                   "fast=False or provide a larger l2_regularizer > 0.")  # fmt: skip
    return torch.cholesky_solve(rhs, factor)


for _name, _types in (("MatrixSolveLs", _TYPES), ("BatchMatrixSolveLs", _OLD_TYPES)):
    define_op(
        _name, "matrix: T, rhs: T, l2_regularizer: double -> output: T", f"{_types}, fast: bool = true",
        shape=_solve_ls_shape, kernel=_matrix_solve_ls, host="l2_regularizer",
    )  # fmt: skip


@gradient("MatrixSolveLs")
def _matrix_solve_ls_gradient(op, grad):
    """The gradients of the normal equations' solution, of the first kind for tall and the second for wide matrices."""
    from reflow.ops.linalg import is_tall

    if not op.attrs["fast"]:
        raise ValueError("Gradient not defined for fast=False")
    gradient_of = _overdetermined_gradient if is_tall(op._inputs[0]) else _underdetermined_gradient
    return (*gradient_of(op, grad), None)


def _overdetermined_gradient(op, grad):
    """For X = (A^H A + l I)^-1 A^H B."""
    from reflow.ops.linalg import cholesky_solve, regularized_gramian_cholesky

    a, b, regularizer = op._inputs
    x = op.outputs[0]
    factor = regularized_gramian_cholesky(a, call("Cast", regularizer, DstT=a.dtype.base_dtype), first_kind=True)
    z = cholesky_solve(factor, grad)
    x_z = matmul(x, z, adjoint_b=True)
    grad_a = matmul(b, z, adjoint_b=True) - matmul(a, x_z + adjoint(x_z))
    return [grad_a, matmul(a, z)]


def _underdetermined_gradient(op, grad):
    """For X = A^H (A A^H + l I)^-1 B."""
    from reflow.ops.linalg import cholesky_solve, regularized_gramian_cholesky

    a, b, regularizer = op._inputs
    factor = regularized_gramian_cholesky(a, call("Cast", regularizer, DstT=a.dtype.base_dtype), first_kind=False)
    grad_b = cholesky_solve(factor, matmul(a, grad))
    z = cholesky_solve(factor, b)
    residual = grad - matmul(a, grad_b, adjoint_a=True)
    grad_a = matmul(z, residual, adjoint_b=True) - matmul(grad_b, matmul(z, a, adjoint_a=True))
    return [grad_a, grad_b]


# --- determinants -------------------------------------------------------------------------------------------------


def _determinant_shape(op):
    dims = square_matrices(op._inputs[0].dims)
    return [None if dims is None else dims[:-2]]


def _log_determinant_shape(op):
    return _determinant_shape(op) * 2


@at_least_single
def _matrix_determinant(input):
    return torch.linalg.det(input)


@at_least_single
def _log_matrix_determinant(input):
    sign, logarithm = torch.linalg.slogdet(input)
    return sign, logarithm.to(input.dtype)


define_op(
    "MatrixDeterminant", "input: T -> output: T", "T: type in half|float|double|complex64|complex128",
    shape=_determinant_shape, kernel=_matrix_determinant,
)  # fmt: skip
define_op(
    "BatchMatrixDeterminant", "input: T -> output: T", "T: type in float|double|complex64|complex128",
    shape=_determinant_shape, kernel=_matrix_determinant,
)  # fmt: skip
define_op(
    "LogMatrixDeterminant", "input: T -> sign: T, log_abs_determinant: T",
    "T: type in half|float|double|complex64|complex128", shape=_log_determinant_shape, kernel=_log_matrix_determinant,
)  # fmt: skip


def _times_inverse(matrix: Tensor, factors: Tensor) -> Tensor:
    """A scalar a matrix, times the matrix's inverse adjoint."""
    shape = call("ConcatV2", [call("Shape", factors), [1, 1]], 0)
    return call("Reshape", factors, shape) * matrix_inverse(matrix, adjoint=True)


@gradient("MatrixDeterminant")
def _matrix_determinant_gradient(op, grad):
    """Jacobi's formula: d det(A) = det(A) A^-H."""
    return _times_inverse(op._inputs[0], grad * op.outputs[0])


@gradient("LogMatrixDeterminant")
def _log_matrix_determinant_gradient(op, _, grad_logarithm):
    return _times_inverse(op._inputs[0], grad_logarithm)


@export("linalg.det", "matrix_determinant")
def matrix_determinant(input, name=None):
    """The determinants of square matrices.

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128, or a linear operator.
      name: a name for the operation.

    Returns:
      A tensor [...].
    """
    if isinstance(input, MatrixLike):
        return input.determinant(name)
    return call("MatrixDeterminant", input, name=name)


@export("linalg.slogdet")
def log_matrix_determinant(input, name=None):
    """The signs (complex phases) of the determinants of square matrices, and the logarithms of their absolute values.

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128.
      name: a name for the operation.

    Returns:
      The named tuple (sign, log_abs_determinant), each [...]: determinant = sign * exp(log_abs_determinant).
    """
    return call("LogMatrixDeterminant", input, name=name)
