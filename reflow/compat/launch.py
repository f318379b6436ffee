"""Running a program in a Python process, and its children, in which `tensorflow` is Reflow."""

import os
import pathlib
import subprocess
import sys
from collections.abc import Mapping, Sequence
from typing import NoReturn

STARTUP_FOLDER = str(pathlib.Path(__file__).parent / "startup")


def environment(inherited: Mapping[str, str]) -> dict[str, str]:
    """The environment of a process in which `import tensorflow` finds Reflow.

    Args:
      inherited: the environment to start from.

    Returns:
      A copy with the folder of Reflow's `sitecustomize` at the head of PYTHONPATH.
    """
    before = inherited.get("PYTHONPATH", "")
    folders = [folder for folder in before.split(os.pathsep) if folder and folder != STARTUP_FOLDER]
    return {**inherited, "PYTHONPATH": os.pathsep.join([STARTUP_FOLDER, *folders])}


def run(arguments: Sequence[str]) -> NoReturn:
    """Replaces this process by Python with the given arguments, `tensorflow` being Reflow.

    The program runs exactly as `python ARGUMENTS` would run it, because Python does run it: its tracebacks, exit
    code, signals, `__main__` and child processes are those of an ordinary program.

    Args:
      arguments: what stands behind `python`: a script, `-m module` or `-c code`, then the program's own arguments.
    """
    # The options of this interpreter (-O, -W, -X ...) are meant for the program.
    command = [sys.executable, *subprocess._args_from_interpreter_flags(), *arguments]  # type: ignore[attr-defined]
    sys.stdout.flush()
    sys.stderr.flush()
    if os.name == "posix":
        os.execve(sys.executable, command, environment(os.environ))
    # Windows has no exec that the parent shell waits for.
    raise SystemExit(subprocess.run(command, env=environment(os.environ), check=False).returncode)
