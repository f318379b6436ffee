"""Identity matrices and multiples of them."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.linear_operators.algebra import hints_of_commuting, rule
from reflow.linear_operators.broadcasting import as_parameter, assert_fits, check_no_reference, shape_tensor
from reflow.linear_operators.diag import LinearOperatorDiag
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal, assert_non_negative, assert_positive
from reflow.ops.complex import conj, imag, real
from reflow.ops.constant import ones, zeros, zeros_like
from reflow.ops.control import no_op, with_dependencies
from reflow.ops.diagonal import matrix_diag_part, matrix_set_diag
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import log, sqrt
from reflow.ops.joining import concat, stack
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.padding import broadcast_static_shape
from reflow.ops.reduction import reduce_min
from reflow.ops.shape_checks import assert_rank
from reflow.ops.shape_ops import expand_dims, shape

# --- sizes as arguments -------------------------------------------------------------------------------------------


def checked_size(value, name, is_checked):
    """A number of rows or columns: (the tensor, its value or None).

    Args:
      value: an integer or an integer scalar tensor.
      name: the argument's name.
      is_checked: whether the tensor is checked while the graph runs.

    Returns:
      The pair.

    Raises:
      TypeError: if it is no integer.
      ValueError: if it is known to be negative or no scalar.
    """
    return _checked(value, name, name, 0, is_checked)


def checked_batch_shape(value, is_checked):
    """A shape of batches: (the tensor, its value or None), as `checked_size`."""
    return _checked(value, "batch_shape", "batch_shape_arg", 1, is_checked)


def _checked(value, name, node_name, rank, is_checked):
    check_no_reference(value, name)
    value = shape_tensor(value, name=node_name)
    static = constant_value(value)
    wrong_rank = f"Argument {name} must be a {rank}-D Tensor."
    negative = f"Argument {name} must be non-negative."
    if is_checked:
        checks = [assert_rank(value, rank, message=wrong_rank), assert_non_negative(value, message=negative)]
        value = with_dependencies(checks, value)
    if not value.dtype.is_integer:
        raise TypeError(f"Argument {name} must be integer type.  Found: {value}")
    if static is not None:
        if static.ndim != rank:
            raise ValueError(f"{wrong_rank}  Found: {static}")
        if np.any(static < 0):
            raise ValueError(f"{negative}  Found: {static}")
    return value, static


class UniformBatchOperator(LinearOperator):
    """The base of operators whose matrices follow from sizes alone."""

    _assert_proper_shapes: bool

    def _set_batch_shape(self, batch_shape):
        self._batch_sizes = self._static_batch = None
        if batch_shape is not None:
            self._batch_sizes, self._static_batch = checked_batch_shape(batch_shape, self._assert_proper_shapes)

    def _with_batch_shape(self, static_matrix):
        if self._batch_sizes is None:
            return TensorShape(static_matrix)
        known = None if self._static_batch is None else list(self._static_batch)
        return TensorShape(known).concatenate(TensorShape(static_matrix))

    def _shape_tensor_of(self, rows, columns):
        matrix_shape = stack((rows, columns), axis=0)
        return matrix_shape if self._batch_sizes is None else concat((self._batch_sizes, matrix_shape), 0)

    def _broadcast(self, x):
        """`x`, broadcast to the operator's batch."""
        if self._batch_sizes is None:
            return x
        static = self.batch_shape.concatenate([1, 1])
        if static.is_fully_defined():
            if broadcast_static_shape(x.shape, static) == x.shape:
                return x
            return x + zeros(static, dtype=self.dtype)
        return x + zeros(concat((self.batch_shape_tensor(), [1, 1]), 0), dtype=self.dtype)

    def _checked_argument(self, x):
        return with_dependencies([assert_fits(self, x)], x) if self._assert_proper_shapes else x

    def _smaller_size(self):
        sizes = self.domain_dimension.value, self.range_dimension.value
        return None if None in sizes else min(sizes)

    def _smaller_size_tensor(self):
        return reduce_min(self.shape_tensor()[-2:])

    def _diagonal_shape(self):
        if self.shape.is_fully_defined():
            return self.batch_shape.concatenate([self._smaller_size()])
        return concat([self.batch_shape_tensor(), [self._smaller_size_tensor()]], axis=0)

    def _one_for_each(self):
        sizes = self.batch_shape if self.batch_shape.is_fully_defined() else self.batch_shape_tensor()
        return ones(sizes, dtype=self.dtype)


# --- the identity -------------------------------------------------------------------------------------------------


