"""Views and profiles as protocol buffers."""

from tensorboard.compat.proto import tfprof_log_pb2

from reflow.files.protos import load
from reflow.graph.export import export_values
from reflow.profiler.nodes import FIELDS, ProfiledNode
from reflow.profiler.views import Row, _deep_recursion

_output = load("tfprof_output")
GraphNodeProto = _output.GraphNodeProto
MultiGraphNodeProto = _output.MultiGraphNodeProto
AdviceProto = _output.AdviceProto

export_values({
    "profiler.GraphNodeProto": GraphNodeProto,
    "profiler.MultiGraphNodeProto": MultiGraphNodeProto,
    "profiler.AdviceProto": AdviceProto,
    "profiler.OpLogProto": tfprof_log_pb2.OpLogProto,
})


def tree_message(root: Row):
    """A view of scopes or of data flow as a GraphNodeProto."""
    message = GraphNodeProto()
    with _deep_recursion(10_000):
        _fill_tree(message, root)
    return message


def _fill_tree(message, row: Row) -> None:
    _fill_numbers(message, row)
    message.total_definition_count = row.total["definition_count"]
    message.total_run_count = row.total["run_count"]
    if row.accounted:
        message.run_count = row.own["run_count"]
        for node in row.nodes:
            _fill_node(message, node)
    for child in row.children:
        _fill_tree(message.children.add(), child)


def _fill_numbers(message, row: Row) -> None:
    message.name = row.name
    for name in FIELDS[1:10]:
        setattr(message, f"total_{name}", row.total[name])
        if row.accounted:
            setattr(message, name, row.own[name])


def _fill_node(message, node: ProfiledNode) -> None:
    message.devices.extend(node.devices)
    for position, dims in node.input_shapes.items():
        for size in dims:
            message.input_shapes[position].dim.add(size=size)


def code_message(root: Row):
    """A view of lines of Python as a MultiGraphNodeProto."""
    message = MultiGraphNodeProto()
    with _deep_recursion(10_000):
        _fill_code(message, root)
    return message


def _fill_code(message, row: Row) -> None:
    _fill_numbers(message, row)
    for child in row.children:
        _fill_code(message.children.add(), child)


def list_message(root: Row, step: int):
    """A list of op types as a MultiGraphNodeProto: each row is the child of the one above it."""
    message = result = MultiGraphNodeProto()
    _fill_numbers(result, root)
    for row in root.children:
        message = message.children.add()
        _fill_numbers(message, row)
        for node in row.nodes:
            _fill_tree(message.graph_nodes.add(), _single(node, step))
    return result


def _single(node: ProfiledNode, step: int) -> Row:
    numbers = node.numbers(step)
    return Row(node.name, [node], accounted=True, own=numbers, total=numbers)


def profile_message(nodes: dict[str, ProfiledNode], steps: list[int]):
    """Everything that a profiler knows as a ProfileProto, which TensorFlow's command-line profiler reads.

    Args:
      nodes: nodes by name.
      steps: the steps that were added.
    """
    profile = tfprof_log_pb2.ProfileProto(steps=steps, has_trace=any(node.trace for node in nodes.values()))
    strings = {"none": 0}
    numbers = {name: i for i, name in enumerate(nodes)}
    for name, node in nodes.items():
        message = profile.nodes[numbers[name]]
        message.name, message.op, message.id = name, node.op, numbers[name]
        message.float_ops = node.float_ops
        message.op_types.extend(sorted(node.types))
        message.shape.extend(node.shape or ())
        message.canonical_device = node.devices[0] if node.devices else ""
        for position, other in enumerate(node.inputs):
            if other in numbers:
                message.inputs[position] = numbers[other]
        for position, dims in node.input_shapes.items():
            message.input_shapes[position].int64_values.extend(dims)
        for position, dims in node.output_shapes.items():
            message.output_shapes[position].int64_values.extend(dims)
        for file, line, function, text in node.trace:
            ids = [strings.setdefault(s, len(strings)) for s in (file, function, text)]
            message.trace.traces.add(file_id=ids[0], lineno=line, function_id=ids[1], line_id=ids[2])
        _fill_runs(message, node)
    for text, number in strings.items():
        profile.id_to_string[number] = text
    return profile


def _fill_runs(message, node: ProfiledNode) -> None:
    for step, run in node.runs.items():
        execution = message.execs[step]
        execution.run_count = run["run_count"]
        execution.latest_end_micros = run["exec_micros"]
        execution.devices.extend(node.devices)
        execution.memory_execs.add(requested_bytes=run["requested_bytes"], peak_bytes=run["peak_bytes"],
                                   residual_bytes=run["residual_bytes"], output_bytes=run["output_bytes"])  # fmt: skip
        kind = execution.accelerator_execs if run["accelerator_exec_micros"] else execution.cpu_execs
        if node.devices:
            kind[node.devices[0]].times.add().int64_values.extend((0, run["exec_micros"]))
