"""Matrix decompositions: Svd, Qr, Cholesky, Lu, SelfAdjointEig, and their gradients.

Factors are unique up to signs (complex phases) at most; those that LAPACK chooses can differ from TensorFlow's (Eigen).
"""

import inspect

import torch

from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export, with_signature
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dims
from reflow.ops.matmul import matmul
from reflow.ops.matrix_like import MatrixLike
from reflow.ops.native import small_matrices as small_matrices_native
from reflow.ops.shape_rules import merge_size, with_rank_at_least

_TYPES = "T: type in double|float|half|complex64|complex128"


# --- shared by the matrix families --------------------------------------------------------------------------------


def at_least_single(kernel):
    """Run a LAPACK kernel in float32 for half inputs: ATen has no half one."""

    def run(*tensors, **attrs):
        dtype = tensors[0].dtype
        if dtype is not torch.float16:
            return kernel(*tensors, **attrs)
        results = kernel(*(t.float() if t.dtype is dtype else t for t in tensors), **attrs)
        if isinstance(results, tuple):
            return tuple(r.to(dtype) if r.is_floating_point() else r for r in results)
        return results.to(dtype)

    return with_signature(run, inspect.signature(kernel))


def square_matrices(dims: Dims) -> Dims:
    """`dims` as those of a batch of square matrices; raises ValueError if they are not."""
    if with_rank_at_least(dims, 2) is None:
        return None
    size = merge_size(dims[-2], dims[-1])
    return dims[:-2] + (size, size)


def square_shape(op):
    """The rule of an op from square matrices to square matrices of the same size."""
    return [square_matrices(op._inputs[0].dims)]


def adjoint(tensor: Tensor) -> Tensor:
    """The conjugate transpose of matrices, in a gradient."""
    rank = len(tensor.dims) if tensor.dims is not None else None
    if rank is None:
        axes = call("Range", 0, call("Rank", tensor), 1)
        perm = call("ConcatV2", [axes[:-2], axes[-1:], axes[-2:-1]], 0)
    else:
        perm = [*range(rank - 2), rank - 1, rank - 2]
    return call("ConjugateTranspose" if tensor.dtype.is_complex else "Transpose", tensor, perm)


def _raise_where(bad: torch.Tensor, message: str) -> None:
    if bool(bad.any()):
        raise InvalidArgumentError(None, None, message)


# --- Cholesky -----------------------------------------------------------------------------------------------------


@at_least_single
def _cholesky(input):
    """L with L L^H = input, which is read in its lower triangle; NaN gives NaN, as in TensorFlow."""
    factor, info = torch.linalg.cholesky_ex(input)
    if bool(info.any()):
        failed = (info != 0) & ~input.isnan().any(-1).any(-1)
        _raise_where(failed, "Cholesky decomposition was not successful. The input might not be valid.")
        nan = torch.full_like(factor, torch.nan).tril()
        factor = torch.where((info != 0)[..., None, None], nan, factor)
    return factor


define_op("Cholesky", "input: T -> output: T", _TYPES, shape=square_shape, kernel=_cholesky,
          native=small_matrices_native.cholesky(_cholesky))  # fmt: skip
define_op(
    "BatchCholesky", "input: T -> output: T", "T: type in double|float", shape=square_shape, kernel=_cholesky
)  # fmt: skip


def _halve_diagonal(matrix: Tensor) -> Tensor:
    return call("MatrixSetDiag", matrix, 0.5 * call("MatrixDiagPart", matrix))


@gradient("Cholesky")
def _cholesky_gradient(op, grad):
    """dA = sym(L^-H phi(L^H dL) L^-1), phi: the lower triangle with half the diagonal (Murray, arXiv:1602.07527)."""
    factor = op.outputs[0]
    inverse = call("MatrixTriangularSolve", factor, identity_like(factor))
    middle = call("MatrixBandPart", _halve_diagonal(matmul(factor, grad, adjoint_a=True)), -1, 0)
    grad_a = matmul(matmul(inverse, middle, adjoint_a=True), inverse)
    return (grad_a + adjoint(grad_a)) * 0.5


