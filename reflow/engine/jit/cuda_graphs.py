"""CUDA graphs: a function of static shapes recorded once and replayed.

Tested on a simulated GPU that refuses what CUDA refuses (tests/simulated_gpu), not yet on a real one.
"""

import threading
from collections.abc import Callable
from typing import Any

import torch

# Calls before the recording, so that libraries have chosen their algorithms and allocated their workspace.
_WARM_UP = 3
# CUDA allows one recording at a time in a process.
_recording = threading.Lock()


class Replay:
    """Runs a function on tensors by replaying one recording of it.

    Inputs are copied into tensors whose addresses the recording knows, and results are copied out of such tensors: they
    are the caller's, as those of the function would be. Threads may call at the same time; one waits for the other, and
    the stream of the device, on which all of it happens, keeps their work apart.

    Args:
      function: takes tensors of fixed shapes on one GPU, returns a list of tensors, reads nothing on the host.
      device: the GPU.
    """

    def __init__(self, function: Callable, device: torch.device):
        self._function = function
        self._device = device
        self._lock = threading.Lock()
        self._graph: Any = None
        self._inputs: list[torch.Tensor] = []
        self._results: list[torch.Tensor] = []

    def __call__(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        with self._lock:
            if self._graph is None:
                self._record(inputs)
            for static, value in zip(self._inputs, inputs, strict=True):
                _every_place(static).copy_(_every_place(value))
            self._graph.replay()
            return [_copied(result) for result in self._results]

    def _record(self, inputs) -> None:
        """Warm up and record on a stream of the inputs' own GPU: PyTorch's own choice is one of the first GPU."""
        self._inputs = [_copied(value) for value in inputs]
        stream, computing = torch.cuda.Stream(self._device), torch.cuda.current_stream(self._device)
        stream.wait_stream(computing)
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._function(*self._inputs)
        computing.wait_stream(stream)
        graph = torch.cuda.CUDAGraph()
        # Other threads go on meanwhile: what they do on other devices and streams is not to end the recording.
        with _recording, torch.cuda.graph(graph, stream=stream, capture_error_mode="thread_local"):
            self._results = self._function(*self._inputs)
        self._graph = graph


def _copied(tensor: torch.Tensor) -> torch.Tensor:
    """A copy with the same strides: what is compiled counts on them, for inputs and for results."""
    copy = torch.empty_strided(tensor.shape, tensor.stride(), dtype=tensor.dtype, device=tensor.device)
    _every_place(copy).copy_(_every_place(tensor))
    return copy


def _every_place(tensor: torch.Tensor) -> torch.Tensor:
    """The tensor's memory, each place once: what is repeated along an axis is there only once."""
    for axis, (size, stride) in enumerate(zip(tensor.shape, tensor.stride(), strict=True)):
        if stride == 0 and size > 1:
            tensor = tensor.narrow(axis, 0, 1)
    return tensor
