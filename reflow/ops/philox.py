"""TensorFlow's random bits: Philox 4x32-10 streams and the generator state that an op owns.

A stream has a 64-bit key and a 128-bit counter; the block of counter value c is four 32-bit words that depend on the
key and on c alone. An op with the attributes ``seed`` and ``seed2`` has the key ``seed``; it starts at the counter
whose upper half is ``seed2`` and whose lower half is zero. Every run of the op reserves the blocks it may need, so the
next run goes on behind them. ``docs/random.md`` describes the layout of each distribution.

Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
"""

from __future__ import annotations

import secrets
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from reflow.ops.native import philox as philox_native

# TensorFlow reserves this many blocks for each output element, far more than nearly every element needs.
BLOCKS_PER_OUTPUT = 256
# Some ops with parameters for each row cut their output into rows of this size where the parameters are scalars.
BATCH_OF_SCALAR_PARAMETERS = 100

_MASK_32 = (1 << 32) - 1
_MASK_64 = (1 << 64) - 1
_MASK_128 = (1 << 128) - 1
_ROUNDS = 10
_MULTIPLIER_0 = np.uint64(0xD2511F53)
_MULTIPLIER_1 = np.uint64(0xCD9E8D57)
_KEY_STEP_0 = 0x9E3779B9
_KEY_STEP_1 = 0xBB67AE85
_LOW_WORD = np.uint64(_MASK_32)
_WORD_BITS = np.uint64(32)
# Blocks that the NumPy path works on at a time: six arrays of 64-bit words stay in a core's cache.
_CHUNK = 8192
# The key under which the stateless ops encrypt their seed.
_STATELESS_KEY = 0x02461E293EC8F720


class PhiloxState:
    """The random stream of one op: a key, and a counter that every run moves on. Safe to use from many threads."""

    __slots__ = ("_counter", "_lock", "key")

    def __init__(self, seed: int, seed2: int) -> None:
        """Starts the stream of an op.

        Args:
            seed: the op's attribute ``seed``, a signed 64-bit integer; becomes the key.
            seed2: the op's attribute ``seed2``, a signed 64-bit integer; becomes the upper half of the counter. If both
                are zero the stream is seeded by the operating system, differently in every process.
        """
        if seed == 0 and seed2 == 0:
            seed, seed2 = secrets.randbits(64), secrets.randbits(64)
        self._set(seed, seed2 << 64)

    @classmethod
    def from_counter(cls, key: int, counter: int) -> PhiloxState:
        """Returns a state with this 64-bit key and 128-bit counter, what ``tf.random.experimental.Generator`` keeps."""
        state = cls.__new__(cls)
        state._set(key, counter)
        return state

    @classmethod
    def from_stateless_seed(cls, seed: Sequence[int]) -> PhiloxState:
        """Returns the state a ``Stateless...`` op draws from.

        Args:
            seed: the op's input ``seed``, two int32 or int64 values. They are encrypted, so that seeds which differ in
                a single bit start unrelated streams.
        """
        seed0, seed1 = (int(value) & _MASK_64 for value in seed)
        mixed = blocks(_STATELESS_KEY, seed1 << 64 | seed0, 1)[0].tolist()
        return cls.from_counter(mixed[1] << 32 | mixed[0], mixed[3] << 96 | mixed[2] << 64)

    def _set(self, key: int, counter: int) -> None:
        self.key = key & _MASK_64
        self._counter = counter & _MASK_128
        self._lock = threading.Lock()

    @property
    def counter(self) -> int:
        """The 128-bit counter at which the next run starts."""
        return self._counter

    def reserve(self, n_blocks: int) -> int:
        """Takes the next `n_blocks` blocks for the caller alone and returns the counter of the first."""
        with self._lock:
            start = self._counter
            self._counter = (start + n_blocks) & _MASK_128
        return start

    def reserve_outputs(self, n_outputs: int) -> int:
        """Takes as many blocks as TensorFlow does for `n_outputs` elements and returns the counter of the first."""
        return self.reserve(n_outputs * BLOCKS_PER_OUTPUT)


def blocks(key: int, counter: int, count: int, stride: int = 1) -> np.ndarray:
    """Generates blocks at evenly spaced counters.

    Args:
        key: 64-bit key.
        counter: 128-bit counter of the first block.
        count: number of blocks.
        stride: distance of the counters of neighbouring blocks.

    Returns:
        uint32 array [count, 4].
    """
    out = np.empty((count, 4), np.uint32)
    library = philox_native.load()
    if library is not None:
        library.reflow_philox_blocks(
            key, counter & _MASK_64, counter >> 64, stride, None, count, out.__array_interface__["data"][0]
        )
        return out
    for first in range(0, count, _CHUNK):
        part = out[first : first + _CHUNK]
        offsets = np.arange(first * stride, (first + len(part)) * stride, stride, dtype=np.uint64)
        _encrypt_into(part, key, counter, offsets)
    return out


