"""CUDA graphs: a function of static shapes recorded once and replayed. Tested with a stand-in, not yet on a GPU."""

from collections.abc import Callable
from typing import Any

import torch

# Calls before the recording, so that libraries have chosen their algorithms and allocated their workspace.
_WARM_UP = 3


class Replay:
    """Runs a function on tensors by replaying one recording of it.

    Inputs are copied into tensors whose addresses the recording knows, and results are copied out of such tensors.

    Args:
      function: takes tensors of fixed shapes, returns a list of tensors, reads nothing on the host.
      cuda: what records; `torch.cuda`, or a test's stand-in for it.
    """

    def __init__(self, function: Callable, cuda=torch.cuda):
        self._function = function
        self._cuda = cuda
        self._graph: Any = None
        self._inputs: list[torch.Tensor] = []
        self._results: list[torch.Tensor] = []

    def __call__(self, *inputs: torch.Tensor) -> list[torch.Tensor]:
        if self._graph is None:
            self._record(inputs)
        for static, value in zip(self._inputs, inputs, strict=True):
            static.copy_(value)
        self._graph.replay()
        return [result.clone() for result in self._results]

    def _record(self, inputs) -> None:
        self._inputs = [value.clone() for value in inputs]
        stream = self._cuda.Stream()
        stream.wait_stream(self._cuda.current_stream())
        with self._cuda.stream(stream):
            for _ in range(_WARM_UP):
                self._function(*self._inputs)
        self._cuda.current_stream().wait_stream(stream)
        graph = self._cuda.CUDAGraph()
        with self._cuda.graph(graph):
            self._results = self._function(*self._inputs)
        self._graph = graph
