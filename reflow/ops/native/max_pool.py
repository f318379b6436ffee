"""Maximum pools over space on the CPU, in C: `max_pool.c`.

The places of the maxima take a byte each, where ATen's take eight, and every step of the gradient reads and writes
memory in order.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import torch

from reflow.ops import native
from reflow.ops.windows import Window

_SOURCE = Path(__file__).with_name("max_pool.c")
# A place is a number that a byte holds, as is one that stands for none.
_LARGEST_WINDOW = 255
# A thread of its own has to have so many numbers to work on.
_NUMBERS_OF_A_THREAD = 1 << 15
_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Problem(ctypes.Structure):
    _fields_ = [(name, _I64) for name in
                ("batch", "height", "width", "depth", "out_height", "out_width", "window_height", "window_width",
                 "stride_y", "stride_x", "pad_top", "pad_left", "threads")]  # fmt: skip


def load() -> ctypes.CDLL | None:
    """The library of `max_pool.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    problem = ctypes.POINTER(_Problem)
    library.reflow_max_pool.argtypes = [problem, _POINTER, _POINTER, _POINTER]
    library.reflow_max_pool_gradient.argtypes = [problem, _POINTER, _POINTER, _POINTER]
    library.reflow_max_pool.restype = library.reflow_max_pool_gradient.restype = None
    images = torch.tensor([[1.0, 4.0, 2.0, 3.0]]).reshape(1, 1, 4, 1)
    window = [1, 1, 2, 1]
    values, places = _pooled(library, images, window, window, b"VALID", True)
    spread = _spread(library, values, places, [1, 1, 4, 1], window, window, b"VALID")
    if values.flatten().tolist() != [4.0, 3.0] or spread.flatten().tolist() != [0.0, 4.0, 0.0, 3.0]:
        raise RuntimeError("it fails the known-answer test")


def fits(dtype: torch.dtype, ksize: Sequence[int], strides: Sequence[int], data_format: bytes) -> bool:
    """Whether a pool is of the kind that these functions take, and the library is there.

    Args:
        dtype: of the images.
        ksize, strides: four numbers each, in the order of `data_format`.
        data_format: the layout of the images.
    """
    spatial = data_format == b"NHWC" and ksize[0] == ksize[3] == strides[0] == strides[3] == 1
    return spatial and dtype is torch.float32 and ksize[1] * ksize[2] <= _LARGEST_WINDOW and load() is not None


def max_pool(input, ksize, strides, padding):
    """The maxima: float32 [batch, height, width, channels] in and out."""
    return _pooled(load(), input, ksize, strides, padding, False)[0]


def max_pool_with_places(input, ksize, strides, padding):
    """The maxima, and their places in the windows as bytes, both [batch, out_height, out_width, channels]."""
    return _pooled(load(), input, ksize, strides, padding, True)


def max_pool_gradient(grad, places, sizes, ksize, strides, padding):
    """The gradient by the images, whose `sizes` are given, from that by the maxima."""
    return _spread(load(), grad, places, sizes, ksize, strides, padding)


def _pooled(library, images, ksize, strides, padding, with_places):
    images = images.contiguous()
    problem = _problem(images.shape, ksize, strides, padding)
    out = images.new_empty(problem.batch, problem.out_height, problem.out_width, problem.depth)
    places = torch.empty_like(out, dtype=torch.uint8) if with_places else None
    if out.numel():
        library.reflow_max_pool(problem, images.data_ptr(), out.data_ptr(), places.data_ptr() if with_places else None)
    return out, places


def _spread(library, grad, places, sizes, ksize, strides, padding):
    grad = grad.contiguous()
    problem = _problem(sizes, ksize, strides, padding)
    out = grad.new_empty(sizes)
    if out.numel():
        library.reflow_max_pool_gradient(problem, grad.data_ptr(), places.data_ptr(), out.data_ptr())
    return out


def _problem(sizes, ksize, strides, padding) -> _Problem:
    batch, height, width, depth = sizes
    rows, columns = (Window(ksize[i], strides[i], 1, padding) for i in (1, 2))
    work = batch * height * width * depth
    threads = torch.get_num_threads() if work >= _NUMBERS_OF_A_THREAD else 1
    return _Problem(batch, height, width, depth, rows.output_size(height), columns.output_size(width), rows.size,
                    columns.size, rows.stride, columns.stride, rows.pads(height)[0], columns.pads(width)[0],
                    threads)  # fmt: skip
