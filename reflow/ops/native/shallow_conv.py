"""Convolutions of images with few channels on the CPU, such as a network's first, in C, and their filters' gradients.

Libraries arrange an image's channels in vectors, which these would leave empty; here the vectors hold the channels of
the result. Where `load` returns None, ATen's convolutions serve.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import torch

from reflow.ops import native
from reflow.ops.native import ending
from reflow.ops.native.ending import NOTHING, Ending

_SOURCE = Path(__file__).with_name("shallow_conv.c")
# Channels of the result come in multiples of so many.
_PANEL = 32
# Deeper images fill the vectors of libraries well enough.
_LARGEST_DEPTH = 4
# A result that does not fit into the cache pays only for windows of so many numbers: its way to memory takes longer.
_LARGEST_RESULT, _LARGE_WINDOW = 4 << 20, 64

_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Problem(ctypes.Structure):
    _fields_ = [(name, _I64) for name in
                ("batch", "height", "width", "depth", "out_height", "out_width", "out_depth", "window_height",
                 "window_width", "stride_y", "stride_x", "pad_top", "pad_left", "padded_height", "padded_width",
                 "threads")]  # fmt: skip


class Frame(NamedTuple):
    """Where windows stand: two numbers each, for height and width.

    `pads` are those above and left of the images.
    """

    strides: Sequence[int]
    pads: Sequence[int]
    out_sizes: Sequence[int]


def load() -> ctypes.CDLL | None:
    """The library of `shallow_conv.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    problem = ctypes.POINTER(_Problem)
    library.reflow_shallow_convolve.argtypes = [problem, _POINTER, _POINTER, _POINTER, ending.POINTER]
    library.reflow_shallow_filter_gradient.argtypes = [problem, _POINTER, _POINTER, _I64, *[_POINTER] * 3]
    library.reflow_shallow_convolve.restype = library.reflow_shallow_filter_gradient.restype = None
    # Windows of ones over an image of ones count their places inside.
    ones, frame = torch.ones(1, 4, 17, 1), Frame((1, 1), (1, 1), (4, 17))
    result, _ = _convolve(library, ones, torch.ones(3, 3, 1, _PANEL), NOTHING, frame)
    if result[0, 0, :2, 0].tolist() != [4, 6] or result[0, 1, 1, 31] != 9 or result[0, 3, 16, 7] != 4:
        raise RuntimeError("it fails the known-answer test")


def suits(dilations: Sequence[int], depth: int, out_depth: int) -> bool:
    """Whether a convolution is of the kind that these functions take; the filter takes all of the image's channels."""
    return 0 < depth <= _LARGEST_DEPTH and out_depth > 0 and not out_depth % _PANEL and max(dilations) == 1


def pays(numbers_of_window: int, numbers_of_result: int) -> bool:
    """Whether `convolve` is quicker than ATen; `filter_gradient` always is."""
    return numbers_of_window >= _LARGE_WINDOW or numbers_of_result <= _LARGEST_RESULT


def convolve(
    images: torch.Tensor, filter: torch.Tensor, ending: Ending, frame: Frame
) -> tuple[torch.Tensor, torch.Tensor | None]:
    """Convolves images.

    Args:
        images: float32 [batch, height, width, depth].
        filter: float32 [window height, window width, depth, out_depth].
        ending: what follows.
        frame: where the windows stand.

    Returns:
        What `ending` makes of the sums, float32 [batch, *out_sizes, out_depth], and the places of maxima or None.
    """
    return _convolve(load(), images, filter, ending, frame)


def filter_gradient(
    images: torch.Tensor, gradients: torch.Tensor, frame: Frame, window: Sequence[int]
) -> torch.Tensor:  # fmt: skip
    """The gradient of `convolve` by the filter, [*window, depth, out_depth], from that by its result."""
    problem = _problem(images, window, gradients.shape[3], frame)
    parts = min(problem.threads, problem.batch)
    result = images.new_empty(*window, problem.depth, problem.out_depth)
    scratch = images.new_empty(parts * _padded_size(problem))
    sums = images.new_empty((parts - 1) * result.numel())
    load().reflow_shallow_filter_gradient(
        problem, images.data_ptr(), gradients.data_ptr(), parts, scratch.data_ptr(), sums.data_ptr(), result.data_ptr()
    )
    return result


def _convolve(library, images, filter, ending, frame):
    problem = _problem(images, filter.shape[:2], filter.shape[3], frame)
    outputs = ending.outputs(images, frame.out_sizes, problem.out_depth)
    two_rows = 2 * problem.out_width * problem.out_depth
    scratch = images.new_empty(problem.threads * (_padded_size(problem) + two_rows))
    library.reflow_shallow_convolve(
        problem, images.data_ptr(), filter.data_ptr(), scratch.data_ptr(), ending.fields(*outputs)
    )
    return outputs


def _problem(images, window, out_depth, frame) -> _Problem:
    reach = [
        (places - 1) * stride + size
        for places, stride, size in zip(frame.out_sizes, frame.strides, window, strict=True)
    ]
    return _Problem(
        *images.shape,
        *frame.out_sizes,
        out_depth,
        *window,
        *frame.strides,
        *frame.pads,
        *reach,
        torch.get_num_threads(),
    )


def _padded_size(problem: _Problem) -> int:
    return problem.padded_height * problem.padded_width * problem.depth
