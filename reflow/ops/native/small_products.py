"""Products of small float32 matrices in C: `native` rules of MatMul, its fused forms, and BatchMatMul.

Of 32 x 32 matrices the BLAS of `torch.mm` takes 3 us, this 1.2; and a transposed factor needs no view.
"""

import ctypes
import functools
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.ops import native
from reflow.ops.native.ending import CODES
from reflow.ops.native.kernel import bind, declare

_SOURCE = Path(__file__).with_name("small_products.c")
# MOST_DEPTH and MOST_PANELS * LANES of the C source; of more rows the BLAS is as fast.
_MOST_DEPTH, _MOST_COLUMNS, _MOST_ROWS = 64, 64, 128
_MOST_WORK = 1 << 17


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    declare(library.reflow_small_product, 10)
    numbers, product = (ctypes.c_float * 6)(1, 2, 3, 4, 5, 6), (ctypes.c_float * 4)()
    library.reflow_small_product(numbers, numbers, product, 1, 2, 3, 2, False, False, 1)
    if list(product) != [22, 28, 49, 64]:
        raise RuntimeError("it fails the known-answer test")


def _sizes(node, transpose_a: bool, transpose_b: bool) -> tuple[int, int, int, int] | None:
    """(matrices, rows, depth, columns) of a product for these functions; None for any other."""
    a, b = node.dims(0), node.dims(1)
    if node.dtype(0) is not dtypes.float32 or not a or not b or None in (*a, *b) or 0 in (*a, *b) or a[:-2] != b[:-2]:
        return None
    rows, depth = reversed(a[-2:]) if transpose_a else a[-2:]
    columns, depth_b = b[-2:] if transpose_b else reversed(b[-2:])
    if depth != depth_b or depth > _MOST_DEPTH or columns > _MOST_COLUMNS or rows > _MOST_ROWS:
        return None
    if prod(a) * columns > _MOST_WORK:
        return None
    return (prod(a[:-2]), rows, depth, columns) if _library() is not None else None


def _of_shape(sizes: tuple, dims: tuple) -> tuple:
    """The shape of the product, whose factors are matrices or stacks of shape `dims`."""
    return (*dims[:-2], sizes[1], sizes[3])


def small_product(plain: Callable) -> Callable:
    """The `native` rule of MatMul, whose kernel is `plain`."""

    def rule(node):
        transposes = node.attrs["transpose_a"], node.attrs["transpose_b"]
        sizes = _sizes(node, *transposes)
        return sizes and _kernel(plain, node.dims(0), node.dims(1), _of_shape(sizes, node.dims(0)), sizes, transposes)

    return rule


def small_products(plain: Callable) -> Callable:
    """The `native` rule of BatchMatMul, whose kernel is `plain`."""

    def rule(node):
        transposes = node.attrs["adj_x"], node.attrs["adj_y"]
        sizes = _sizes(node, *transposes)
        return sizes and _kernel(plain, node.dims(0), node.dims(1), _of_shape(sizes, node.dims(0)), sizes, transposes)

    return rule


def small_fused_product(plain: Callable) -> Callable:
    """The `native` rule of a product that ends in addends or an activation, whose kernel is `plain`."""

    def rule(node):
        transposes = node.attrs["transpose_a"], node.attrs["transpose_b"]
        sizes, addends = _sizes(node, *transposes), tuple(node.dims(i) for i in range(2, len(node.args)))
        if sizes is None or any(dims not in (sizes[-1:], (sizes[1], sizes[3])) for dims in addends):
            return None
        activation = node.attrs["activation"]
        return _fused_kernel(plain, node.dims(0), node.dims(1), addends, sizes[1:], transposes, activation)

    return rule


@functools.lru_cache(1000)
def _kernel(plain: Callable, a: tuple, b: tuple, out: tuple, sizes: tuple, transposes: tuple) -> Callable:
    inputs, outputs = [(a, torch.float32), (b, torch.float32)], [(out, torch.float32)]
    return bind(_library().reflow_small_product, plain, inputs, outputs, [*sizes, *map(int, transposes)])


@functools.lru_cache(1000)
def _fused_kernel(
    plain: Callable, a: tuple, b: tuple, addends: tuple, sizes: tuple, transposes: tuple, activation: str
) -> Callable:  # fmt: skip
    library, (rows, _, columns) = _library(), sizes
    inputs, outputs = [(dims, torch.float32) for dims in (a, b, *addends)], [((rows, columns), torch.float32)]
    function = getattr(library, f"reflow_small_product_{('activated', 'and_addend', 'and_addends')[len(addends)]}")
    is_matrix = [int(len(addends[0]) == 2)] if len(addends) == 1 else []
    numbers = [*sizes, *map(int, transposes), *is_matrix, CODES[activation]]
    return bind(function, plain, inputs, outputs, numbers)
