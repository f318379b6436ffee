"""Arithmetic with a large transposed float32 tensor in C: the `native` rules of sums, differences and products.

A transposed tensor is a view, which PyTorch's kernels read across its rows, a cache line for every number: with a
transposed matrix of a million numbers they take 1.9 ms on two cores. Transposed in squares, the sum takes 0.5.
Where the transposed tensor itself has to lie in memory (`_TransposeInMemory`), it is made in squares, too.
"""

import ctypes
import functools
from collections.abc import Callable, Sequence
from math import prod
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.graph.shapes import num_elements
from reflow.ops import native
from reflow.ops.native.kernel import bind

_SOURCE = Path(__file__).with_name("transposition.c")
# Smaller tensors stand in a cache whose lines are read again before they are lost.
_LARGE = 1 << 16
# By op: the functions for a transposed first and second input.
_FUNCTIONS = {
    "Add": ("sum", "sum"), "AddV2": ("sum", "sum"), "Mul": ("product", "product"),
    "Sub": ("difference", "negative_difference"),
}  # fmt: skip


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    pointer, i64 = ctypes.c_void_p, ctypes.c_int64
    size = 9  # A square of eight, and a rest.
    numbers = (ctypes.c_float * (size * size))(*range(size * size))
    for name, operation in (
        ("sum", lambda a, y: a + y), ("difference", lambda a, y: a - y),
        ("negative_difference", lambda a, y: y - a), ("product", lambda a, y: a * y), ("copy", lambda a, y: a),
    ):  # fmt: skip
        function = getattr(library, f"reflow_transposed_{name}")
        function.argtypes, function.restype = [pointer] * 3 + [i64] * 3 + [ctypes.c_int], None
        result = (ctypes.c_float * (size * size))()
        function(numbers, numbers, result, 1, size, size, 1)
        expected = [operation(i * size + j, j * size + i) for j in range(size) for i in range(size)]
        if list(result) != expected:
            raise RuntimeError(f"the {name} fails the known-answer test")


def in_memory(plain: Callable) -> Callable:
    """The `native` rule of `_TransposeInMemory`, whose kernel is `plain`."""

    def rule(node):
        dims, perm = node.dims(0), node.attrs["perm"]
        if node.dtype(0) is not dtypes.float32 or dims is None or None in dims or 0 in dims or _library() is None:
            return None
        parts = _exchanged_groups(dims, perm)
        return None if parts is None else _transpose(plain, tuple(dims), tuple(perm), parts)

    return rule


@functools.lru_cache(1000)
def _transpose(plain: Callable, dims: tuple, perm: tuple, parts: tuple) -> Callable:
    out = tuple(dims[axis] for axis in perm)
    return bind(_library().reflow_transpose, plain, [(dims, torch.float32)],
                [(out, torch.float32)], parts, parallel=native.is_large(prod(dims)))  # fmt: skip


def binary(plain: Callable) -> Callable:
    """The `native` rule of Add, AddV2, Sub or Mul of two tensors of one shape, one of them transposed.

    Args:
      plain: PyTorch's function, for other layouts than expected.
    """

    def rule(node):
        dims = node.dims(0)
        if node.dtype(0) is not dtypes.float32 or dims != node.dims(1) or (num_elements(dims) or 0) < _LARGE:
            return None
        for position, name in enumerate(_FUNCTIONS[node.node.type]):
            layout = _layout(node.node.inputs[position])
            if layout is not None and _library() is not None:
                return _kernel(name, plain, position, *layout)
        return None

    return rule


def _layout(value) -> tuple[tuple[int, int, int], tuple[int, ...]] | None:
    """What a value is that a Transpose node makes by exchanging two groups of axes; None for any other.

    Returns:
      ((matrices, rows, columns) of the tensor that is transposed, the strides of the result).
    """
    node = value.node
    if node.type != "Transpose" or node.inputs[1].node.type != "Const":
        return None
    dims, perm = node.inputs[0].dims, node.inputs[1].node.attrs["value"].tolist()
    if dims is None or None in dims or sorted(perm) != list(range(len(dims))):
        return None
    parts = _exchanged_groups(dims, perm)
    if parts is None or min(parts[1:]) < 8:
        return None
    strides = [prod(dims[axis + 1 :]) for axis in range(len(dims))]
    return parts, tuple(strides[axis] for axis in perm)


def _exchanged_groups(dims: Sequence[int], perm: list[int]) -> tuple[int, int, int] | None:
    """(matrices, rows, columns) if `perm` keeps some leading axes and exchanges two groups of the others."""
    rank = len(perm)
    kept = next((i for i, axis in enumerate(perm) if axis != i), rank)
    split = perm[kept] if kept < rank else rank
    if perm[kept:] != [*range(split, rank), *range(kept, split)] or kept == rank:
        return None
    return prod(dims[:kept]), prod(dims[kept:split]), prod(dims[split:])


@functools.lru_cache(1000)
def _kernel(name: str, plain: Callable, position: int, parts: tuple, strides: tuple) -> Callable:
    function = getattr(_library(), f"reflow_transposed_{name}")

    def kernel(x, y, out=None):
        transposed, other = (y, x) if position else (x, y)
        if transposed.stride() != strides or not other.is_contiguous():
            return plain(x, y) if out is None else out.copy_(plain(x, y))
        if out is None:
            out = torch.empty_like(other)
        function(transposed.data_ptr(), other.data_ptr(), out.data_ptr(), *parts, torch.get_num_threads())
        return out

    kernel.__name__ = f"native_transposed_{name}"
    return kernel
