"""Op logs: what a profile knows of operations besides the graph: flops, extra types, and where they were made."""

import os
import sys

from tensorboard.compat.proto import tfprof_log_pb2

from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.statistics import get_stats_for_node_def
from reflow.profiler.flops import KIND
from reflow.profiler.options import TRAINABLE_VARIABLES


def complete_op_log(graph, op_log=None, run_meta=None, add_trace=True):
    """An op log with what the graph itself tells: flops, which variables are trained, and Python traces.

    Args:
      graph: the graph; if None, the default graph.
      op_log: an OpLogProto to begin with, or None.
      run_meta: a RunMetadata whose shapes complete those of the graph, or None.
      add_trace: True to add where the program made each operation.

    Returns:
      An OpLogProto.
    """
    graph = graph or get_default_graph()
    if run_meta is not None:
        _complete_shapes(graph, run_meta)
    result = tfprof_log_pb2.OpLogProto()
    if op_log is not None:
        result.log_entries.extend(op_log.log_entries)
    entries = {entry.name: entry for entry in result.log_entries}
    strings = {"none": 0}
    unknown = 0

    def entry_of(name):
        if name not in entries:
            entries[name] = result.log_entries.add(name=name)
        return entries[name]

    for operation in graph.get_operations():
        flops, known = _flops(graph, operation)
        unknown += not known
        if flops and not entry_of(operation.name).float_ops:
            entry_of(operation.name).float_ops = flops
        if add_trace and not entry_of(operation.name).code_def.traces:
            _add_trace(entry_of(operation.name), operation, strings)
    for variable in graph.get_collection("trainable_variables"):
        entry_of(variable.op.name).types.append(TRAINABLE_VARIABLES)
    for text, number in strings.items():
        result.id_to_string[number] = text
    if unknown and run_meta is None:
        print(f"{unknown} ops no flops stats due to incomplete shapes.", file=sys.stderr)
    return result


def _flops(graph, operation) -> tuple[int, bool]:
    """The flops of an operation, and whether all shapes for counting them are known."""
    try:
        return int(get_stats_for_node_def(graph, operation.node_def, KIND).value or 0), True
    except ValueError:
        return 0, False


def _add_trace(entry, operation, strings: dict[str, int]) -> None:
    for file, line, function, text in operation.traceback:
        numbers = [strings.setdefault(s, len(strings)) for s in (file, function, text)]
        entry.code_def.traces.add(file_id=numbers[0], lineno=line, function_id=numbers[1], line_id=numbers[2],
                                  func_start_line=-1)  # fmt: skip


def _complete_shapes(graph, run_meta) -> None:
    """Give the graph's tensors the shapes that they had in a run, where those were not known."""
    for device in run_meta.step_stats.dev_stats:
        for stats in device.node_stats:
            operation = graph._by_name.get(stats.node_name)
            if operation is None or len(stats.output) != len(operation.outputs):
                continue
            for tensor, output in zip(operation.outputs, stats.output, strict=True):
                dims = [d.size for d in output.tensor_description.shape.dim]
                if tensor.dims is None or None in tensor.dims and len(dims) == len(tensor.dims):
                    tensor.set_shape(dims)


@export("profiler.write_op_log")
def write_op_log(graph, log_dir, op_log=None, run_meta=None, add_trace=True):
    """Write an op log, completed by what the graph tells, to the file `tfprof_log` in a folder.

    Args:
      graph: the graph; if None, the default graph.
      log_dir: the folder.
      op_log: an OpLogProto to begin with, or None.
      run_meta: a RunMetadata whose shapes complete those of the graph, or None.
      add_trace: True to add where the program made each operation.
    """
    from reflow.platform.gfile import GFile

    with GFile(os.path.join(log_dir, "tfprof_log"), "wb") as file:
        file.write(complete_op_log(graph, op_log, run_meta, add_trace).SerializeToString())
