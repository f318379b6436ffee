"""Functions of square matrices: exponential, logarithm, square root (Higham 2008, "Functions of Matrices").

ATen has the exponential; the others go through a Schur decomposition in complex128.
"""

import math

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.complex import conj
from reflow.ops.decompositions import adjoint, at_least_single, square_shape
from reflow.ops.joining import concat

_TYPES = "T: type in double|float|half|complex64|complex128"


# --- MatrixExponential --------------------------------------------------------------------------------------------


@at_least_single
def _matrix_exponential(input):
    return torch.linalg.matrix_exp(input)


define_op("MatrixExponential", "input: T -> output: T", _TYPES, shape=square_shape, kernel=_matrix_exponential)


@gradient("MatrixExponential")
def _matrix_exponential_gradient(op, grad):
    """The upper right block of exp([[A^H, G], [0, A^H]]) (Higham 2008, equation 10.43)."""
    turned = adjoint(op._inputs[0])
    size = turned.shape[-1].value
    upper = concat([turned, grad], -1)
    lower = concat([call("ZerosLike", turned), turned], -1)
    exponential = call("MatrixExponential", concat([upper, lower], -2))
    return exponential[..., :size, size:]


@export("linalg.expm")
def matrix_exponential(input, name=None):
    """The exponentials of square matrices: I + A + A^2 / 2! + A^3 / 3! + ...

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128.
      name: a name scope.

    Returns:
      A tensor [..., n, n].
    """
    with name_scope(name, "matrix_exponential", [input]):
        return call("MatrixExponential", to_tensor(input, name="input"))


# --- by Schur decomposition ---------------------------------------------------------------------------------------


