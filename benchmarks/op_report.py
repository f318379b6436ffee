"""The table of operations: on the terminal, and as docs/op_benchmarks.md."""

from rich.table import Table

from benchmarks.contenders import contenders
from benchmarks.ops import OPS
from benchmarks.ops.base import GRADIENT
from benchmarks.report import failures, measured_when, number, ratio_text
from benchmarks.results import SLOW, is_slow

COLUMNS = ("reflow", "tf1", "tf2", "torch")

INTRODUCTION = """\
# Operations, one by one

`make bench-ops` measures this table and writes this file; [benchmarks.md](benchmarks.md) tells how it is measured.
Times are microseconds for one operation, medians over rounds; in a row with a gradient, for the operation and its
gradients by its inputs. A ratio is taken round by round, to the faster TensorFlow, and has its quartiles beside it.
`python -m benchmarks 'op/relu'` measures a row again.
"""


def _operation_of(name):
    """(Op, row) of a row's name, such as `op/relu: small, gradient`."""
    operation, _, row = name[len("op/"):].rpartition(": ")
    return OPS[operation], row


def ratio(row):
    """Reflow's time over that of the faster TensorFlow; None where either was not measured."""
    found = row["ratios"].get("TensorFlow")
    return found and found["median"]


def _line(name, row):
    op, kind = _operation_of(name)
    size = kind.replace(GRADIENT, "")
    times = [number(row["seconds"][who]["median"] * 1e6) if who in row["seconds"] else "-" for who in COLUMNS]
    inputs = ", ".join(map(str, op.inputs[size]))
    reason = op.reason(kind) if is_slow(row) else ""
    return [op.name, kind, inputs, *times, ratio_text(row, "TensorFlow"), ratio_text(row, "PyTorch"), reason]


def op_table(rows):
    """Header and lines, in the order in which the operations are defined."""
    titles = [contenders()[name].title for name in COLUMNS]
    header = ["operation", "size", "inputs", *titles, "Reflow / TensorFlow", "Reflow / PyTorch", "why slower"]
    names = [f"op/{op.name}: {row}" for op in OPS.values() for row in op.rows]
    return header, [_line(name, rows[name]) for name in names if name in rows]


def summary_line(rows):
    """How many rows stand where."""
    known = [ratio(row) for row in rows.values() if ratio(row) is not None]
    slow = sum(map(is_slow, rows.values()))
    fast = sum(value < 1.0 for value in known)
    return (
        f"Of {len(known)} rows Reflow is faster than the faster TensorFlow in {fast}, "
        f"and takes more than {SLOW} times as long in {slow}."
    )


def print_op_report(console, rows):
    """Print the table, what it says in sum, and what failed."""
    header, lines = op_table(rows)
    table = Table(*header, title="Microseconds an operation: medians; ratios with quartiles")
    for line in lines:
        table.add_row(*line)
    console.print(table)
    console.print(summary_line(rows))
    for line in failures(rows):
        console.print(line, style="red", markup=False)


def op_markdown(rows):
    """The page with the table."""
    header, lines = op_table(rows)
    rounds = sorted({row["rounds"] for row in rows.values()})
    rounds = f"Rounds: {rounds[0]}" + (f" to {rounds[-1]}." if rounds[1:] else ".")
    table = "\n".join(f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *lines))
    return f"{INTRODUCTION}\n{measured_when(rows)} {rounds}\n{summary_line(rows)}\n\n{table}\n"
