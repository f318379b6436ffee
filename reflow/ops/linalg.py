"""Linear algebra made of other ops: eye, trace, cross, norm, Cholesky solves, least squares, pseudo-inverses, ..."""

import math
import numbers

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import convert_to_tensor, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import TensorShape, dims_in_brackets
from reflow.ops.casting import cast
from reflow.ops.complex import conj, real
from reflow.ops.constant import ones, zeros
from reflow.ops.decompositions import svd
from reflow.ops.diagonal import matrix_diag, matrix_diag_part, matrix_set_diag
from reflow.ops.elementwise import abs as abs_
from reflow.ops.joining import concat
from reflow.ops.matmul import matmul
from reflow.ops.matrix_like import MatrixLike
from reflow.ops.permute import matrix_transpose, transpose
from reflow.ops.reduction import reduce_max, reduce_sum
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.select import where_v2
from reflow.ops.shape_ops import expand_dims, shape, squeeze
from reflow.ops.shape_rules import same_shape

# --- Cross --------------------------------------------------------------------------------------------------------


def _cross_shape(op):
    dims = same_shape(op)[0]
    if dims is not None and (not dims or dims[-1] not in (None, 3)):
        raise ValueError(f"Cross-products are only defined for 3-element vectors, not {dims_in_brackets(dims)}")
    return [dims]


def _cross(a, b):
    if a.dtype in (torch.uint16, torch.uint32, torch.uint64):
        # The same bits in two's complement, which ATen multiplies.
        signed = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}[a.dtype]
        return torch.linalg.cross(a.view(signed), b.view(signed)).view(a.dtype)
    return torch.linalg.cross(a, b)


define_op("Cross", "a: T, b: T -> product: T", "T: type in real", shape=_cross_shape, kernel=_cross)


@gradient("Cross")
def _cross_gradient(op, grad):
    a, b = op._inputs
    return cross(b, grad), cross(grad, a)


@export("linalg.cross", "cross")
def cross(a, b, name=None):
    """The cross products of vectors of 3 elements.

    Args:
      a: real tensor [..., 3].
      b: a tensor of the same type and shape.
      name: a name for the operation.

    Returns:
      A tensor [..., 3].
    """
    return call("Cross", a, b, name=name)


# --- identity, trace, adjoint -------------------------------------------------------------------------------------


@export("eye", "linalg.eye")
def eye(num_rows, num_columns=None, batch_shape=None, dtype=dtypes.float32, name=None):
    """Identity matrices.

    Args:
      num_rows: a positive int, or an int32 scalar.
      num_columns: a positive int, or an int32 scalar; as `num_rows` if None.
      batch_shape: ints, or an int32 vector: how many matrices; one if None.
      dtype: the type of the elements.
      name: a name scope.

    Returns:
      A tensor [*batch_shape, num_rows, num_columns], 1 on the main diagonals and 0 elsewhere.

    Raises:
      TypeError: if a size is neither an int nor a tensor.
    """
    with name_scope(name, "eye", [num_rows, num_columns, batch_shape]):
        is_square = num_columns is None
        batch_shape = [] if batch_shape is None else batch_shape
        num_columns = num_rows if num_columns is None else num_columns
        if isinstance(num_rows, Tensor) or isinstance(num_columns, Tensor):
            size = call("Minimum", num_rows, num_columns)
        else:
            if not isinstance(num_rows, numbers.Integral) or not isinstance(num_columns, numbers.Integral):
                raise TypeError("num_rows and num_columns must be positive integer values.")
            is_square = num_rows == num_columns
            size = min(num_rows, num_columns)
        sizes = None if is_square else [num_rows, num_columns]
        diagonal_shape, full_shape = _with_batch(batch_shape, [size], sizes)
        diagonal = ones(diagonal_shape, dtype=dtype)
        if is_square:
            return matrix_diag(diagonal)
        return matrix_set_diag(zeros(full_shape, dtype=dtype), diagonal)


def _with_batch(batch_shape, *ends):
    """The batch's shape followed by each of `ends` (None stays None): lists if all is known, else tensors."""
    if isinstance(batch_shape, Tensor) or isinstance(ends[0][0], Tensor):
        batch_shape = to_tensor(batch_shape, dtypes.int32, "shape")
        return [None if end is None else concat((batch_shape, end), axis=0) for end in ends]
    return [None if end is None else [*batch_shape, *end] for end in ends]


