"""The text of a report, in the form of TensorFlow's profiler."""

from collections.abc import Iterator

from reflow.profiler.nodes import Numbers
from reflow.profiler.views import Row

_ABOUT_VIEWS = {
    "scope": "scope: operations by name scope, as in folders.",
    "graph": "graph: operations below those that take their tensors.",
    "op": "op: operations by type.",
    "code": "code: operations below the lines of Python that made them.",
}
# By title, what a column of times shows, and the selections that bring it; by selection, the same of memory.
_TIMES = {"total execution time": ("exec_micros", ("micros",)),
          "accelerator execution time": ("accelerator_exec_micros", ("micros", "accelerator_micros")),
          "cpu execution time": ("cpu_exec_micros", ("micros", "cpu_micros"))}  # fmt: skip
_BYTES = {"bytes": ("requested bytes", "requested_bytes"), "peak_bytes": ("peak bytes", "peak_bytes"),
          "residual_bytes": ("residual bytes", "residual_bytes"),
          "output_bytes": ("output bytes", "output_bytes")}  # fmt: skip
_ABOUT = {
    "accelerator_micros": "accelerator execution time: time on GPUs.",
    "bytes": "requested bytes: memory that the operation asked for.",
    "cpu_micros": "cpu execution time: time on CPUs.",
    "device": "device: where the operation runs.",
    "float_ops": "flops: floating-point operations; see docs/profiler.md for what counts.",
    "input_shapes": "input shapes: position:dims of each input whose shape is known.",
    "micros": "total, accelerator and cpu execution time: from the operation's start to its end.",
    "occurrence": "occurrence: how many operations there are, and how many ran.",
    "op_types": "op_types: the operation's type and device, and types that an op log gives it.",
    "output_bytes": "output bytes: memory of the operation's results, whoever asked for it.",
    "params": "param: numbers in variables.",
    "peak_bytes": "peak bytes: the most memory that the operation held at one time.",
    "residual_bytes": "residual bytes: memory that the operation still held when it ended.",
}


def options_text(options: dict) -> str:
    """The block that lists the options."""
    lines = ["", "=========================Options============================="]
    for name, value in options.items():
        if isinstance(value, (list, tuple, set)):
            value = ",".join(sorted(value) if name == "select" else value)
        elif isinstance(value, bool):
            value = str(value).lower()
        elif name == "output" and ":" not in value:
            value = f"{value}:"
        lines.append(f"-{name:<26} {value}")
    return "\n".join(lines)


def report(cmd: str, root: Row, options: dict) -> str:
    """What the options mean, and the rows.

    Args:
      cmd: the view, "scope", "graph", "code" or "op".
      root: what `views.view` made.
      options: complete options.
    """
    selected = options["select"]
    about = [_ABOUT.get(name, f"Unknown select: {name}") for name in sorted(selected)]
    lines = ["", "Doc:", _ABOUT_VIEWS[cmd], *about, "", "Profile:"]
    if cmd == "op":
        lines.append(f"node name | {' | '.join(_list_titles(selected))}")
        lines.extend(_list_line(row, root, selected) for row in root.children)
    else:
        lines.append(f"node name | {' | '.join(_tree_titles(selected))}")
        lines.extend(_tree_lines(root, selected))
    return "\n".join(lines) + "\n"


# --- numbers ----------------------------------------------------------------------------------------------------------


def number(value: int) -> str:
    """12, 3.46k, 5.00m, 7.12b."""
    for least, unit in ((10**9, "b"), (10**6, "m"), (10**3, "k")):
        if value >= least:
            return f"{value / least:.2f}{unit}"
    return str(value)


def memory(value: int) -> str:
    """12B, 3.46KB, 5.00MB, 7.12GB; the units are powers of 1000."""
    for least, unit in ((10**9, "GB"), (10**6, "MB"), (10**3, "KB")):
        if value >= least:
            return f"{value / least:.2f}{unit}"
    return f"{value}B"


def duration(micros: int) -> str:
    """12us, 3.46ms, 5.00sec."""
    for least, unit in ((10**6, "sec"), (10**3, "ms")):
        if micros >= least:
            return f"{micros / least:.2f}{unit}"
    return f"{micros}us"


