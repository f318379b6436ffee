"""Matrices of which batches broadcast, for operations that do not."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.ops.checks import assert_equal, assert_less
from reflow.ops.complex import imag
from reflow.ops.control import no_op
from reflow.ops.elementwise import abs as abs_
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.linalg import cholesky_solve
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape, broadcast_to
from reflow.ops.permute import transpose
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.solvers import matrix_solve, matrix_triangular_solve
from reflow.variables.module import Module
from reflow.variables.variable import Variable

# --- arguments ----------------------------------------------------------------------------------------------------


def is_reference(x):
    """Whether something may change its value: a variable, or a module that stands for one."""
    return isinstance(x, Variable) or isinstance(x, Module) and hasattr(x, "dtype") and hasattr(x, "shape")


def as_parameter(value, name):
    """A parameter of an operator as a tensor, but variables as they are; None for None."""
    return value if value is None or is_reference(value) else to_tensor(value, name=name)


def check_no_reference(x, name):
    """Raises TypeError for what may change its value."""
    if is_reference(x):
        raise TypeError(f"Argument {name} cannot be reference type. Found: {type(x)}")


def shape_tensor(sizes, name=None):
    """Sizes as a tensor, int32 if there are none."""
    is_empty = isinstance(sizes, (tuple, list)) and not sizes
    return to_tensor(sizes, dtypes.int32 if is_empty else None, name=name)


def assert_no_zeros(x, message):
    """An operation that fails if an element is 0."""
    with name_scope("assert_no_entries_with_modulus_zero", values=[x]):
        x = to_tensor(x, name="x")
        modulus = abs_(x)
        return assert_less(to_tensor(0, x.dtype.base_dtype.real_dtype), modulus, message=message)


def assert_real(x, message):
    """An operation that fails if an element has an imaginary part."""
    with name_scope("assert_zero_imag_part", values=[x]):
        x = to_tensor(x, name="x")
        dtype = x.dtype.base_dtype
        if dtype.is_floating:
            return no_op()
        return assert_equal(to_tensor(0, dtype.real_dtype), imag(x), message=message)


def assert_fits(operator, x):
    """An operation that fails unless matrices have as many rows as an operator has columns."""
    message = "Dimensions are not compatible.  shape[-2] of argument to be the same as this operator"
    return assert_equal(shape(x)[-2], operator.domain_dimension_tensor(), message=message)


# --- broadcasting -------------------------------------------------------------------------------------------------


def broadcast_batches(matrices):
    """Matrices [..., m_i, n_i] with batches broadcast to one another.

    Args:
      matrices: a list of tensors.

    Returns:
      A list of tensors.

    Raises:
      ValueError: if one is known to have less than two dimensions, or the batches are known not to fit.
    """
    with name_scope("broadcast_matrix_batch_dims", values=matrices):
        matrices = [to_tensor(matrix) for matrix in matrices]
        for matrix in matrices:
            if matrix.shape.ndims is not None and matrix.shape.ndims < 2:
                raise ValueError(f"Expected [batch] matrix to have at least two dimensions.  Found: {matrix}")
        if len(matrices) < 2:
            return matrices
        static = matrices[0].shape[:-2]
        for matrix in matrices[1:]:
            static = broadcast_static_shape(static, matrix.shape[:-2])
        if static.is_fully_defined():
            sizes = static.as_list()
            return [
                matrix if matrix.shape[:-2] == static else _with_batch(matrix, sizes) for matrix in matrices
            ]  # fmt: skip
        sizes = shape(matrices[0])[:-2]
        for matrix in matrices[1:]:
            sizes = broadcast_dynamic_shape(sizes, shape(matrix)[:-2])
        return [_with_batch(matrix, sizes) for matrix in matrices]


def _with_batch(matrix, sizes):
    return broadcast_to(matrix, concat([sizes, shape(matrix)[-2:]], axis=0))


def cholesky_solve_with_broadcast(factor, rhs):
    """`tf.linalg.cholesky_solve` of batches that broadcast."""
    with name_scope("CholeskySolveWithBroadcast", values=[factor, rhs]):
        factor, rhs = broadcast_batches([factor, rhs])
        return cholesky_solve(factor, rhs)


def matrix_solve_with_broadcast(matrix, rhs, adjoint=False):
    """`tf.linalg.solve` of batches that broadcast."""
    with name_scope("MatrixSolveWithBroadcast", values=[matrix, rhs]):
        matrix = to_tensor(matrix, name="matrix")
        rhs = to_tensor(rhs, matrix.dtype, name="rhs")
        matrix, rhs, restored, is_adjoint = _fewer_batches(matrix, rhs, adjoint)
        matrix, rhs = broadcast_batches([matrix, rhs])
        return restored(matrix_solve(matrix, rhs, adjoint=adjoint and not is_adjoint))


def triangular_solve_with_broadcast(matrix, rhs, adjoint=False):
    """`tf.linalg.triangular_solve` of lower triangular matrices, with batches that broadcast."""
    with name_scope("MatrixTriangularSolve", values=[matrix, rhs]):
        matrix = to_tensor(matrix, name="matrix")
        rhs = to_tensor(rhs, matrix.dtype, name="rhs")
        matrix, rhs, restored, is_adjoint = _fewer_batches(matrix, rhs, adjoint)
        lower = not (is_adjoint and adjoint)
        matrix, rhs = broadcast_batches([matrix, rhs])
        solution = matrix_triangular_solve(matrix, rhs, lower=lower, adjoint=adjoint and not is_adjoint)
        return restored(solution)


def _fewer_batches(a, b, adjoint):
    """Batches of `b` beyond those of `a` as more columns, which saves copies of `a`.

    Returns:
      (a, b, a function that undoes it with what was solved, whether the adjoint of `a` was taken).
    """
    unchanged = a, b, lambda x: x, False
    if a.shape.ndims is None or b.shape.ndims is None or a.shape.ndims >= b.shape.ndims:
        return unchanged
    extra = b.shape.ndims - a.shape.ndims
    rows, columns = a.shape.as_list()[-2 if adjoint else -1], b.shape.as_list()[-1]
    batches = np.prod(b.shape[:extra].as_list()) if b.shape[:extra].is_fully_defined() else None
    if batches is not None and None not in (rows, columns) and (batches < 2 or rows <= columns):
        return unchanged
    a = adjoint_of(a) if adjoint else a
    extra_sizes, main_sizes = shape(b)[:extra], shape(b)[extra:]
    to_end = np.roll(np.arange(b.shape.ndims), -extra)
    wide = reshape(transpose(b, perm=to_end), concat((main_sizes[:-1], [-1]), 0))

    def restored(y):
        sizes = concat((shape(y)[:-1], [main_sizes[-1]], extra_sizes), 0)
        return transpose(reshape(y, sizes), perm=np.argsort(to_end))

    return a, wide, restored, True
