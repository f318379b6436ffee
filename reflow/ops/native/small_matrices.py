"""Small float32 matrices in C: `native` rules of Cholesky, MatrixInverse and MatrixTriangularSolve.

Up to 64 rows, calling LAPACK through PyTorch costs more than the numbers do, and a look for singular matrices as much
again. Where a matrix is not regular, PyTorch's kernel runs after all, for TensorFlow's error.
"""

import ctypes
import functools
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.ops import native
from reflow.ops.native.kernel import bind, declare

_SOURCE = Path(__file__).with_name("small_matrices.c")
# MOST of the C source.
_LARGEST = 64


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    for function, words in (
        (library.reflow_cholesky, 5), (library.reflow_inverse, 6), (library.reflow_triangular_solve, 9)
    ):  # fmt: skip
        declare(function, words)
    matrix, result = (ctypes.c_float * 4)(4, 2, 2, 2), (ctypes.c_float * 4)()
    answers = []
    for status in (
        library.reflow_cholesky(matrix, result, 1, 2, 1),
        library.reflow_triangular_solve((ctypes.c_float * 4)(*result), matrix, result, 1, 2, 2, True, False, 1),
        library.reflow_inverse(matrix, result, 1, 2, False, 1),
    ):
        answers.append((status, *result))
    if answers[-1] != (0, 0.5, -0.5, -0.5, 1):
        raise RuntimeError("it fails the known-answer test")


def _is_small(node, position: int = 0) -> bool:
    """True if an input is known to be float32 matrices of a size for these functions."""
    dims = node.dims(position)
    if node.dtype(position) is not dtypes.float32 or dims is None or None in dims or 0 in dims or len(dims) < 2:
        return False
    return max(dims[-2:]) <= _LARGEST and _library() is not None


def cholesky(plain: Callable) -> Callable:
    """The `native` rule of Cholesky, whose kernel is `plain`."""
    return lambda node: _cholesky(plain, node.dims(0)) if _is_small(node) else None


@functools.lru_cache(1000)
def _cholesky(plain: Callable, dims: tuple) -> Callable:
    matrices = dims, torch.float32
    return bind(_library().reflow_cholesky, plain, [matrices], [matrices], [prod(dims[:-2]), dims[-1]])


def matrix_inverse(plain: Callable) -> Callable:
    """The `native` rule of MatrixInverse, whose kernel is `plain`."""
    return lambda node: _matrix_inverse(plain, node.dims(0), node.attrs["adjoint"]) if _is_small(node) else None


@functools.lru_cache(1000)
def _matrix_inverse(plain: Callable, dims: tuple, adjoint: bool) -> Callable:
    matrices, numbers = (dims, torch.float32), [prod(dims[:-2]), dims[-1], int(adjoint)]
    return bind(_library().reflow_inverse, plain, [matrices], [matrices], numbers, name="native_matrix_inverse")


def triangular_solve(plain: Callable) -> Callable:
    """The `native` rule of MatrixTriangularSolve, whose kernel is `plain`."""

    def rule(node):
        matrix, rhs = node.dims(0), node.dims(1)
        if not _is_small(node, 0) or not _is_small(node, 1) or matrix[:-1] != rhs[:-1]:
            return None
        return _triangular_solve(plain, matrix, rhs, node.attrs["lower"], node.attrs["adjoint"])

    return rule


@functools.lru_cache(1000)
def _triangular_solve(plain: Callable, matrix: tuple, rhs: tuple, lower: bool, adjoint: bool) -> Callable:
    inputs = [(matrix, torch.float32), (rhs, torch.float32)]
    numbers = [prod(rhs[:-2]), *rhs[-2:], int(lower), int(adjoint)]
    return bind(_library().reflow_triangular_solve, plain, inputs, inputs[1:], numbers)
