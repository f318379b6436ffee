"""Reflections at a plane through the origin."""

from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.linear_operators.algebra import rule
from reflow.linear_operators.broadcasting import as_parameter
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.casting import cast
from reflow.ops.complex import conj
from reflow.ops.constant import ones, zeros
from reflow.ops.control import no_op
from reflow.ops.diagonal import matrix_diag_part, matrix_set_diag
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.linalg import norm
from reflow.ops.matmul import matmul
from reflow.ops.shape_ops import shape


@export("linalg.LinearOperatorHouseholder")
class LinearOperatorHouseholder(LinearOperator):
    """Reflections I - 2 v v^H / (v^H v) at the planes orthogonal to v.

    Args:
      reflection_axis: tensor [..., n] of half, float32, float64, complex64 or complex128: v.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the axis is a scalar or a hint is wrong.
    """

    def __init__(self, reflection_axis, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=None, name="LinearOperatorHouseholder"):  # fmt: skip
        with name_scope(name, values=[reflection_axis]):
            self._reflection_axis = as_parameter(reflection_axis, "reflection_axis")
            if self._reflection_axis.shape.ndims == 0:
                raise ValueError("Argument reflection_axis must have at least 1 dimension.  "
                                 f"Found: {self._reflection_axis}")  # fmt: skip
            if is_self_adjoint is False:
                raise ValueError("A Householder operator is always self adjoint.")
            if is_positive_definite is True:
                raise ValueError("A Householder operator is always non-positive definite.")
            if is_square is False:
                raise ValueError("A Householder operator is always square.")
            super().__init__(self._reflection_axis.dtype, [self._reflection_axis], is_non_singular, True, False, True,
                             name)  # fmt: skip

    @property
    def reflection_axis(self):
        """What is orthogonal to the planes."""
        return self._reflection_axis

    def _normalized_axis(self):
        axis = to_tensor(self.reflection_axis)
        return axis / norm(axis, axis=-1, keepdims=True)

    def _shape(self):
        static = self._reflection_axis.shape
        return static.concatenate(static[-1:])

    def _shape_tensor(self):
        sizes = shape(self._reflection_axis)
        return concat((sizes, [sizes[-1]]), 0)

    def _assert_non_singular(self):
        return no_op("assert_non_singular")

    def _assert_positive_definite(self):
        raise InvalidArgumentError(None, None, "Householder operators are always non-positive definite.")

    def _assert_self_adjoint(self):
        return no_op("assert_self_adjoint")

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = adjoint_of(x) if adjoint_arg else x
        axis = self._normalized_axis()[..., None]
        return x - 2 * axis * matmul(axis, x, adjoint_a=True)

    def _trace(self):
        size = cast(self.domain_dimension_tensor() - 2, self.dtype)
        return size * ones(self.batch_shape_tensor(), dtype=self.dtype)

    def _determinant(self):
        return -ones(self.batch_shape_tensor(), dtype=self.dtype)

    def _log_abs_determinant(self):
        return zeros(self.batch_shape_tensor(), dtype=self.dtype)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint, adjoint_arg)

    def _to_dense(self):
        axis = self._normalized_axis()[..., None]
        matrix = -2 * matmul(axis, axis, adjoint_b=True)
        return matrix_set_diag(matrix, 1.0 + matrix_diag_part(matrix))

    def _diag_part(self):
        axis = self._normalized_axis()
        return 1.0 - 2 * axis * conj(axis)


@rule("Adjoint", LinearOperatorHouseholder)
@rule("Inverse", LinearOperatorHouseholder)
def _itself(operator):
    return operator
