"""What a profile knows of each node: out of the graph, an op log, and the RunMetadata of steps."""

from dataclasses import dataclass, field
from math import prod
from typing import Any

# What is counted of a node; the names are those of GraphNodeProto's fields.
FIELDS = ("run_count", "exec_micros", "accelerator_exec_micros", "cpu_exec_micros", "requested_bytes", "peak_bytes",
          "residual_bytes", "output_bytes", "parameters", "float_ops", "definition_count")  # fmt: skip
_TIMES_AND_BYTES = FIELDS[1:8]

Numbers = dict[str, int]


# What spends its time waiting for other devices.
_TRANSFERS = frozenset({"_Send", "_Recv", "_SendToken", "_RecvToken"})


def zeros(**changes: int) -> Numbers:
    """Numbers that are all 0 but for `changes`."""
    return {**dict.fromkeys(FIELDS, 0), **changes}


def add(total: Numbers, other: Numbers) -> None:
    """Add numbers to a total."""
    for name, value in other.items():
        total[name] += value


@dataclass
class ProfiledNode:
    """One node of a graph, or one that only a run had.

    Attributes:
      number: its position in the graph; -1 for a node that only a run had.
      types: its op type, its device, and types that the op log gives it.
      inputs: names of the nodes that it takes from or waits for.
      input_shapes: dims of its inputs by position, where they are known.
      shape: its `shape` attribute, if it has one: that of a variable or placeholder.
      trace: where it was made, as (file, line, function, source line), outermost first.
      data_format: its attribute of that name, or "".
      runs: by step, the numbers of the node's runs.
    """

    name: str
    op: str
    number: int = -1
    types: set[str] = field(default_factory=set)
    devices: list[str] = field(default_factory=list)
    inputs: list[str] = field(default_factory=list)
    input_shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    output_shapes: dict[int, tuple[int, ...]] = field(default_factory=dict)
    shape: tuple[int, ...] | None = None
    float_ops: int = 0
    data_format: str = ""
    trace: list[tuple] = field(default_factory=list)
    runs: dict[int, Numbers] = field(default_factory=dict)

    def numbers(self, step: int) -> Numbers:
        """What counts of this node: of one step, or for -1 the average over all steps in which it ran."""
        result = zeros(definition_count=1, float_ops=self.float_ops)
        if self.shape is not None and all(size >= 0 for size in self.shape):
            result["parameters"] = prod(self.shape)
        runs = [numbers for number, numbers in self.runs.items() if step in (-1, number)]
        for numbers in runs:
            add(result, numbers)
        for name in _TIMES_AND_BYTES:
            result[name] //= max(len(runs), 1)
        return result


def nodes_of_graph(graph, op_log) -> dict[str, ProfiledNode]:
    """The nodes of a graph by name.

    Args:
      graph: a Graph.
      op_log: an OpLogProto.
    """
    nodes = {}
    for number, operation in enumerate(graph.get_operations()):
        node = nodes[operation.name] = ProfiledNode(operation.name, operation.type, number, {operation.type})
        before = [t.op for t in operation.inputs] + list(operation.control_inputs)
        node.inputs = [other.name for other in before]
        dims = [t.dims for t in operation.inputs]
        dims += [c.outputs[0].dims if c.outputs else None for c in operation.control_inputs]
        node.input_shapes = _known(dims)
        node.output_shapes = _known([t.dims for t in operation.outputs])
        shape = operation.attrs.get("shape")
        if isinstance(shape, tuple):
            node.shape = tuple(-1 if size is None else size for size in shape)
        node.data_format = operation.attrs.get("data_format", b"").decode()
        if operation.device:
            _place(node, operation.device)
    strings = op_log.id_to_string
    for entry in op_log.log_entries:
        if entry.name in nodes:
            node = nodes[entry.name]
            node.types.update(entry.types)
            node.float_ops = entry.float_ops
            node.trace = [(strings[t.file_id], t.lineno, strings[t.function_id], strings[t.line_id])
                          for t in entry.code_def.traces]  # fmt: skip
    return nodes


def _known(shapes: list) -> dict[int, tuple[int, ...]]:
    return {i: dims or (1,) for i, dims in enumerate(shapes) if dims is not None and None not in dims}


def _place(node: ProfiledNode, device: str) -> None:
    device = device.lower()
    if device not in node.devices:
        node.devices.append(device)
        node.types.add(device)


def add_run(nodes: dict[str, ProfiledNode], step: int, run_meta: Any) -> None:
    """Add the statistics of a run to nodes; nodes that a pass made are added, transfers between devices are not.

    Args:
      nodes: nodes by name.
      step: the number of the step.
      run_meta: a RunMetadata proto.
    """
    for device in run_meta.step_stats.dev_stats:
        for stats in device.node_stats:
            # "name = Op(inputs)"
            op = stats.timeline_label.partition(" = ")[2].partition("(")[0] or stats.node_name
            if op in _TRANSFERS:
                continue
            node = nodes.setdefault(stats.node_name, ProfiledNode(stats.node_name, op))
            node.types.add(node.op)
            _place(node, device.device)
            add(node.runs.setdefault(step, zeros()), _numbers_of_run(device.device, stats))


def _numbers_of_run(device: str, stats) -> Numbers:
    micros = stats.all_end_rel_micros
    on_accelerator = "gpu" in device.lower()
    requested = sum(memory.total_bytes for memory in stats.memory)
    return zeros(
        run_count=1, exec_micros=micros,
        accelerator_exec_micros=micros if on_accelerator else 0, cpu_exec_micros=0 if on_accelerator else micros,
        requested_bytes=requested,
        peak_bytes=sum(memory.peak_bytes for memory in stats.memory),
        residual_bytes=sum(memory.live_bytes for memory in stats.memory),
        output_bytes=sum(o.tensor_description.allocation_description.requested_bytes for o in stats.output),
    )  # fmt: skip
