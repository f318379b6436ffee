"""Gathering and adding up rows in C, with indices checked on the way; one-hot vectors and ranges: `native` rules.

In PyTorch each of these is several calls: to find out whether an index is out of range, to widen or flatten indices, to
make zeros. Where the C function meets an index that is out of range, PyTorch's kernel runs after all, for its error.
"""

import ctypes
import functools
from collections.abc import Callable
from math import prod
from pathlib import Path

import torch

from reflow.graph import dtypes
from reflow.graph.shapes import num_elements
from reflow.ops import native
from reflow.ops.native.kernel import bind, declare
from reflow.ops.torch_types import to_torch

_SOURCE = Path(__file__).with_name("indexing.c")
_INDICES = (dtypes.int32, dtypes.int64)
_GATHERED = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    words = {
        "gather_rows": 9, "add_rows": 11, "scatter_rows": 10, "count_segments": 5, "segment_sum": 8, "one_hot": 7,
        "range": 6, "range_count": 3,
    }  # fmt: skip
    for name, count in words.items():
        declare(getattr(library, f"reflow_{name}"), count)
    ids, rows, sums = (ctypes.c_int32 * 3)(0, 2, 2), (ctypes.c_float * 3)(1, 2, 3), (ctypes.c_float * 3)()
    bad = library.reflow_segment_sum(rows, ids, sums, False, 3, 1, 3, 1)
    if (bad, *sums, library.reflow_count_segments(rows, ids, False, 3, 1)) != (0, 1, 0, 5, 3):
        raise RuntimeError("it fails the known-answer test")


def _sizes(dims) -> ctypes.Array:
    return (ctypes.c_int64 * len(dims))(*dims)


def _are_known(*shapes) -> bool:
    """True if all are known, and none has no elements."""
    return all(dims is not None and None not in dims and 0 not in dims for dims in shapes)


# --- rows ---------------------------------------------------------------------------------------------------------


def gather(plain: Callable) -> Callable:
    """The `native` rule of Gather and GatherV2 along the first axis, whose kernel is `plain`."""

    def rule(node):
        params, indices = node.dims(0), node.dims(1)
        axis = node.constant(2) if len(node.args) > 2 else 0
        if not params or not _are_known(params, indices) or axis is None or axis != 0 or node.attrs.get("batch_dims"):
            return None
        if node.dtype(0) not in _GATHERED or node.dtype(1) not in _INDICES or _library() is None:
            return None
        return _gather(plain, params, indices, to_torch(node.dtype(0)), to_torch(node.dtype(1)))

    return rule


@functools.lru_cache(1000)
def _gather(plain, params_dims, indices_dims, dtype, index) -> Callable:
    count, width = prod(indices_dims), prod(params_dims[1:]) * dtype.itemsize
    numbers = [int(index is torch.int64), count, 1, _sizes(params_dims[:1]), width]
    inputs, outputs = [(params_dims, dtype), (indices_dims, index)], [(indices_dims + params_dims[1:], dtype)]
    function, parallel = _library().reflow_gather_rows, count * width >= 1 << 18
    return bind(function, plain, inputs, outputs, numbers, parallel=parallel, name="native_gather")


def gather_nd(plain: Callable) -> Callable:
    """The `native` rule of GatherNd, whose kernel is `plain`."""

    def rule(node):
        params, indices = node.dims(0), node.dims(1)
        if not _are_known(params, indices) or not 0 < indices[-1] <= len(params) or _library() is None:
            return None
        if node.dtype(0) not in _GATHERED or node.dtype(1) not in _INDICES:
            return None
        return _gather_nd(plain, params, indices, to_torch(node.dtype(0)), to_torch(node.dtype(1)))

    return rule


@functools.lru_cache(1000)
def _gather_nd(plain, params_dims, indices_dims, dtype, index) -> Callable:
    depth, count = indices_dims[-1], prod(indices_dims[:-1])
    width = prod(params_dims[depth:]) * dtype.itemsize
    numbers = [int(index is torch.int64), count, depth, _sizes(params_dims[:depth]), width]
    inputs, outputs = [(params_dims, dtype), (indices_dims, index)], [(indices_dims[:-1] + params_dims[depth:], dtype)]
    function, parallel = _library().reflow_gather_rows, count * width >= 1 << 18
    return bind(function, plain, inputs, outputs, numbers, parallel=parallel, name="native_gather_nd")


def _numbers_of_adding(indices_dims, index: torch.dtype, outer_dims, inner_dims) -> tuple[list, bool]:
    """(What the functions that add up rows take besides tensors, whether there is work for more than one thread.)"""
    count, count_out, width = prod(indices_dims), prod(outer_dims), prod(inner_dims)
    numbers = [int(index is torch.int64), count, len(outer_dims), _sizes(outer_dims), width, count_out]
    return numbers, max(count, count_out) * width >= 1 << 16


