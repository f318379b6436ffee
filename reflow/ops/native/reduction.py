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
from reflow.ops.native.kernel import bind, declare
from reflow.ops.torch_types import to_torch

_SOURCE = Path(__file__).with_name("reduction.c")
_FUNCTIONS = ("sum", "sum_of_squares", "max", "min")


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    numbers, factor, result = (ctypes.c_float * 5)(3, -4, 5, 1, -1), ctypes.c_double(1), ctypes.c_float()
    for name, expected in zip(_FUNCTIONS, (4, 52, 5, -4), strict=True):
        function = getattr(library, f"reflow_{name}")
        declare(function, 7)
        function(numbers, ctypes.addressof(result), 1, 5, 1, ctypes.addressof(factor), 1)
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
        if node.dtype(0) is not dtypes.float32 or axes is None or not _has_numbers(dims):
            return None
        axes = sorted({axis % len(dims) for axis in axes.reshape(-1).tolist()} if dims else ())
        if not axes or axes[-1] - axes[0] >= len(axes) or prod(dims) > most or _library() is None:
            return None
        parts = prod(dims[: axes[0]]), prod(dims[axes[0] : axes[-1] + 1]), prod(dims[axes[-1] + 1 :])
        kept = (1,) * len(axes) if node.attrs["keep_dims"] else ()
        out_dims = dims[: axes[0]] + kept + dims[axes[-1] + 1 :]
        return _kernel(name, kernel, dims, parts, out_dims, 1 / parts[1] if is_mean else 1.0)

    return rule


def over_all_but_the_last(plain: Callable, most: int) -> Callable:
    """A `native` rule of the sum over all axes but the last; the arguments are those of `over_axes`."""

    def rule(node):
        dims = node.dims(0)
        if node.dtype(0) is not dtypes.float32 or not _has_numbers(dims) or prod(dims) > most or _library() is None:
            return None
        return _kernel("sum", plain, dims, (1, prod(dims[:-1]), dims[-1]), dims[-1:], 1.0)

    return rule


def _has_numbers(dims: tuple | None) -> bool:
    """True if a shape is known and has elements."""
    return dims is not None and None not in dims and 0 not in dims


def half_the_squares(plain: Callable) -> Callable:
    """The `native` rule of L2Loss, whose kernel is `plain`."""

    def rule(node):
        dims = node.dims(0)
        if node.dtype(0) is not dtypes.float32 or not _has_numbers(dims) or _library() is None:
            return None
        return _kernel("sum_of_squares", plain, dims, (1, prod(dims), 1), (), 0.5, "native_half_the_squares")

    return rule


@functools.lru_cache(1000)
def _kernel(
    name: str, plain: Callable, dims: tuple, parts: tuple, out_dims: tuple, factor: float, known_as: str | None = None
) -> Callable:
    """The kernel for tensors of shape `dims`, which are [outer, n, inner] to the function, the `parts`."""
    function = getattr(_library(), f"reflow_{name}")
    inputs, outputs, numbers = [(dims, torch.float32)], [(out_dims, torch.float32)], [*parts, ctypes.c_double(factor)]
    return bind(function, plain, inputs, outputs, numbers, parallel=native.is_large(prod(parts)), name=known_as)


# --- positions ----------------------------------------------------------------------------------------------------


def position(name: str, plain: Callable) -> Callable:
    """The `native` rule of ArgMax or ArgMin.

    Args:
      name: the function in C.
      plain: the op's kernel.
    """

    def rule(node):
        dims, axis = node.dims(0), node.constant(1)
        if node.dtype(0) is not dtypes.float32 or axis is None or not dims or not _has_numbers(dims):
            return None
        axis = int(axis)
        if not -len(dims) <= axis < len(dims) or dims[axis] >= 1 << 31 or _library() is None:
            return None
        return _position(name, plain, dims, axis % len(dims), to_torch(node.attrs["output_type"]))

    return rule


@functools.lru_cache(1000)
def _position(name: str, plain: Callable, dims: tuple, axis: int, dtype: torch.dtype) -> Callable:
    before, after = dims[:axis], dims[axis + 1 :]
    inputs, outputs = [(dims, torch.float32)], [(before + after, dtype)]
    numbers = [prod(before), dims[axis], prod(after), int(dtype is torch.int64)]
    function = getattr(_library(), f"reflow_{name}")
    return bind(function, plain, inputs, outputs, numbers, parallel=native.is_large(prod(dims)))


# A greater k takes PyTorch's function: a number may be moved past all of them.
_MOST_FOUND = 32


def top_k(plain: Callable) -> Callable:
    """The `native` rule of TopK and TopKV2, whose kernel is `plain`."""

    def rule(node):
        dims, k = node.dims(0), node.constant(1) if "k" not in node.attrs else node.attrs["k"]
        if node.dtype(0) is not dtypes.float32 or k is None or not dims or not _has_numbers(dims):
            return None
        k = int(k)
        if not 0 < k <= min(dims[-1], _MOST_FOUND) or dims[-1] >= 1 << 31 or _library() is None:
            return None
        return _top_k(plain, dims, k)

    return rule


@functools.lru_cache(1000)
def _top_k(plain: Callable, dims: tuple, k: int) -> Callable:
    found = (*dims[:-1], k)
    outputs, numbers = [(found, torch.float32), (found, torch.int32)], [prod(dims[:-1]), dims[-1], k]
    parallel = native.is_large(prod(dims))
    return bind(_library().reflow_top_k, plain, [(dims, torch.float32)], outputs, numbers, parallel=parallel)
