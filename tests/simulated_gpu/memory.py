"""The memory of a simulated GPU: which streams read and wrote it last, and whether it was freed too early."""

from tests.simulated_gpu.streams import LOCK, Race, Stream


class Memory:
    """What a tensor and its views share.

    Args:
      stream: the current stream when it was allocated; the allocator gives freed memory to this stream's next request.
      hazards: takes a line if the memory is freed while another stream may still use it.
    """

    def __init__(self, stream: Stream, hazards: list[str]):
        self._stream, self._hazards = stream, hazards
        self._written = stream, 0
        self._reads: dict[Stream, int] = {}
        self._uses: dict[Stream, int] = {}
        self._recorded: set[Stream] = set()

    def record_stream(self, stream: Stream) -> None:
        self._recorded.add(stream)

    def read_by(self, stream: Stream) -> None:
        """An operation of a stream reads.

        Raises:
          Race: if another stream may still be writing.
        """
        self._check(stream, "reads what", *self._written)
        self._reads[stream] = self._uses[stream] = stream.time

    def written_by(self, stream: Stream) -> None:
        """An operation of a stream writes.

        Raises:
          Race: if another stream may still be reading or writing.
        """
        self._check(stream, "overwrites what", *self._written)
        for reader, time in self._reads.items():
            self._check(stream, "overwrites what is read, not", reader, time)
        self._written, self._reads = (stream, stream.time), {}
        self._uses[stream] = stream.time

    def _check(self, stream: Stream, does: str, other: Stream, time: int) -> None:
        if not stream.has_seen(other, time):
            raise Race(f"a stream of {stream.device} {does} another of {other.device} writes, and did not wait for it")

    def __del__(self):
        with LOCK:
            for stream, time in self._uses.items():
                if stream not in self._recorded and not self._stream.has_seen(stream, time):
                    self._hazards.append(f"memory of {self._stream.device} was freed while another stream used it")