def identity_like(matrix: Tensor) -> Tensor:
    """Identity matrices, as many and as large as the square matrices given."""
    return call("MatrixDiag", call("OnesLike", call("MatrixDiagPart", matrix)))


@at_least_single
def _cholesky_grad(l, grad):  # noqa: E741 - TensorFlow's name of the input
    if l.shape[-1:] != l.shape[-2:-1]:
        raise InvalidArgumentError(None, None, "Inputs must be square matrices.")
    if l.shape != grad.shape:
        raise InvalidArgumentError(None, None, "Inputs (L and grad) must have the same shape.")
    lower = l.tril()
    inverse = torch.linalg.solve_triangular(lower, torch.eye(l.shape[-1], dtype=l.dtype, device=l.device), upper=False)
    middle = (lower.mT @ grad.tril()).tril()
    middle = middle - 0.5 * torch.diag_embed(middle.diagonal(dim1=-2, dim2=-1))
    result = inverse.mT @ middle @ inverse
    return (result + result.mT) * 0.5


define_op(
    "CholeskyGrad", "l: T, grad: T -> output: T", "T: type in half|float|double", shape=square_shape,
    kernel=_cholesky_grad,
)  # fmt: skip
define_op(
    "BatchCholeskyGrad", "l: T, grad: T -> output: T", "T: type in float|double", shape=square_shape,
    kernel=_cholesky_grad,
)  # fmt: skip


@export("linalg.cholesky", "cholesky")
def cholesky(input, name=None):
    """The lower triangular L with L L^H = input, for Hermitian positive definite matrices.

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128, of which only the lower triangle is
        read; or a linear operator.
      name: a name for the operation.

    Returns:
      A tensor [..., n, n], or a linear operator.

    Raises:
      InvalidArgumentError: when it runs, if a matrix is not positive definite.
    """
    if isinstance(input, MatrixLike):
        return input.cholesky(name)
    return call("Cholesky", input, name=name)


# --- Qr -----------------------------------------------------------------------------------------------------------


def _qr_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 2)
    if dims is None:
        return [None, None]
    batch, (rows, columns) = dims[:-2], dims[-2:]
    if op.attrs["full_matrices"]:
        return [batch + (rows, rows), dims]
    rank = None if None in (rows, columns) else min(rows, columns)
    return [batch + (rows, rank), batch + (rank, columns)]


@at_least_single
def _qr(input, full_matrices):
    return tuple(torch.linalg.qr(input, mode="complete" if full_matrices else "reduced"))


define_op(
    "Qr", "input: T -> q: T, r: T", f"full_matrices: bool = false, {_TYPES}", shape=_qr_shape, kernel=_qr
)  # fmt: skip


@gradient("Qr")
def _qr_gradient(op, grad_q, grad_r):
    """For square R (Walter and Lehmann 2012, arXiv:1009.6112)."""
    q, r = op.outputs
    if q.dtype.is_complex:
        raise NotImplementedError(f"QrGrad not implemented for dtype: {q.dtype}")
    if r.dims is None or None in r.dims[-2:]:
        raise NotImplementedError("QrGrad not implemented with dynamic shapes.")
    if r.dims[-2] != r.dims[-1]:
        raise NotImplementedError(
            "QrGrad not implemented when ncols > nrows or full_matrices is true and ncols != nrows."
        )

    def times_inverse_adjoint_r(x):
        return adjoint(call("MatrixTriangularSolve", r, adjoint(x), lower=False))

    q_dq = matmul(q, grad_q, adjoint_a=True)
    r_dr = matmul(r, grad_r, adjoint_b=True)
    skew = (q_dq - adjoint(q_dq)) + (r_dr - adjoint(r_dr))
    lower = call("MatrixBandPart", skew, -1, 0)
    within_range = matmul(q, grad_r + times_inverse_adjoint_r(lower))
    return within_range + times_inverse_adjoint_r(grad_q - matmul(q, q_dq))


@export("linalg.qr", "qr")
def qr(input, full_matrices=False, name=None):
    """Orthogonal (unitary) Q and upper triangular R with Q R = input.

    Args:
      input: tensor [..., m, n] of half, float32, float64, complex64 or complex128.
      full_matrices: make Q [..., m, m] and R [..., m, n] instead of [..., m, k] and [..., k, n] with k = min(m, n).
      name: a name for the operation.

    Returns:
      The named tuple (q, r).
    """
    return call("Qr", input, name=name, full_matrices=full_matrices)


