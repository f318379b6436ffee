"""Builds and loads the C kernels of this package, where the machine has a C compiler.

A source becomes a shared library on first use, in the user's cache folder (``$XDG_CACHE_HOME/reflow/native``); the
library's name carries a hash of everything that decides its content. Without a compiler, without a writable cache, or
with ``REFLOW_NATIVE=0`` in the environment, ``load`` returns None and the callers take a path of PyTorch or NumPy.

A kernel may use OpenMP. Its threads have to be those of PyTorch: two pools on the same cores would wait for each other.
So the library is compiled with ``-fopenmp`` but linked without, and finds the OpenMP runtime that PyTorch's wheel
brings in the process. Where there is none, the kernel is built for one thread. A kernel takes the number of threads as
an argument, for which callers pass ``torch.get_num_threads()`` or 1: any other number would make the runtime end and
start threads of the pool.
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
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import torch

_LOG = logging.getLogger(__name__)
# A loop over fewer numbers is done before a second thread has begun.
PARALLEL = 1 << 15
# The last two let a loop with a square root or a choice between two numbers become vector instructions.
_FLAGS = ("-O3", "-march=native", "-fPIC", "-fno-math-errno", "-fno-trapping-math")
_OPENMP = "-fopenmp"
_COMPILE_TIMEOUT_S = 60
# By language, the variable of the environment that names the compiler, and the one that is taken else.
_COMPILERS = {"c": ("CC", "cc"), "c++": ("CXX", "c++")}


@functools.cache
def load(source: Path, prepare: Callable[[ctypes.CDLL], None]) -> ctypes.CDLL | None:
    """Returns the library of a C source, built if need be, or None where it cannot be had.

    Args:
        source: the C file. It may include the headers beside it.
        prepare: declares the functions of the library and tests them against known answers. It raises
            RuntimeError where an answer is wrong.

    Returns:
        The library; its functions release the interpreter lock.
    """
    if os.environ.get("REFLOW_NATIVE") == "0":
        return None
    for flags in _choices_of_flags():
        try:
            library = ctypes.CDLL(str(build(source, flags)))
            prepare(library)
            return library
        # AttributeError: the library lacks a function.
        except (OSError, subprocess.SubprocessError, RuntimeError, AttributeError) as error:
            _LOG.info("%s is not used: %s", source.name, error)
    return None


def build_all() -> None:
    """Compiles the sources of this package, so that no step has to wait for it. What fails is left to `load`."""
    flags = _choices_of_flags()[0]
    with ThreadPoolExecutor(os.cpu_count()) as pool:
        built = {source.name: pool.submit(build, source, flags) for source in Path(__file__).parent.glob("*.c")}
    for name, result in built.items():
        if result.exception() is not None:
            _LOG.info("%s was not built: %s", name, result.exception())


def _choices_of_flags() -> list[tuple[str, ...]]:
    """With OpenMP and without; a source that does not use it does not mind."""
    return [(*_FLAGS, _OPENMP), _FLAGS] if _load_openmp_runtime() else [_FLAGS]


@functools.lru_cache(1000)
def template(dims: tuple[int, ...], dtype: torch.dtype) -> torch.Tensor:
    """A tensor without memory of a shape and type: `torch.empty_like` of it takes half the time of `torch.empty`."""
    tensor = torch.empty(dims, dtype=dtype)
    tensor.untyped_storage().resize_(0)
    return tensor


def is_large(count: int) -> bool:
    """True if more than one thread shall work on `count` numbers, a pass of some instructions each."""
    return count >= PARALLEL


def threads_for(count: int) -> int:
    """How many threads shall work on `count` numbers."""
    return 1 if count < PARALLEL else torch.get_num_threads()


def takes(*tensors: torch.Tensor) -> bool:
    """Whether C code can read tensors: float32 numbers in the CPU's memory, one after the other, and not traced."""
    return not torch.compiler.is_compiling() and all(
        type(t) is torch.Tensor and t.dtype is torch.float32 and t.device.type == "cpu" and t.is_contiguous()
        for t in tensors
    )


def _load_openmp_runtime() -> bool:
    """Makes the symbols of PyTorch's own OpenMP runtime visible to libraries that are loaded from now on."""
    found = list((Path(torch.__file__).parent / "lib").glob("libgomp*.so*"))
    if len(found) != 1:
        return False
    try:
        ctypes.CDLL(str(found[0]), mode=ctypes.RTLD_GLOBAL)
    except OSError as error:
        _LOG.info("kernels use one thread: %s", error)
        return False
    return True


def build(source: Path, flags: tuple[str, ...], language: str = "c", libraries: tuple[str, ...] = ()) -> Path:
    """Returns the shared library of a source, compiled if the cache has none.

    Raises:
        RuntimeError, OSError, subprocess.SubprocessError: it cannot be built.
    """
    variable, default = _COMPILERS[language]
    compiler = shutil.which(os.environ.get(variable, default))
    if compiler is None:
        raise RuntimeError(f"no {language.upper()} compiler found")
    folder = Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "reflow" / "native"
    contents = [file.read_bytes() for file in (source, *sorted(source.parent.glob("*.h")))]
    settings = " ".join([*flags, *libraries, torch.__version__]).encode()
    identity = b"\0".join([*contents, settings, compiler.encode(), _cpu_identity()])
    library = folder / f"{source.stem}-{hashlib.sha256(identity).hexdigest()[:16]}.so"
    if not library.exists():
        folder.mkdir(parents=True, exist_ok=True)
        _compile(compiler, source, flags, library, libraries)
    return library


def _compile(compiler: str, source: Path, flags: tuple[str, ...], library: Path, libraries: tuple[str, ...]) -> None:
    with tempfile.TemporaryDirectory(dir=library.parent) as folder:
        unit, built = Path(folder) / "unit.o", Path(folder) / library.name
        compile_, link = [*flags, "-c", "-o", str(unit), str(source)], ["-shared", "-o", str(built), str(unit)]
        for arguments in compile_, [*link, *libraries, "-lm"]:
            subprocess.run([compiler, *arguments], check=True, capture_output=True, timeout=_COMPILE_TIMEOUT_S)
        os.replace(built, library)  # atomic: another process sees the whole file or none


@functools.cache
def _cpu_identity() -> bytes:
    """What ``-march=native`` depends on: a cache folder may be shared by machines with different processors."""
    try:
        with open("/proc/cpuinfo", "rb") as file:
            flags = next((line for line in file if line.startswith((b"flags", b"Features"))), b"")
    except OSError:
        flags = b""
    return b" ".join([platform.system().encode(), platform.machine().encode(), platform.processor().encode(), flags])
