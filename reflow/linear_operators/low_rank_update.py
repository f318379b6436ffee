"""Operators with an update of low rank."""

from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.linear_operators.broadcasting import (
    as_parameter,
    cholesky_solve_with_broadcast,
    matrix_solve_with_broadcast,
)
from reflow.linear_operators.diag import LinearOperatorDiag
from reflow.linear_operators.identity import LinearOperatorIdentity
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.casting import cast
from reflow.ops.decompositions import cholesky
from reflow.ops.diagonal import matrix_diag_part
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import exp, log
from reflow.ops.joining import concat
from reflow.ops.matmul import matmul
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import shape
from reflow.ops.solvers import matrix_determinant


@export("linalg.LinearOperatorLowRankUpdate")
class LinearOperatorLowRankUpdate(LinearOperator):
    """L + U D V^H, where U and V have few columns.

    Args:
      base_operator: L, an operator [..., m, n].
      u: tensor [..., m, k]: U.
      diag_update: tensor [..., k]: the diagonal of D; ones if None.
      v: tensor [..., n, k]: V; U if None.
      is_diag_update_positive: whether the diagonal is positive.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the shapes do not fit or hints contradict.
    """

    def __init__(self, base_operator, u, diag_update=None, v=None, is_diag_update_positive=None, is_non_singular=None,
                 is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorLowRankUpdate"):  # fmt: skip
        dtype = base_operator.dtype
        if diag_update is None:
            if is_diag_update_positive is False:
                raise ValueError("Default diagonal is the identity, which is positive.  However, user set "
                                 "'is_diag_update_positive' to False.")  # fmt: skip
            is_diag_update_positive = True
        self._use_cholesky = (base_operator.is_positive_definite and base_operator.is_self_adjoint
                              and is_diag_update_positive and v is None)  # fmt: skip
        if base_operator.is_self_adjoint and v is None and not dtype.is_complex:
            if is_self_adjoint is False:
                raise ValueError("A = L + UDU^H, with L self-adjoint and D real diagonal.  Since UDU^H is "
                                 "self-adjoint, this must be a self-adjoint operator.")  # fmt: skip
            is_self_adjoint = True
        if self._use_cholesky:
            if False in (is_positive_definite, is_self_adjoint, is_non_singular):
                raise ValueError("Arguments imply this is self-adjoint positive-definite operator.")
            is_positive_definite = is_self_adjoint = True
        with name_scope(name, values=[*base_operator.graph_parents, u, diag_update, v]):
            self._u = as_parameter(u, "u")
            self._v = self._u if v is None else as_parameter(v, "v")
            self._diag_update = as_parameter(diag_update, "diag_update")
            self._base_operator = base_operator
            parents = [parent for parent in (self._u, self._diag_update, self._v) if parent is not None]
            super().__init__(dtype, [*base_operator.graph_parents, *parents], is_non_singular, is_self_adjoint,
                             is_positive_definite, is_square, name)  # fmt: skip
            self._is_diag_update_positive = is_diag_update_positive
            self._diag_operator = self._make_diag_operator()
            self._check_shapes()

    def _make_diag_operator(self):
        if self._diag_update is not None:
            return LinearOperatorDiag(self._diag_update, is_positive_definite=self._is_diag_update_positive)
        size = None if self.u.shape.ndims is None else self.u.shape.dims[-1].value
        return LinearOperatorIdentity(shape(self.u)[-1] if size is None else size, dtype=self.dtype)

    def _check_shapes(self):
        both = broadcast_static_shape(self.u.shape, self.v.shape)
        batch_shape = broadcast_static_shape(self.base_operator.batch_shape, both[:-2])
        if both.ndims is None:
            return
        self.base_operator.domain_dimension.assert_is_compatible_with(both.dims[-2])
        if self._diag_update is not None and self._diag_update.shape.ndims is not None:
            both.dims[-1].assert_is_compatible_with(self._diag_update.shape.dims[-1])
            broadcast_static_shape(batch_shape, self._diag_update.shape[:-1])

    @property
    def u(self):
        """U."""
        return self._u

    @property
    def v(self):
        """V."""
        return self._v

    @property
    def is_diag_update_positive(self):
        """Whether the diagonal of D is positive; None if that is not known."""
        return self._is_diag_update_positive

    @property
    def diag_update(self):
        """The diagonal of D, or None."""
        return self._diag_update

    @property
    def diag_operator(self):
        """The operator of D."""
        return self._diag_operator

    @property
    def base_operator(self):
        """The operator L."""
        return self._base_operator

    def _shape(self):
        batch_shape = broadcast_static_shape(self.base_operator.batch_shape, self.u.shape[:-2])
        return batch_shape.concatenate(self.base_operator.shape[-2:])

    def _shape_tensor(self):
        batch_shape = broadcast_dynamic_shape(self.base_operator.batch_shape_tensor(), shape(self.u)[:-2])
        return concat([batch_shape, self.base_operator.shape_tensor()[-2:]], axis=0)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        first, last = (self.v, self.u) if adjoint else (self.u, self.v)
        of_base = self.base_operator.matmul(x, adjoint=adjoint, adjoint_arg=adjoint_arg)
        inner = matmul(last, x, adjoint_a=True, adjoint_b=adjoint_arg)
        return of_base + matmul(first, self.diag_operator.matmul(inner, adjoint=adjoint))

    # With the capacitance C = D^-1 + V^H L^-1 U:
    #   det(L + U D V^H) = det(C) det(D) det(L)                  (the matrix determinant lemma)
    #   (L + U D V^H)^-1 = L^-1 - L^-1 U C^-1 V^H L^-1           (the Woodbury identity)

    def _capacitance(self):
        of_base = matmul(self.v, self.base_operator.solve(self.u), adjoint_a=True)
        return self._diag_operator.inverse().add_to_tensor(of_base)

    def _determinant(self):
        if self.is_positive_definite:
            return exp(self.log_abs_determinant())
        of_capacitance = matrix_determinant(self._capacitance())
        return of_capacitance * self.diag_operator.determinant() * self.base_operator.determinant()

    def _log_abs_determinant(self):
        of_diagonal, of_base = self.diag_operator.log_abs_determinant(), self.base_operator.log_abs_determinant()
        if self._use_cholesky:
            diagonal = matrix_diag_part(cholesky(self._capacitance()))
            of_capacitance = 2 * reduce_sum(log(diagonal), axis=[-1])
        else:
            of_capacitance = log(abs_(matrix_determinant(self._capacitance())))
            if self.dtype.is_complex:
                of_capacitance = cast(of_capacitance, self.dtype)
        return of_capacitance + of_diagonal + of_base

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        if self.base_operator.is_non_singular is False:
            raise ValueError("Solve not implemented unless this is a perturbation of a non-singular LinearOperator.")
        first, last = (self.v, self.u) if adjoint else (self.u, self.v)
        of_base = self.base_operator.solve(rhs, adjoint=adjoint, adjoint_arg=adjoint_arg)
        inner = matmul(last, of_base, adjoint_a=True)
        if self._use_cholesky:
            inner = cholesky_solve_with_broadcast(cholesky(self._capacitance()), inner)
        else:
            inner = matrix_solve_with_broadcast(self._capacitance(), inner, adjoint=adjoint)
        return of_base - self.base_operator.solve(matmul(first, inner), adjoint=adjoint)
