"""Convolutions of stride 1 with windows of 3x3 and 5x5 on the CPU, by Winograd's minimal filtering in C.

They take a quarter of the multiplications that the definition has (3x3), a third or a sixth (5x5), and run two to
three times as fast. Their rounding errors are those of the definition, and up to twice as large. Only gradients of 5x5
windows have an error of six times the usual one, for the sake of speed: in the forward pass it would show, where it
changes which side of a ReLU's or a maximum's edge a number is on; in a gradient it is far below the noise.

`REFLOW_WINOGRAD=0` in the environment turns them off; so does a machine without a C compiler (`native.load`).
"""

from __future__ import annotations

import ctypes
import functools
import os
from collections.abc import Sequence
from pathlib import Path

import torch

from reflow.ops import native
from reflow.ops.native import ending
from reflow.ops.native.ending import NOTHING, Ending

_SOURCE = Path(__file__).with_name("winograd.c")
WINDOWS = ((3, 3), (5, 5))
# Channels are worked on in groups of so many.
_LANES = 16
# By window: points and places of a tile of the result along a dimension, in the forward pass and for gradients.
_FORWARD = {3: (6, 4), 5: (6, 2)}
_GRADIENTS = {3: (6, 4), 5: (8, 4)}
# Fewer pixels than these do not pay for the filter's transform, or for reading the larger filter that was transformed
# before; measured on 2 cores with 32 to 512 channels.
_LEAST_PIXELS = {3: 400, 5: 150}
_LEAST_PIXELS_TRANSFORMED = {3: 100, 5: 40}
# Tiles that one thread works on together: once, or four times, the rows that a product keeps in registers.
_BLOCK, _COLUMNS_BLOCK, _GRADIENT_BLOCK = 14, 56, 56
# Channels of the result that a thread makes at a time where threads divide these; at most.
_COLUMNS = 32
# Up to so many numbers a thread has its own copy of the transformed filter's gradient.
_LARGEST_COPY = 1 << 20
# So many transformed numbers stay in the last cache, and so many almost do.
_CACHED_NUMBERS, _SHARED_NUMBERS = 4 << 20, 8 << 20

# How a filter comes: as in the program; to be turned by half a turn, its input's and output's channels exchanged, for a
# gradient; or transformed.
_PLAIN, _TURNED, _TRANSFORMED = 0, 1, 2

_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Problem(ctypes.Structure):
    _fields_ = [(name, _I64) for name in
                ("batch", "height", "width", "depth", "out_height", "out_width", "out_depth", "pad_top", "pad_left",
                 "points", "tile", "block", "threads")]  # fmt: skip