def _dims(dims) -> str:
    return "x".join(map(str, dims))


# --- trees ------------------------------------------------------------------------------------------------------------


def _tree_titles(selected) -> list[str]:
    titles = ["# parameters"] if "params" in selected else []
    titles += ["# float_ops"] if "float_ops" in selected else []
    titles += [title for name, (title, _) in _BYTES.items() if name in selected]
    titles += _time_titles(selected)
    return titles + _last_titles(selected, "op count (run|defined)")


def _time_titles(selected) -> list[str]:
    return [title for title, (_, by) in _TIMES.items() if set(by) & set(selected)]


def _time_keys(selected) -> list[str]:
    return [_TIMES[title][0] for title in _time_titles(selected)]


def _last_titles(selected, occurrence: str) -> list[str]:
    titles = {"device": "assigned devices", "op_types": "op types", "occurrence": occurrence,
              "input_shapes": "input shapes"}  # fmt: skip
    return [title for name, title in titles.items() if name in selected]


def _tree_lines(root: Row, selected) -> Iterator[str]:
    stack = [(root, 0)]
    while stack:
        row, depth = stack.pop()
        yield f"{'  ' * depth}{row.name} ({', '.join(_tree_fields(row, selected))})"
        stack.extend((child, depth + 1) for child in reversed(row.children))


def _tree_fields(row: Row, selected) -> Iterator[str]:
    def pair(name, form=number, unit=""):
        return f"{form(row.own[name]) if row.accounted else '--'}/{form(row.total[name])}{unit}"

    if "params" in selected:
        if row.accounted and len(row.nodes) == 1 and row.nodes[0].shape is not None:
            yield _dims(row.nodes[0].shape or (1,))
        yield pair("parameters", unit=" params")
    if "float_ops" in selected:
        yield pair("float_ops", unit=" flops")
    for name, (_, key) in _BYTES.items():
        if name in selected:
            yield pair(key, memory)
    for key in _time_keys(selected):
        yield pair(key, duration)
    if "device" in selected and _devices(row):
        yield _devices(row)
    if "op_types" in selected:
        yield "|".join(sorted(row.types))
    if "occurrence" in selected:
        yield f"{pair('run_count')}|{pair('definition_count')}"
    if "input_shapes" in selected:
        shapes = row.nodes[0].input_shapes if len(row.nodes) == 1 else {}
        yield "|".join(f"{position}:{_dims(dims)}" for position, dims in shapes.items())


def _devices(row: Row) -> str:
    return "|".join(dict.fromkeys(device for node in row.nodes for device in node.devices))


# --- the list of op types ---------------------------------------------------------------------------------------------


def _list_titles(selected) -> list[str]:
    titles = [title for name, (title, _) in _BYTES.items() if name in selected] + _time_titles(selected)
    titles += ["# parameters"] if "params" in selected else []
    titles += ["# float_ops"] if "float_ops" in selected else []
    return titles + _last_titles(selected, "op occurrence (run|defined)")


def _list_line(row: Row, root: Row, selected) -> str:
    return f"{row.name:<25}{', '.join(_list_fields(row, root.total, selected))}"


def _list_fields(row: Row, everything: Numbers, selected) -> Iterator[str]:
    def shares(name, form, unit=""):
        whole = everything[name]
        below, own = (100 * n[name] / whole if whole else 0.0 for n in (row.total, row.own))
        return f"{f'{form(row.own[name])}{unit} ({below:.2f}%, {own:.2f}%)':>30}"

    for name, (_, key) in _BYTES.items():
        if name in selected:
            yield shares(key, memory)
    for key in _time_keys(selected):
        yield shares(key, duration)
    if "params" in selected:
        yield shares("parameters", number, " params")
    if "float_ops" in selected:
        yield shares("float_ops", number, " float_ops")
    if "device" in selected:
        yield _devices(row)
    if "op_types" in selected:
        yield "|".join(sorted(row.types))
    if "occurrence" in selected:
        yield f"{row.own['run_count']}|{row.own['definition_count']}".rjust(10)
