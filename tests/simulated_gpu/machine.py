"""A machine with simulated CUDA GPUs: `torch.cuda` as it is there, for the time of a test."""

import ctypes
import functools
import types
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensorMode

from reflow.engine import gpu_kernels, torch_devices
from reflow.engine.jit import compiled, obstacles
from reflow.ops import native
from reflow.ops.native import extensions
from tests.simulated_gpu import graphs, streams, tensors

_GIBIBYTE = 1 << 30
# Composed of a tensor of size 0 and its resizing, which tensors with numbers of their own inside do not take.
_FACTORIES = ("arange", "arange.start", "arange.start_step", "eye", "eye.m", "hann_window", "hann_window.periodic",
              "linspace", "logspace", "randperm", "randperm.generator", "range", "range.step")  # fmt: skip


class Machine:
    """What a test asks the machine.

    Attributes:
      moves: (direction, shape) of each copy: "gpu", "host", or "peer" between GPUs.
      hazards: what went wrong with memory, in words.
      memory_fractions: what sessions limited themselves to, by GPU.
    """

    def __init__(self):
        self.moves = tensors.transfers.moves
        self.hazards = tensors.hazards
        self.memory_fractions: dict[int, float] = {}

    def shapes(self, direction: str) -> list[tuple]:
        """The shapes of what was copied in a direction, sorted."""
        return tensors.transfers.shapes(direction)

    @property
    def answers(self) -> int:
        """How many times the host waited for a single number."""
        return tensors.transfers.answers


@functools.cache
def _make_current_devices_possible() -> None:
    flags = tuple(flag for flag in extensions._flags() if flag != "-O2")
    source = Path(__file__).parent / "device_guard.cpp"
    ctypes.CDLL(str(native.build(source, flags, "c++", extensions._libraries())))


@contextmanager
def simulated_gpus(count: int = 1) -> Iterator[Machine]:
    """A machine with so many GPUs. At the end no memory may have been freed too early."""
    if torch.version.cuda is not None:
        pytest.skip("this build of PyTorch has CUDA")
    try:
        _make_current_devices_possible()
    except (RuntimeError, OSError) as error:
        pytest.skip(f"no C++ compiler: {error}")
    streams.reset()
    tensors.transfers.reset()
    tensors.hazards.clear()
    with pytest.MonkeyPatch.context() as patch:
        machine = Machine()
        libraries = _kernels()
        _patch_torch(patch, machine, count)
        _forget_other_machines(patch)
        try:
            yield machine
        finally:
            for library in libraries:
                library._destroy()
            torch_devices._copy_stream.cache_clear()
    assert not machine.hazards, machine.hazards


def _kernels() -> list[torch.library.Library]:
    """What makes tensors there in any thread, without a mode of its own: kernels of the dispatch key CUDA."""
    fallback, others = torch.library.Library("_", "IMPL"), torch.library.Library("aten", "IMPL")
    fallback.fallback(lambda func, *args, **kwargs: tensors.dispatch(func, args, kwargs), "CUDA")
    others.impl("copy_", tensors.copy_, "CUDA")
    for name in _FACTORIES:
        packet, _, overload = name.partition(".")
        func = getattr(getattr(torch.ops.aten, packet), overload or "default")
        others.impl(name, lambda *args, func=func, **kwargs: tensors.dispatch(func, args, kwargs), "CUDA")
    return [fallback, others]


def _patch_torch(patch: pytest.MonkeyPatch, machine: Machine, count: int) -> None:
    def properties(device=None):
        number = streams.indexed(device).index
        memory = (number + 1) * _GIBIBYTE
        return types.SimpleNamespace(name=f"simulated {number}", total_memory=memory, major=7, minor=5)

    def limit(fraction, device=None):
        machine.memory_fractions[streams.indexed(device).index] = fraction

    def pin_memory(tensor, device=None):
        return tensors.transfers.pinned(tensor.clone())

    replacements = {
        "_lazy_init": lambda: None, "is_available": lambda: True, "is_initialized": lambda: True,
        "device_count": lambda: count, "get_device_properties": properties,
        "get_device_capability": lambda device=None: (7, 5), "get_device_name": lambda d=None: properties(d).name,
        "current_device": streams.current_device, "set_device": streams.set_device, "device": streams.device,
        "Stream": streams.Stream, "Event": streams.Event, "stream": streams.use,
        "current_stream": streams.current_stream, "default_stream": streams.default_stream,
        "synchronize": streams.synchronize, "CUDAGraph": graphs.CUDAGraph, "graph": graphs.graph,
        "is_current_stream_capturing": lambda: streams.captured_graph() is not None,
        "set_per_process_memory_fraction": limit, "empty_cache": lambda: None,
    }  # fmt: skip
    for name, replacement in replacements.items():
        patch.setattr(torch.cuda, name, replacement)
    patch.setattr(torch.Tensor, "pin_memory", pin_memory)
    # Modes without data shall not ask for a context of CUDA.
    patch.setattr(FakeTensorMode, "avoid_device_init", True)
    patch.setattr(graphs.graph, "default_capture_stream", None)


def _forget_other_machines(patch: pytest.MonkeyPatch) -> None:
    """What Reflow keeps for the process may have been found out without these GPUs."""
    torch_devices._copy_stream.cache_clear()
    for module, name in ((gpu_kernels, "_known"), (obstacles, "_known")):
        patch.setattr(module, name, {})
    patch.setattr(compiled, "_functions", type(compiled._functions)())
