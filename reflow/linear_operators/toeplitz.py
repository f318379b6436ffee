"""Toeplitz matrices: constant along each diagonal."""

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.linear_operators.circulant import LinearOperatorCirculant, as_complex
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal
from reflow.ops.constant import ones, zeros_like
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape
from reflow.ops.permute import reverse_v2
from reflow.ops.shape_ops import shape


@export("linalg.LinearOperatorToeplitz")
class LinearOperatorToeplitz(LinearOperator):
    """Toeplitz matrices [..., n, n].

    Args:
      col: tensor [..., n] of float32, float64, complex64 or complex128: the first columns.
      row: tensor [..., n] of the same type: the first rows, which begin with the same element.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the sizes differ or hints contradict.
    """

    def __init__(self, col, row, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None, is_square=None,
                 name="LinearOperatorToeplitz"):  # fmt: skip
        with name_scope(name, values=[row, col]):
            self._row, self._col = to_tensor(row, name="row"), to_tensor(col, name="col")
            _check_vectors(self._row, self._col)
            # The matrix is the corner of a circulant one, twice as large.
            column = concat([self._col, zeros_like(self._col[..., 0:1]), reverse_v2(self._row[..., 1:], axis=[-1])], -1)
            self._circulant = LinearOperatorCirculant(call("FFT", as_complex(column)), self._row.dtype)
            if is_square is False:
                raise ValueError("Only square Toeplitz operators currently supported.")
            super().__init__(self._row.dtype, [self._row, self._col], is_non_singular, is_self_adjoint,
                             is_positive_definite, True, name)  # fmt: skip

    @property
    def col(self):
        """The first columns."""
        return self._col

    @property
    def row(self):
        """The first rows."""
        return self._row

    def _shape(self):
        static = broadcast_static_shape(self.row.shape, self.col.shape)
        return static.concatenate(static[-1:])

    def _shape_tensor(self):
        sizes = broadcast_dynamic_shape(shape(self.row), shape(self.col))
        return concat((sizes, [sizes[-1]]), 0)

    def _assert_self_adjoint(self):
        message = "row and col are not the same, and so this operator is not self-adjoint."
        return assert_equal(self.row, self.col, message=message)

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = adjoint_of(x) if adjoint_arg else x
        longer = concat([x, zeros_like(x)], axis=-2)
        result = self._circulant.matmul(longer, adjoint=adjoint, adjoint_arg=False)
        return cast(result[..., : self.domain_dimension_tensor(), :], self.dtype)

    def _trace(self):
        return cast(self.domain_dimension_tensor(), self.dtype) * self.col[..., 0]

    def _diag_part(self):
        return self.col[..., 0:1] * ones([self.domain_dimension_tensor()], self.dtype)


def _check_vectors(row, col):
    for name, vector in (("row", row), ("col", col)):
        if vector.shape.ndims == 0:
            raise ValueError(f"Argument {name} must have at least 1 dimension.  Found: {vector}")
    if row.shape.ndims is not None and col.shape.ndims is not None and row.shape[-1] != col.shape[-1] and None not in (
        row.shape.dims[-1].value, col.shape.dims[-1].value,
    ):  # fmt: skip
        raise ValueError("Expected square matrix, got row and col with mismatched dimensions.")
