"""Profiles: `tf.profiler.profile`, `tf.profiler.Profiler`, `tf.profiler.advise`."""

import json
from typing import Any

from tensorboard.compat.proto import config_pb2

from reflow.engine.timeline import Timeline
from reflow.graph import errors
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.profiler import advice, messages
from reflow.profiler.nodes import add_run, nodes_of_graph
from reflow.profiler.op_log import complete_op_log
from reflow.profiler.options import ProfileOptionBuilder, complete
from reflow.profiler.text import options_text, report
from reflow.profiler.views import Row, view

_DEFAULT = 0


@export("profiler.Profiler")
class Profiler:
    """Profiles a graph over several steps.

    Args:
      graph: the graph; if None, the default graph.
      op_log: an OpLogProto that gives operations more types, or None.
    """

    def __init__(self, graph=None, op_log=None):
        self._graph = graph or get_default_graph()
        self._op_log = op_log
        self._nodes = nodes_of_graph(self._graph, complete_op_log(self._graph, op_log))
        self._steps: dict[int, Any] = {}

    def add_step(self, step, run_meta):
        """Add the statistics of a step.

        Args:
          step: its number; options choose among steps by it (`with_step`).
          run_meta: the RunMetadata of a run with `trace_level=FULL_TRACE`.
        """
        runs = {name: node.runs for name, node in self._nodes.items()}
        self._nodes = nodes_of_graph(self._graph, complete_op_log(self._graph, self._op_log, run_meta))
        for name, node in self._nodes.items():
            node.runs = runs.get(name, {})
        self._steps.setdefault(step, config_pb2.RunMetadata()).MergeFrom(run_meta)
        add_run(self._nodes, step, run_meta)

    def profile_name_scope(self, options):
        """Profile by name scope; `options` are those of `ProfileOptionBuilder`. Returns a GraphNodeProto."""
        return self._profile("scope", options)

    def profile_graph(self, options):
        """Profile by data flow; `options` are those of `ProfileOptionBuilder`. Returns a GraphNodeProto."""
        return self._profile("graph", options)

    def profile_operations(self, options):
        """Profile by op type; `options` are those of `ProfileOptionBuilder`. Returns a MultiGraphNodeProto."""
        return self._profile("op", options)

    def profile_python(self, options):
        """Profile by line of Python; `options` are those of `ProfileOptionBuilder`. Returns a MultiGraphNodeProto."""
        return self._profile("code", options)

    def advise(self, options=None):
        """Look for what is slow, and print what is found.

        Args:
          options: a dictionary whose keys are the checkers to run: "ExpensiveOperationChecker",
            "AcceleratorUtilizationChecker", "OperationChecker"; None for all.

        Returns:
          An AdviceProto.
        """
        print("Parsing Inputs...")
        return advice.advise(self._nodes, advice.CHECKERS if options is None else options)

    def serialize_to_string(self):
        """All that the profiler knows as a serialized ProfileProto."""
        return messages.profile_message(self._nodes, sorted(self._steps)).SerializeToString()

    def _profile(self, cmd, options):
        options = complete(options)
        root = view(cmd, self._nodes, options)
        kind, _, place = options["output"].partition(":")
        _WRITERS.get(kind, _unknown_output)(self, cmd, root, options, place.removeprefix("outfile="))
        if cmd == "op":
            return messages.list_message(root, options["step"])
        return messages.code_message(root) if cmd == "code" else messages.tree_message(root)


