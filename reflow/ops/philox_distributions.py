"""Uniform and normal numbers with TensorFlow's values, on the streams of `philox.py`.

Every function takes the op's `PhiloxState`, reserves what TensorFlow reserves, and returns a `torch.Tensor`. The same
functions serve the three kinds of ops: seeded by attributes (``RandomUniform``), by an input
(``StatelessRandomUniform``, with ``PhiloxState.from_stateless_seed``) and by a variable (``StatefulUniform``, with
``PhiloxState.from_counter``).

Uniform numbers have TensorFlow's bits. Normal numbers come from the same bits through the logarithm, sine and cosine of
`philox.c` or NumPy, which differ from those of the C library by a few units in the last place (below 1e-6).
"""

from __future__ import annotations

import functools
import math
from collections.abc import Callable, Sequence

import numpy as np
import torch

from reflow.graph.errors import InvalidArgumentError
from reflow.ops.philox import (
    BLOCKS_PER_OUTPUT,
    PhiloxState,
    blocks,
    blocks_at,
    native_normals,
    native_truncated_normals,
)

# Blocks worked on at a time: the words and their transforms stay in a core's cache.
_CHUNK = 8192
_TRUNCATION = 2.0
# Up to this many groups it is faster to draw two blocks for all of them than to look for those that need a second one.
_FEW_GROUPS = 256
# Normal numbers nearer than this to the truncation bound are computed again, more exactly: whether they are accepted
# decides about every later number of their group.
_BORDERLINE = 1e-6
_SMALLEST_UNIFORM = 1e-7  # a smaller one would make the logarithm of the Box-Muller transform too large

Function = Callable[[np.ndarray], np.ndarray]
Truncated = Callable[[np.ndarray], tuple[np.ndarray, np.ndarray]]


