"""Products of few rows with a large matrix in C: the `native` rules of MatMul and of its fused forms.

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
from reflow.ops.native.ending import CODES

_SOURCE = Path(__file__).with_name("few_rows.c")
_MOST_ROWS, _LEAST_WEIGHTS = 32, 200_000
_LANES = 16


def load() -> ctypes.CDLL | None:
    """The library of `few_rows.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    pointer, i64 = ctypes.c_void_p, ctypes.c_int64
    library.reflow_few_rows_product.argtypes = [*[pointer] * 4, *[i64] * 5, pointer, pointer]
    library.reflow_few_rows_product.restype = None
    a, b = torch.arange(18.0).reshape(2, 9), torch.ones(9, 17)
    if product(library, a, b, -torch.full((17,), 40.0), activation="Relu")[:, ::16].tolist() != [[0, 0], [77, 77]]:
        raise RuntimeError("it fails the known-answer test")


def product(
    library: ctypes.CDLL, a: torch.Tensor, b: torch.Tensor, bias: torch.Tensor | None = None,
    residual: torch.Tensor | None = None, activation: str = "",
) -> torch.Tensor:  # fmt: skip
    """activation(a b + bias + residual), or without some of them.

    Args:
        library: what `load` returns.
        a: float32 [rows, depth], of at most 32 rows.
        b: float32 [depth, columns].
        bias: float32 [columns], or None.
        residual: float32 [rows, columns], or None.
        activation: one of `CODES`.

    Returns:
        float32 [rows, columns].
    """
    (rows, depth), columns = a.shape, b.shape[1]
    result, scratch = a.new_empty(rows, columns), a.new_empty(rows * (columns + _LANES))
    addends = (None if addend is None else addend.data_ptr() for addend in (bias, residual))
    library.reflow_few_rows_product(
        a.data_ptr(), b.data_ptr(), *addends, CODES[activation], rows, depth, columns, torch.get_num_threads(),
        scratch.data_ptr(), result.data_ptr(),
    )  # fmt: skip
    return result


def few_rows(plain: Callable) -> Callable:
    """The `native` rule of a product, with addends or without, whose kernel is `plain`."""

    def rule(node):
        if not _are_few(node) or load() is None:
            return None
        return _kernel(plain, *(len(node.dims(i) or ()) for i in range(2, len(node.args))))

    return rule


def _are_few(node) -> bool:
    a, b = node.dims(0), node.dims(1)
    if node.attrs["transpose_a"] or node.attrs["transpose_b"] or node.dtype(0) is not dtypes.float32:
        return False
    if a is None or b is None or None in (*a, *b) or not 0 < a[0] <= _MOST_ROWS or b[0] * b[1] < _LEAST_WEIGHTS:
        return False
    return all(node.dims(i) in ((b[1],), (a[0], b[1])) for i in range(2, len(node.args)))


@functools.lru_cache(100)
def _kernel(plain: Callable, *ranks: int) -> Callable:
    """For addends of these ranks: a vector is the bias, a matrix the residual."""
    library, names = load(), ["bias" if rank == 1 else "residual" for rank in ranks]

    @functools.wraps(plain, assigned=())
    def native_product(a, b, *addends, **attrs):
        if native.takes(a, b, *addends):
            activation = attrs.get("activation", "")
            return product(library, a, b, **dict(zip(names, addends, strict=True)), activation=activation)
        return plain(a, b, *addends, **attrs)

    native_product.__name__ = f"native{plain.__name__}"
    return native_product
