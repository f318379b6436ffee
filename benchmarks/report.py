"""The tables: on the terminal, and as a block of Markdown for the README."""

from rich.table import Table

from benchmarks.contenders import contenders
from benchmarks.results import RIVALS, TENSORFLOWS

SCALES = {"s": 1.0, "ms": 1e3, "us": 1e6}
TITLES = {name: contender.title for name, contender in contenders().items()}
MEBIBYTE = 2.0**20


def number(value):
    """Three significant digits, without an exponent."""
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def _time(row, name):
    if name in row["seconds"]:
        return number(row["seconds"][name]["median"] * SCALES[row["unit"]])
    return "failed" if name in row["errors"] else "-"


def ratio_text(row, rival):
    """`1.02 (0.98-1.05)`: median and quartiles of the ratio to a rival."""
    ratio = row["ratios"].get(rival)
    return f"{ratio['median']:.2f} ({ratio['low']:.2f}-{ratio['high']:.2f})" if ratio else "-"


def _memory_ratio(row):
    """Reflow's peak memory over that of the TensorFlow that takes less."""
    rivals = [row["memory"][name] for name in TENSORFLOWS if name in row["memory"]]
    return f"{row['memory']['reflow'] / min(rivals):.2f}" if rivals and "reflow" in row["memory"] else "-"


def _columns(rows):
    """The contenders that any row has."""
    seen = {name for row in rows.values() for name in (*row["seconds"], *row["errors"])}
    return [name for name in TITLES if name in seen]


def time_table(rows):
    """Header and lines of the table of step times and of Reflow's ratios to the fastest of each rival."""
    columns = _columns(rows)
    header = ["benchmark", "unit", *(TITLES[name] for name in columns), *(f"Reflow / {rival}" for rival in RIVALS)]
    lines = [
        [name, row["unit"], *(_time(row, column) for column in columns), *(ratio_text(row, rival) for rival in RIVALS)]
        for name, row in rows.items()
    ]
    return header, lines


def resource_table(rows):
    """Header and lines of each model's share of the machine's matrix-product rate and its peak memory."""
    rows = {name: row for name, row in rows.items() if row["product_share"]}
    columns = _columns(rows)
    header = ["model", "product GFLOP/s", *(f"{TITLES[name]}: share, MiB" for name in columns), "Reflow / TF: MiB"]

    def cell(row, name):
        if name not in row["product_share"]:
            return "-"
        memory = f"{row['memory'][name] / MEBIBYTE:.0f}" if name in row["memory"] else "-"
        return f"{row['product_share'][name]:.0%}, {memory}"

    lines = [
        [name, number(row["product_gflops"]), *(cell(row, column) for column in columns), _memory_ratio(row)]
        for name, row in rows.items()
    ]
    return header, lines


def failures(rows):
    """One line for each contender that failed in a row."""
    return [
        f"{name}, {TITLES[who]}: {why}"
        for name, row in rows.items()
        for who, why in row["errors"].items()
        if who in TITLES
    ]


def print_report(console, rows):
    """Print both tables, and what failed."""
    for title, (header, lines) in (
        ("Time of a step: medians; ratios with quartiles", time_table(rows)),
        ("Share of the machine's matrix-product rate, peak memory of a step", resource_table(rows)),
    ):
        if not lines:
            continue
        table = Table(*header, title=title)
        for line in lines:
            table.add_row(*line)
        console.print(table)
    for line in failures(rows):
        console.print(line, style="red", markup=False)


def measured_when(rows):
    """A line that tells dates and machine."""
    dates = sorted({row["date"] for row in rows.values()})
    machines = sorted({row["machine"] for row in rows.values()})
    period = dates[0] if len(dates) == 1 else f"{dates[0]} to {dates[-1]}"
    return f"Measured {period} on {', '.join(machines)}; medians, and in brackets the quartiles over rounds."


def markdown(rows):
    """Both tables as Markdown, under a line that tells dates and machine."""
    text = [measured_when(rows), ""]
    for header, lines in (time_table(rows), resource_table(rows)):
        if lines:
            text += [f"| {' | '.join(line)} |" for line in (header, ["---"] * len(header), *lines)] + [""]
    return "\n".join(text)
