"""What a profile shows to be slow."""

from reflow.profiler.messages import AdviceProto
from reflow.profiler.nodes import ProfiledNode
from reflow.profiler.options import complete
from reflow.profiler.text import duration
from reflow.profiler.views import Row, view

_COUNT = 3
# An accelerator that works for less than this share of the time is idle too often.
_LEAST_UTILIZATION = 0.5
_EVERYTHING = {"max_depth": 10000, "order_by": "micros", "account_type_regexes": [".*"], "start_name_regexes": [".*"],
               "show_name_regexes": [".*"]}  # fmt: skip


def advise(nodes: dict[str, ProfiledNode], checkers):
    """Run checkers and print what they report.

    Args:
      nodes: nodes by name, with the runs of steps.
      checkers: names of checkers; those that are not known are left out.

    Returns:
      An AdviceProto.
    """
    result = AdviceProto()
    for name in checkers:
        if name in CHECKERS:
            reports = CHECKERS[name](nodes)
            result.checkers[name].reports.extend(reports)
            print("\n".join(["", f"{name}:", *reports]))
    return result


def _expensive_operations(nodes) -> list[str]:
    """The op types, the scope and the line of Python that take most of the time."""
    ops = view("op", nodes, complete(_EVERYTHING))
    whole = ops.total["exec_micros"]
    if not whole:
        return []
    lines = [f"top {i} operation type: {row.name}, {_times(row.own)} ({100 * row.own['exec_micros'] / whole:.2f}%)"
             for i, row in enumerate(ops.children[:_COUNT], 1)]  # fmt: skip
    reports = ["\n".join(lines)]
    scopes = view("scope", nodes, complete(_EVERYTHING)).children
    if scopes:
        reports.append(f"top 1 graph node: {scopes[0].name}, {_times(scopes[0].total)}")
    lines_of_code = view("code", nodes, complete(_EVERYTHING)).children
    if lines_of_code:
        reports.append(_path(lines_of_code[0]))
    return reports


def _path(row: Row) -> str:
    """The stack of Python lines along which most of the time goes."""
    lines = []
    depth = 0
    while True:
        lines.append(f"{'  ' * depth}{row.name}, {_times(row.total)}")
        if not row.children:
            return "\n".join(lines)
        row, depth = row.children[0], depth + 1


def _times(numbers) -> str:
    return (f"cpu: {duration(numbers['cpu_exec_micros'])}, "
            f"accelerator: {duration(numbers['accelerator_exec_micros'])}, "
            f"total: {duration(numbers['exec_micros'])}")  # fmt: skip


def _idle_accelerators(nodes) -> list[str]:
    """Accelerators that work for less than half of the time in which any node runs."""
    whole = sum(node.numbers(-1)["exec_micros"] for node in nodes.values())
    busy: dict[str, int] = {}
    for node in nodes.values():
        for device in node.devices:
            if "gpu" in device:
                busy[device] = busy.get(device, 0) + node.numbers(-1)["accelerator_exec_micros"]
    return [f"device: {device} low utilization: {micros / whole:.2f}" for device, micros in busy.items()
            if whole and micros / whole < _LEAST_UTILIZATION]  # fmt: skip


def _slow_layouts(nodes) -> list[str]:
    """Convolutions on GPUs whose channels come last."""
    found = any(node.op.startswith("Conv2D") and any("gpu" in device for device in node.devices)
                and node.data_format == "NHWC" for node in nodes.values())  # fmt: skip
    return ["Found operation using NHWC data_format on GPU. Maybe NCHW is faster."] if found else []


CHECKERS = {
    "ExpensiveOperationChecker": _expensive_operations,
    "AcceleratorUtilizationChecker": _idle_accelerators,
    "OperationChecker": _slow_layouts,
}
