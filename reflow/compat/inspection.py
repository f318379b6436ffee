"""`tensorflow.python.util.tf_inspect`: Python's `inspect`, with `getargspec`, which Python has dropped since."""

import inspect
from inspect import *  # noqa: F403
from typing import NamedTuple


class ArgSpec(NamedTuple):
    """What `getargspec` returns.

    Attributes:
      args: the names of the positional arguments.
      varargs: the name behind `*`, or None.
      keywords: the name behind `**`, or None.
      defaults: the default values of the last arguments, or None.
    """

    args: list[str]
    varargs: str | None
    keywords: str | None
    defaults: tuple | None


def getargspec(func) -> ArgSpec:
    """The arguments of a function, without keyword-only ones and annotations.

    Args:
      func: a function; decorated ones tell of what they wrap.

    Returns:
      An `ArgSpec`.
    """
    spec = inspect.getfullargspec(inspect.unwrap(func))
    return ArgSpec(spec.args, spec.varargs, spec.varkw, spec.defaults)