@functools.cache
def load() -> ctypes.CDLL | None:
    """The library of `winograd.c`, or None where it cannot be had or is turned off."""
    if os.environ.get("REFLOW_WINOGRAD") == "0":
        return None
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    problem = ctypes.POINTER(_Problem)
    library.reflow_winograd_filter.argtypes = [problem, _POINTER, _I64, _POINTER]
    library.reflow_winograd_convolve.argtypes = [problem, _POINTER, _POINTER, _POINTER, ending.POINTER]
    library.reflow_winograd_filter_gradient.argtypes = [problem, _POINTER, _POINTER, _I64, *[_POINTER] * 3]
    library.reflow_winograd_large_filter_gradient.argtypes = [problem, *[_POINTER] * 5]
    library.reflow_winograd_convolve_by_columns.argtypes = [problem, _POINTER, _POINTER, _I64, _POINTER, ending.POINTER]
    for name in ("filter", "convolve", "convolve_by_columns", "filter_gradient", "large_filter_gradient"):
        getattr(library, f"reflow_winograd_{name}").restype = None
    # A window whose only weight is in its middle copies the image.
    image = torch.arange(7 * 5 * _LANES, dtype=torch.float32).reshape(1, 7, 5, _LANES).remainder_(23)
    for size, shape in *_FORWARD.items(), *_GRADIENTS.items():
        window = torch.zeros(size, size, _LANES, _LANES)
        window[size // 2, size // 2] = torch.eye(_LANES)
        pads = (size // 2, size // 2)
        result, _ = _convolve(library, image, window, _PLAIN, NOTHING, pads, (7, 5), *shape)
        if not torch.allclose(result, image, atol=1e-4):
            raise RuntimeError("it fails the known-answer test")


def suits(window: Sequence[int], strides: Sequence[int], dilations: Sequence[int], depth: int, out_depth: int) -> bool:
    """Whether a convolution is of the kind that these functions take.

    Args:
        window: the window's height and width.
        strides, dilations: two numbers each.
        depth, out_depth: channels of the image and of the result; the image has as many as the filter takes.
    """
    return (
        tuple(window) in WINDOWS and not depth % _LANES and not out_depth % _LANES and depth > 0 and out_depth > 0
        and max(strides) == 1 and max(dilations) == 1
    )  # fmt: skip


def pays(batch: int, height: int, width: int, window: int, is_transformed: bool = False) -> bool:
    """Whether the result, of batch * height * width pixels, is large enough for the transforms to pay.

    Args:
        batch, height, width: of the result.
        window: the window's height.
        is_transformed: whether the filter comes transformed.
    """
    least = _LEAST_PIXELS_TRANSFORMED if is_transformed else _LEAST_PIXELS
    tile = _FORWARD[window][1]
    places = -(-height // tile) * -(-width // tile) * tile * tile
    # Half of the places of the tiles, at least, have to be inside of the image.
    return batch * height * width >= least[window] and 2 * height * width >= places


def convolve(
    images: torch.Tensor, filter: torch.Tensor, ending: Ending, pads: tuple[int, int], out_sizes: tuple[int, int]
) -> tuple[torch.Tensor, torch.Tensor | None]:  # fmt: skip
    """Convolves images.

    Args:
        images: float32 [batch, height, width, depth].
        filter: float32 [window, window, depth, out_depth].
        ending: what follows.
        pads: rows of zeros above the images, and columns left of them.
        out_sizes: height and width of the sums.

    Returns:
        What `ending` makes of the sums, float32 [batch, *out_sizes, out_depth], and the places of maxima or None.
    """
    return _convolve(load(), images, filter, _PLAIN, ending, pads, out_sizes, *_FORWARD[filter.shape[0]])


def transformed(filter: torch.Tensor) -> torch.Tensor:
    """The transform of a filter [window, window, depth, out_depth]: [positions, out_depth / 16, depth, 16]."""
    return _transformed(load(), filter, _PLAIN, *_FORWARD[filter.shape[0]])


def convolve_transformed(
    images: torch.Tensor, filter: torch.Tensor, window: int, ending: Ending, pads: tuple[int, int],
    out_sizes: tuple[int, int],
) -> tuple[torch.Tensor, torch.Tensor | None]:  # fmt: skip
    """`convolve` with a filter that `transformed` made; its window was `window` high."""
    return _convolve(load(), images, filter, _TRANSFORMED, ending, pads, out_sizes, *_FORWARD[window])


def input_gradient(
    filter: torch.Tensor, gradients: torch.Tensor, pads: tuple[int, int], sizes: tuple[int, int]
) -> torch.Tensor:
    """The gradient of `convolve` by the images, of height and width `sizes`, from that by its result."""
    window = filter.shape[0]
    pads = (window - 1 - pads[0], window - 1 - pads[1])
    return _convolve(load(), gradients, filter, _TURNED, NOTHING, pads, sizes, *_GRADIENTS[window])[0]


def filter_gradient(images: torch.Tensor, gradients: torch.Tensor, pads: tuple[int, int], window: int) -> torch.Tensor:
    """The gradient of `convolve` by the filter, [window, window, depth, out_depth], from that by its result."""
    library = load()
    threads = torch.get_num_threads()
    points, tile = _GRADIENTS[window]
    problem = _Problem(*images.shape, *gradients.shape[1:], *pads, points, tile, 0, threads)
    positions, tiles = points * points, _tiles(problem)
    channels, pairs = problem.depth + problem.out_depth, problem.depth * problem.out_depth
    result = images.new_empty(window, window, problem.depth, problem.out_depth)
    if positions * pairs <= _LARGEST_COPY:
        parts = min(threads, tiles)
        problem.block = min(_GRADIENT_BLOCK, -(-tiles // parts))
        scratch = images.new_empty(parts * positions * problem.block * channels)
        sums = images.new_empty(parts * positions * pairs)
        library.reflow_winograd_filter_gradient(
            problem, images.data_ptr(), gradients.data_ptr(), parts, scratch.data_ptr(), sums.data_ptr(),
            result.data_ptr(),
        )  # fmt: skip
        return result
    problem.block = min(tiles, max(_GRADIENT_BLOCK, _SHARED_NUMBERS // (positions * channels)))
    scratch = images.new_empty(positions * problem.block * channels)
    sums = images.new_empty(positions * pairs if problem.block < tiles else 0)
    library.reflow_winograd_large_filter_gradient(
        problem, images.data_ptr(), gradients.data_ptr(), scratch.data_ptr(), sums.data_ptr(), result.data_ptr()
    )
    return result


def _transformed(library, filter, kind, points, tile) -> torch.Tensor:
    depth, out_depth = filter.shape[3:1:-1] if kind == _TURNED else filter.shape[2:]
    problem = _Problem(depth=depth, out_depth=out_depth, points=points, tile=tile, threads=torch.get_num_threads())
    result = filter.new_empty(points * points, out_depth // _LANES, depth, _LANES)
    library.reflow_winograd_filter(problem, filter.data_ptr(), kind, result.data_ptr())
    return result


def _convolve(library, images, filter, kind, ending, pads, out_sizes, points, tile):
    threads, depth = torch.get_num_threads(), images.shape[3]
    out_depth = filter.shape[1] * _LANES if kind == _TRANSFORMED else filter.shape[2 if kind == _TURNED else 3]
    problem = _Problem(*images.shape, *out_sizes, out_depth, *pads, points, tile, 0, threads)
    positions, tiles = points * points, _tiles(problem)
    outputs = ending.outputs(images, out_sizes, out_depth)
    fields = ending.fields(*outputs)
    # Threads divide the tiles, and each reads all of the filter; or they divide the filter's columns, and each reads
    # all of the images. The larger of the two is to be read once, and the other should stay in the last cache.
    is_filter_larger = tiles <= out_depth and positions * tiles * depth <= _CACHED_NUMBERS
    if is_filter_larger and out_depth >= threads * _COLUMNS:
        problem.block = min(_COLUMNS_BLOCK, tiles)
        scratch = images.new_empty(positions * (tiles * depth + threads * (depth + problem.block) * _COLUMNS))
        library.reflow_winograd_convolve_by_columns(
            problem, images.data_ptr(), filter.data_ptr(), kind, scratch.data_ptr(), fields
        )
        return outputs
    problem.block = min(_BLOCK, -(-tiles // threads))
    if kind != _TRANSFORMED:
        filter = _transformed(library, filter, kind, points, tile)
    scratch = images.new_empty(threads * positions * problem.block * (depth + out_depth))
    library.reflow_winograd_convolve(problem, images.data_ptr(), filter.data_ptr(), scratch.data_ptr(), fields)
    return outputs


def _tiles(problem: _Problem) -> int:
    return problem.batch * -(-problem.out_height // problem.tile) * -(-problem.out_width // problem.tile)
