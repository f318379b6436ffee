"""`python -m benchmarks`: Reflow beside TensorFlow 1.15 and 2.21, PyTorch and JAX, in one run."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.contenders import ROOT, contenders
from benchmarks.op_report import op_markdown, print_op_report
from benchmarks.report import markdown, print_report
from benchmarks.results import merge, op_rows, rows
from benchmarks.runner import Crew, measure

DEFAULT_CONTENDERS = "reflow,tf1,tf2,torch,torch-compile,jax"
RESULTS, OP_RESULTS = (ROOT / "benchmarks" / name for name in ("results.json", "op_results.json"))


def chosen_cases(patterns):
    """The cases whose names match any of the patterns (`*` and `?`), or begin with one and a slash.

    Without patterns they are all but the single operations, which have a table of their own.
    """
    names = [
        name
        for name, case in CASES.items()
        if (any(fnmatch(name, pattern) or name.startswith(pattern + "/") for pattern in patterns)
            if patterns else not case.is_op)
    ]  # fmt: skip
    if not names:
        raise typer.BadParameter(f"no benchmark matches {' '.join(patterns)}; there are: {', '.join(CASES)}")
    return [CASES[name] for name in names]


def chosen_contenders(text):
    """The names in a comma-separated list."""
    names = [name.strip() for name in text.split(",")]
    unknown = sorted(set(names) - set(contenders()))
    if unknown:
        raise typer.BadParameter(f"unknown: {', '.join(unknown)}; there are: {', '.join(contenders())}")
    return names


def main(
    cases: Annotated[list[str] | None, typer.Argument(help="Cases, with * and ?; all but op/* by default.")] = None,
    impl: Annotated[str, typer.Option(help="Contenders, separated by commas.")] = DEFAULT_CONTENDERS,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds of each contender.")] = 7,
    seconds: Annotated[float, typer.Option(help="Length of a round.")] = 0.5,
    json: Annotated[Path, typer.Option(help="Results file; rows measured now replace those in it.")] = RESULTS,
    op_json: Annotated[Path, typer.Option(help="The same for operations.")] = OP_RESULTS,
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write all rows of the results file as Markdown.")
    ] = None,
    op_markdown_file: Annotated[
        Path | None, typer.Option("--op-markdown", help="Write all rows of operations as Markdown.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the benchmarks and stop.")] = False,
) -> None:
    """Measure training steps, inference and the small costs, and print ratios with their spread."""
    if list_:
        typer.echo("\n".join(CASES))
        return
    console = Console()
    names = chosen_contenders(impl)
    groups = {False: [], True: []}
    for case in chosen_cases(cases):
        groups[case.is_op].append(case)
    for chosen, path, show, page, page_file in (
        (groups[False], json, print_report, markdown, markdown_file),
        (groups[True], op_json, print_op_report, op_markdown, op_markdown_file),
    ):
        if chosen:
            new_rows, all_rows = measure_all(console, chosen, names, rounds, seconds, path)
            show(console, new_rows)
            if page_file:
                page_file.write_text(page(all_rows))


def measure_all(console, cases, names, rounds, seconds, path):
    """Measure cases and merge their rows into the results file `path`: (the new rows, all rows)."""
    new_rows = {}
    with console.status("") as status, Crew() as crew:
        for case in cases:
            status.update(f"{case.name}: preparing")
            samples = measure(
                case,
                names,
                rounds,
                seconds,
                lambda done, total, name=case.name: status.update(f"{name}: round {done} of {total}"),
                crew if case.is_op else None,
            )
            new_rows.update((op_rows if case.is_op else rows)(case, samples))
            all_rows = merge(path, new_rows)
    return new_rows, all_rows


if __name__ == "__main__":
    typer.run(main)
