"""Matrices given as such."""

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.linear_operators.broadcasting import as_parameter
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.matmul import matmul
from reflow.ops.shape_ops import shape

_TYPES = [dtypes.float16, dtypes.float32, dtypes.float64, dtypes.complex64, dtypes.complex128]


@export("linalg.LinearOperatorFullMatrix")
class LinearOperatorFullMatrix(LinearOperator):
    """Dense matrices.

    Args:
      matrix: tensor [..., m, n] of half, float32, float64, complex64 or complex128.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      TypeError: if the matrix is of another type.
      ValueError: if it has less than two dimensions or hints contradict.
    """

    def __init__(self, matrix, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorFullMatrix"):  # fmt: skip
        with name_scope(name, values=[matrix]):
            self._matrix = as_parameter(matrix, "matrix")
            matrix = to_tensor(self._matrix, name="matrix")
            if matrix.dtype.base_dtype not in _TYPES:
                raise TypeError(f"Argument matrix must have dtype in {_TYPES}.  Found: {matrix.dtype}")
            if matrix.shape.ndims is not None and matrix.shape.ndims < 2:
                raise ValueError(f"Argument matrix must have at least 2 dimensions.  Found: {matrix}")
            super().__init__(matrix.dtype, [self._matrix], is_non_singular, is_self_adjoint, is_positive_definite,
                             is_square, name)  # fmt: skip

    def _shape(self):
        return self._matrix.shape

    def _shape_tensor(self):
        return shape(self._matrix)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return matmul(self._matrix, x, adjoint_a=adjoint, adjoint_b=adjoint_arg)

    def _to_dense(self):
        return self._matrix
