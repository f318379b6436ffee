"""Matrix products, decompositions, solvers and Fourier transforms."""

import numpy as np

from tests.differential.table import Table

table = Table("matrices")

TOLERANCES = {
    "float16": 2e-2, "bfloat16": 6e-2, "float32": 1e-4, "complex64": 1e-4, "float64": 1e-9, "complex128": 1e-9,
}  # fmt: skip
_PRODUCTS = {"float16": 2e-2, "bfloat16": 6e-2}


def _matmul(d):
    rows, inner, columns = (d.size() for _ in range(3))
    transpose_a, transpose_b = d.flag(), d.flag()
    types = ("Ta", "Tb") if d.op == "SparseMatMul" else ("T", "T")
    a = d.array(types[0], (inner, rows) if transpose_a else (rows, inner), "finite")
    b = d.array(types[1], (columns, inner) if transpose_b else (inner, columns), "finite")
    return [a, b], {"transpose_a": transpose_a, "transpose_b": transpose_b}


def _batch_matmul(d):
    batch = d.shape(most=2)
    other = d.broadcast(batch) if d.op == "BatchMatMulV2" else batch
    rows, inner, columns = (d.size() for _ in range(3))
    adj_x, adj_y = d.flag(), d.flag()
    x = d.array("T", (*batch, *((inner, rows) if adj_x else (rows, inner))), "finite")
    y = d.array("T", (*other, *((columns, inner) if adj_y else (inner, columns))), "finite")
    return [x, y], {"adj_x": adj_x, "adj_y": adj_y}


_EQUATIONS = [b"ij,jk->ik", b"ij->ji", b"bij,bjk->bik", b"ij,ij->", b"i,j->ij", b"...ij,jk->...ik", b"ii->i", b"ij->",
              b"ijk->j", b"ij,kj->ik", b"i->ii", b"ij,jk", b"ii"]  # fmt: skip


def _einsum(d):
    equation, sizes = d.pick(*_EQUATIONS), {}
    inputs = []
    for labels in equation.split(b"->")[0].split(b","):
        outer = d.shape(most=1) if b"..." in labels else ()
        inner = [sizes.setdefault(label, d.size()) for label in labels.replace(b"...", b"")]
        inputs.append(d.array("T", (*outer, *inner), "finite"))
    return [inputs], {"equation": equation}


def _cross(d):
    shape = (*d.shape(most=2), 3)
    return [d.array("T", shape, "finite"), d.array("T", shape, "finite")], {}


def regular(d, dtype="T", size=None, batch=None):
    """Matrices that are far from singular: the diagonal outweighs the rest."""
    size = d.int(1, 4) if size is None else size
    batch = d.shape(most=1) if batch is None else batch
    matrix = d.array(dtype, (*batch, size, size), "symmetric_finite")
    return (matrix + np.eye(size) * (size + 2)).astype(matrix.dtype)


def square(**attrs):
    """Such a matrix alone, with attributes: functions of the Draw."""
    return lambda d: ([regular(d)], {k: value(d) for k, value in attrs.items()})


def positive(d):
    """Such a matrix that is its own adjoint, and so positive definite."""
    matrix = regular(d)
    return [(matrix + np.conj(np.swapaxes(matrix, -1, -2))).astype(matrix.dtype)], {}


def solve(lower):
    """Systems of equations; triangular ones if `lower` is an attribute."""

    def draw(d):
        matrix = regular(d)
        right = d.array("T", (*matrix.shape[:-1], d.int(1, 3)), "finite")
        return [matrix, right], {"adjoint": d.flag(), **({"lower": d.flag()} if lower else {})}

    return draw


def _fft(rank, dtype):
    def draw(d):
        return [d.array(dtype, (*d.shape(most=1), *(d.int(1, 4) for _ in range(rank))), "finite")], {}

    return draw


def _real_fft(rank, dtype):
    def draw(d):
        lengths = [d.int(1, 5) for _ in range(rank)]
        sizes = [*lengths[:-1], lengths[-1] // 2 + 1] if dtype == "complex64" else lengths
        return [d.array(dtype, (*d.shape(most=1), *sizes), "finite"), np.array(lengths, "int32")], {}

    return draw


def _tridiagonal_product(d):
    batch, size = d.shape(most=1), d.int(1, 4)
    diagonals = [d.array("T", (*batch, 1, size), "finite") for _ in range(3)]
    return [*diagonals, d.array("T", (*batch, size, 2), "finite")], {}


def _tridiagonal(d):
    batch, size = d.shape(most=1), d.int(2, 4)
    diagonals = d.array("T", (*batch, 3, size), "symmetric_finite")
    diagonals[..., 1, :] += 4
    return [diagonals, d.array("T", (*batch, size, d.int(1, 2)), "finite")], {"partial_pivoting": True}


table.add("MatMul SparseMatMul", _matmul, scaled=True, tolerances=_PRODUCTS)
table.add("BatchMatMul BatchMatMulV2", _batch_matmul, scaled=True, tolerances=_PRODUCTS)
table.add("Einsum", _einsum, scaled=True, tolerances=_PRODUCTS)
table.add("Cross", _cross, scaled=True, tolerances=_PRODUCTS)
table.add("MatrixInverse", square(adjoint=lambda d: d.flag()), scaled=True, tolerances=TOLERANCES)
table.add("MatrixDeterminant LogMatrixDeterminant", square(), scaled=True, tolerances=TOLERANCES)
# TensorFlow does not conjugate in the gradient of the square root.
table.add("MatrixSquareRoot MatrixLogarithm", square(), scaled=True, tolerances=TOLERANCES, faults=False,
          gradient=False)  # fmt: skip
table.add("Cholesky", positive, scaled=True, tolerances=TOLERANCES)
table.add("Lu", square(), scaled=True, tolerances=TOLERANCES)
table.add("MatrixSolve", solve(False), scaled=True, tolerances=TOLERANCES)
table.add("MatrixTriangularSolve", solve(True), scaled=True, tolerances=TOLERANCES)
for _rank, _suffix in ((1, ""), (2, "2D"), (3, "3D")):
    table.add(f"FFT{_suffix} IFFT{_suffix}", _fft(_rank, "Tcomplex"), scaled=True, tolerances=TOLERANCES)
    table.add(f"RFFT{_suffix}", _real_fft(_rank, "float32"), scaled=True, tolerances=TOLERANCES, faults=False)
    table.add(f"IRFFT{_suffix}", _real_fft(_rank, "complex64"), scaled=True, tolerances=TOLERANCES, faults=False)
table.add("TridiagonalMatMul", _tridiagonal_product, scaled=True, tolerances=TOLERANCES, faults=False)
table.add("TridiagonalSolve", _tridiagonal, scaled=True, tolerances=TOLERANCES, faults=False)
