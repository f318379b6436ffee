"""Loads the C version of Philox blocks and of what consumes most of them: `philox.c`.

Where ``load`` returns None the callers take their NumPy path, which gives the same bits (normal numbers: to a few
units in the last place).
"""

from __future__ import annotations

import ctypes
from pathlib import Path

from reflow.ops import native
from reflow.ops.native.kernel import declare

_SOURCE = Path(__file__).with_name("philox.c")
# The published test vector of Philox 4x32-10 for an all-zero key and counter (Random123, kat_vectors).
_KNOWN_BLOCK = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)


def load() -> ctypes.CDLL | None:
    """Returns the library of `philox.c`, built if need be, or None where it cannot be had."""
    return native.load(_SOURCE, _prepare)


def _prepare(library: ctypes.CDLL) -> None:
    u64, i64, pointer = ctypes.c_uint64, ctypes.c_int64, ctypes.c_void_p
    library.reflow_philox_blocks.argtypes = [u64, u64, u64, u64, pointer, i64, pointer]
    library.reflow_philox_blocks.restype = None
    library.reflow_philox_normals.argtypes = [u64, u64, u64, i64, pointer]
    library.reflow_philox_normals.restype = None
    library.reflow_philox_truncated_normals.argtypes = [u64, u64, u64, u64, i64, pointer]
    library.reflow_philox_truncated_normals.restype = None
    library.reflow_philox_shuffle.argtypes = [pointer, i64, pointer]
    library.reflow_philox_shuffle.restype = None
    declare(library.reflow_random_uniform, 6)
    declare(library.reflow_random_normal, 6)
    declare(library.reflow_random_shuffle, 8)
    block = (ctypes.c_uint32 * 4)()
    library.reflow_philox_blocks(0, 0, 0, 1, None, 1, block)
    if tuple(block) != _KNOWN_BLOCK:
        raise RuntimeError("it fails the known-answer test")
