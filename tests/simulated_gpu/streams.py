"""Streams and events of a simulated GPU: who has waited for whom.

Everything is computed at once, in the order of the program. What streams are there for is checked beside it: each
counts the operations that it was given (its time) and knows up to which time it has waited for every other stream. An
operation that reads what another stream wrote, without having waited for it, is an error here and wrong numbers on a
real GPU.
"""

import threading
import weakref
from contextlib import contextmanager

import torch

# One lock for the whole simulated machine: threads take turns.
LOCK = threading.RLock()
_here = threading.local()


class Race(AssertionError):
    """Work of two streams on the same memory with nothing that orders it."""


class Stream:
    """A stream of a device, in the place of `torch.cuda.Stream`."""

    def __init__(self, device=None, priority=0):
        self.device = indexed(device)
        self.time = 0
        self.seen: dict[Stream, int] = {}
        # Copies to pinned memory under way: (time, what ends the copy).
        self.pending: list = []
        self.graph = None
        _all_streams.add(self)

    def wait_stream(self, other: "Stream") -> None:
        self.wait_event(other.record_event())

    def wait_event(self, event: "Event") -> None:
        with LOCK:
            for stream, time in event.reached().items():
                self.seen[stream] = max(time, self.seen.get(stream, 0))

    def record_event(self, event=None) -> "Event":
        event = event or Event()
        event.record(self)
        return event

    def synchronize(self) -> None:
        self.record_event().synchronize()

    def has_seen(self, stream: "Stream", time: int) -> bool:
        """Whether what `stream` did at a time is done before what this stream does next."""
        return stream is self or max(self.seen.get(stream, 0), _host_seen.get(stream, 0)) >= time

    def reached(self) -> dict["Stream", int]:
        """The times up to which all streams are done when this one is done."""
        return {**self.seen, self: self.time}


class Event:
    """In the place of `torch.cuda.Event`."""

    def __init__(self, enable_timing=False, blocking=False, interprocess=False):
        self._reached: dict[Stream, int] | None = None

    def record(self, stream=None) -> None:
        with LOCK:
            self._reached = (stream or current_stream()).reached()

    def reached(self) -> dict[Stream, int]:
        if self._reached is None:
            raise AssertionError("an event is waited for that was not recorded")
        return self._reached

    def synchronize(self) -> None:
        """Let the host wait: copies to pinned memory that came before are done."""
        forbid_in_capture("a synchronization with the host")
        with LOCK:
            for stream, time in self.reached().items():
                _host_seen[stream] = max(time, _host_seen.get(stream, 0))
                _finish_copies(stream, time)

    def query(self) -> bool:
        forbid_in_capture("a query")
        return all(_host_seen.get(stream, 0) >= time for stream, time in self.reached().items())

    def elapsed_time(self, end) -> float:
        return 1.0


# How far the host has waited for each stream: what it starts afterwards comes later than that.
_host_seen: dict[Stream, int] = {}
_default_streams: dict[torch.device, Stream] = {}
_all_streams: weakref.WeakSet[Stream] = weakref.WeakSet()
_all_captures: list = []


def reset() -> None:
    """Forget all streams: another machine."""
    _host_seen.clear()
    _all_streams.clear()
    _default_streams.clear()
    _all_captures.clear()
    _here.__dict__.clear()


def _finish_copies(stream: Stream, time: int) -> None:
    done = [finish for at, finish in stream.pending if at <= time]
    stream.pending = [each for each in stream.pending if each[0] > time]
    for finish in done:
        finish()


# --- the current device and stream of a thread ------------------------------------------------------------------------


def current_device() -> int:
    return getattr(_here, "device", 0)


def set_device(device) -> None:
    _here.device = indexed(device).index


@contextmanager
def device(which):
    """In the place of `torch.cuda.device`."""
    before = current_device()
    set_device(which)
    try:
        yield
    finally:
        _here.device = before


def indexed(device=None) -> torch.device:
    """A device with its number."""
    if isinstance(device, int):
        return torch.device("cuda", device)
    if device is None or torch.device(device).index is None:
        return torch.device("cuda", current_device())
    return torch.device(device)


def default_stream(device=None) -> Stream:
    with LOCK:
        return _default_streams.setdefault(indexed(device), Stream(device))


def current_stream(device=None) -> Stream:
    return getattr(_here, "streams", {}).get(indexed(device)) or default_stream(device)


@contextmanager
def use(stream):
    """In the place of `torch.cuda.stream`: the stream and its device are the thread's current ones."""
    streams = _here.__dict__.setdefault("streams", {})
    before = streams.get(stream.device)
    with device(stream.device):
        streams[stream.device] = stream
        try:
            yield
        finally:
            if before is None:
                del streams[stream.device]
            else:
                streams[stream.device] = before


def synchronize(device=None) -> None:
    """Wait for all streams of a device."""
    forbid_in_capture("a synchronization with the host")
    wanted = indexed(device)
    with LOCK:
        for stream in list(_all_streams):
            if stream.device == wanted:
                stream.synchronize()


# --- what must not happen while a graph is captured -------------------------------------------------------------------


@contextmanager
def capturing(graph, mode: str):
    """While `graph` is captured by this thread."""
    if _all_captures:
        raise RuntimeError("only one capture may be under way in a process at a time")
    _all_captures.append((threading.get_ident(), mode))
    _here.graph = graph
    try:
        yield
    finally:
        _here.graph = None
        _all_captures.clear()


def captured_graph():
    """The graph that this thread captures, or None."""
    return getattr(_here, "graph", None)


def forbid_in_capture(what: str) -> None:
    """Raise CUDA's error if `what` happens while this thread captures, or any with the capture mode "global"."""
    for thread, mode in list(_all_captures):
        if thread == threading.get_ident() or mode == "global":
            raise RuntimeError(f"CUDA error: operation not permitted when stream is capturing ({what})")
