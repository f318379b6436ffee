"""Timeline: step statistics as a Chrome trace (open it at chrome://tracing or in Perfetto).

The events are those of TensorFlow's `tensorflow.python.client.timeline`, so that tools that read its traces read these.
A device has a process of the trace for what it computes and one for the tensors that it makes.
"""

import itertools
import json
from collections import namedtuple

AllocationMaximum = namedtuple("AllocationMaximum", ["timestamp", "num_bytes", "tensors"])
AllocationMaximum.__doc__ = "When an allocator had most memory in use, how many bytes, and the names of the tensors."

StepStatsAnalysis = namedtuple("StepStatsAnalysis", ["chrome_trace", "allocator_maximums"])
StepStatsAnalysis.__doc__ = "A `ChromeTrace`, and the `AllocationMaximum` of each allocator by its name."

_ALLOCATORS = 0  # The process that shows the memory of all devices.


class ChromeTrace:
    """Events in Chrome's trace event format."""

    def __init__(self):
        self._metadata: list[dict] = []
        self._events: list[dict] = []

    def name_process(self, pid: int, name: str) -> None:
        """Say what a process of the trace stands for."""
        self._metadata.append({"name": "process_name", "ph": "M", "pid": pid, "args": {"name": name}})

    def add(self, ph: str, cat: str, name: str, pid: int, tid: int, ts: int, **more) -> None:
        """Add an event: phase, category, name, process, thread, microseconds, and what its phase needs."""
        self._events.append({"ph": ph, "cat": cat, "name": name, "pid": pid, "tid": tid, "ts": ts, **more})

    def format_to_string(self, pretty: bool = False) -> str:
        """The trace as JSON; indented if `pretty`."""
        trace = {"traceEvents": self._metadata + self._events}
        return json.dumps(trace, indent=4) if pretty else json.dumps(trace, separators=(",", ":"))


class _Tensor:
    """A tensor of the step: who made it where, and how long it is needed."""

    def __init__(self, number: int, made_by, place: tuple[int, int], pid: int, allocation):
        self.number = number
        self.made_at = made_by.all_start_micros
        self.done_at = _end(made_by)
        self.place = place
        self.pid = pid
        self.allocator = allocation.allocator_name
        self.num_bytes = allocation.requested_bytes
        self.last_use = self.done_at


