"""`tensorflow.python.util.deprecation`: one-time notes that a function, name, argument or value is out of date.

Programs silence all of them with `deprecation._PRINT_DEPRECATION_WARNINGS = False`.
"""

import contextlib
import functools
import inspect
import re
import sys
from collections.abc import Callable, Hashable, Iterator
from typing import Any

from reflow.platform import logging

_PRINT_DEPRECATION_WARNINGS = True
_already_noted: set[Hashable] = set()


def note(key: Hashable, message: str, *args, once: bool = True, depth: int = 2) -> None:
    """Logs a warning that begins with the user's source line.

    Args:
      key: what the note is about; a second note about it is dropped if `once` is set.
      message: the text behind "From FILE:LINE: ", with placeholders.
      *args: what the placeholders stand for.
      once: whether to note the same thing only once in a process.
      depth: how many calls up the user's line is, from this function's caller at 1.
    """
    if not _PRINT_DEPRECATION_WARNINGS or (once and key in _already_noted):
        return
    _already_noted.add(key)
    frame = sys._getframe(depth)
    while "IS_TRANSPARENT_TO_NOTES" in frame.f_globals and frame.f_back is not None:
        frame = frame.f_back
    logging.warning(f"From %s:%d: {message}", frame.f_code.co_filename, frame.f_lineno, *args)


def _check(date: str | None, instructions: str) -> None:
    if date is not None and not re.fullmatch(r"20\d\d-[01]\d-[0123]\d", date):
        raise ValueError("Date must be YYYY-MM-DD.")
    if not instructions:
        raise ValueError("Don't deprecate things without conversion instructions!")


def _when(date: str | None) -> str:
    return "in a future version" if date is None else f"after {date}"


def deprecated(date: str | None, instructions: str, warn_once: bool = True) -> Callable:
    """Decorator of a function that is to be removed: a call logs a warning.

    Args:
      date: "YYYY-MM-DD", or None for "in a future version".
      instructions: what to use instead.
      warn_once: whether only the first call warns.

    Returns:
      A decorator.

    Raises:
      ValueError: if the date is malformed or there are no instructions.
    """
    _check(date, instructions)

    def decorate(func):
        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            message = "%s (from %s) is deprecated and will be removed %s.\nInstructions for updating:\n%s"
            what = (func.__qualname__, func.__module__, _when(date), instructions)
            note(func, message, *what, once=warn_once)
            return func(*args, **kwargs)

        return wrapper

    return decorate


def deprecated_alias(deprecated_name: str, name: str, func_or_class: Callable, warn_once: bool = True):
    """Makes an old name of a function or class: using it logs a warning.

    Args:
      deprecated_name: the old name, for the warning.
      name: the new name.
      func_or_class: what both names stand for.
      warn_once: whether only the first use warns.

    Returns:
      A function, or a subclass.
    """
    message, key = "The name %s is deprecated. Please use %s instead.\n", (deprecated_name, name)
    if isinstance(func_or_class, type):
        base: Any = func_or_class

        class Alias(base):
            __doc__ = base.__doc__
            __module__ = base.__module__

            def __init__(self, *args, **kwargs):
                note(key, message, *key, once=warn_once)
                super().__init__(*args, **kwargs)

        Alias.__name__, Alias.__qualname__ = base.__name__, base.__qualname__
        return Alias

    @functools.wraps(func_or_class)
    def alias(*args, **kwargs):
        note(key, message, *key, once=warn_once)
        return func_or_class(*args, **kwargs)

    return alias


def deprecated_endpoints(*args: str) -> Callable:
    """Decorator that lists the old public names of a function; it warns of nothing."""

    def decorate(func):
        func._tf_deprecated_api_names = args
        return func

    return decorate


