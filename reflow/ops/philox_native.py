"""Builds and loads the C version of Philox blocks and normal numbers, where the machine has a C compiler.

The shared library is compiled once, on first use, into the user's cache folder
(``$XDG_CACHE_HOME/reflow/native``); its name carries a hash of everything that decides its content. Without a
compiler, without a writable cache, or with ``REFLOW_NATIVE=0`` in the environment, ``load`` returns None and the
callers take their NumPy path, which gives the same bits (normal numbers: to a few units in the last place).
"""

from __future__ import annotations

import ctypes
import functools
import hashlib
import logging
import os
import platform
import shutil
import subprocess
import tempfile
from pathlib import Path

_LOG = logging.getLogger(__name__)
_SOURCE = Path(__file__).with_name("philox_kernel.c")
# The last two let a loop with a square root or a choice between two numbers become vector instructions.
_FLAGS = ("-O3", "-march=native", "-shared", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
_COMPILE_TIMEOUT_S = 60
# The published test vector of Philox 4x32-10 for an all-zero key and counter (Random123, kat_vectors).
_KNOWN_BLOCK = (0x6627E8D5, 0xE169C58D, 0xBC57AC4C, 0x9B00DBD8)


@functools.cache
def load() -> ctypes.CDLL | None:
    """Returns the library of `philox_kernel.c`, built if need be, or None where it cannot be had."""
    if os.environ.get("REFLOW_NATIVE") == "0":
        return None
    try:
        return _open(_build())
    except (OSError, subprocess.SubprocessError, RuntimeError) as error:
        _LOG.info("random numbers are generated with NumPy: %s", error)
        return None


def _build() -> Path:
    compiler = shutil.which(os.environ.get("CC", "cc"))
    if compiler is None:
        raise RuntimeError("no C compiler found")
    content = _SOURCE.read_bytes()
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reflow" / "native"
    identity = b"\0".join([content, " ".join(_FLAGS).encode(), compiler.encode(), _cpu_identity()])
    library = folder / f"philox-{hashlib.sha256(identity).hexdigest()[:16]}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _compile(compiler, library)
    return library


def _compile(compiler: str, library: Path) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        built = Path(folder) / library.name
        subprocess.run(
            [compiler, *_FLAGS, "-o", str(built), str(_SOURCE), "-lm"],
            check=True,
            capture_output=True,
            timeout=_COMPILE_TIMEOUT_S,
        )
        os.replace(built, library)  # atomic: another process sees the whole file or none


def _cpu_identity() -> bytes:
    """What ``-march=native`` depends on: a cache folder may be shared by machines with different processors."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            flags = next((line for line in file if line.startswith((b"flags", b"Features"))), b"")
    except OSError:
        flags = b""
    return b" ".join([platform.system().encode(), platform.machine().encode(), platform.processor().encode(), flags])


def _open(path: Path) -> ctypes.CDLL:
    library = ctypes.CDLL(str(path))
    u64, i64, pointer = ctypes.c_uint64, ctypes.c_int64, ctypes.c_void_p
    library.reflow_philox_blocks.argtypes = [u64, u64, u64, u64, pointer, i64, pointer]
    library.reflow_philox_blocks.restype = None
    library.reflow_philox_normals.argtypes = [u64, u64, u64, i64, pointer]
    library.reflow_philox_normals.restype = None
    library.reflow_philox_truncated_normals.argtypes = [u64, u64, u64, u64, i64, pointer]
    library.reflow_philox_truncated_normals.restype = None
    library.reflow_philox_shuffle.argtypes = [pointer, i64, pointer]
    library.reflow_philox_shuffle.restype = None
    block = (ctypes.c_uint32 * 4)()
    library.reflow_philox_blocks(0, 0, 0, 1, None, 1, block)
    if tuple(block) != _KNOWN_BLOCK:
        raise RuntimeError(f"{path} fails the known-answer test")
    return library
