"""CUDA graphs of a simulated GPU: while one is captured nothing runs, and a replay works on the same memory again."""

from contextlib import contextmanager

import torch

from tests.simulated_gpu import streams


class CUDAGraph:
    """In the place of `torch.cuda.CUDAGraph`."""

    def __init__(self, keep_graph=False):
        self._calls: list | None = None

    def add(self, call, stream: streams.Stream) -> None:
        """Take a call into the graph.

        Raises:
          AssertionError: if it is for another stream than the one that is captured.
        """
        if stream.graph is not self:
            raise AssertionError(f"work for a stream of {stream.device} that is not captured is not in the graph")
        self._calls.append(call)

    def replay(self) -> None:
        if not self._calls:
            raise RuntimeError("a CUDA graph is replayed that has nothing in it")
        for call in self._calls:
            call()

    def begin(self) -> None:
        if self._calls is not None:
            raise RuntimeError("a CUDA graph is captured twice")
        self._calls = []


class graph:
    """In the place of `torch.cuda.graph`."""

    default_capture_stream: streams.Stream | None = None

    def __init__(self, cuda_graph, pool=None, stream=None, capture_error_mode="global"):
        if stream is None and graph.default_capture_stream is None:
            graph.default_capture_stream = streams.Stream()
        self._graph, self._mode = cuda_graph, capture_error_mode
        self._stream = stream or graph.default_capture_stream
        self._context = self._capture()

    def __enter__(self):
        self._context.__enter__()

    def __exit__(self, *error):
        return self._context.__exit__(*error)

    @contextmanager
    def _capture(self):
        streams.synchronize()
        if self._stream is streams.default_stream(self._stream.device):
            raise RuntimeError("CUDA graphs must be captured on a non-default stream.")
        with streams.use(self._stream), streams.capturing(self._graph, self._mode):
            self._graph.begin()
            self._stream.graph = self._graph
            try:
                yield
            finally:
                self._stream.graph = None


def garbage(tensor: torch.Tensor) -> None:
    """Overwrite a tensor of the host with what must not be taken for a result."""
    tensor.fill_(float("nan") if tensor.is_floating_point() or tensor.is_complex() else 77)