def blocks_at(key: int, counter: int, offsets: np.ndarray) -> np.ndarray:
    """Generates blocks at any counters.

    Args:
        key: 64-bit key.
        counter: 128-bit counter of offset 0.
        offsets: uint64 array [n], the distance of each block's counter from `counter`.

    Returns:
        uint32 array [n, 4].
    """
    offsets = np.ascontiguousarray(offsets, np.uint64)
    out = np.empty((len(offsets), 4), np.uint32)
    library = philox_native.load()
    if library is not None:
        data = offsets.__array_interface__["data"][0], len(offsets), out.__array_interface__["data"][0]
        library.reflow_philox_blocks(key, counter & _MASK_64, counter >> 64, 0, *data)
        return out
    for first in range(0, len(offsets), _CHUNK):
        _encrypt_into(out[first : first + _CHUNK], key, counter, offsets[first : first + _CHUNK])
    return out


def native_normals(key: int, counter: int, count: int) -> np.ndarray | None:
    """Generates blocks of four float32 normal numbers at successive counters.

    Args:
        key: 64-bit key.
        counter: 128-bit counter of the first block.
        count: number of blocks.

    Returns:
        float32 array [count, 4], or None where there is no C compiler.
    """
    library = philox_native.load()
    if library is None:
        return None
    out = np.empty((count, 4), np.float32)
    library.reflow_philox_normals(key, counter & _MASK_64, counter >> 64, count, out.__array_interface__["data"][0])
    return out


def native_truncated_normals(key: int, counter: int, stride: int, count: int) -> np.ndarray | None:
    """Generates groups of four float32 normal numbers inside (-2, 2), each the first ones of a part of the stream.

    Args:
        key: 64-bit key.
        counter: 128-bit counter at which the first group's part begins.
        stride: distance of the counters at which neighbouring groups' parts begin.
        count: number of groups.

    Returns:
        float32 array [count, 4], or None where there is no C compiler.
    """
    library = philox_native.load()
    if library is None:
        return None
    out = np.empty((count, 4), np.float32)
    pointer = out.__array_interface__["data"][0]
    library.reflow_philox_truncated_normals(key, counter & _MASK_64, counter >> 64, stride, count, pointer)
    return out


def shuffled_indices(words: np.ndarray, count: int) -> np.ndarray:
    """Shuffles 0 .. count - 1 the way ``RandomShuffle`` does: item i changes places with i + words[i] mod (count - i).

    Args:
        words: uint32 array [at least count - 1], contiguous.
        count: number of items.

    Returns:
        int64 array [count], the index in the input of each item of the output.
    """
    indices = np.arange(count)
    library = philox_native.load()
    if library is not None:
        library.reflow_philox_shuffle(
            indices.__array_interface__["data"][0], count, words.__array_interface__["data"][0]
        )
        return indices
    last = max(count - 1, 0)
    others = np.arange(last) + words[:last] % np.arange(count, count - last, -1, dtype=np.uint32)
    items = indices.tolist()
    for index, other in enumerate(others.tolist()):
        items[index], items[other] = items[other], items[index]
    return np.array(items, dtype=np.int64)


def _encrypt_into(out: np.ndarray, key: int, counter: int, offsets: np.ndarray) -> None:
    """Writes the blocks of `counter` + `offsets` to `out`. Each of the four words has a uint64 array of its own."""
    low = offsets + np.uint64(counter & _MASK_64)
    high = np.uint64(counter >> 64) + (low < offsets)
    a, b, c, d = low & _LOW_WORD, low >> _WORD_BITS, high & _LOW_WORD, high >> _WORD_BITS
    for key_0, key_1 in _round_keys(key):
        p, q = a * _MULTIPLIER_0, c * _MULTIPLIER_1
        a = (q >> _WORD_BITS) ^ b ^ key_0
        b = q & _LOW_WORD
        c = (p >> _WORD_BITS) ^ d ^ key_1
        d = p & _LOW_WORD
    for word, values in enumerate((a, b, c, d)):
        out[:, word] = values


def _round_keys(key: int) -> Iterator[tuple[np.uint64, np.uint64]]:
    for index in range(_ROUNDS):
        yield (
            np.uint64((key + index * _KEY_STEP_0) & _MASK_32),
            np.uint64(((key >> 32) + index * _KEY_STEP_1) & _MASK_32),
        )
