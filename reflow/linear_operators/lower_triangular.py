"""Lower triangular matrices."""

from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.linear_operators.algebra import is_product_non_singular, is_product_self_adjoint, rule
from reflow.linear_operators.broadcasting import as_parameter, assert_no_zeros, triangular_solve_with_broadcast
from reflow.linear_operators.diag import LinearOperatorDiag
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.decompositions import cholesky
from reflow.ops.diagonal import matrix_band_part, matrix_diag_part
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import log
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.matmul import matmul
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.shape_ops import shape


@export("linalg.LinearOperatorLowerTriangular")
class LinearOperatorLowerTriangular(LinearOperator):
    """Lower triangular matrices.

    Args:
      tril: tensor [..., n, n] of half, float32, float64, complex64 or complex128; what is above the diagonal does not
        count.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if it has less than two dimensions or hints contradict.
    """

    def __init__(self, tril, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorLowerTriangular"):  # fmt: skip
        if is_square is False:
            raise ValueError("Only square lower triangular operators supported at this time.")
        with name_scope(name, values=[tril]):
            self._tril = as_parameter(tril, "tril")
            if self._tril.shape.ndims is not None and self._tril.shape.ndims < 2:
                raise ValueError(f"Argument tril must have at least 2 dimensions.  Found: {self._tril}")
            super().__init__(self._tril.dtype, [self._tril], is_non_singular, is_self_adjoint, is_positive_definite,
                             True, name)  # fmt: skip

    def _diagonal(self):
        return matrix_diag_part(self._tril)

    def _shape(self):
        return self._tril.shape

    def _shape_tensor(self):
        return shape(self._tril)

    def _assert_non_singular(self):
        return assert_no_zeros(self._diagonal(), "Singular operator:  Diagonal contained zero values.")

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return matmul(self._to_dense(), x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _determinant(self):
        return reduce_prod(self._diagonal(), axis=[-1])

    def _log_abs_determinant(self):
        return reduce_sum(log(abs_(self._diagonal())), axis=[-1])

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        return triangular_solve_with_broadcast(self._to_dense(), rhs, adjoint=adjoint)

    def _to_dense(self):
        return matrix_band_part(self._tril, -1, 0)


@rule("Cholesky", LinearOperator)
def _cholesky(operator):
    factor = cholesky(operator.to_dense())
    return LinearOperatorLowerTriangular(factor, is_non_singular=True, is_self_adjoint=False, is_square=True)


def _with_diagonal(tril, a, b):
    # A triangular matrix is self-adjoint only if it is diagonal, and then the two commute.
    return LinearOperatorLowerTriangular(
        tril, is_non_singular=is_product_non_singular(a, b), is_self_adjoint=is_product_self_adjoint(a, b),
        is_square=True,
    )  # fmt: skip


@rule("Matmul", LinearOperatorDiag, LinearOperatorLowerTriangular)
def _diagonal_times_triangular(diagonal, triangular):
    return _with_diagonal(diagonal.diag[..., None] * triangular.to_dense(), diagonal, triangular)


@rule("Matmul", LinearOperatorLowerTriangular, LinearOperatorDiag)
def _triangular_times_diagonal(triangular, diagonal):
    # Columns of batches are scaled by diagonals of batches.
    return _with_diagonal(triangular.to_dense() * diagonal.diag[..., None, :], diagonal, triangular)


@rule("Solve", LinearOperatorDiag, LinearOperatorLowerTriangular)
def _triangular_over_diagonal(diagonal, triangular):
    return _with_diagonal(triangular.to_dense() / diagonal.diag[..., None], diagonal, triangular)
