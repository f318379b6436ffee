"""`tf.app`: the entry point of a program."""

import sys
from collections.abc import Callable
from typing import NoReturn

from reflow.graph.export import export
from reflow.platform import flags as flags
from reflow.platform import logging


def _parse_known_flags(argv: list[str] | None) -> list[str]:
    """Parses the flags that are defined; the others stay among the arguments of `main`."""
    return flags.FLAGS(sys.argv if argv is None else argv, known_only=True)


@export("app.run")
def run(main: Callable[[list[str]], object] | None = None, argv: list[str] | None = None) -> NoReturn:
    """Parses the flags and runs the program.

    Args:
      main: a function that takes the arguments left over, the program's name first. Without it, the function
        `main` of the module that runs as `__main__`.
      argv: the command line, the program's name first; `sys.argv` without it.

    Raises:
      SystemExit: always, with the value that `main` returns.
    """
    from absl import app as absl_app
    from absl import logging as absl_logging

    # absl writes what reaches the root logger: what tf.logging has written itself must not come out again.
    if logging.get_logger().handlers:
        absl_logging.get_absl_handler().addFilter(lambda record: record.name != "tensorflow")
    absl_app.run(main or sys.modules["__main__"].main, argv=argv, flags_parser=_parse_known_flags)
    raise AssertionError("absl.app.run returned")
