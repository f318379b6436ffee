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
from reflow.ops import native
from reflow.ops.torch_types import to_torch

_SOURCE = Path(__file__).with_name("indexing.c")
_INDICES = (dtypes.int32, dtypes.int64)
_GATHERED = (dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def _library() -> ctypes.CDLL | None:
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    pointer, flag, i64, f32, i32 = ctypes.c_void_p, ctypes.c_int, ctypes.c_int64, ctypes.c_float, ctypes.c_int32
    indices = [pointer, flag, i64]
    signatures = {
        "gather_rows": (i64, [pointer, *indices, i64, pointer, i64, pointer, flag]),
        "add_rows": (i64, [pointer, *indices, i64, pointer, i64, pointer, i64, flag, flag]),
        "count_segments": (i64, indices),
        "one_hot": (None, [*indices, i64, f32, f32, pointer, flag]),
        "range": (None, [i32, i32, i64, pointer, flag]),
    }
    for name, (result, arguments) in signatures.items():
        function = getattr(library, f"reflow_{name}")
        function.restype, function.argtypes = result, arguments
    ids, rows, sums = (ctypes.c_int32 * 3)(0, 2, 2), (ctypes.c_float * 3)(1, 2, 3), (ctypes.c_float * 3)()
    bad = library.reflow_add_rows(rows, ids, False, 3, 1, (i64 * 1)(3), 1, sums, 3, False, 1)
    if (bad, *sums, library.reflow_count_segments(ids, False, 3)) != (0, 1, 0, 5, 3):
        raise RuntimeError("it fails the known-answer test")


def _sizes(dims) -> ctypes.Array:
    return (ctypes.c_int64 * len(dims))(*dims)


def _are_known(*shapes) -> bool:
    """True if all are known, and none has no elements."""
    return all(dims is not None and None not in dims and 0 not in dims for dims in shapes)


# --- rows ---------------------------------------------------------------------------------------------------------


def gather_nd(plain: Callable) -> Callable:
    """The `native` rule of GatherNd, whose kernel is `plain`."""

    def rule(node):
        params, indices = node.dims(0), node.dims(1)
        if not _are_known(params, indices) or not 0 < indices[-1] <= len(params) or _library() is None:
            return None
        if node.dtype(0) not in _GATHERED or node.dtype(1) not in _INDICES:
            return None
        return _gather_nd(plain, params, indices, to_torch(node.dtype(0)), node.dtype(1) is dtypes.int64)

    return rule


@functools.lru_cache(1000)
def _gather_nd(plain, params_dims, indices_dims, dtype, wide) -> Callable:
    function, depth, count = _library().reflow_gather_rows, indices_dims[-1], prod(indices_dims[:-1])
    out_dims, sizes = indices_dims[:-1] + params_dims[depth:], _sizes(params_dims[:depth])
    width = prod(params_dims[depth:]) * dtype.itemsize
    is_large, like = count * width >= 1 << 18, native.template(out_dims, dtype)

    def native_gather_nd(params, indices):
        if not (params.is_contiguous() and indices.is_contiguous()):
            return plain(params, indices)
        out = torch.empty_like(like)
        threads = torch.get_num_threads() if is_large else 1
        arguments = params.data_ptr(), indices.data_ptr(), wide, count, depth, sizes, width, out.data_ptr(), threads
        return plain(params, indices) if function(*arguments) else out

    return native_gather_nd


def _adding(indices_dims, wide: bool, outer_dims, inner_dims, skip_negative: bool) -> Callable:
    """The function `(rows, indices) -> sums` of shape [*outer_dims, *inner_dims]; None where an index is bad."""
    function, depth = _library().reflow_add_rows, len(outer_dims)
    count, count_out, width = prod(indices_dims), prod(outer_dims), prod(inner_dims)
    out_dims, sizes = (*outer_dims, *inner_dims), _sizes(outer_dims)
    is_large, like = max(count, count_out) * width >= 1 << 16, native.template(out_dims, torch.float32)

    def add_rows(rows, indices):
        if not (rows.is_contiguous() and indices.is_contiguous()):
            return None
        out = torch.empty_like(like)
        threads = torch.get_num_threads() if is_large else 1
        bad = function(rows.data_ptr(), indices.data_ptr(), wide, count, depth, sizes, width, out.data_ptr(), count_out,
                       skip_negative, threads)  # fmt: skip
        return None if bad else out

    return add_rows


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
        return _scatter_nd(plain, indices[:-1], node.dtype(0) is dtypes.int64, out[:depth], out[depth:])

    return rule


@functools.lru_cache(1000)
def _scatter_nd(plain, places, wide, outer, inner) -> Callable:
    add_rows = _adding(places, wide, outer, inner, skip_negative=False)

    def native_scatter_nd(indices, updates, shape):
        out = add_rows(updates, indices)
        return plain(indices, updates, shape) if out is None else out

    return native_scatter_nd


def unsorted_segment_sum(plain: Callable) -> Callable:
    """The `native` rule of UnsortedSegmentSum, whose kernel is `plain`."""

    def rule(node):
        data, ids, out = node.dims(0), node.dims(1), node.output_dims()
        if not _are_known(data, ids, out) or data[: len(ids)] != ids or _library() is None:
            return None
        if node.dtype(0) is not dtypes.float32 or node.dtype(1) not in _INDICES:
            return None
        return _unsorted_segment_sum(plain, ids, node.dtype(1) is dtypes.int64, out[:1], out[1:])

    return rule


@functools.lru_cache(1000)
def _unsorted_segment_sum(plain, ids_dims, wide, outer, inner) -> Callable:
    add_rows = _adding(ids_dims, wide, outer, inner, skip_negative=True)

    def native_unsorted_segment_sum(data, segment_ids, num_segments):
        out = add_rows(data, segment_ids)
        return plain(data, segment_ids, num_segments) if out is None else out

    return native_unsorted_segment_sum


def segment_sum(plain: Callable) -> Callable:
    """The `native` rule of SegmentSum, whose kernel is `plain`."""

    def rule(node):
        data, ids = node.dims(0), node.dims(1)
        if not _are_known(data, ids) or data[:1] != ids or _library() is None:
            return None
        if node.dtype(0) is not dtypes.float32 or node.dtype(1) not in _INDICES:
            return None
        return _segment_sum(plain, data, node.dtype(1) is dtypes.int64)

    return rule


@functools.lru_cache(1000)
def _segment_sum(plain, data_dims, wide) -> Callable:
    library = _library()
    count_segments, add, (rows, *inner) = library.reflow_count_segments, library.reflow_add_rows, data_dims
    width = prod(inner)
    is_large = rows * width >= 1 << 16

    def native_segment_sum(data, segment_ids):
        if not (data.is_contiguous() and segment_ids.is_contiguous()):
            return plain(data, segment_ids)
        ids = segment_ids.data_ptr()
        count = count_segments(ids, wide, rows)
        if not 0 <= count <= rows:  # Bad ids, or so many segments without rows that memory may not do.
            return plain(data, segment_ids)
        out = data.new_empty((count, *inner))
        threads = torch.get_num_threads() if is_large else 1
        add(data.data_ptr(), ids, wide, rows, 1, _sizes((count,)), width, out.data_ptr(), count, False, threads)
        return out

    return native_segment_sum


# --- made from numbers --------------------------------------------------------------------------------------------


def one_hot(node) -> Callable | None:
    """The `native` rule of OneHot, along the last axis, of values that are known."""
    indices, depth, on, off = node.dims(0), node.constant(1), node.constant(2), node.constant(3)
    if node.dtype(2) is not dtypes.float32 or node.dtype(0) not in _INDICES or not _are_known(indices):
        return None
    if node.attrs["axis"] not in (-1, len(indices)) or any(v is None or v.ndim for v in (depth, on, off)):
        return None
    if depth <= 0 or _library() is None:
        return None
    return _one_hot(indices, node.dtype(0) is dtypes.int64, int(depth), float(on), float(off))


@functools.lru_cache(1000)
def _one_hot(indices_dims, wide, depth, on, off) -> Callable:
    function, count = _library().reflow_one_hot, prod(indices_dims)
    like = native.template((*indices_dims, depth), torch.float32)
    is_large = count * depth >= 1 << 16

    def native_one_hot(indices, _depth, _on, _off):
        out = torch.empty_like(like)
        threads = torch.get_num_threads() if is_large else 1
        function(indices.contiguous().data_ptr(), wide, count, depth, on, off, out.data_ptr(), threads)
        return out

    return native_one_hot


def range_of_int32(plain: Callable) -> Callable:
    """The `native` rule of Range, whose kernel is `plain`."""

    def rule(node):
        if node.attrs["Tidx"] is not dtypes.int32 or _library() is None:
            return None
        return _range_of_int32(plain)

    return rule


@functools.cache
def _range_of_int32(plain) -> Callable:
    function = _library().reflow_range

    def native_range(start, limit, delta):
        if type(start) is not int or delta <= 0 or start > limit:
            return plain(start, limit, delta, torch.int32)
        count = -((start - limit) // delta)
        out = torch.empty(count, dtype=torch.int32)
        function(start, delta, count, out.data_ptr(), native.threads_for(count))
        return out

    return native_range