class Timeline:
    """The trace of one run.

    Args:
      step_stats: a StepStats proto, as `RunMetadata.step_stats` holds it.
      graph: the graph; accepted, the statistics name the inputs themselves.
    """

    def __init__(self, step_stats, graph=None):
        self._step_stats = step_stats

    def generate_chrome_trace_format(self, show_dataflow=True, show_memory=False):
        """The trace as a JSON string.

        Args:
          show_dataflow: draw arrows from the node that makes a tensor to those that take it on other devices or rows.
          show_memory: add the tensors, and the bytes in use by allocator as a counter.
        """
        return self.analyze_step_stats(show_dataflow, show_memory).chrome_trace.format_to_string(pretty=True)

    def analyze_step_stats(self, show_dataflow=True, show_memory=True):
        """The trace, and the most memory that each allocator had in use.

        Args:
          show_dataflow, show_memory: as for `generate_chrome_trace_format`.

        Returns:
          A `StepStatsAnalysis`; without `show_memory` its `allocator_maximums` are None.
        """
        self._trace = ChromeTrace()
        self._tensors: dict[str, _Tensor] = {}
        self._arrows = itertools.count()
        self._trace.name_process(_ALLOCATORS, "Allocators")
        devices = list(enumerate(self._step_stats.dev_stats))
        for i, device in devices:
            self._trace.name_process(2 * i + 1, f"{device.device} Compute")
            self._trace.name_process(2 * i + 2, f"{device.device} Tensors")
        rows = [(2 * i + 1, _rows(device.node_stats), device) for i, device in devices]
        for pid, tids, device in rows:
            for tid, node in zip(tids, device.node_stats, strict=True):
                self._add_outputs(node, pid, tid, show_memory)
        for pid, tids, device in rows:
            for tid, node in zip(tids, device.node_stats, strict=True):
                self._add_node(node, pid, tid, _is_stream(device.device), show_dataflow)
        return StepStatsAnalysis(self._trace, self._add_memory() if show_memory else None)

    def _add_outputs(self, node, pid: int, tid: int, shown: bool) -> None:
        for slot, output in enumerate(node.output):
            name = f"{node.node_name}:{slot}" if slot else node.node_name
            description = output.tensor_description
            tensor = _Tensor(len(self._tensors), node, (pid, tid), pid + 1, description.allocation_description)
            self._tensors[name] = tensor
            if shown:
                self._trace.add("N", "Tensor", name, tensor.pid, tid, tensor.made_at, id=tensor.number)
                snapshot = {"snapshot": {"tensor_description": str(description).replace('"', "")}}
                self._trace.add("O", "Tensor", name, tensor.pid, tid, tensor.done_at - 1, id=tensor.number,
                                args=snapshot)  # fmt: skip

    def _add_node(self, node, pid: int, tid: int, on_stream: bool, show_dataflow: bool) -> None:
        op, inputs = _kernel(node) if on_stream else _operation(node)
        args = {"name": node.node_name, "op": op, **{f"input{i}": name for i, name in enumerate(inputs)}}
        self._trace.add("X", "Op", op, pid, tid, node.all_start_micros, dur=node.all_end_rel_micros, args=args)
        for name in () if on_stream else inputs:
            # What TensorFlow sends to another device has a number behind its name.
            name = name if name in self._tensors else name.rpartition("/_")[0]
            tensor = self._tensors.get(name)
            if tensor is None:
                continue
            tensor.last_use = max(tensor.last_use, _end(node) - 1)
            if show_dataflow and tensor.place != (pid, tid):
                number = next(self._arrows)
                self._trace.add("s", "DataFlow", name, *tensor.place, tensor.done_at, id=number)
                self._trace.add("t", "DataFlow", name, pid, tid, node.all_start_micros, id=number)

    def _add_memory(self) -> dict[str, AllocationMaximum]:
        """Add when tensors are freed, and the bytes in use; returns the maxima."""
        changes: dict[str, list[tuple[int, int, str]]] = {}
        for name, tensor in self._tensors.items():
            self._trace.add("D", "Tensor", name, tensor.pid, 0, tensor.last_use, id=tensor.number)
            changes.setdefault(tensor.allocator, []).extend([(tensor.made_at, tensor.num_bytes, name),
                                                             (tensor.last_use, -tensor.num_bytes, name)])  # fmt: skip
        return {allocator: self._add_counter(allocator, sorted(each)) for allocator, each in changes.items()}

    def _add_counter(self, allocator: str, changes: list[tuple[int, int, str]]) -> AllocationMaximum:
        total, there = 0, set()
        most = AllocationMaximum(timestamp=0, num_bytes=0, tensors=set())
        for at, change, name in changes:
            total += change
            if change < 0:
                there.discard(name)
            else:
                there.add(name)
            if total > most.num_bytes:
                most = AllocationMaximum(timestamp=at, num_bytes=total, tensors=set(there))
            self._trace.add("C", "Memory", allocator, _ALLOCATORS, 0, at, args={allocator: total})
        return most


def _end(node) -> int:
    return node.all_start_micros + node.all_end_rel_micros


def _rows(nodes) -> list[int]:
    """The row (thread of the trace) of each node: nodes that overlap in time go on different ones."""
    ends: list[int] = []
    chosen = []
    for node in nodes:
        # Many nodes take less than a microsecond: where nanoseconds are known, they count.
        start = node.all_start_nanos or node.all_start_micros * 1000
        end = start + (node.all_end_rel_nanos or node.all_end_rel_micros * 1000)
        row = next((i for i, busy in enumerate(ends) if busy <= start), len(ends))
        ends[row:row + 1] = [end]
        chosen.append(row)
    return chosen


def _is_stream(device: str) -> bool:
    """True for the rows that a GPU's own profile adds: kernels and copies on its streams."""
    return "/stream:" in device or "/memcpy" in device


def _operation(node) -> tuple[str, list[str]]:
    """The op and the inputs of a node, out of its label "name = Op(a, b)"."""
    if node.node_name == "RecvTensor":
        return "RecvTensor", []
    call = node.timeline_label.partition(" = ")[2]
    op, parenthesis, rest = call.partition("(")
    if not parenthesis:
        return "unknown", []
    return op, [name for name in rest.rpartition(")")[0].split(", ") if name and not name.startswith("^")]


def _kernel(node) -> tuple[str, list[str]]:
    """The op of a GPU's kernel: its label is "name:Op"."""
    return node.timeline_label.partition(" ")[0].rpartition(":")[2] or "unknown", []