@export("trace", "linalg.trace")
def trace(x, name=None):
    """The sum of the main diagonals of matrices.

    Args:
      x: a tensor [..., m, n], or a linear operator.
      name: a name for the operation.

    Returns:
      A tensor [...].
    """
    if isinstance(x, MatrixLike):
        return x.trace(name)
    with name_scope(name, "Trace", [x]) as scope:
        x = to_tensor(x, name="x")
        return reduce_sum(matrix_diag_part(x), [-1], name=scope)


@export("linalg.adjoint")
def adjoint(matrix, name=None):
    """The conjugate transposes of matrices.

    Args:
      matrix: a tensor [..., m, n], or a linear operator.
      name: a name scope.

    Returns:
      A tensor [..., n, m], or a linear operator.
    """
    if isinstance(matrix, MatrixLike):
        return matrix.adjoint(name)
    with name_scope(name, "adjoint", [matrix]):
        return matrix_transpose(to_tensor(matrix, name="matrix"), conjugate=True)


@export("linalg.logdet")
def logdet(matrix, name=None):
    """The logarithms of the determinants of Hermitian positive definite matrices, by a Cholesky decomposition.

    Args:
      matrix: a tensor [..., n, n] of half, float32, float64, complex64 or complex128, or a linear operator.
      name: a name scope.

    Returns:
      A tensor [...], real.

    Raises:
      ValueError: if a linear operator is not known to be Hermitian positive definite.
    """
    if isinstance(matrix, MatrixLike):
        if matrix.is_positive_definite and matrix.is_self_adjoint:
            return matrix.log_abs_determinant(name)
        raise ValueError("Expected matrix to be self-adjoint positive definite.")
    with name_scope(name, "logdet", [matrix]):
        diagonal = matrix_diag_part(call("Cholesky", matrix))
        return 2.0 * reduce_sum(call("Log", real(diagonal)), axis=[-1])


# --- solutions ----------------------------------------------------------------------------------------------------


@export("linalg.cholesky_solve", "cholesky_solve")
def cholesky_solve(chol, rhs, name=None):
    """X with A X = rhs, from the Cholesky decomposition A = chol chol^H.

    Args:
      chol: tensor [..., n, n], lower triangular, of half, float32, float64, complex64 or complex128.
      rhs: tensor [..., n, k] of the same type.
      name: a name scope.

    Returns:
      A tensor [..., n, k].
    """
    with name_scope(name, "cholesky_solve", [chol, rhs]):
        y = call("MatrixTriangularSolve", chol, rhs, adjoint=False, lower=True)
        return call("MatrixTriangularSolve", chol, y, adjoint=True, lower=True)


def regularized_gramian_cholesky(matrix, l2_regularizer, first_kind):
    """The Cholesky factor of A^H A + l I (of the first kind) or A A^H + l I (of the second)."""
    gramian = matmul(matrix, matrix, adjoint_a=first_kind, adjoint_b=not first_kind)
    if isinstance(l2_regularizer, Tensor) or l2_regularizer != 0:
        matrix_shape = shape(matrix)
        batch_shape = matrix_shape[:-2]
        identity = eye(matrix_shape[-1 if first_kind else -2], batch_shape=batch_shape, dtype=matrix.dtype)
        size = matrix.shape[-1 if first_kind else -2]
        identity.set_shape(matrix.shape[:-2].concatenate([size, size]))
        gramian += l2_regularizer * identity
    return call("Cholesky", gramian)


def is_tall(matrix) -> bool:
    """True for matrices of at least as many rows as columns.

    Raises:
      ValueError: if the sizes are not known while the graph is built.
    """
    sizes = matrix.shape[-2:]
    if not sizes.is_fully_defined():
        raise ValueError(f"least squares with {matrix.name}: the sizes of the matrices have to be known")
    return sizes[-2] >= sizes[-1]


@export("linalg.lstsq", "matrix_solve_ls")
def matrix_solve_ls(matrix, rhs, l2_regularizer=0.0, fast=True, name=None):
    """Least-squares solutions X of matrix X = rhs.

    With `fast`: argmin ||A X - B||^2 + l2_regularizer ||X||^2 by the normal equations (for a matrix of more columns
    than rows and no regularizer: the solution of least norm). Without: the solution of least norm, also for matrices of
    deficient rank, by an orthogonal decomposition; the regularizer is not used.

    Args:
      matrix: tensor [..., m, n] of float32, float64, complex64 or complex128.
      rhs: tensor [..., m, k] of the same type.
      l2_regularizer: a number.
      fast: solve the normal equations, which squares the condition number.
      name: a name for the operation.

    Returns:
      A tensor [..., n, k].

    Raises:
      NotImplementedError: for complex128 with a regularizer.
    """
    matrix = to_tensor(matrix, name="matrix")
    if matrix.dtype.base_dtype is dtypes.complex128 and l2_regularizer != 0:
        raise NotImplementedError(
            "matrix_solve_ls is currently disabled for complex128 and l2_regularizer != 0 due to poor accuracy."
        )
    if not _uses_composition(fast, matrix):
        return call("MatrixSolveLs", matrix, rhs, l2_regularizer, name=name, fast=fast)
    with name_scope(name, "matrix_solve_ls", [matrix, rhs, l2_regularizer]):
        solve = _overdetermined if is_tall(matrix) else _underdetermined
        return solve(matrix, rhs, l2_regularizer)