def scatter_nd(plain: Callable) -> Callable:
    """The `native` rule of ScatterNd, whose kernel is `plain`."""

    def rule(node):
        indices, updates, out = node.dims(0), node.dims(1), node.output_dims()
        if not _are_known(indices, updates, out) or not 0 < indices[-1] <= len(out) or _library() is None:
            return None
        if node.dtype(1) is not dtypes.float32 or node.dtype(0) not in _INDICES:
            return None
        depth = indices[-1]
        if updates != indices[:-1] + out[depth:]:
            return None
        return _scatter_nd(plain, indices, to_torch(node.dtype(0)), out[:depth], out[depth:])

    return rule


@functools.lru_cache(1000)
def _scatter_nd(plain, indices, index, outer, inner) -> Callable:
    numbers, parallel = _numbers_of_adding(indices[:-1], index, outer, inner)
    inputs = [(indices, index), (indices[:-1] + inner, torch.float32)]
    outputs, function = [(outer + inner, torch.float32)], _library().reflow_scatter_rows
    return bind(function, plain, inputs, outputs, numbers, parallel=parallel, name="native_scatter_nd")


def unsorted_segment_sum(plain: Callable) -> Callable:
    """The `native` rule of UnsortedSegmentSum, whose kernel is `plain`."""

    def rule(node):
        data, ids, out = node.dims(0), node.dims(1), node.output_dims()
        if not _are_known(data, ids, out) or data[: len(ids)] != ids or _library() is None:
            return None
        if node.dtype(0) is not dtypes.float32 or node.dtype(1) not in _INDICES:
            return None
        return _unsorted_segment_sum(plain, ids, to_torch(node.dtype(1)), out[:1], out[1:])

    return rule


@functools.lru_cache(1000)
def _unsorted_segment_sum(plain, ids, index, outer, inner) -> Callable:
    numbers, parallel = _numbers_of_adding(ids, index, outer, inner)
    skip_negative = True
    inputs = [(ids + inner, torch.float32), (ids, index)]
    outputs, function = [(outer + inner, torch.float32)], _library().reflow_add_rows
    return bind(function, plain, inputs, outputs, [*numbers, int(skip_negative)], parallel=parallel,
                name="native_unsorted_segment_sum")  # fmt: skip


def segment_sum(plain: Callable) -> Callable:
    """The `native` rule of SegmentSum, whose kernel is `plain`."""

    def rule(node):
        data, ids = node.dims(0), node.dims(1)
        if not _are_known(data, ids) or data[:1] != ids or _library() is None:
            return None
        if node.dtype(0) is not dtypes.float32 or node.dtype(1) not in _INDICES:
            return None
        return _segment_sum(plain, data, to_torch(node.dtype(1)))

    return rule


@functools.lru_cache(1000)
def _segment_sum(plain, data_dims, index) -> Callable:
    library, (count, *inner) = _library(), data_dims
    width = prod(inner)
    inputs, outputs = [(data_dims, torch.float32), ((count,), index)], [((0, *inner), torch.float32)]
    numbers = [int(index is torch.int64), count, width]
    return bind(library.reflow_segment_sum, plain, inputs, outputs, numbers, rows=library.reflow_count_segments,
                parallel=count * width >= 1 << 16)  # fmt: skip


# --- made from numbers --------------------------------------------------------------------------------------------


def one_hot(plain: Callable) -> Callable:
    """The `native` rule of OneHot, whose kernel is `plain`, along the last axis, of values that are known."""

    def rule(node):
        indices, depth, on, off = node.dims(0), node.constant(1), node.constant(2), node.constant(3)
        if node.dtype(2) is not dtypes.float32 or node.dtype(0) not in _INDICES or not _are_known(indices):
            return None
        if node.attrs["axis"] not in (-1, len(indices)) or any(v is None or v.ndim for v in (depth, on, off)):
            return None
        if depth <= 0 or _library() is None:
            return None
        return _one_hot(plain, indices, to_torch(node.dtype(0)), int(depth), float(on), float(off))

    return rule


@functools.lru_cache(1000)
def _one_hot(plain, indices_dims, index, depth, on, off) -> Callable:
    inputs, outputs, count = [(indices_dims, index)], [((*indices_dims, depth), torch.float32)], prod(indices_dims)
    numbers = [int(index is torch.int64), count, depth, (ctypes.c_float * 2)(on, off)]
    return bind(_library().reflow_one_hot, plain, inputs, outputs, numbers, parallel=count * depth >= 1 << 16)


def range_of_int32(plain: Callable) -> Callable:
    """The `native` rule of Range, whose kernel is `plain`."""

    def rule(node):
        if node.attrs["Tidx"] is not dtypes.int32 or _library() is None:
            return None
        return _range_of_int32(plain, native.is_large(num_elements(node.output_dims()) or 0))

    return rule


@functools.cache
def _range_of_int32(plain, parallel: bool) -> Callable:
    library, numbers = _library(), [((0,), torch.int32)]
    return bind(library.reflow_range, plain, [None] * 3, numbers, rows=library.reflow_range_count, parallel=parallel)
