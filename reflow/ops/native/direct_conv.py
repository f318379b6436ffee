"""Convolutions by their definition on the CPU, in C: windows of 1x1, and others that Winograd's way does not suit.

They take 5 to 40 % less than those of oneDNN, for the images are not copied, and constant filters are packed. Several
filters may be applied to the same images at once: the branches of an inception module.
"""

from __future__ import annotations

import ctypes
from collections.abc import Sequence
from pathlib import Path

import torch

from reflow.ops import native
from reflow.ops.native.ending import CODES, Ending
from reflow.ops.native.shallow_conv import Frame

_SOURCE = Path(__file__).with_name("direct_conv.c")
_LANES = 16
# With fewer pixels the weights are read faster than they are used.
_LEAST_PIXELS = 7

_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Problem(ctypes.Structure):
    _fields_ = [(name, _I64) for name in
                ("batch", "height", "width", "depth", "out_height", "out_width", "window_height", "window_width",
                 "stride_y", "stride_x", "pad_top", "pad_left", "padded_height", "padded_width", "panels",
                 "threads")]  # fmt: skip


def load() -> ctypes.CDLL | None:
    """The library of `direct_conv.c`, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    library.reflow_direct_convolve.argtypes = [ctypes.POINTER(_Problem), *[_POINTER] * 5]
    library.reflow_direct_pack.argtypes = [_POINTER, *[_I64] * 5, _POINTER]
    library.reflow_direct_convolve.restype = library.reflow_direct_pack.restype = None
    # Windows of ones over an image of ones count their places inside.
    ones, frame = torch.ones(1, 4, 17, 1), Frame((1, 1), (1, 1), (4, 17))
    packed, bias = _packed(library, torch.ones(9, 19)), torch.zeros(2 * _LANES)
    (result,) = _convolve(library, ones, packed, bias, (3, 3), frame, [(19, "")])
    if result[0, 0, :2, 0].tolist() != [4, 6] or result[0, 1, 1, 18] != 9 or result[0, 3, 16, 7] != 4:
        raise RuntimeError("it fails the known-answer test")


def suits(dilations: Sequence[int], batch: int | None, out_sizes: Sequence[int]) -> bool:
    """Whether a convolution is of the kind that these functions take, and its result large enough for them to pay.

    Args:
        dilations: two numbers.
        batch: how many images there are; None for many.
        out_sizes: height and width of the result.
    """
    return max(dilations) == 1 and (batch is None or batch * out_sizes[0] * out_sizes[1] >= _LEAST_PIXELS)


def packed(filter: torch.Tensor) -> torch.Tensor:
    """A filter [*window, depth, columns] as `convolve` takes it: [columns / 16, numbers of the window, 16]."""
    return _packed(load(), filter.flatten(0, -2))


def packed_bias(bias: torch.Tensor | None, columns: int) -> torch.Tensor:
    """The bias [columns] filled up with zeros to whole panels, or as many zeros if it is None."""
    result = torch.zeros(-(-columns // _LANES) * _LANES)
    if bias is not None:
        result[:columns] = bias
    return result


def convolve_plain(
    images: torch.Tensor, filter: torch.Tensor, ending: Ending, frame: Frame
) -> torch.Tensor:  # fmt: skip
    """Convolves images with a filter that is not packed, and for which no border is wanted.

    Args:
        images: float32 [batch, height, width, depth].
        filter: float32 [*window, depth, columns].
        ending: what follows; not a pool.
        frame: where the windows stand.

    Returns:
        float32 [batch, *out_sizes, columns].
    """
    columns, bias = filter.shape[3], ending.bias
    if bias is None or columns % _LANES:
        bias = packed_bias(bias, columns)
    parts = [(columns, ending.activation)]
    return convolve(images, packed(filter), bias, filter.shape[:2], frame, parts, ending.residual)[0]


def input_gradient(filter: torch.Tensor, gradients: torch.Tensor) -> torch.Tensor:
    """The gradient of a convolution by windows of 1x1, with stride 1, by its images, from that by its result.

    Args:
        filter: float32 [1, 1, depth, columns].
        gradients: float32 [batch, height, width, columns].

    Returns:
        float32 [batch, height, width, depth].
    """
    depth = filter.shape[2]
    frame = Frame((1, 1), (0, 0), gradients.shape[1:3])
    transposed = _packed(load(), filter.flatten(0, 2).t())
    return convolve(gradients, transposed, packed_bias(None, depth), (1, 1), frame, [(depth, "")])[0]


def convolve(
    images: torch.Tensor, filters: torch.Tensor, biases: torch.Tensor, window: Sequence[int], frame: Frame,
    parts: Sequence[tuple[int, str]], residual: torch.Tensor | None = None,
) -> list[torch.Tensor]:  # fmt: skip
    """Convolves images with one filter, or with several.

    Args:
        images: float32 [batch, height, width, depth].
        filters: what `packed` made of each filter, concatenated.
        biases: what `packed_bias` made of each bias, concatenated.
        window: height and width of all filters.
        frame: where the windows stand.
        parts: for each filter its columns, and which of the activations `IN_REGISTERS` its result goes through.
        residual: what to add to the result of the only filter, of its shape; or None.

    Returns:
        For each filter, float32 [batch, *out_sizes, columns].
    """
    return _convolve(load(), images, filters, biases, window, frame, parts, residual)


def _packed(library, filter) -> torch.Tensor:
    depth, columns = filter.shape
    result = filter.new_empty(-(-columns // _LANES), depth, _LANES)
    library.reflow_direct_pack(
        filter.data_ptr(), depth, columns, *filter.stride(), torch.get_num_threads(), result.data_ptr()
    )  # fmt: skip
    return result


def _convolve(library, images, filters, biases, window, frame, parts, residual=None) -> list[torch.Tensor]:
    batch, out_sizes = images.shape[0], frame.out_sizes
    results = [images.new_empty(batch, *out_sizes, columns) for columns, _ in parts]
    problem = _problem(images.shape, window, frame, biases.numel() // _LANES)
    padded = images.new_empty(batch * problem.padded_height * problem.padded_width * problem.depth)
    numbers = []
    added = 0 if residual is None else residual.data_ptr()
    for result, (columns, activation) in zip(results, parts, strict=True):
        numbers += (result.data_ptr(), columns, columns, CODES[activation], added)
    library.reflow_direct_convolve(
        problem, images.data_ptr(), filters.data_ptr(), biases.data_ptr(), (_I64 * len(numbers))(*numbers),
        padded.data_ptr(),
    )  # fmt: skip
    return results


def _problem(dims, window, frame, panels) -> _Problem:
    batch, height, width, depth = dims
    threads = torch.get_num_threads()
    if tuple(window) == tuple(frame.strides) == (1, 1):
        # The pixels of all images are one row.
        pixels = batch * height * width
        return _Problem(1, 1, pixels, depth, 1, pixels, 1, 1, 1, 1, 0, 0, 0, 0, panels, threads)
    reach = [
        (places - 1) * stride + size
        for places, stride, size in zip(frame.out_sizes, frame.strides, window, strict=True)
    ]
    if not any(frame.pads) and reach[0] <= height and reach[1] <= width:
        reach = [0, 0]
    return _Problem(*dims, *frame.out_sizes, *window, *frame.strides, *frame.pads, *reach, panels, threads)