# TensorFlow's guess at a cache: batches of small matrices that do not fit are solved in one operation.
_CACHE_SIZE = 256_000


def _uses_composition(fast, matrix):
    if not fast or not matrix.shape[-2:].is_fully_defined():
        return False
    if not matrix.shape.is_fully_defined():
        return True
    size = matrix.shape.num_elements() * matrix.dtype.size
    return size <= _CACHE_SIZE or math.prod(matrix.dims[:-2]) <= min(matrix.dims[-2:])


def _overdetermined(matrix, rhs, l2_regularizer):
    factor = regularized_gramian_cholesky(matrix, l2_regularizer, first_kind=True)
    return cholesky_solve(factor, matmul(matrix, rhs, adjoint_a=True))


def _underdetermined(matrix, rhs, l2_regularizer):
    factor = regularized_gramian_cholesky(matrix, l2_regularizer, first_kind=False)
    return matmul(matrix, cholesky_solve(factor, rhs), adjoint_a=True)


# --- norms --------------------------------------------------------------------------------------------------------


@export("norm", "linalg.norm")
def norm(tensor, ord="euclidean", axis=None, keepdims=None, name=None, keep_dims=None):
    """Norms of vectors or matrices.

    Args:
      tensor: a tensor of float32, float64, complex64 or complex128.
      ord: for vectors "euclidean" (or 2), 1, inf, or any positive p: sum(|x| ** p) ** (1 / p); for matrices "euclidean"
        or "fro", 1 (greatest column sum), 2 (greatest singular value), or inf (greatest row sum).
      axis: None for the norm of all elements as one vector, an int for vectors along that dimension, a pair of ints for
        the matrices in these dimensions.
      keepdims: keep the dimensions of the vectors or matrices, with size 1.
      name: a name scope.
      keep_dims: the older name of `keepdims`.

    Returns:
      A tensor of the norms.

    Raises:
      ValueError: if `ord` or `axis` is not one of these.
    """
    keepdims = renamed_argument("keepdims", keepdims, "keep_dims", keep_dims)
    axis, is_matrix = _norm_axis(ord, axis)
    with name_scope(name, "norm", [tensor]):
        tensor = to_tensor(tensor)
        if ord in ("fro", "euclidean", 2):
            result = _spectral_norm(tensor, axis) if is_matrix and ord == 2 else _euclidean_norm(tensor, axis)
        elif ord == 1:
            result = reduce_sum(abs_(tensor), None if axis is None else axis[0], keepdims=True)
            result = reduce_max(result, axis[-1], keepdims=True) if is_matrix else result
        elif ord == np.inf:
            result = abs_(tensor)
            result = reduce_sum(result, axis[1], keepdims=True) if is_matrix else result
            result = reduce_max(result, None if axis is None else axis[0], keepdims=True)
        else:
            powers = reduce_sum(call("Pow", abs_(tensor), ord), axis, keepdims=True)
            result = call("Pow", powers, 1.0 / ord)
        return result if keepdims else squeeze(result, axis)


def _norm_axis(ord, axis):
    """The axis as a tuple or None, and whether it is that of matrices."""
    if isinstance(axis, (tuple, list)) and len(axis) == 2:
        axis = tuple(axis)
        if not isinstance(axis[0], int) or not isinstance(axis[1], int) or axis[0] == axis[1]:
            raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
        supported = ["euclidean", "fro", 1, 2, np.inf]
        if ord not in supported:
            raise ValueError(f"'ord' must be a supported matrix norm in {supported}, got {ord}")
        return axis, True
    if not (isinstance(axis, int) or axis is None):
        raise ValueError("'axis' must be None, an integer, or a tuple of 2 unique integers")
    if ord != "euclidean" and (isinstance(ord, str) or not np.isreal(ord) or ord <= 0):
        raise ValueError(f"'ord' must be a supported vector norm, got {ord}")
    return None if axis is None else (axis,), False


def _euclidean_norm(tensor, axis):
    return call("Sqrt", reduce_sum(tensor * conj(tensor), axis, keepdims=True))