# --- Lu -----------------------------------------------------------------------------------------------------------


def _lu_shape(op):
    dims = square_matrices(op._inputs[0].dims)
    return [dims, None if dims is None else dims[:-1]]


@at_least_single
def _lu(input, output_idx_type):
    """Both triangles in one matrix, and the row of the input that each row of the product is."""
    factors, pivots = checked_lu(input, "Input is not invertible.")
    if input.numel() == 0:
        return factors, pivots.to(output_idx_type)
    orders = [_order_after(swaps) for swaps in (pivots.reshape(-1, pivots.shape[-1]) - 1).tolist()]
    return factors, torch.tensor(orders, dtype=output_idx_type).view(pivots.shape)


def _order_after(row_swaps):
    """LAPACK's pivots, where step i swaps rows i and row_swaps[i], as the order of rows that they lead to."""
    order = list(range(len(row_swaps)))
    for i, j in enumerate(row_swaps):
        order[i], order[j] = order[j], order[i]
    return order


def checked_lu(matrix: torch.Tensor, message: str):
    """LU factors and pivots in LAPACK's form; InvalidArgumentError(message) for a matrix with a zero pivot."""
    factors, pivots, _ = torch.linalg.lu_factor_ex(matrix)
    diagonal = factors.diagonal(dim1=-2, dim2=-1)
    _raise_where((diagonal == 0) | diagonal[..., :1].isnan(), message)
    return factors, pivots


define_op(
    "Lu", "input: T -> lu: T, p: output_idx_type", f"output_idx_type: type in index = int32, {_TYPES}",
    shape=_lu_shape, kernel=_lu,
)  # fmt: skip


@export("linalg.lu")
def lu(input, output_idx_type=None, name=None):
    """The LU decomposition with partial pivoting: the rows of L U are rows `p` of the input.

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128.
      output_idx_type: the type of `p`, int32 (if None) or int64.
      name: a name for the operation.

    Returns:
      The named tuple (lu, p): [..., n, n], U in the upper triangle and L, whose diagonal is 1, below it; and [..., n].

    Raises:
      InvalidArgumentError: when it runs, if a matrix is singular.
    """
    attrs = {} if output_idx_type is None else {"output_idx_type": output_idx_type}
    return call("Lu", input, name=name, **attrs)


# --- Self-adjoint eigenvalues -------------------------------------------------------------------------------------

_EIG_MESSAGE = "Self-adjoint eigen decomposition was not successful. The input might not be valid."


def _eig_v2_shape(op):
    dims = square_matrices(op._inputs[0].dims)
    if not op.attrs["compute_v"]:
        return [None if dims is None else dims[:-1], (0,)]
    return [None if dims is None else dims[:-1], dims]


@at_least_single
def _self_adjoint_eig_v2(input, compute_v):
    lower = input.tril()
    _raise_where(lower.isnan(), _EIG_MESSAGE)
    if compute_v:
        values, vectors = torch.linalg.eigh(lower)
        return values.to(input.dtype), vectors
    return torch.linalg.eigvalsh(lower).to(input.dtype), input.new_empty(0)


define_op(
    "SelfAdjointEigV2", "input: T -> e: T, v: T", f"compute_v: bool = true, {_TYPES}", shape=_eig_v2_shape,
    kernel=_self_adjoint_eig_v2,
)  # fmt: skip
define_op(
    "BatchSelfAdjointEigV2", "input: T -> e: T, v: T", "compute_v: bool = true, T: type in double|float",
    shape=_eig_v2_shape, kernel=_self_adjoint_eig_v2,
)  # fmt: skip


def _eig_shape(op):
    dims = square_matrices(op._inputs[0].dims)
    if dims is None:
        return [None]
    size = dims[-1]
    return [dims[:-2] + (None if size is None else size + 1, size)]


@at_least_single
def _self_adjoint_eig(input):
    """The eigenvalues as a first row over the eigenvectors, as the op before version 2 gave them."""
    values, vectors = torch.linalg.eigh(input)
    return torch.cat([values[..., None, :], vectors], dim=-2)


