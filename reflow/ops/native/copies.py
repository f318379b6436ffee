"""Copies in C: the `native` rules of Tile and Pad, each of which is several calls or a slow one in PyTorch."""

import ctypes
import functools
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.ops import native
from reflow.ops.native.kernel import bind, declare
from reflow.ops.torch_types import to_torch

_SOURCE = Path(__file__).with_name("copies.c")
# Of more, the zeros are worth a second thread.
_MOST_PADDED = 1 << 16
# An axis: its size, and the strides of the source and of the target.
Axis = tuple[int, int, int]


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    declare(library.reflow_copy_box, 7)
    source, target = (ctypes.c_char * 2)(b"a", b"b"), (ctypes.c_char * 6)()
    layout = (ctypes.c_int64 * 6)(2, 1, 2, 1, 1, 1)
    library.reflow_copy_box(source, target, 1, 6, 2, layout, 1)
    if target.raw != b"\0a\0b\0\0":
        raise RuntimeError("it fails the known-answer test")


def _strides(dims: tuple) -> list[int]:
    return [prod(dims[i + 1 :]) for i in range(len(dims))]


def _merged(axes: list[Axis]) -> list[Axis]:
    """The same box with as few axes as can be: neighbours become one where both strides allow it."""
    merged: list[Axis] = []
    for size, source, target in axes:
        if size == 1:
            continue
        if merged and merged[-1][1:] == (size * source, size * target):
            merged[-1] = (merged[-1][0] * size, source, target)
        else:
            merged.append((size, source, target))
    return merged


@functools.lru_cache(1000)
def _copy(
    plain: Callable, name: str, dims: tuple, out: tuple, dtype: torch.dtype, axes: tuple, offset: int, zero: bool
) -> Callable:
    """The kernel that copies a box, all numbers in elements."""
    width, boxes = dtype.itemsize, _merged(list(axes))
    if boxes and boxes[-1][1:] == (1, 1):
        dense = boxes.pop()[0] * width
    else:
        dense = width
    layout = [(size, source * width, target * width) for size, source, target in boxes] + [(dense, 1, 1)]
    numbers = [offset * width, prod(out) * width if zero else 0, len(layout)]
    flat = (ctypes.c_int64 * (3 * len(layout)))(*[number for axis in layout for number in axis])
    parallel = native.is_large(prod(out)) and layout[0][0] > 1
    return bind(_library().reflow_copy_box, plain, [(dims, dtype)], [(out, dtype)], [*numbers, flat], parallel=parallel,
                name=name)  # fmt: skip


def _known(node) -> tuple | None:
    """(shape, type, the second input as a list), if they are known and there are elements; else None."""
    dims, dtype, constant = node.dims(0), to_torch(node.dtype(0)), node.constant(1)
    if not dims or None in dims or 0 in dims or constant is None or not isinstance(dtype, torch.dtype):
        return None
    return (dims, dtype, constant.tolist()) if len(constant) == len(dims) and _library() is not None else None


def tile(plain: Callable) -> Callable:
    """The `native` rule of Tile, whose kernel is `plain`; where it only repeats axes of size 1, a view is better."""

    def rule(node):
        known = _known(node)
        if known is None or min(known[2]) < 1 or all(1 in pair for pair in zip(known[0], known[2], strict=True)):
            return None
        dims, dtype, multiples = known
        out = tuple(d * m for d, m in zip(dims, multiples, strict=True))
        axes = []
        for size, copies, source, target in zip(dims, multiples, _strides(dims), _strides(out), strict=True):
            axes += [(copies, 0, size * target), (size, source, target)]
        return _copy(plain, "native_tile", dims, out, dtype, tuple(axes), 0, False)

    return rule


def pad(plain: Callable) -> Callable:
    """The `native` rule of Pad, whose kernel is `plain`."""

    def rule(node):
        known = _known(node)
        if known is None or any(number < 0 for pair in known[2] for number in pair):
            return None
        dims, dtype, paddings = known
        out = tuple(before + d + after for d, (before, after) in zip(dims, paddings, strict=True))
        if prod(out) > _MOST_PADDED:
            return None
        targets = _strides(out)
        offset = sum(before * target for (before, _), target in zip(paddings, targets, strict=True))
        axes = tuple(zip(dims, _strides(dims), targets, strict=True))
        return _copy(plain, "native_pad", dims, out, dtype, axes, offset, True)

    return rule