@export("profiler.profile")
def profile(graph=None, run_meta=None, op_log=None, cmd="scope", options=_DEFAULT):
    """Profile a graph: parameters, floating-point operations and, given RunMetadata, time and memory.

    Args:
      graph: the graph; if None, the default graph.
      run_meta: the RunMetadata of a run with `trace_level=FULL_TRACE`, or None.
      op_log: an OpLogProto that gives operations more types, or None.
      cmd: "scope" (by name scope), "graph" (by data flow), "op" (by op type) or "code" (by line of Python).
      options: those of `ProfileOptionBuilder`; by default, the parameters of trainable variables.

    Returns:
      A GraphNodeProto for "scope" and "graph", a MultiGraphNodeProto for "op" and "code".

    Raises:
      InvalidArgumentError: if there is no such `cmd` or output.
      UnimplementedError: if a pprof file is asked for.
    """
    if cmd not in ("scope", "graph", "op", "code"):
        raise errors.InvalidArgumentError(None, None, f"unknown cmd: {cmd}\n")
    if options == _DEFAULT:
        options = ProfileOptionBuilder.trainable_variables_parameter()
    return _profiler(graph, run_meta, op_log)._profile(cmd, options)


@export("profiler.advise")
def advise(graph=None, run_meta=None, options=_DEFAULT):
    """Look for what is slow in a graph, and print what is found.

    Args:
      graph: the graph; if None, the default graph.
      run_meta: the RunMetadata of a run with `trace_level=FULL_TRACE`, or None.
      options: a dictionary whose keys are the checkers to run; by default, all.

    Returns:
      An AdviceProto.
    """
    return _profiler(graph, run_meta, None).advise(None if options == _DEFAULT else options)


def _profiler(graph, run_meta, op_log) -> Profiler:
    profiler = Profiler(graph, op_log)
    if run_meta is not None:
        profiler.add_step(0, run_meta)
    return profiler


# --- outputs: (profiler, cmd, root, options, path) --------------------------------------------------------------------


def _print_report(profiler, cmd, root, options, path):
    print("Parsing Inputs...")
    print(options_text(options))
    print("\n==================Model Analysis Report======================")
    print(report(cmd, root, options))
    print("======================End of Report==========================")


def _write_report(profiler, cmd, root, options, path):
    with open(path, "w") as file:
        file.write(report(cmd, root, options))


def _write_timeline(profiler, cmd, root, options, path):
    """Chrome traces: of the operations of each step for "graph", of a tree's times otherwise; "op" has none."""
    step = options["step"]
    if cmd == "graph" and profiler._steps:
        for each in sorted(profiler._steps) if step == -1 else [step]:
            timeline = Timeline(profiler._steps[each].step_stats)
            _write_trace(f"{path}_{each}", timeline.generate_chrome_trace_format())
    elif cmd != "op":
        _write_trace(f"{path}_{step}", json.dumps({"traceEvents": _tree_events(root)}))


def _write_trace(path: str, trace: str) -> None:
    with open(path, "w") as file:
        file.write(trace)
    print(f"Timeline file is written to {path}.\nOpen it at chrome://tracing or in Perfetto.")


def _tree_events(root: Row) -> list[dict]:
    """A lane for each depth: a row lies above the rows below it, and as long as they take together."""
    events: list[dict] = []
    lanes: set[int] = set()
    stack = [(root, 0, 0)]
    while stack:
        row, depth, start = stack.pop()
        if not row.total["exec_micros"]:
            continue
        if depth not in lanes:
            lanes.add(depth)
            events.append({"ph": "M", "name": "process_name", "pid": depth, "args": {"name": f"Scope:{depth}"}})
        events.append({"ph": "X", "cat": "Op", "name": row.name, "pid": depth, "tid": 0, "ts": start,
                       "dur": row.total["exec_micros"], "args": {"name": row.name, "op": row.name}})  # fmt: skip
        for child in row.children:
            stack.append((child, depth + 1, start))
            start += child.total["exec_micros"]
    return events


def _no_pprof(profiler, cmd, root, options, path):
    raise errors.UnimplementedError(None, None, "files for pprof are not written; use with_timeline_output")


def _unknown_output(profiler, cmd, root, options, path):
    raise errors.InvalidArgumentError(None, None, f"unknown output: {options['output']}")


_WRITERS = {"stdout": _print_report, "file": _write_report, "timeline": _write_timeline, "pprof": _no_pprof,
            "none": lambda *arguments: None}  # fmt: skip