define_op(
    "SelfAdjointEig", "input: T -> output: T", "T: type in double|float|half", shape=_eig_shape,
    kernel=_self_adjoint_eig,
)  # fmt: skip
define_op(
    "BatchSelfAdjointEig", "input: T -> output: T", "T: type in double|float", shape=_eig_shape,
    kernel=_self_adjoint_eig,
)  # fmt: skip


def _inverse_gaps(values: Tensor, shift=None) -> Tensor:
    """f[i, j] = 1 / (values[j] - values[i]) and 0 on the diagonal; infinite where two values are equal."""
    gaps = call("ExpandDims", values, -2) - call("ExpandDims", values, -1)
    if shift is not None:
        gaps = gaps + shift
    return call("MatrixSetDiag", call("Reciprocal", gaps), call("ZerosLike", values))


@gradient("SelfAdjointEigV2")
def _self_adjoint_eig_gradient(op, grad_e, grad_v):
    """dA = V (diag(de) + f * (V^H dv)) V^H (Giles 2008), kept to the lower triangle, which alone is read."""
    with control_dependencies([g for g in (grad_e, grad_v) if g is not None]):
        if op.attrs["compute_v"]:
            values, vectors = op.outputs
            inner = call("MatrixDiag", grad_e)
            inner = inner + _inverse_gaps(values) * matmul(vectors, grad_v, adjoint_a=True)
        else:
            _, vectors = call("SelfAdjointEigV2", op._inputs[0])
            inner = call("MatrixDiag", grad_e)
        grad_a = matmul(vectors, matmul(inner, vectors, adjoint_b=True))
        return _halve_diagonal(call("MatrixBandPart", grad_a + adjoint(grad_a), -1, 0))


@export("linalg.eigh", "self_adjoint_eig")
def self_adjoint_eig(tensor, name=None):
    """Eigenvalues and eigenvectors of self-adjoint matrices.

    Args:
      tensor: [..., n, n], half, float32, float64, complex64 or complex128; only the lower triangle is read.
      name: a name for the operation.

    Returns:
      (e, v): the eigenvalues [..., n] in ascending order, and [..., n, n], whose columns are the eigenvectors.

    Raises:
      InvalidArgumentError: when it runs, if a matrix holds NaN.
    """
    values, vectors = call("SelfAdjointEigV2", tensor, name=name, compute_v=True)
    return values, vectors


@export("linalg.eigvalsh", "self_adjoint_eigvals")
def self_adjoint_eigvals(tensor, name=None):
    """Eigenvalues of self-adjoint matrices, without the eigenvectors.

    Args:
      tensor: [..., n, n], half, float32, float64, complex64 or complex128; only the lower triangle is read.
      name: a name for the operation.

    Returns:
      The eigenvalues [..., n] in ascending order.
    """
    return call("SelfAdjointEigV2", tensor, name=name, compute_v=False)[0]


# --- Svd ----------------------------------------------------------------------------------------------------------


def _svd_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 2)
    if dims is None:
        return [None, None, None] if op.attrs["compute_uv"] else [None, (0,), (0,)]
    batch, (rows, columns) = dims[:-2], dims[-2:]
    rank = None if None in (rows, columns) else min(rows, columns)
    if not op.attrs["compute_uv"]:
        return [batch + (rank,), (0,), (0,)]
    if op.attrs["full_matrices"]:
        return [batch + (rank,), batch + (rows, rows), batch + (columns, columns)]
    return [batch + (rank,), batch + (rows, rank), batch + (columns, rank)]


@at_least_single
def _svd(input, compute_uv, full_matrices):
    if not compute_uv:
        return torch.linalg.svdvals(input).to(input.dtype), input.new_empty(0), input.new_empty(0)
    u, s, vh = torch.linalg.svd(input, full_matrices=full_matrices)
    return s.to(input.dtype), u, vh.mH


define_op(
    "Svd", "input: T -> s: T, u: T, v: T", f"compute_uv: bool = true, full_matrices: bool = false, {_TYPES}",
    shape=_svd_shape, kernel=_svd,
)  # fmt: skip
define_op(
    "BatchSvd", "input: T -> s: T, u: T, v: T",
    "compute_uv: bool = true, full_matrices: bool = false, T: type in double|float|complex64|complex128",
    shape=_svd_shape, kernel=_svd,
)  # fmt: skip


