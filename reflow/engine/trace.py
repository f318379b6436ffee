"""Step statistics: a run in which every node is timed, as `RunMetadata` reports it."""

import threading
import time
from collections.abc import Iterator

import torch
from tensorboard.compat.proto import config_pb2, graph_pb2, step_stats_pb2

from reflow.engine import cost_model
from reflow.engine.cost_graph import cost_graph
from reflow.engine.devices import _PREFIX
from reflow.engine.emit import Emitter
from reflow.engine.feeds import feed_pairs, feed_value
from reflow.engine.fetches import Fetches
from reflow.engine.memory import is_view
from reflow.engine.partition import name_in_key
from reflow.engine.step import Compiled
from reflow.graph import errors
from reflow.graph.graph_def import set_attrs
from reflow.ops.waiting import time_limit

_FIRST_DEVICE = f"{_PREFIX}/device:CPU:0"

# What spends its time waiting for another device.
_WAITING = frozenset({"_Recv", "_RecvToken"})


class _Clock:
    """When the nodes of one function were done."""

    def __init__(self):
        self.nodes: list = []
        self._marks: list[tuple[int, int, list]] = []

    def mark(self, index: int, *outputs) -> None:
        """Node number `index` is done; it made `outputs`."""
        self._marks.append((index, time.perf_counter_ns(), [_described(o) for o in outputs]))

    def rows(self, start: int) -> Iterator[tuple]:
        """Yields (node, start, end, outputs), in nanoseconds since `start`; a node starts when the one before ends."""
        before = start
        for index, at, outputs in self._marks:
            yield self.nodes[index], before - start, at - start, outputs
            before = at


def run_with_metadata(session, fetches, feed_dict, options, run_metadata):
    """`Session.run` with RunOptions and RunMetadata.

    Raises:
      TypeError: if they are not protos of these kinds.
      InvalidArgumentError: if `inter_op_thread_pool` is none of the session's. (A step starts its own threads.)
      DeadlineExceededError: if `timeout_in_ms` passes first.
    """
    _check(session, options, run_metadata)
    options = config_pb2.RunOptions() if options is None else options
    milliseconds = max(options.timeout_in_ms, 0) or session._timeout_ms
    reports_costs = run_metadata is not None and session._cost_model_runs
    if not (options.trace_level or options.output_partition_graphs or reports_costs):
        return _within(milliseconds, lambda: session._run(fetches, feed_dict))
    return _within(milliseconds, lambda: _run_and_report(session, fetches, feed_dict, options, run_metadata))


def _run_and_report(session, fetches, feed_dict, options, run_metadata):
    handler = Fetches(session.graph, fetches)
    pairs = feed_pairs(session.graph, feed_dict or {})
    values = [feed_value(t, v) for t, v in pairs]
    session._check_open()
    step = session._step(handler.tensors, handler.targets, [t for t, _ in pairs])
    compiled = step.compiled(values)
    reports_costs = run_metadata is not None and session._cost_model_runs.is_due(step)
    if options.trace_level or reports_costs:
        timed = TimedStep(compiled, session._resources)
        results = timed.run(values)
        if run_metadata is not None and options.trace_level:
            run_metadata.step_stats.CopyFrom(timed.step_stats())
        if reports_costs:
            nodes = [node for part in compiled.parts for node in part.nodes]
            run_metadata.cost_graph.CopyFrom(cost_graph(nodes, timed.rows()))
    else:
        results = compiled.run(values)
    if run_metadata is not None and options.output_partition_graphs:
        del run_metadata.partition_graphs[:]
        run_metadata.partition_graphs.extend(map(partition_graph, compiled.parts))
    return handler.build(results)


def _check(session, options, run_metadata):
    if options is not None and type(options).__name__ != "RunOptions":
        raise TypeError(f"options must be a RunOptions proto, but got {type(options)}")
    if run_metadata is not None and type(run_metadata).__name__ != "RunMetadata":
        raise TypeError(f"run_metadata must be a RunMetadata proto, but got {type(run_metadata)}")
    pools = max(len(session._config.session_inter_op_thread_pool), 1)
    if options is not None and not -1 <= options.inter_op_thread_pool < pools:
        raise errors.InvalidArgumentError(None, None, f"Invalid inter_op_thread_pool: {options.inter_op_thread_pool}")


def _within(milliseconds, run):
    """What `run()` returns, for at most that many milliseconds, or without end if they are 0.

    Raises:
      DeadlineExceededError: when they are over. Kernels that wait stop waiting; others end in the background.
    """
    if not milliseconds:
        return run()
    outcome: dict = {}

    def target():
        try:
            with time_limit(milliseconds / 1000):
                outcome["result"] = run()
        except BaseException as error:
            outcome["error"] = error

    thread = threading.Thread(target=target, daemon=True)
    thread.start()
    thread.join(milliseconds / 1000)
    if thread.is_alive() or isinstance(outcome.get("error"), errors.DeadlineExceededError):
        raise errors.DeadlineExceededError(None, None, "Timed out waiting for notification")
    if "error" in outcome:
        raise outcome["error"]
    return outcome["result"]


