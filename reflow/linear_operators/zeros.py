"""Matrices of zeros."""

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.dtypes import as_dtype
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.linear_operators.algebra import rule
from reflow.linear_operators.broadcasting import check_no_reference
from reflow.linear_operators.identity import UniformBatchOperator, checked_size
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.constant import zeros
from reflow.ops.control import no_op
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.shape_ops import shape


@export("linalg.LinearOperatorZeros")
class LinearOperatorZeros(UniformBatchOperator):
    """Matrices [..., m, n] of zeros.

    Args:
      num_rows: integer scalar: m.
      num_columns: integer scalar: n; m if None.
      batch_shape: integer vector; a single matrix, which broadcasts with every batch, if None.
      dtype: the type of the elements; float32 if None.
      is_non_singular, is_self_adjoint, is_positive_definite: hints, of which the second alone is true.
      is_square: whether m is n.
      assert_proper_shapes: whether shapes are checked while the graph runs.
      name: the name.

    Raises:
      ValueError: if a hint is wrong or an argument is negative or of a wrong shape.
      TypeError: if a size is no integer.
    """

    def __init__(self, num_rows, num_columns=None, batch_shape=None, dtype=None, is_non_singular=False,
                 is_self_adjoint=True, is_positive_definite=False, is_square=True, assert_proper_shapes=False,
                 name="LinearOperatorZeros"):  # fmt: skip
        self._assert_proper_shapes = assert_proper_shapes
        with name_scope(name):
            dtype = as_dtype(dtype or dtypes.float32)
            if not is_self_adjoint and is_square:
                raise ValueError("A zero operator is always self adjoint.")
            if is_non_singular:
                raise ValueError("A zero operator is always singular.")
            if is_positive_definite:
                raise ValueError("A zero operator is always not positive-definite.")
            super().__init__(dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name)
            check_no_reference(batch_shape, "batch_shape")
            self._num_rows, self._static_rows = checked_size(num_rows, "num_rows", assert_proper_shapes)
            num_columns = num_rows if num_columns is None else num_columns
            self._num_columns, self._static_columns = checked_size(num_columns, "num_columns", assert_proper_shapes)
            both = self._static_rows, self._static_columns
            if is_square and None not in both and both[0] != both[1]:
                raise ValueError(f"LinearOperatorZeros initialized as is_square=True, but got num_rows({both[0]}) != "
                                 f"num_columns({both[1]})")  # fmt: skip
            self._set_batch_shape(batch_shape)

    def _shape(self):
        return self._with_batch_shape((self._static_rows, self._static_columns))

    def _shape_tensor(self):
        return self._shape_tensor_of(self._num_rows, self._num_columns)

    def _assert_non_singular(self):
        raise InvalidArgumentError(None, None, "Zero operators are always non-invertible.")

    def _assert_positive_definite(self):
        raise InvalidArgumentError(None, None, "Zero operators are always non-positive definite.")

    def _assert_self_adjoint(self):
        return no_op("assert_self_adjoint")

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        if self._assert_proper_shapes and not adjoint:
            x = self._checked_argument(adjoint_of(x) if adjoint_arg else x)
            adjoint_arg = False
        sizes = shape(x)
        rows = self._num_columns if adjoint else self._num_rows
        columns = sizes[-2] if adjoint_arg else sizes[-1]
        result = zeros(concat([sizes[:-2], [rows, columns]], axis=0), dtype=x.dtype)
        static = x.shape
        if static.ndims is not None:
            known = (self.domain_dimension if adjoint else self.range_dimension, static[-2 if adjoint_arg else -1])
            result.set_shape(static[:-2].concatenate(list(known)))
        return self._broadcast(result)

    def _determinant(self):
        return self._zero_for_each()

    def _trace(self):
        return self._zero_for_each()

    def _zero_for_each(self):
        sizes = self.batch_shape if self.batch_shape.is_fully_defined() else self.batch_shape_tensor()
        return zeros(sizes, dtype=self.dtype)

    def _diag_part(self):
        return zeros(self._diagonal_shape(), dtype=self.dtype)

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The sum of the operator and a tensor [..., m, n]: the tensor, broadcast to the operator's batch."""
        return self._broadcast(mat)


def _check_square(*operators):
    if not all(operator.is_square for operator in operators):
        raise ValueError("Matmul with non-square `LinearOperator`s or non-square `LinearOperatorZeros` not supported "
                         "at this time.")  # fmt: skip


@rule("Matmul", LinearOperator, LinearOperatorZeros)
def _right_alone(left, right):
    _check_square(left, right)
    return right


@rule("Matmul", LinearOperatorZeros, LinearOperator)
def _left_alone(left, right):
    _check_square(left, right)
    return left
