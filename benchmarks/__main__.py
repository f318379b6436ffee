"""`python -m benchmarks`: Reflow beside TensorFlow 1.15 and 2.21, PyTorch and JAX, in one run."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from benchmarks.cases import CASES
from benchmarks.contenders import ROOT, contenders
from benchmarks.report import markdown, print_report
from benchmarks.results import merge, rows
from benchmarks.runner import measure

DEFAULT_CONTENDERS = "reflow,tf1,tf2,torch,torch-compile,jax"


def chosen_cases(patterns):
    """The cases whose names match any of the patterns (`*` and `?`), or begin with one and a slash; all for none."""
    names = [
        name
        for name in CASES
        if not patterns or any(fnmatch(name, pattern) or name.startswith(pattern + "/") for pattern in patterns)
    ]
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
    cases: Annotated[list[str] | None, typer.Argument(help="Benchmarks, with * and ?; all by default.")] = None,
    impl: Annotated[str, typer.Option(help="Contenders, separated by commas.")] = DEFAULT_CONTENDERS,
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds of each contender.")] = 7,
    seconds: Annotated[float, typer.Option(help="Length of a round.")] = 0.5,
    json: Annotated[Path, typer.Option(help="Results file; rows measured now replace those in it.")] = (
        ROOT / "benchmarks" / "results.json"
    ),
    markdown_file: Annotated[
        Path | None, typer.Option("--markdown", help="Write all rows of the results file as Markdown.")
    ] = None,
    list_: Annotated[bool, typer.Option("--list", help="List the benchmarks and stop.")] = False,
) -> None:
    """Measure training steps, inference and the small costs, and print ratios with their spread."""
    if list_:
        typer.echo("\n".join(CASES))
        return
    console = Console()
    names = chosen_contenders(impl)
    new_rows = {}
    with console.status("") as status:
        for case in chosen_cases(cases):
            status.update(f"{case.name}: preparing")
            samples = measure(
                case,
                names,
                rounds,
                seconds,
                lambda done, total, name=case.name: status.update(f"{name}: round {done} of {total}"),
            )
            new_rows.update(rows(case, samples))
            all_rows = merge(json, new_rows)
    print_report(console, new_rows)
    if markdown_file:
        markdown_file.write_text(markdown(all_rows))


if __name__ == "__main__":
    typer.run(main)