@export("linalg.LinearOperatorIdentity")
class LinearOperatorIdentity(UniformBatchOperator):
    """Identity matrices [..., n, n].

    Args:
      num_rows: integer scalar: n.
      batch_shape: integer vector; a single matrix, which broadcasts with every batch, if None.
      dtype: the type of the elements; float32 if None.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, which are all true.
      assert_proper_shapes: whether shapes are checked while the graph runs.
      name: the name.

    Raises:
      ValueError: if a hint is false or an argument is negative or of a wrong shape.
      TypeError: if a size is no integer.
    """

    def __init__(self, num_rows, batch_shape=None, dtype=None, is_non_singular=True, is_self_adjoint=True,
                 is_positive_definite=True, is_square=True, assert_proper_shapes=False,
                 name="LinearOperatorIdentity"):  # fmt: skip
        self._assert_proper_shapes = assert_proper_shapes
        with name_scope(name):
            dtype = as_dtype(dtype or dtypes.float32)
            for hint, what in ((is_self_adjoint, "self adjoint"), (is_non_singular, "non-singular"),
                               (is_positive_definite, "positive-definite"), (is_square, "square")):  # fmt: skip
                if not hint:
                    raise ValueError(f"An identity operator is always {what}.")
            super().__init__(dtype, None, is_non_singular, is_self_adjoint, is_positive_definite, is_square, name)
            check_no_reference(batch_shape, "batch_shape")
            self._num_rows, self._static_rows = checked_size(num_rows, "num_rows", assert_proper_shapes)
            self._set_batch_shape(batch_shape)

    def _shape(self):
        return self._with_batch_shape((self._static_rows, self._static_rows))

    def _shape_tensor(self):
        return self._shape_tensor_of(self._num_rows, self._num_rows)

    def _assert_non_singular(self):
        return no_op("assert_non_singular")

    def _assert_positive_definite(self):
        return no_op("assert_positive_definite")

    def _assert_self_adjoint(self):
        return no_op("assert_self_adjoint")

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = adjoint_of(x) if adjoint_arg else x
        return self._broadcast(self._checked_argument(x))

    def _determinant(self):
        return ones(self.batch_shape_tensor(), dtype=self.dtype)

    def _log_abs_determinant(self):
        return zeros(self.batch_shape_tensor(), dtype=self.dtype)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._matmul(rhs, adjoint_arg=adjoint_arg)

    def _trace(self):
        for_each, known = self._one_for_each(), self._smaller_size()
        return (cast(self._smaller_size_tensor(), self.dtype) if known is None else known) * for_each

    def _diag_part(self):
        return ones(self._diagonal_shape(), dtype=self.dtype)

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The sum of the operator and a tensor [..., n, n]."""
        with self._name_scope(name):
            mat = to_tensor(mat, name="mat")
            return matrix_set_diag(mat, 1 + matrix_diag_part(mat))


@rule("Adjoint", LinearOperatorIdentity)
@rule("Inverse", LinearOperatorIdentity)
def _itself(operator):
    return operator


@rule("Cholesky", LinearOperatorIdentity)
def _cholesky(operator):
    return LinearOperatorIdentity(operator._num_rows, operator.batch_shape, operator.dtype)


@rule("Matmul", LinearOperatorIdentity, LinearOperator)
@rule("Solve", LinearOperatorIdentity, LinearOperator)
def _right_alone(_, right):
    return right


@rule("Matmul", LinearOperator, LinearOperatorIdentity)
def _left_alone(left, _):
    return left


# --- multiples of it ----------------------------------------------------------------------------------------------


@export("linalg.LinearOperatorScaledIdentity")
class LinearOperatorScaledIdentity(UniformBatchOperator):
    """Multiples of identity matrices [..., n, n].

    Args:
      num_rows: integer scalar: n.
      multiplier: tensor [...] of half, float32, float64, complex64 or complex128.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      assert_proper_shapes: whether shapes are checked while the graph runs.
      name: the name.

    Raises:
      ValueError: if hints contradict or the number of rows is negative or no scalar.
      TypeError: if the number of rows is no integer.
    """

    def __init__(self, num_rows, multiplier, is_non_singular=None, is_self_adjoint=None, is_positive_definite=None,
                 is_square=True, assert_proper_shapes=False, name="LinearOperatorScaledIdentity"):  # fmt: skip
        self._assert_proper_shapes = assert_proper_shapes
        with name_scope(name, values=[multiplier, num_rows]):
            self._multiplier = as_parameter(multiplier, "multiplier")
            if not self._multiplier.dtype.is_complex:
                if is_self_adjoint is False:
                    raise ValueError("A real diagonal operator is always self adjoint.")
                is_self_adjoint = True
            if not is_square:
                raise ValueError("A ScaledIdentity operator is always square.")
            super().__init__(self._multiplier.dtype.base_dtype, None, is_non_singular, is_self_adjoint,
                             is_positive_definite, is_square, name)  # fmt: skip
            self._num_rows, self._static_rows = checked_size(num_rows, "num_rows", assert_proper_shapes)
            self._rows_as_element = cast(self._num_rows, self.dtype)
            self._rows_as_real = cast(self._num_rows, self.dtype.real_dtype)

    @property
    def multiplier(self):
        """The multiples."""
        return self._multiplier

    def _shape(self):
        return self.multiplier.shape.concatenate(TensorShape((self._static_rows, self._static_rows)))

    def _shape_tensor(self):
        matrix_shape = stack((self._num_rows, self._num_rows), axis=0)
        return concat((shape(self.multiplier), matrix_shape), 0)

    def _assert_non_singular(self):
        return assert_positive(abs_(self.multiplier), message="LinearOperator was singular")

    def _assert_positive_definite(self):
        return assert_positive(real(self.multiplier), message="LinearOperator was not positive definite.")

    def _assert_self_adjoint(self):
        imaginary = imag(self.multiplier)
        return assert_equal(zeros_like(imaginary), imaginary, message="LinearOperator was not self-adjoint")

    def _multiplier_matrix(self, adjoint):
        matrix = expand_dims(expand_dims(self.multiplier, -1), -1)
        return conj(matrix) if adjoint else matrix

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        x = self._checked_argument(adjoint_of(x) if adjoint_arg else x)
        return x * self._multiplier_matrix(adjoint)

    def _determinant(self):
        return self.multiplier**self._rows_as_element

    def _log_abs_determinant(self):
        return self._rows_as_real * log(abs_(self.multiplier))

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        rhs = self._checked_argument(adjoint_of(rhs) if adjoint_arg else rhs)
        return rhs / self._multiplier_matrix(adjoint)

    def _trace(self):
        for_each, known = self._one_for_each(), self._smaller_size()
        rows = cast(self._smaller_size_tensor(), self.dtype) if known is None else known
        return self.multiplier * rows * for_each

    def _diag_part(self):
        return ones(self._diagonal_shape(), dtype=self.dtype) * self.multiplier[..., None]

    def add_to_tensor(self, mat, name="add_to_tensor"):
        """The sum of the operator and a tensor [..., n, n]."""
        with self._name_scope(name):
            multiplier = expand_dims(self.multiplier, -1)
            mat = to_tensor(mat, name="mat")
            return matrix_set_diag(mat, multiplier + matrix_diag_part(mat))


@rule("Adjoint", LinearOperatorScaledIdentity)
def _adjoint_scaled(operator):
    multiplier = operator.multiplier
    multiplier = conj(multiplier) if multiplier.dtype.is_complex else multiplier
    return LinearOperatorScaledIdentity(operator._num_rows, multiplier, operator.is_non_singular,
                                        operator.is_self_adjoint, operator.is_positive_definite, True)  # fmt: skip


@rule("Inverse", LinearOperatorScaledIdentity)
def _inverse_scaled(operator):
    return LinearOperatorScaledIdentity(operator._num_rows, 1.0 / operator.multiplier, operator.is_non_singular, True,
                                        operator.is_positive_definite, True)  # fmt: skip


@rule("Cholesky", LinearOperatorScaledIdentity)
def _cholesky_scaled(operator):
    return LinearOperatorScaledIdentity(operator._num_rows, sqrt(operator.multiplier), True, True, True, True)


@rule("Matmul", LinearOperatorDiag, LinearOperatorScaledIdentity)
def _diagonal_times_scaled(diagonal, scaled):
    return LinearOperatorDiag(diagonal.diag * scaled.multiplier[..., None], **hints_of_commuting(diagonal, scaled))


@rule("Matmul", LinearOperatorScaledIdentity, LinearOperatorDiag)
def _scaled_times_diagonal(scaled, diagonal):
    return LinearOperatorDiag(diagonal.diag * scaled.multiplier[..., None], **hints_of_commuting(scaled, diagonal))


@rule("Solve", LinearOperatorDiag, LinearOperatorScaledIdentity)
def _scaled_over_diagonal(diagonal, scaled):
    return LinearOperatorDiag(scaled.multiplier[..., None] / diagonal.diag, **hints_of_commuting(diagonal, scaled))


@rule("Solve", LinearOperatorScaledIdentity, LinearOperatorDiag)
def _diagonal_over_scaled(scaled, diagonal):
    return LinearOperatorDiag(diagonal.diag / scaled.multiplier[..., None], **hints_of_commuting(scaled, diagonal))