@gradient("Svd")
def _svd_gradient(op, grad_s, grad_u, grad_v):
    """Giles 2008 for singular values and square matrices; Townsend 2016, "Differentiating the SVD", for the rest."""
    a = op._inputs[0]
    if not op.attrs["compute_uv"]:
        _, u, v = call("Svd", a, compute_uv=True)
        grad_a = matmul(u, matmul(call("MatrixDiag", grad_s), v, adjoint_b=True))
        grad_a.set_shape(a.dims)
        return grad_a
    if a.dtype.is_complex:
        raise NotImplementedError("SVD gradient is not implemented for complex types and compute_uv=True.")
    if a.dims is None or None in a.dims[-2:]:
        raise NotImplementedError("SVD gradient has not been implemented for input with unknown inner matrix shape.")
    rows, columns = a.dims[-2:]
    if op.attrs["full_matrices"] and abs(rows - columns) > 1:
        raise NotImplementedError("svd gradient is not implemented for abs(m - n) > 1 when full_matrices is True")
    s, u, v = op.outputs
    with control_dependencies([grad_s, grad_u, grad_v]):
        if rows > columns:
            grad_a = adjoint(_wide_svd_gradient(s, v, u, grad_s, grad_v, grad_u, columns, rows))
        else:
            grad_a = _wide_svd_gradient(s, u, v, grad_s, grad_u, grad_v, rows, columns)
    grad_a.set_shape(a.dims)
    return grad_a


def _wide_svd_gradient(s, u, v, grad_s, grad_u, grad_v, rows, columns):
    """The gradient for a real matrix of no more rows than columns."""
    squares = call("Square", s)
    # Without the identity the diagonal would be infinite before it is set to zero: that hurts second derivatives.
    identity = call("MatrixDiag", call("OnesLike", s))
    gaps = _inverse_gaps(squares, shift=identity)
    s_matrix = call("MatrixDiag", s)
    v1, grad_v1 = v[..., :, :rows], grad_v[..., :, :rows]
    f_u = gaps * matmul(u, grad_u, adjoint_a=True)
    f_v = gaps * matmul(v1, grad_v1, adjoint_a=True)
    inner = (
        call("MatrixDiag", grad_s) + matmul(f_u + adjoint(f_u), s_matrix) + matmul(s_matrix, f_v + adjoint(f_v))
    )  # fmt: skip
    within = matmul(u, matmul(inner, v1, adjoint_b=True))
    if rows == columns:
        return within
    grad_v1_t = adjoint(grad_v1)
    outside = grad_v1_t - matmul(matmul(grad_v1_t, v1), v1, adjoint_b=True)
    if v.dims[-1] == columns:
        v2, grad_v2 = v[..., :, rows:columns], grad_v[..., :, rows:columns]
        outside = outside - matmul(matmul(v1, grad_v2, adjoint_a=True), v2, adjoint_b=True)
    u_over_s = matmul(u, call("MatrixDiag", call("Reciprocal", s)))
    return within + matmul(u_over_s, outside)


@export("linalg.svd", "svd")
def svd(tensor, full_matrices=False, compute_uv=True, name=None):
    """The singular value decomposition: tensor = u diag(s) v^H.

    Unlike NumPy's, the last factor is `v`, not its adjoint.

    Args:
      tensor: [..., m, n], half, float32, float64, complex64 or complex128; k = min(m, n).
      full_matrices: make u [..., m, m] and v [..., n, n] instead of [..., m, k] and [..., n, k].
      compute_uv: compute the singular vectors too.
      name: a name for the operation.

    Returns:
      (s, u, v), or `s` alone without `compute_uv`: [..., k] singular values in descending order, real.
    """
    s, u, v = call("Svd", tensor, name=name, compute_uv=compute_uv, full_matrices=full_matrices)
    s = call("Real", s, Tout=s.dtype.real_dtype) if s.dtype.is_complex else s
    return (s, u, v) if compute_uv else s
