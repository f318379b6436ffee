"""Timeline: step statistics as a Chrome trace (open it at chrome://tracing or in Perfetto)."""

import json


class Timeline:
    """The trace of one run.

    Args:
      step_stats: a StepStats proto, as `RunMetadata.step_stats` holds it.
      graph: the graph; accepted, the statistics name the inputs themselves.
    """

    def __init__(self, step_stats, graph=None):
        self._step_stats = step_stats
        self._start = min((n.all_start_micros for d in step_stats.dev_stats for n in d.node_stats), default=0)

    def generate_chrome_trace_format(self, show_dataflow=True, show_memory=False):
        """The trace as a JSON string.

        Args:
          show_dataflow: draw arrows from the node that makes a tensor to those that take it.
          show_memory: add the memory in use by device as a counter, in bytes.
        """
        events: list[dict] = []
        producers: dict[str, tuple] = {}
        arrows = 0
        for pid, device in enumerate(self._step_stats.dev_stats):
            events.append(_metadata(pid, "process_name", f"{device.device} Compute"))
            lanes = _Lanes()
            for node in device.node_stats:
                tid = lanes.place(node.all_start_micros, node.all_end_rel_micros)
                events.append(self._event(node, pid, tid))
                if show_dataflow:
                    for name in _inputs(node):
                        if name in producers:
                            arrows += 1
                            events.extend(self._arrow(arrows, name, producers[name], (pid, tid, node)))
                producers[node.node_name] = pid, tid, node
            if show_memory:
                events.extend(self._memory(pid, device))
        return json.dumps({"traceEvents": events}, indent=4)

    def _event(self, node, pid, tid) -> dict:
        op = node.timeline_label.partition(" = ")[2].partition("(")[0] or node.node_name
        inputs = {f"input{i}": name for i, name in enumerate(_inputs(node))}
        return {"ph": "X", "cat": "Op", "name": op, "pid": pid, "tid": tid, "ts": node.all_start_micros,
                "dur": node.all_end_rel_micros, "args": {"name": node.node_name, "op": op, **inputs}}  # fmt: skip

    def _arrow(self, number, name, source, target) -> list[dict]:
        source_pid, source_tid, made = source
        pid, tid, taken = target
        common = {"cat": "DataFlow", "name": name, "id": number}
        end = made.all_start_micros + made.all_end_rel_micros
        return [{"ph": "s", "pid": source_pid, "tid": source_tid, "ts": end, **common},
                {"ph": "t", "pid": pid, "tid": tid, "ts": taken.all_start_micros, **common}]  # fmt: skip

    def _memory(self, pid, device) -> list[dict]:
        """The bytes that outputs take, from when they are made to when the last node that takes them ends."""
        last_use = {name: n.all_start_micros + n.all_end_rel_micros for n in device.node_stats for name in _inputs(n)}
        changes: list[tuple[int, int]] = []
        for node in device.node_stats:
            size = sum(o.tensor_description.allocation_description.allocated_bytes for o in node.output)
            end = node.all_start_micros + node.all_end_rel_micros
            changes.append((end, size))
            changes.append((last_use.get(node.node_name, end), -size))
        total, events = 0, []
        for at, change in sorted(changes, key=lambda c: (c[0], -c[1])):
            total += change
            events.append({"ph": "C", "cat": "Memory", "name": "memory in use", "pid": pid, "ts": at,
                           "args": {"bytes": total}})  # fmt: skip
        return events


class _Lanes:
    """Rows of the trace: events that overlap in time go on different rows."""

    def __init__(self):
        self._ends: list[int] = []

    def place(self, start: int, duration: int) -> int:
        for lane, end in enumerate(self._ends):
            if end <= start:
                self._ends[lane] = start + duration
                return lane
        self._ends.append(start + duration)
        return len(self._ends) - 1


def _metadata(pid, name, value) -> dict:
    return {"ph": "M", "name": name, "pid": pid, "args": {"name": value}}


def _inputs(node) -> list[str]:
    """The names of the nodes that a node takes from, out of its label "name = Op(a, b)"."""
    inside = node.timeline_label.partition("(")[2].rstrip(")")
    return [name for name in inside.split(", ") if name]
