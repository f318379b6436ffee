"""Diagonal matrices."""

from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.linear_operators.algebra import hints_of_commuting, rule
from reflow.linear_operators.broadcasting import as_parameter, assert_no_zeros, assert_real
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.casting import cast
from reflow.ops.checks import assert_positive
from reflow.ops.complex import conj, real
from reflow.ops.diagonal import matrix_diag, matrix_diag_part, matrix_set_diag
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import log, sqrt
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.shape_ops import expand_dims, shape


@export("linalg.LinearOperatorDiag")
class LinearOperatorDiag(LinearOperator):
    """Diagonal matrices [..., n, n].

    Args:
      diag: tensor [..., n] of half, float32, float64, complex64 or complex128: the diagonals.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the diagonal is a scalar or hints contradict.
    """

    def __init__(self, diag, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorDiag"):  # fmt: skip
        with name_scope(name, values=[diag]):
            self._diag = as_parameter(diag, "diag")
            if self._diag.shape.ndims == 0:
                raise ValueError(f"Argument diag must have at least 1 dimension.  Found: {self._diag}")
            if not self._diag.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError("A real diagonal operator is always self adjoint.")
                is_self_adjoint = True
            if is_square is False:
                raise ValueError("Only square diagonal operators currently supported.")
            super().__init__(self._diag.dtype, [self._diag], is_non_singular, is_self_adjoint, is_positive_definite,
                             True, name)  # fmt: skip

    @property
    def diag(self):
        """The diagonals."""
        return self._diag

    def _shape(self):
        static = self._diag.shape
        return static.concatenate(static[-1:])

    def _shape_tensor(self):
        sizes = shape(self._diag)
        return concat((sizes, [sizes[-1]]), 0)

    def _assert_non_singular(self):
        return assert_no_zeros(self._diag, "Singular operator:  Diagonal contained zero values.")

    def _assert_positive_definite(self):
        what = "entries with non-positive real part" if self.dtype.is_complex else "entries that are not positive"
        message = f"The diagonal operator had {what}, thus was not positive definite."
        return assert_positive(real(self._diag), message=message)

    def _assert_self_adjoint(self):
        message = "This diagonal operator contained non-zero imaginary values.  Thus it was not self-adjoint."
        return assert_real(self._diag, message)

    def _term(self, adjoint):
        return conj(self._diag) if adjoint else self._diag

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        term = self._term(adjoint)
        x = adjoint_of(x) if adjoint_arg else x
        return expand_dims(term, -1) * x

    def _matvec(self, x, adjoint=False):
        return self._term(adjoint) * x

    def _determinant(self):
        return reduce_prod(self._diag, axis=[-1])

    def _log_abs_determinant(self):
        logarithm = reduce_sum(log(abs_(self._diag)), axis=[-1])
        return cast(logarithm, self.dtype) if self.dtype.is_complex else logarithm

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        term = self._term(adjoint)
        rhs = adjoint_of(rhs) if adjoint_arg else rhs
        return rhs * expand_dims(1.0 / term, -1)

    def _to_dense(self):
        return matrix_diag(self._diag)

    def _diag_part(self):
        return self.diag

    def _add_to_tensor(self, x):
        return matrix_set_diag(x, self._diag + matrix_diag_part(x))


@rule("Adjoint", LinearOperatorDiag)
def _adjoint(operator):
    diag = conj(operator.diag) if operator.diag.dtype.is_complex else operator.diag
    return LinearOperatorDiag(diag, operator.is_non_singular, operator.is_self_adjoint, operator.is_positive_definite,
                              True)  # fmt: skip


@rule("Inverse", LinearOperatorDiag)
def _inverse(operator):
    return LinearOperatorDiag(1.0 / operator.diag, operator.is_non_singular, operator.is_self_adjoint,
                              operator.is_positive_definite, True)  # fmt: skip


@rule("Cholesky", LinearOperatorDiag)
def _cholesky(operator):
    return LinearOperatorDiag(sqrt(operator.diag), True, True, True, True)


@rule("Matmul", LinearOperatorDiag, LinearOperatorDiag)
def _product(a, b):
    return LinearOperatorDiag(a.diag * b.diag, **hints_of_commuting(a, b))


@rule("Solve", LinearOperatorDiag, LinearOperatorDiag)
def _solution(a, b):
    return LinearOperatorDiag(b.diag / a.diag, **hints_of_commuting(a, b))
