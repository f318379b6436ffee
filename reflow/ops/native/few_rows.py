"""Products of few rows with a large matrix in C: the `native` rules of MatMul and of its fused form.

A batch of 16 with the 9216x4096 weights of a dense layer takes 11 ms on two cores. oneDNN takes 22, for it first
copies the weights into another order, and the BLAS of `torch.mm` 30.
"""

from __future__ import annotations

import ctypes
import functools
from collections.abc import Callable
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.ops import native

_SOURCE = Path(__file__).with_name("few_rows.c")
_MOST_ROWS, _LEAST_WEIGHTS = 32, 200_000
_LANES = 16


def load() -> ctypes.CDLL | None:
    """The library of `few_rows.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    pointer, i64 = ctypes.c_void_p, ctypes.c_int64
    library.reflow_few_rows_product.argtypes = [pointer, pointer, pointer, *[i64] * 5, pointer, pointer]
    library.reflow_few_rows_product.restype = None
    a, b = torch.arange(18.0).reshape(2, 9), torch.ones(9, 17)
    if product(library, a, b, -torch.full((17,), 40.0), True)[:, ::16].tolist() != [[0, 0], [77, 77]]:
        raise RuntimeError("it fails the known-answer test")


def product(
    library: ctypes.CDLL, a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None, relu: bool
) -> torch.Tensor:
    """relu(a b + bias), or without a bias or a ReLU.

    Args:
        library: what `load` returns.
        a: float32 [rows, depth], of at most 32 rows.
        b: float32 [depth, columns].
        bias: float32 [columns], or None.
        relu: whether to take the ReLU.

    Returns:
        float32 [rows, columns].
    """
    (rows, depth), columns = a.shape, b.shape[1]
    result, scratch = a.new_empty(rows, columns), a.new_empty(rows * (columns + _LANES))
    library.reflow_few_rows_product(
        a.data_ptr(), b.data_ptr(), None if bias is None else bias.data_ptr(), rows, depth, columns, relu,
        torch.get_num_threads(), scratch.data_ptr(), result.data_ptr(),
    )  # fmt: skip
    return result


def few_rows(node) -> Callable | None:
    """The `native` rule of a product, with a bias or without."""
    a, b = node.dims(0), node.dims(1)
    if node.attrs["transpose_a"] or node.attrs["transpose_b"] or node.dtype(0) is not dtypes.float32:
        return None
    if a is None or b is None or None in (*a, *b) or not 0 < a[0] <= _MOST_ROWS or b[0] * b[1] < _LEAST_WEIGHTS:
        return None
    if len(node.args) == 2:
        return _plain_kernel() if load() is not None else None
    return _fused_kernel() if node.dims(2) == (b[1],) and load() is not None else None


@functools.cache
def _plain_kernel() -> Callable:
    library = load()

    def native_matmul(a, b):
        return product(library, a, b, None, False) if native.takes(a, b) else torch.mm(a, b)

    return native_matmul


@functools.cache
def _fused_kernel() -> Callable:
    library = load()

    def native_fused_matmul(a, b, bias, relu):
        if native.takes(a, b, bias):
            return product(library, a, b, bias, relu)
        return torch._addmm_activation(bias, a, b) if relu else torch.addmm(bias, a, b)

    return native_fused_matmul