class TimedStep:
    """A step compiled with a clock reading after every statement.

    Args:
      compiled: the step as it runs without a clock.
      resources: the session's state.
    """

    def __init__(self, compiled: Compiled, resources):
        self.plan = compiled.plan
        self._clocks: list[_Clock] = []
        self._compiled = compiled.emitted_by(lambda part: self._emit(part, resources))

    def _emit(self, part, resources):
        """A device's part with a clock of its own: parts run at the same time."""
        clock = _Clock()
        emitter = Emitter(part, resources, mark=clock.mark)
        clock.nodes = emitter.marked_nodes
        self._clocks.append(clock)
        return emitter.emit()

    def run(self, values: list) -> list:
        """The fetched values; the times are kept for `step_stats`, and tell the cost model about later plans."""
        self._wall = time.time_ns()
        self._start = time.perf_counter_ns()
        results = self._compiled.run(values)
        for node, start, end, _ in self.rows():
            if node.type not in _WAITING:
                cost_model.measure(node, (end - start) * 1e-9)
        return results

    def rows(self) -> list[tuple]:
        """(node, start, end, outputs) of each node, in nanoseconds since the step began."""
        return [row for clock in self._clocks for row in clock.rows(self._start)]

    def step_stats(self):
        """The times as a StepStats proto: one NodeExecStats a node, by device."""
        stats = step_stats_pb2.StepStats()
        # A step that is constant has no rows, but it has a device.
        names = sorted({_device(node) for part in self._compiled.parts for node in part.nodes})
        devices = {name: stats.dev_stats.add(device=name) for name in names or [_FIRST_DEVICE]}
        for node, start, end, outputs in self.rows():
            self._add_node(devices[_device(node)], node, start, end, outputs)
        return stats

    def _add_node(self, device, node, start, end, outputs):
        inputs = ", ".join(_input_names(node))
        at = self._wall + start
        row = device.node_stats.add(
            node_name=node.name, all_start_micros=at // 1000, all_start_nanos=at, op_start_rel_micros=0,
            op_end_rel_micros=max((end - start) // 1000, 1), all_end_rel_micros=max((end - start) // 1000, 1),
            scheduled_micros=at // 1000, scheduled_nanos=at,
            op_end_rel_nanos=end - start, all_end_rel_nanos=end - start,
            timeline_label=f"{node.name} = {node.type}({inputs})",
        )  # fmt: skip
        made = sum(size for value, (_, _, size) in zip(node.outputs, outputs, strict=False) if not is_view(value))
        row.memory.add(allocator_name="cpu", total_bytes=made, peak_bytes=made, live_bytes=made)
        for slot, (dtype, dims, size) in enumerate(outputs):
            output = row.output.add(slot=slot)
            output.tensor_description.dtype = dtype
            # TensorBoard needs the shape of a scalar, too.
            output.tensor_description.shape.SetInParent()
            for each in dims:
                output.tensor_description.shape.dim.add(size=each)
            output.tensor_description.allocation_description.requested_bytes = size
            output.tensor_description.allocation_description.allocated_bytes = size
            output.tensor_description.allocation_description.allocator_name = "cpu"


def _device(node) -> str:
    return node.device or _FIRST_DEVICE


def _input_names(node) -> list[str]:
    """The names of the tensors that a node takes, as in a GraphDef; what it receives counts as taken."""
    if node.type == "_Recv":
        return [name_in_key(node.attrs["key"])]
    return [f"{v.name}:{v.index}" if v.index else v.name for v in node.inputs]


def _described(value):
    """(DataType enum, dims, bytes) of a value."""
    from reflow.ops.torch_types import FROM_TORCH

    if isinstance(value, torch.Tensor):
        dtype = FROM_TORCH.get(value.dtype)
        return (dtype.as_datatype_enum if dtype else 0), tuple(value.shape), value.numel() * value.element_size()
    shape = getattr(value, "shape", ())
    return 7 if hasattr(value, "dtype") else 20, tuple(shape) if isinstance(shape, tuple) else (), 0


def partition_graph(plan):
    """The GraphDef of what a plan, or one device's part of it, runs."""
    result = graph_pb2.GraphDef()
    for node in plan.nodes:
        row = result.node.add(name=node.name, op=node.type, device=node.device)
        row.input.extend(f"{v.name}:{v.index}" if v.index else v.name for v in node.inputs)
        row.input.extend(f"^{c.name}" for c in node.control)
        set_attrs(row, node, _proto_attrs(node))
    return result


def _proto_attrs(node) -> list[str]:
    """The attributes that a NodeDef can hold: what else stands there, and lists of the engine's own ops, are notes."""
    declared = {name: attr.type for name, attr in node.op_def.attrs.items() if name in node.attrs}
    is_own = node.type.startswith("_")
    return [name for name, kind in declared.items() if not is_own or kind in ("type", "int", "float", "bool")]
