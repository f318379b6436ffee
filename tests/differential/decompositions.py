"""Decompositions of matrices, compared by what they are for: factors are determined up to signs only."""

import numpy as np

from tests.differential.matrices import TOLERANCES, positive, regular, solve, square
from tests.differential.table import Table

table = Table("decompositions")


def _transposed(matrix):
    return np.conj(np.swapaxes(matrix, -1, -2))


def _any_matrix(*attrs):
    def draw(d):
        matrix = d.array("T", (*d.shape(most=1), d.int(1, 4), d.int(1, 4)), "finite")
        return [matrix], {name: d.flag() for name in attrs}

    return draw


def _symmetric(d):
    matrix = d.array("T", (*d.shape(most=1), *[d.int(0, 4)] * 2), "finite")
    return [(matrix + _transposed(matrix)).astype(matrix.dtype)], {}


def _symmetric_with_vectors(d):
    return _symmetric(d)[0], {"compute_v": d.flag()}


def _least_squares(d):
    # With more rows than columns, or as many: of those with fewer, the kernel without `fast` takes other solutions.
    columns = d.int(1, 3)
    matrix = regular(d, size=columns)
    more = d.array("T", (*matrix.shape[:-2], d.int(0, 2), columns), "symmetric_finite")
    matrix = np.concatenate([matrix, more], -2)
    right = d.array("T", (*matrix.shape[:-1], d.int(1, 2)), "finite")
    return [matrix, right, np.array(d.pick(0.0, 0.5), "float64")], {"fast": d.flag()}


def _cholesky_gradient(d):
    factor = np.tril(regular(d))
    return [factor, d.array("T", factor.shape, "finite")], {}


# --- what is determined -----------------------------------------------------------------------------------------------


def _of_qr(q, r):
    """The product, and the sizes of the triangle's elements."""
    return q @ r, np.abs(r), _transposed(q) @ q


def _of_svd(s, u, v):
    """The singular values and, with vectors, the product."""
    if u.ndim < 2:
        return (s,)
    count = s.shape[-1]
    return s, (u[..., :count] * s[..., None, :]) @ _transposed(v[..., :count]), _transposed(u) @ u, _transposed(v) @ v


def _of_eigenvalues(e, v):
    """The eigenvalues and, with vectors, the product."""
    return (e, (v * e[..., None, :]) @ _transposed(v), _transposed(v) @ v) if v.ndim >= 2 else (e,)


def _of_stacked_eigenvalues(output):
    """Row 0 holds the eigenvalues, the others the vectors."""
    return _of_eigenvalues(output[..., 0, :], output[..., 1:, :])


_OPTIONS = {"scaled": True, "gradient": False, "tolerances": TOLERANCES}
# Names of old graphs, whose shapes TensorFlow does not infer.
_OLD = {**_OPTIONS, "static_shapes": False, "faults": False, "producer": 12}

table.add("Qr", _any_matrix("full_matrices"), derived=_of_qr, **_OPTIONS)
table.add("Svd", _any_matrix("full_matrices", "compute_uv"), derived=_of_svd, **_OPTIONS)
table.add("BatchSvd", _any_matrix("full_matrices", "compute_uv"), derived=_of_svd, **_OLD)
table.add("SelfAdjointEigV2", _symmetric_with_vectors, derived=_of_eigenvalues, **_OPTIONS)
table.add("BatchSelfAdjointEigV2", _symmetric_with_vectors, derived=_of_eigenvalues, **_OLD)
table.add("SelfAdjointEig", _symmetric, derived=_of_stacked_eigenvalues, producer=10, **_OPTIONS)
table.add("BatchSelfAdjointEig", _symmetric, derived=_of_stacked_eigenvalues, **{**_OLD, "producer": 10})
# TensorFlow does not conjugate in the gradient of least squares.
table.add("MatrixSolveLs", _least_squares, scaled=True, tolerances=TOLERANCES, gradient=("float32", "float64"))
table.add("BatchMatrixSolveLs", _least_squares, **_OLD)
table.add("MatrixExponential", square(), scaled=True, tolerances=TOLERANCES, producer=26)
table.add("CholeskyGrad", _cholesky_gradient, scaled=True, tolerances=TOLERANCES)
table.add("BatchCholeskyGrad", _cholesky_gradient, **_OLD)
table.add("BatchCholesky", positive, **_OLD)
table.add("BatchMatrixInverse", square(adjoint=lambda d: d.flag()), **_OLD)
table.add("BatchMatrixSolve", solve(False), **_OLD)
table.add("BatchMatrixTriangularSolve", solve(True), **_OLD)
table.add("BatchMatrixDeterminant", square(), **_OLD)
