"""Builds and loads the extensions of Python in C++, which make tensors and views without PyTorch's Python layer."""

from __future__ import annotations

import ctypes
import functools
import importlib.machinery
import importlib.util
import logging
import os
import subprocess
import sysconfig
from pathlib import Path
from types import ModuleType

import torch

from reflow.ops import native

_LOG = logging.getLogger(__name__)


@functools.cache
def load(source: Path) -> ModuleType | None:
    """Returns the module of a C++ source of this package, built if need be; None where it cannot be had."""
    if os.environ.get("REFLOW_NATIVE") == "0" or not have_known_layout():
        return None
    try:
        return _import(source.stem, native.build(source, _flags(), "c++", _libraries()))
    except (ImportError, OSError, subprocess.SubprocessError, RuntimeError) as error:
        _LOG.info("%s is not used: %s", source.name, error)
        return None


def have_known_layout() -> bool:
    """Whether a tensor object is its header and then the pointer to the tensor, as `tensor_object.h` says."""
    tensor = torch.empty(())
    return ctypes.c_void_p.from_address(id(tensor) + object.__basicsize__).value == tensor._cdata


def _flags() -> tuple[str, ...]:
    folders = Path(torch.__file__).parent / "include", sysconfig.get_paths()["include"]
    abi = int(torch.compiled_with_cxx11_abi())
    return ("-O2", "-std=c++20", "-fPIC", f"-D_GLIBCXX_USE_CXX11_ABI={abi}", *(f"-I{folder}" for folder in folders))


def _libraries() -> tuple[str, ...]:
    folder = Path(torch.__file__).parent / "lib"
    return f"-L{folder}", f"-Wl,-rpath,{folder}", "-lc10", "-ltorch_cpu", "-ltorch_python"


def _import(name: str, path: Path) -> ModuleType:
    loader = importlib.machinery.ExtensionFileLoader(name, str(path))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader(name, loader))
    loader.exec_module(module)
    return module


def build_all() -> None:
    """Builds all extensions, so that no step has to wait for it."""
    for source in Path(__file__).parent.glob("*.cpp"):
        load(source)