def uniform(state: PhiloxState, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Uniform numbers in [0, 1).

    Args:
        state: the op's stream.
        shape: shape of the result.
        dtype: float16, bfloat16, float32 or float64.

    Returns:
        Tensor of that shape and dtype: random mantissa bits behind a fixed exponent, minus one.
    """
    return _fill(state, shape, dtype, _UNIFORM_DECODERS[dtype])


def uniform_int(state: PhiloxState, shape: Sequence[int], minval: int, maxval: int, dtype: torch.dtype) -> torch.Tensor:
    """Integers in [minval, maxval), with TensorFlow's slight bias: the random bits modulo the size of the range.

    Args:
        state: the op's stream.
        shape: shape of the result.
        minval: smallest possible value.
        maxval: smallest value above the range.
        dtype: int32 or int64.

    Returns:
        Tensor of that shape and dtype.

    Raises:
        ValueError: minval is not below maxval.
    """
    if minval >= maxval:
        raise ValueError(f"Need minval < maxval, got {minval} >= {maxval}")
    unsigned = np.uint64 if dtype is torch.int64 else np.uint32
    modulus = unsigned(maxval - minval)
    lowest = unsigned(minval % (1 << unsigned().itemsize * 8))

    def decode(words: np.ndarray) -> np.ndarray:
        bits = words_to_bits(words, unsigned)
        # NumPy has a fast division by a scalar, but no fast remainder.
        return bits - bits // modulus * modulus + lowest

    return _fill(state, shape, dtype, decode)


def uniform_full_int(state: PhiloxState, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Integers over the whole range of their type.

    Args:
        state: the op's stream.
        shape: shape of the result.
        dtype: int32, uint32, int64 or uint64.

    Returns:
        Tensor of that shape and dtype.
    """
    unsigned = np.uint32 if dtype.itemsize == 4 else np.uint64
    return _fill(state, shape, dtype, lambda words: words_to_bits(words, unsigned))


def standard_normal(state: PhiloxState, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Normal numbers of mean 0 and standard deviation 1, from the Box-Muller transform of pairs of uniform ones.

    Args:
        state: the op's stream.
        shape: shape of the result.
        dtype: float16, bfloat16, float32 or float64; the first two are rounded from float32.

    Returns:
        Tensor of that shape and dtype.
    """
    if dtype is torch.float64:
        return _fill(state, shape, dtype, normals_64)
    count = _count(shape)
    start = state.reserve_outputs(count)
    values = native_normals(state.key, start, -(-count // 4))
    if values is None:
        values = _decoded_blocks(state.key, start, -(-count // 4), normals_32)
    return _to_tensor(values, count, shape, dtype)


def truncated_normal(state: PhiloxState, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    """Normal numbers of mean 0 and standard deviation 1; those outside (-2, 2) are dropped and drawn again.

    Outputs come in groups of as many as a block yields. A group owns a part of the stream and takes from its beginning
    the first numbers that are inside.

    Args:
        state: the op's stream.
        shape: shape of the result.
        dtype: float16, bfloat16, float32 or float64; the first two are rounded from float32.

    Returns:
        Tensor of that shape and dtype.
    """
    count = _count(shape)
    start = state.reserve_outputs(count)
    wide = dtype is torch.float64
    group_size = 2 if wide else 4
    n_groups = -(-count // group_size)
    stride = group_size * BLOCKS_PER_OUTPUT // 4
    values = None if wide else native_truncated_normals(state.key, start, stride, n_groups)
    if values is None:
        draw = _normals_64_inside if wide else _normals_32_inside

        def make(first: int, n_groups: int) -> np.ndarray:
            offsets = np.arange(first, first + n_groups, dtype=np.uint64) * np.uint64(stride)
            return _truncated_groups(state.key, start, offsets, group_size, draw)

        values = _in_chunks(make, n_groups)
    return _to_tensor(values, count, shape, dtype)


def _truncated_groups(key: int, counter: int, offsets: np.ndarray, group_size: int, draw: Truncated) -> np.ndarray:
    """Returns [n, group_size] numbers inside the bounds; group i draws from the counter at `offsets`[i] onwards."""
    if len(offsets) <= _FEW_GROUPS:
        return _first_inside(key, counter, offsets, group_size, draw)
    values, inside = draw(blocks_at(key, counter, offsets))
    rows = np.flatnonzero((~inside).view(f"u{group_size}"))  # the flags of a group read as one number
    if len(rows):
        values[rows] = _first_inside(key, counter, offsets[rows], group_size, draw)
    return values


def _first_inside(key: int, counter: int, offsets: np.ndarray, group_size: int, draw: Truncated) -> np.ndarray:
    n_blocks = 2
    while True:
        block_offsets = np.repeat(offsets, n_blocks)
        for index in range(1, n_blocks):
            block_offsets[index::n_blocks] += np.uint64(index)
        values, inside = draw(blocks_at(key, counter, block_offsets))
        inside = inside.reshape(len(offsets), n_blocks * group_size)
        # Rows are short, and NumPy's counting along an axis is slow for such.
        counts = np.einsum("ij->i", inside.view(np.uint8), dtype=np.intp)
        if (counts >= group_size).all():
            break
        n_blocks *= 2  # rare: one group in 100,000 needs a third block
    starts = np.cumsum(counts) - counts
    return values.reshape(inside.shape)[inside][starts + np.arange(group_size)[:, None]].T


def _normals_32_inside(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Returns normal numbers and which of them are inside the bounds."""
    values = normals_32(words)
    excess = np.abs(values)
    excess -= np.float32(_TRUNCATION)
    near = np.flatnonzero(np.abs(excess) < _BORDERLINE)
    if len(near):
        pairs = near // 2
        exact = normals_32(words.reshape(-1, 2)[pairs], accurate=True)
        values.reshape(-1, 2)[pairs] = exact
        excess.reshape(-1, 2)[pairs] = np.abs(exact) - np.float32(_TRUNCATION)
    return values, excess < 0


def _normals_64_inside(words: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    values = normals_64(words)
    return values, np.abs(values) < _TRUNCATION


def _fill(state: PhiloxState, shape: Sequence[int], dtype: torch.dtype, decode: Function) -> torch.Tensor:
    """Returns a tensor of the outputs that `decode` makes of the blocks in sequence."""
    count = _count(shape)
    start = state.reserve_outputs(count)
    group_size = 2 if dtype.itemsize == 8 else 4
    return _to_tensor(_decoded_blocks(state.key, start, -(-count // group_size), decode), count, shape, dtype)


def _count(shape: Sequence[int]) -> int:
    """How many elements a tensor of this shape has; raises InvalidArgumentError for a negative size."""
    if shape and min(shape) < 0:
        wrong = next(size for size in shape if size < 0)
        raise InvalidArgumentError(None, None, f"Dimension {wrong} must be >= 0")
    return math.prod(shape)


def _decoded_blocks(key: int, counter: int, n_blocks: int, decode: Function) -> np.ndarray:
    return _in_chunks(lambda first, count: decode(blocks(key, counter + first, count)), n_blocks)


def _in_chunks(make: Callable[[int, int], np.ndarray], n_rows: int) -> np.ndarray:
    """Returns the rows that `make(first, count)` returns, asked for in pieces that fit a core's cache."""
    piece = make(0, min(n_rows, _CHUNK))
    if len(piece) == n_rows:
        return piece
    out = np.empty((n_rows, *piece.shape[1:]), piece.dtype)
    out[: len(piece)] = piece
    for first in range(len(piece), n_rows, _CHUNK):
        rows = out[first : first + _CHUNK]
        rows[:] = make(first, len(rows))
    return out


def _to_tensor(values: np.ndarray, count: int, shape: Sequence[int], dtype: torch.dtype) -> torch.Tensor:
    tensor = torch.from_numpy(values.reshape(-1)[:count].reshape(shape))
    if tensor.dtype is dtype:
        return tensor
    return tensor.to(dtype) if dtype.is_floating_point else tensor.view(dtype)


def words_to_bits(words: np.ndarray, unsigned: type[np.unsignedinteger]) -> np.ndarray:
    """Returns the words as they are, or joined to 64 bits, the first word of each pair low."""
    if unsigned is np.uint32:
        return words
    return words[..., 0::2] | words[..., 1::2].astype(np.uint64) << np.uint64(32)


def uniforms_32(words: np.ndarray) -> np.ndarray:
    """Returns float32 numbers in [0, 1), one for each word."""
    bits = words & np.uint32(0x7FFFFF)
    bits |= np.uint32(0x3F800000)
    values = bits.view(np.float32)
    values -= np.float32(1)
    return values


def uniforms_64(words: np.ndarray) -> np.ndarray:
    """Returns float64 numbers in [0, 1), one for each two words of the last axis, the first word high."""
    bits = (words[..., 0::2] & np.uint32(0xFFFFF)).astype(np.uint64) << np.uint64(32) | words[..., 1::2]
    bits |= np.uint64(0x3FF0000000000000)
    values = bits.view(np.float64)
    values -= 1
    return values


def uniforms_16(words: np.ndarray, mantissa_bits: int = 10) -> np.ndarray:
    """Returns float32 numbers in [0, 1), one for each word, that this many bits of mantissa hold exactly."""
    return (words & np.uint32((1 << mantissa_bits) - 1)).astype(np.float32) * np.float32(2.0**-mantissa_bits)


_UNIFORM_DECODERS: dict[torch.dtype, Function] = {
    torch.float16: uniforms_16,
    torch.bfloat16: functools.partial(uniforms_16, mantissa_bits=7),
    torch.float32: uniforms_32,
    torch.float64: uniforms_64,
}


def normals_32(words: np.ndarray, accurate: bool = False) -> np.ndarray:
    """Returns float32 normal numbers, one for each word, by the Box-Muller transform.

    Args:
        words: uint32 array with an even number of words.
        accurate: compute the transcendental functions in double precision and round their results, as C libraries do.

    Returns:
        float32 array of the shape of `words`.
    """
    log, sin, cos = (map(_rounded, (np.log, np.sin, np.cos))) if accurate else (np.log, np.sin, np.cos)
    values = uniforms_32(words)
    pairs = values.reshape(-1, 2)
    radius = log(np.maximum(pairs[:, 0], np.float32(_SMALLEST_UNIFORM)))
    radius *= np.float32(-2)
    np.sqrt(radius, out=radius)
    # TensorFlow multiplies by 2 pi in double precision and rounds the product.
    product = pairs[:, 1].astype(np.float64)
    product *= 2 * math.pi
    angle = product.astype(np.float32)
    np.multiply(sin(angle), radius, out=pairs[:, 0])
    np.multiply(cos(angle), radius, out=pairs[:, 1])
    return values


def normals_64(words: np.ndarray) -> np.ndarray:
    """Returns float64 normal numbers, one for each two words of the last axis, by the Box-Muller transform.

    Args:
        words: uint32 array whose last axis is a multiple of four.

    Returns:
        float64 array whose last axis is half as long.
    """
    values = uniforms_64(words)
    pairs = values.reshape(-1, 2)
    radius = np.sqrt(-2 * np.log(np.maximum(pairs[:, 0], _SMALLEST_UNIFORM)))
    angle = pairs[:, 1] * (2 * math.pi)
    np.multiply(np.sin(angle), radius, out=pairs[:, 0])
    np.multiply(np.cos(angle), radius, out=pairs[:, 1])
    return values


def _rounded(function: Function) -> Function:
    return lambda values: function(values.astype(np.float64)).astype(np.float32)