def _schur(matrix: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Upper triangular T and unitary Q with Q T Q^H = matrix: the QR algorithm with Wilkinson's shifts."""
    triangle, unitary = matrix.astype(np.complex128), np.eye(len(matrix), dtype=np.complex128)
    tolerance = np.finfo(np.float64).eps * max(np.linalg.norm(matrix), np.finfo(np.float64).tiny)
    for last in range(len(matrix) - 1, 0, -1):
        active = slice(0, last + 1)
        for step in range(1000):
            if np.abs(triangle[last, :last]).sum() <= tolerance or not np.isfinite(triangle).all():
                break
            shift = _shift(triangle[last - 1 : last + 1, last - 1 : last + 1], step) * np.eye(last + 1)
            q, r = np.linalg.qr(triangle[active, active] - shift)
            triangle[active, active] = r @ q + shift
            triangle[active, last + 1 :] = q.conj().T @ triangle[active, last + 1 :]
            unitary[:, active] = unitary[:, active] @ q
        triangle[last, :last] = 0
    return triangle, unitary


def _shift(corner: np.ndarray, step: int) -> complex:
    """The eigenvalue of the last 2 x 2 block that is nearest to its corner; something else now and then."""
    if step % 10 == 9:
        return corner[1, 1] + abs(corner[1, 0])
    half_trace = (corner[0, 0] + corner[1, 1]) / 2
    root = np.sqrt(half_trace**2 - (corner[0, 0] * corner[1, 1] - corner[0, 1] * corner[1, 0]))
    return min(half_trace + root, half_trace - root, key=lambda e: abs(e - corner[1, 1]))


def _triangular_square_root(triangle: np.ndarray) -> np.ndarray:
    """The upper triangular principal square root, one superdiagonal after the other (Bjorck and Hammarling 1983)."""
    size = len(triangle)
    root = np.diag(np.sqrt(np.diag(triangle)))
    for offset in range(1, size):
        for i in range(size - offset):
            j = i + offset
            inner = root[i, i + 1 : j] @ root[i + 1 : j, j]
            root[i, j] = (triangle[i, j] - inner) / (root[i, i] + root[j, j])
    return root


def _square_root(matrix: np.ndarray) -> np.ndarray:
    triangle, unitary = _schur(matrix)
    eigenvalues = np.diag(triangle)
    if not np.iscomplexobj(matrix) and _any_negative(eigenvalues):
        return np.full(matrix.shape, np.nan)
    root = unitary @ _triangular_square_root(triangle) @ unitary.conj().T
    return root if np.iscomplexobj(matrix) else root.real


def _any_negative(eigenvalues: np.ndarray) -> bool:
    """True if an eigenvalue lies on the negative real axis: then no root is real."""
    rounding = np.sqrt(np.finfo(np.float64).eps) * np.abs(eigenvalues).max(initial=0)
    return bool(((np.abs(eigenvalues.imag) <= rounding) & (eigenvalues.real < -rounding)).any())


def _logarithm(matrix: np.ndarray) -> np.ndarray:
    """Inverse scaling and squaring: roots until the matrix is near I, then Gauss-Legendre quadrature of the integral
    of X (I + t X)^-1 over t in [0, 1]."""
    triangle, unitary = _schur(matrix)
    identity, roots = np.eye(len(matrix)), 0
    while np.linalg.norm(triangle - identity, 1) > 0.25 and roots < 64:
        triangle, roots = _triangular_square_root(triangle), roots + 1
    x = triangle - identity
    nodes, weights = np.polynomial.legendre.leggauss(8)
    terms = [w / 2 * np.linalg.solve(identity + (t + 1) / 2 * x, x) for t, w in zip(nodes, weights, strict=True)]
    return unitary @ (sum(terms) * math.ldexp(1, roots)) @ unitary.conj().T


def _matrix_by_matrix(function):
    """The kernel that applies a function of one NumPy matrix to a batch of matrices."""

    def kernel(input):
        if input.numel() == 0:
            return input.clone()
        wide = input.detach().resolve_conj()
        wide = wide.double() if wide.dtype is torch.float16 else wide
        with np.errstate(all="ignore"):
            results = [function(m) for m in wide.reshape(-1, *input.shape[-2:]).numpy()]
        return torch.from_numpy(np.stack(results)).to(input.dtype).reshape(input.shape)

    return kernel


define_op(
    "MatrixSquareRoot", "input: T -> output: T", _TYPES, shape=square_shape, kernel=_matrix_by_matrix(_square_root)
)  # fmt: skip
define_op(
    "MatrixLogarithm", "input: T -> output: T", "T: type in complex64|complex128", shape=square_shape,
    kernel=_matrix_by_matrix(_logarithm),
)  # fmt: skip


@gradient("MatrixSquareRoot")
def _matrix_square_root_gradient(op, grad):
    """dA = X with R^H X + X R^H = dR: a linear system of n^2 unknowns, (R^H x I + I x conj(R)) vec(X) = vec(dR)."""
    root = op.outputs[0]
    adjoint_root, conjugate = adjoint(root), conj(root)
    root_shape = call("Shape", root)
    batch, size = root_shape[:-2], root_shape[-1]
    identity = call("MatrixDiag", call("OnesLike", call("MatrixDiagPart", root)))
    system = _kronecker(adjoint_root, identity, batch, size) + _kronecker(identity, conjugate, batch, size)
    column = call("Reshape", grad, concat([batch, [size * size, 1]], 0))
    return call("Reshape", call("MatrixSolve", system, column), root_shape)


def _kronecker(a, b, batch, size):
    left = call("Reshape", a, concat([batch, [size, 1, size, 1]], 0))
    right = call("Reshape", b, concat([batch, [1, size, 1, size]], 0))
    return call("Reshape", left * right, concat([batch, [size * size, size * size]], 0))


@export("linalg.sqrtm", "matrix_square_root")
def matrix_square_root(input, name=None):
    """The principal square roots of square matrices.

    Args:
      input: tensor [..., n, n] of half, float32, float64, complex64 or complex128.
      name: a name for the operation.

    Returns:
      A tensor [..., n, n]; NaN where a real matrix has no real root.
    """
    return call("MatrixSquareRoot", input, name=name)


@export("linalg.logm")
def matrix_logarithm(input, name=None):
    """The principal logarithms of square complex matrices.

    Args:
      input: tensor [..., n, n] of complex64 or complex128.
      name: a name for the operation.

    Returns:
      A tensor [..., n, n].
    """
    return call("MatrixLogarithm", input, name=name)
