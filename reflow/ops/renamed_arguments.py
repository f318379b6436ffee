"""Arguments that TensorFlow renamed: both spellings are accepted, but not both at once."""

import sys

from reflow.platform.deprecation import note


def either_argument(new_name: str, new_value, old_name: str, old_value):
    """The value given under either of two names of an argument, both of which are in use; None stands for "not given".

    Raises:
      ValueError: if it is given under both names.
    """
    if old_value is None:
        return new_value
    if new_value is not None:
        raise ValueError(f"Cannot specify both '{old_name}' and '{new_name}'")
    return old_value


def renamed_argument(new_name: str, new_value, old_name: str, old_value):
    """The value given under either name of an argument; None stands for "not given". The old name is noted once.

    Raises:
      ValueError: if it is given under both names.
    """
    if old_value is None:
        return new_value
    either_argument(new_name, new_value, old_name, old_value)
    note((old_name, new_name), "the argument '%s' is called '%s' now.", old_name, new_name, depth=_depth_of_user())
    return old_value


def _depth_of_user() -> int:
    """How many calls above `note` the program's own line is."""
    depth, frame = 2, sys._getframe(2)
    while frame.f_back is not None and frame.f_globals.get("__name__", "").partition(".")[0] == "reflow":
        depth, frame = depth + 1, frame.f_back
    return depth
