"""The `reflow` command."""

import sys
from typing import Annotated

import typer
from rich.console import Console
from rich.table import Table

from reflow.compat import launch
from reflow.platform import versions

app = typer.Typer(
    name="reflow",
    add_completion=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)

_EXPLAIN = """
import sys
from reflow.tools.explain import main
sys.exit(main(sys.argv[1], sys.argv[2:]))
"""

# What stands behind a program's name belongs to the program, whatever it looks like.
_PASS_ON = {"allow_extra_args": True, "ignore_unknown_options": True, "allow_interspersed_args": False}


@app.callback(invoke_without_command=True)
def overview(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the versions and exit.")] = False,
) -> None:
    """Runs TensorFlow 1.x programs on today's Python."""
    if version:
        print(f"reflow {versions.REFLOW_VERSION}, as TensorFlow {versions.VERSION}")
    elif context.invoked_subcommand is None:
        _print_overview()


def _print_overview() -> None:
    console = Console(highlight=False)
    console.print("[bold]reflow[/bold] runs TensorFlow 1.x programs on today's Python.\n")
    table = Table.grid(padding=(0, 3))
    table.add_column(no_wrap=True)
    for command, meaning in [
        ("reflow run train.py --steps 100", "run a program on Reflow, its child processes too"),
        ("reflow run -m package.module", "run a module"),
        ("reflow run -c 'CODE'", "run a line of code"),
        ("reflow explain train.py", "show what a program's graph becomes"),
        ("reflow --help", "list the commands and options"),
    ]:
        table.add_row(f"  [cyan]{command}[/cyan]", meaning)
    console.print(table)
    console.print("\nIn a program of your own: [cyan]import reflow as tf[/cyan]")
    console.print("In a notebook: [cyan]%load_ext reflow[/cyan], then [cyan]import tensorflow as tf[/cyan]")


@app.command(
    context_settings=_PASS_ON,
    options_metavar="(SCRIPT | -m MODULE | -c CODE)",
    short_help="Run a program with `tensorflow` being Reflow.",
)
def run(
    arguments: Annotated[list[str] | None, typer.Argument(metavar="ARGUMENT", help="What the program gets.")] = None,
) -> None:
    """Runs a program as `python` would, with `import tensorflow` resolving to Reflow, in its child processes too.

    Options of Python may stand first: [cyan]reflow run -O script.py[/cyan].
    """
    if not arguments:
        raise typer.BadParameter("name a script, or give -m MODULE or -c CODE")
    launch.run(arguments)


@app.command(context_settings=_PASS_ON, short_help="Show what a program's graph becomes.")
def explain(
    context: typer.Context,
    script: Annotated[str, typer.Argument(help="A TensorFlow 1.x program.")],
) -> None:
    """Runs a program and shows what its graph becomes: the emitted Python function of each step, and above it

    - [cyan]fetches[/cyan], [cyan]feeds[/cyan]: of the run that the step was compiled for, with the fed shapes;

    - [cyan]nodes[/cyan]: those of the graph that the fetches need, and those that are left to run;

    - [cyan]devices[/cyan], [cyan]placed[/cyan]: how many nodes stand on each, and, if there are several, which and why;

    - [cyan]memory[/cyan]: the most that intermediate values take at one time, and where (fetches count, feeds,
    constants, variables and the workspace of kernels do not);

    - [cyan]rewritten[/cyan]: what was fused, merged and made in place;

    - [cyan]jit[/cyan]: what was compiled and what was not, with the reasons, if the JIT is on.

    What stands behind SCRIPT is for the program. REFLOW_DISABLE_PASSES=NAME,... leaves passes out,
    REFLOW_DUMP=DIRECTORY writes the plan after each of them.
    """
    # A process of its own, which has the rooms that this command starts without.
    launch.run(["-c", _EXPLAIN, script, *context.args])


def main() -> None:
    """The console script."""
    # `run` goes to Python unparsed: `reflow run -m module --help` asks the module for help, not this command.
    arguments = sys.argv[1:]
    if arguments[:1] == ["run"] and arguments[1:] and arguments[1] not in ("-h", "--help"):
        launch.run(arguments[1:])
    app()
