"""Reductions of float32 in C: `native` rules of those that are several calls in PyTorch.

Maxima and minima, where a NaN counts for nothing, make a pass in PyTorch that takes the NaNs out; a mean sums, then
divides; a norm squares, sums and multiplies.
"""

import ctypes
import functools
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.ops import native

_SOURCE = Path(__file__).with_name("reduction.c")
_FUNCTIONS = ("sum", "sum_of_squares", "max", "min")


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    i64, pointer = ctypes.c_int64, ctypes.c_void_p
    numbers, result = (ctypes.c_float * 5)(3, -4, 5, 1, -1), ctypes.c_float()
    for name, expected in zip(_FUNCTIONS, (4, 52, 5, -4), strict=True):
        function = getattr(library, f"reflow_{name}")
        function.argtypes, function.restype = [pointer, i64, i64, i64, ctypes.c_double, pointer, ctypes.c_int], None
        function(numbers, 1, 5, 1, 1.0, ctypes.byref(result), 1)
        if result.value != expected:
            raise RuntimeError(f"the {name} is {result.value}, not {expected}")


def over_axes(name: str, kernel: Callable, is_mean: bool = False, most: int = 1 << 62) -> Callable:
    """A `native` rule of a reduction op.

    Args:
      name: the function in C.
      kernel: the op's, for tensors that are not contiguous.
      is_mean: divide by how many numbers are reduced to one.
      most: of more numbers PyTorch's function is as fast.
    """

    def rule(node):
        dims, axes = node.dims(0), node.constant(1)
        if node.dtype(0) is not dtypes.float32 or axes is None or dims is None or None in dims or 0 in dims:
            return None
        axes = sorted({axis % len(dims) for axis in axes.reshape(-1).tolist()} if dims else ())
        if not axes or axes[-1] - axes[0] >= len(axes) or prod(dims) > most or _library() is None:
            return None
        parts = prod(dims[: axes[0]]), prod(dims[axes[0] : axes[-1] + 1]), prod(dims[axes[-1] + 1 :])
        kept = (1,) * len(axes) if node.attrs["keep_dims"] else ()
        out_dims = dims[: axes[0]] + kept + dims[axes[-1] + 1 :]
        return _kernel(name, kernel, parts, out_dims, 1 / parts[1] if is_mean else 1.0)

    return rule


def half_the_squares(plain: Callable) -> Callable:
    """The `native` rule of L2Loss, whose kernel is `plain`."""

    def rule(node):
        dims = node.dims(0)
        if node.dtype(0) is not dtypes.float32 or dims is None or None in dims or 0 in dims or _library() is None:
            return None
        return _half_the_squares(plain, prod(dims))

    return rule


@functools.lru_cache(1000)
def _half_the_squares(plain: Callable, count: int) -> Callable:
    function, like = _library().reflow_sum_of_squares, native.template((), torch.float32)
    is_large = native.is_large(count)

    def native_half_the_squares(t):
        if not t.is_contiguous():
            return plain(t)
        out = torch.empty_like(like)
        function(t.data_ptr(), 1, count, 1, 0.5, out.data_ptr(), torch.get_num_threads() if is_large else 1)
        return out

    return native_half_the_squares


@functools.lru_cache(1000)
def _kernel(name: str, plain: Callable, parts: tuple, out_dims: tuple, scale: float) -> Callable:
    function, like = getattr(_library(), f"reflow_{name}"), native.template(out_dims, torch.float32)
    is_large, (outer, n, inner) = native.is_large(prod(parts)), parts

    def kernel(input, reduction_indices, keep_dims):
        if not input.is_contiguous():
            return plain(input, reduction_indices, keep_dims)
        out = torch.empty_like(like)
        threads = torch.get_num_threads() if is_large else 1
        function(input.data_ptr(), outer, n, inner, scale, out.data_ptr(), threads)
        return out

    kernel.__name__ = f"native_{name}"
    return kernel
