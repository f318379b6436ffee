"""Copies between the host and simulated GPUs: counted, and no sooner done than CUDA says."""

import weakref

import torch

from tests.simulated_gpu import streams
from tests.simulated_gpu.graphs import garbage
from tests.simulated_gpu.streams import Stream


class Transfers:
    """The copies of a machine.

    Attributes:
      moves: (direction, shape) of each; the direction is "gpu", "host", or "peer" from one GPU to another.
      answers: how many times the host waited for a single number.
    """

    def __init__(self):
        self.moves: list[tuple[str, tuple]] = []
        self.answers = 0
        self._pinned: weakref.WeakValueDictionary = weakref.WeakValueDictionary()

    def reset(self) -> None:
        self.__init__()

    def shapes(self, direction: str) -> list[tuple]:
        """The shapes of what was moved in a direction, sorted."""
        return sorted(shape for way, shape in self.moves if way == direction)

    def pinned(self, tensor: torch.Tensor) -> torch.Tensor:
        """Take the memory of a tensor of the host for pinned."""
        streams.forbid_in_capture("an allocation of pinned memory")
        self._pinned[id(tensor)] = tensor
        return tensor

    def is_pinned(self, tensor: torch.Tensor) -> bool:
        return self._pinned.get(id(tensor)) is tensor

    def answer(self, value, stream: Stream, tensors):
        """A number that the host waits for."""
        streams.forbid_in_capture("a number that the host waits for")
        self.answers += 1
        self._read(stream, tensors)
        stream.synchronize()
        return value

    def to_gpu(self, target, source, non_blocking: bool, stream: Stream) -> None:
        waits = not (non_blocking and self.is_pinned(source))
        if waits:
            streams.forbid_in_capture("a copy that the host waits for")
        self.moves.append(("gpu", tuple(source.shape)))
        stream.time += 1
        target.memory.written_by(stream)
        if waits:
            stream.synchronize()

    def between_gpus(self, target, source, sending: Stream, receiving: Stream) -> None:
        """As PyTorch does: both streams wait for the copy, which the sender's makes."""
        self.moves.append(("peer", tuple(source.shape)))
        sending.wait_stream(receiving)
        self._read(sending, [source])
        target.memory.written_by(sending)
        receiving.wait_stream(sending)

    def to_host(self, target: torch.Tensor, source, numbers: torch.Tensor, non_blocking: bool, stream: Stream) -> None:
        waits = not (non_blocking and self.is_pinned(target))
        if waits:
            streams.forbid_in_capture("a copy that the host waits for")
        self.moves.append(("host", tuple(source.shape)))
        self._read(stream, [source])
        if waits:
            stream.synchronize()
            target.copy_(numbers)
            return
        garbage(target)

        def finish():
            with torch.inference_mode():
                target.copy_(numbers)

        stream.pending.append((stream.time, finish))

    def _read(self, stream: Stream, tensors) -> None:
        stream.time += 1
        for each in tensors:
            if hasattr(each, "memory"):
                each.memory.read_by(stream)
