"""`python -m benchmarks`: Reflow beside TensorFlow 1.15 and 2.21, PyTorch and JAX, in one run."""

from fnmatch import fnmatch
from pathlib import Path
from typing import Annotated, Literal

import typer
from rich.console import Console

from benchmarks import devices
from benchmarks.cases import CASES
from benchmarks.contenders import ROOT, contenders
from benchmarks.op_report import op_markdown, print_op_report
from benchmarks.report import markdown, print_report
from benchmarks.results import merge, op_rows, rows
from benchmarks.runner import Crew, measure

DEFAULT_CONTENDERS = "reflow,tf1,tf2,torch,torch-compile,jax"
_FILES = ("results.json", "gpu_results.json", "op_results.json")
RESULTS, GPU_RESULTS, OP_RESULTS = (ROOT / "benchmarks" / name for name in _FILES)


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


def cases_on_gpu(cases, patterns):
    """Of the chosen cases those that are measured on a GPU: models.

    Raises:
        typer.BadParameter: if there is no GPU, or a pattern chose nothing of them.
    """
    reason = devices.missing()
    if reason:
        raise typer.BadParameter(f"there is no GPU to measure: {reason}", param_hint="--device")
    models = [case for case in cases if case.is_model]
    if not models:
        raise typer.BadParameter(f"on a GPU models are measured; {' '.join(patterns)} names none")
    return models


def main(
    cases: Annotated[list[str] | None, typer.Argument(help="Cases, with * and ?; all but op/* by default.")] = None,
    impl: Annotated[
        str | None, typer.Option(help="Contenders, separated by commas; all that run on the device by default.")
    ] = None,
    device: Annotated[Literal["cpu", "gpu"], typer.Option(help="What the models run on.")] = "cpu",
    rounds: Annotated[int, typer.Option(min=1, help="Measured rounds of each contender.")] = 7,
    seconds: Annotated[float, typer.Option(help="Length of a round.")] = 0.5,
    json: Annotated[
        Path | None, typer.Option(help="Results file, one a device by default; rows measured now replace those in it.")
    ] = None,
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
    on_gpu = device == devices.GPU
    names = chosen_contenders(impl or (",".join(devices.ON_GPU) if on_gpu else DEFAULT_CONTENDERS))
    groups = {False: [], True: []}
    wanted = chosen_cases(cases)
    for case in cases_on_gpu(wanted, cases or []) if on_gpu else wanted:
        groups[case.is_op].append(case)
    for chosen, path, show, page, page_file in (
        (groups[False], json or (GPU_RESULTS if on_gpu else RESULTS), print_report, markdown, markdown_file),
        (groups[True], op_json, print_op_report, op_markdown, op_markdown_file),
    ):
        if chosen:
            new_rows, all_rows = measure_all(console, chosen, names, rounds, seconds, path, device)
            show(console, new_rows)
            if page_file:
                page_file.write_text(page(all_rows))


def measure_all(console, cases, names, rounds, seconds, path, device):
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
                device,
            )
            new_rows.update(op_rows(case, samples) if case.is_op else rows(case, samples, device))
            all_rows = merge(path, new_rows)
    return new_rows, all_rows


if __name__ == "__main__":
    typer.run(main)
