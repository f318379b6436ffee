"""`reflow explain script.py`: run a 1.x program and show what each of its steps compiles to."""

import os
import runpy
import sys
from collections import Counter

from rich.console import Console
from rich.syntax import Syntax
from rich.table import Table

from reflow.engine import step
from reflow.engine.memory import high_water_mark
from reflow.engine.step import Compiled


def main(script: str, args: list[str]) -> int:
    """Run `script` with `args` and print every plan that its sessions compiled.

    Returns:
      The script's exit status.
    """
    compiled: list[Compiled] = []
    observe = compiled.append
    step.observers.append(observe)
    sys.argv = [script, *args]
    sys.path.insert(0, os.path.dirname(os.path.abspath(script)))
    status = 0
    try:
        runpy.run_path(script, run_name="__main__")
    except SystemExit as stop:
        status = stop.code if isinstance(stop.code, int) else int(stop.code is not None)
    finally:
        step.observers.remove(observe)
        report(compiled, Console())
    return status


def report(compiled: list[Compiled], console: Console) -> None:
    """Print the plans: fetches, nodes before and after the passes, fusions, memory, and the emitted function."""
    for number, each in enumerate(compiled, 1):
        plan = each.plan
        fetched = [v.name for v in plan.fetches] + [t.name for t in plan.targets]
        console.rule(f"step {number} of {len(compiled)}")
        table = Table(show_header=False, box=None)
        most, where = high_water_mark(plan)
        devices = Counter(node.device or "/device:CPU:0" for node in plan.nodes)
        table.add_row("fetches", ", ".join(fetched) or "nothing")
        table.add_row("feeds", ", ".join(f"{v.name}{_shape(v)}" for v in plan.feeds) or "nothing")
        table.add_row("nodes", f"{plan.pruned} in the graph, {len(plan.nodes)} in the plan")
        table.add_row("devices", ", ".join(f"{d}: {n} nodes" for d, n in sorted(devices.items())))
        place = f", at {where}" if where else ""
        table.add_row("memory", f"at most {most / 1e6:.1f} MB of intermediate values{place}")
        for line in _placement_lines(plan):
            table.add_row("placed", line)
        for note in plan.notes:
            table.add_row("rewritten", note)
        for line in _jit_lines(plan):
            table.add_row("jit", line)
        console.print(table)
        console.print(Syntax(each.source, "python", word_wrap=True))


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