def deprecated_args(date: str | None, instructions: str, *deprecated_arg_names_or_tuples, **kwargs) -> Callable:
    """Decorator of a function some of whose arguments are to be removed: passing one logs a warning.

    Args:
      date: "YYYY-MM-DD", or None for "in a future version".
      instructions: what to use instead.
      *deprecated_arg_names_or_tuples: names, or pairs (name, value that does not warn).
      **kwargs: `warn_once`, True by default.

    Returns:
      A decorator.

    Raises:
      ValueError: for a malformed date, missing instructions, or names that the function does not have.
    """
    _check(date, instructions)
    if not deprecated_arg_names_or_tuples:
        raise ValueError("Specify which argument is deprecated.")
    warn_once = kwargs.pop("warn_once", True)
    if kwargs:
        raise ValueError(f"Illegal argument to deprecated_args: {kwargs}")
    # A name alone accepts no value: nothing is identical to this object.
    no_value = object()
    pairs = [one if isinstance(one, tuple) else (one, no_value) for one in deprecated_arg_names_or_tuples]

    def decorate(func):
        signature = inspect.signature(func)
        absent = [name for name, _ in pairs if name not in signature.parameters]
        if absent:
            raise ValueError(
                f"The following deprecated arguments are not present in the function signature: {absent}. "
                f"Found next arguments: {list(signature.parameters)}."
            )

        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            given = signature.bind(*args, **kwargs).arguments
            for name, accepted in pairs:
                if name in given and not _same_value(given[name], accepted):
                    _note_call(func, name, date, instructions, warn_once)
            return func(*args, **kwargs)

        return wrapper

    return decorate


def deprecated_arg_values(
    date: str | None, instructions: str, warn_once: bool = True, **deprecated_kwargs
) -> Callable:
    """Decorator of a function some of whose arguments will no longer take certain values.

    Args:
      date: "YYYY-MM-DD", or None for "in a future version".
      instructions: what to use instead.
      warn_once: whether only the first such call warns.
      **deprecated_kwargs: the values, by the names of the arguments.

    Returns:
      A decorator.

    Raises:
      ValueError: for a malformed date, or missing instructions or values.
    """
    _check(date, instructions)
    if not deprecated_kwargs:
        raise ValueError("Specify which argument values are deprecated.")

    def decorate(func):
        signature = inspect.signature(func)

        @functools.wraps(func)
        def wrapper(*args, **kwargs):
            bound = signature.bind(*args, **kwargs)
            bound.apply_defaults()
            for name, value in deprecated_kwargs.items():
                if name in bound.arguments and _same_value(bound.arguments[name], value):
                    _note_call(func, f"{name}={value}", date, instructions, warn_once)
            return func(*args, **kwargs)

        return wrapper

    return decorate


def _note_call(func: Callable, argument: str, date: str | None, instructions: str, once: bool) -> None:
    message = "calling %s (from %s) with %s is deprecated and will be removed %s.\nInstructions for updating:\n%s"
    what = (func.__qualname__, func.__module__, argument, _when(date), instructions)
    note((func, argument), message, *what, once=once, depth=3)


def _same_value(one, other) -> bool:
    """Equality that arrays and tensors, whose == is no bool, take part in only by identity."""
    if one is other:
        return True
    equal = one == other
    return equal if isinstance(equal, bool) else False


def deprecated_argument_lookup(new_name: str, new_value, old_name: str, old_value):
    """The value given under either name of an argument; None stands for "not given".

    Raises:
      ValueError: if it is given under both names.
    """
    if old_value is not None and new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return new_value if old_value is None else old_value


def rewrite_argument_docstring(old_doc: str, old_argument: str, new_argument: str) -> str:
    """A docstring with an argument's name replaced, in backquotes and before a colon."""
    return old_doc.replace(f"`{old_argument}`", f"`{new_argument}`").replace(f"{old_argument}:", f"{new_argument}:")


@contextlib.contextmanager
def silence() -> Iterator[None]:
    """Context manager inside which nothing is noted."""
    global _PRINT_DEPRECATION_WARNINGS
    before, _PRINT_DEPRECATION_WARNINGS = _PRINT_DEPRECATION_WARNINGS, False
    try:
        yield
    finally:
        _PRINT_DEPRECATION_WARNINGS = before