def _spectral_norm(tensor, axis):
    """The greatest singular value: with the matrices in the last two dimensions, and back."""
    if tensor.dims is None:
        raise ValueError("the matrix 2-norm needs a tensor of known rank")
    rank = len(tensor.dims)
    axes = [a % rank for a in axis]
    before = [i for i in range(rank) if i not in axes] + axes
    singular = abs_(call("Svd", transpose(tensor, before), compute_uv=False)[0])
    greatest = expand_dims(reduce_max(singular, axis=-1, keepdims=True), axis=-1)
    return transpose(greatest, [before.index(i) for i in range(rank)])


@export("linalg.normalize")
def normalize(tensor, ord="euclidean", axis=None, name=None):
    """The tensor divided by its norm.

    Args:
      tensor: a tensor of float32, float64, complex64 or complex128.
      ord, axis: as in `norm`.
      name: a name scope.

    Returns:
      (normalized, norm): a tensor like `tensor`, and the norms with their dimensions kept.
    """
    with name_scope(name, "normalize", [tensor]):
        tensor = to_tensor(tensor)
        norms = cast(norm(tensor, ord, axis, keepdims=True), tensor.dtype)
        return tensor / norms, norms


# --- rank and pseudo-inverse --------------------------------------------------------------------------------------


def _checked_matrix(a):
    if not a.dtype.is_floating:
        raise TypeError(f"Input `a` must have `float`-like `dtype` (saw {a.dtype.name}).")
    if a.dims is not None and len(a.dims) < 2:
        raise ValueError(f"Input `a` must have at least 2 dimensions (saw: {len(a.dims)}).")
    return a


@export("linalg.matrix_rank")
def matrix_rank(a, tol=None, validate_args=False, name=None):
    """How many singular values of matrices are greater than a threshold.

    Args:
      a: tensor [..., m, n] of half, float32 or float64.
      tol: the threshold; if None, the greatest singular value times max(m, n) times the type's epsilon.
      validate_args: accepted; what can be checked is checked always.
      name: a name scope.

    Returns:
      An int32 tensor [...].
    """
    with name_scope(name or "matrix_rank"):
        a = _checked_matrix(convert_to_tensor(a, dtype_hint=dtypes.float32, name="a"))
        singular = svd(a, compute_uv=False)
        if tol is None:
            size = _greatest_size(a)
            epsilon = np.finfo(a.dtype.as_numpy_dtype).eps
            tol = epsilon * cast(size, a.dtype) * reduce_max(singular, axis=-1, keepdims=True)
        return reduce_sum(cast(singular > tol, dtypes.int32), axis=-1)


def _greatest_size(a):
    sizes = a.shape[-2:]
    return np.max(sizes.as_list()) if sizes.is_fully_defined() else reduce_max(shape(a)[-2:])


@export("linalg.pinv")
def pinv(a, rcond=None, validate_args=False, name=None):
    """The Moore-Penrose pseudo-inverses of matrices, by singular value decompositions.

    Args:
      a: tensor [..., m, n] of half, float32 or float64.
      rcond: singular values up to `rcond` times the greatest one count as 0; 10 * max(m, n) * the type's epsilon if
        None.
      validate_args: accepted; what can be checked is checked always.
      name: a name scope.

    Returns:
      A tensor [..., n, m].
    """
    with name_scope(name or "pinv"):
        a = _checked_matrix(to_tensor(a, name="a"))
        dtype = a.dtype.as_numpy_dtype
        if rcond is None:
            rows, columns = (size if size is not None else shape(a)[i] for size, i in _last_sizes(a))
            if isinstance(rows, int) and isinstance(columns, int):
                greatest = float(max(rows, columns))
            else:
                greatest = cast(call("Maximum", rows, columns), a.dtype)
            rcond = 10.0 * greatest * np.finfo(dtype).eps
        rcond = to_tensor(rcond, as_dtype(dtype), "rcond")
        singular, u, v = svd(a, full_matrices=False, compute_uv=True)
        cutoff = rcond * reduce_max(singular, axis=-1)
        # Division by infinity gives 0, and no NaN in the gradient.
        singular = where_v2(singular > expand_dims(cutoff, -1), singular, np.array(np.inf, dtype))
        inverse = matmul(v / expand_dims(singular, -2), u, adjoint_b=True)
        if a.dims is not None:
            inverse.set_shape(TensorShape((*a.dims[:-2], a.dims[-1], a.dims[-2])))
        return inverse


def _last_sizes(a):
    dims = (None, None) if a.dims is None else a.dims[-2:]
    return zip(dims, (-2, -1), strict=True)
