"""`reflow explain script.py`: run a 1.x program and show what each of its steps compiles to."""

import os
import runpy
import sys
import traceback
from collections import Counter

from rich.console import Console
from rich.markup import escape
from rich.syntax import Syntax

from reflow.engine import step
from reflow.engine.memory import high_water_mark
from reflow.engine.plan import Plan
from reflow.engine.step import Compiled


def main(script: str, args: list[str]) -> int:
    """Run `script` with `args` and print every plan that its sessions compiled.

    Returns:
      The script's exit status; 1 if it raised, 2 if there is no such script.
    """
    if not os.path.exists(script):
        print(f"reflow explain: there is no file {script!r}", file=sys.stderr)
        return 2
    compiled: list[Compiled] = []
    observe = compiled.append
    step.observers.append(observe)
    sys.argv = [script, *args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    try:
        status = _run(script)
    finally:
        step.observers.remove(observe)
        report(compiled, Console(highlight=False))
    return status


def _run(script: str) -> int:
    """Run a script as `python` does, and return its exit status."""
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        if stop.code is None or isinstance(stop.code, int):
            return stop.code or 0
        print(stop.code, file=sys.stderr)
        return 1
    except Exception as error:
        frames = error.__traceback__
        while frames is not None and frames.tb_frame.f_code.co_filename != script:
            frames = frames.tb_next
        traceback.print_exception(type(error), error, frames or error.__traceback__)
        return 1
    return 0


def report(compiled: list[Compiled], console: Console) -> None:
    """Print the plans: fetches, nodes before and after the passes, fusions, memory, and the emitted function."""
    if not compiled:
        console.print("The program ran no step.")
    for number, each in enumerate(compiled, 1):
        console.rule(f"step {number} of {len(compiled)}")
        for label, text in _rows(each.plan):
            # Long lines are the terminal's to break: names stay whole in a pipe or a file.
            console.print(f"[bold]{label:<10}[/bold] {escape(text)}", soft_wrap=True)
        if console.is_terminal:
            console.print(Syntax(each.source, "python", word_wrap=True))
        else:
            console.print(each.source, soft_wrap=True, markup=False)


def _rows(plan: Plan):
    """What is said of a plan, as pairs of a label and a text."""
    yield "fetches", ", ".join([v.name for v in plan.fetches] + [t.name for t in plan.targets]) or "nothing"
    yield "feeds", ", ".join(f"{v.name}{_shape(v)}" for v in plan.feeds) or "nothing"
    yield "nodes", f"{plan.pruned} in the graph, {len(plan.nodes)} in the plan"
    devices = Counter(node.device or "/device:CPU:0" for node in plan.nodes)
    yield "devices", ", ".join(f"{d}: {_count(n, 'node')}" for d, n in sorted(devices.items())) or "none"
    most, where = high_water_mark(plan)
    place = f", at {where}" if where else ""
    yield "memory", f"at most {_bytes(most)} of intermediate values{place}"
    yield from (("placed", line) for line in _placement_lines(plan))
    yield from (("rewritten", note) for note in plan.notes)
    yield from (("jit", line) for line in _jit_lines(plan))


def _count(number: int, what: str) -> str:
    return f"{number} {what}" if number == 1 else f"{number} {what}s"


def _bytes(number: int) -> str:
    for size, unit in ((1e9, "GB"), (1e6, "MB"), (1e3, "kB")):
        if number >= size:
            return f"{number / size:.1f} {unit}"
    return _count(number, "byte")


def _placement_lines(plan):
    """Each node with its device and why it stands there, in groups of the same; nothing if there is one device."""
    groups: dict[tuple[str, str], list[str]] = {}
    for node in plan.nodes if plan.placement else ():
        reason = plan.placement.get(node.name, "made by a pass or for a transfer")
        groups.setdefault((node.device, reason), []).append(node.name)
    for (device, reason), names in groups.items():
        yield f"{device.rpartition('/')[2]}, {reason}: {', '.join(names)}"


def _jit_lines(plan):
    """What the JIT compiled of a plan and what not, with the reasons."""
    if plan.jit is None:
        return
    for segment in plan.jit.segments:
        about = f"{segment.name}: {len(segment.nodes)} nodes from {segment.nodes[0].name} to {segment.nodes[-1].name}"
        yield f"{about}, not compiled: {segment.reason}" if segment.reason else about
    for reason, count in plan.jit.left_out.most_common():
        yield f"left out: {count} x {reason}"


def _shape(value) -> str:
    return "" if value.dims is None else str(list(value.dims))
