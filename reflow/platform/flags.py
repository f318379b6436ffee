"""`tf.flags`: command line flags. All of `absl.flags`, with the two habits of TensorFlow 1.x on top.

`FLAGS` parses `sys.argv` when a flag is first read, and the DEFINE functions still take the argument names
`flag_name`, `default_value` and `docstring`.
"""

import functools
import logging
import sys
from collections.abc import Callable

from absl import flags as _absl_flags
from absl.flags import *  # noqa: F403

from reflow.graph.export import export_values

# absl attributes a flag to the module that defines it; the wrappers below must not count as that module.
_absl_flags.disclaim_key_flags()

_RENAMED_ARGUMENTS = {"flag_name": "name", "default_value": "default", "docstring": "help"}


def _accept_old_names(define: Callable) -> Callable:
    """Wraps a DEFINE function of absl so that it takes TensorFlow's old argument names too."""

    @functools.wraps(define)
    def wrapper(*args, **kwargs):
        old = _RENAMED_ARGUMENTS.keys() & kwargs.keys()
        if old:
            logging.warning(
                "Use of the keyword argument names (flag_name, default_value, docstring) is deprecated, "
                "please use (name, default, help) instead."
            )
        kwargs.update({_RENAMED_ARGUMENTS[name]: kwargs.pop(name) for name in old})
        return define(*args, **kwargs)

    return wrapper


DEFINE_string = _accept_old_names(_absl_flags.DEFINE_string)
DEFINE_boolean = DEFINE_bool = _accept_old_names(_absl_flags.DEFINE_boolean)
DEFINE_float = _accept_old_names(_absl_flags.DEFINE_float)
DEFINE_integer = _accept_old_names(_absl_flags.DEFINE_integer)


class _LazilyParsedFlags:
    """absl's FLAGS, which parses `sys.argv` when a flag is read before anything has parsed it."""

    def __init__(self, flag_values):
        self.__dict__["_flag_values"] = flag_values

    def __getattribute__(self, name):
        if name == "__dict__":
            return super().__getattribute__(name)
        flag_values = self.__dict__["_flag_values"]
        if name == "_parse_flags":
            # How programs for TensorFlow 1.4 and older parsed by hand.
            return lambda args=None: flag_values(sys.argv if args is None else [sys.argv[0], *args])
        try:
            return object.__getattribute__(flag_values, name)
        except AttributeError:
            if not flag_values.is_parsed():
                flag_values(sys.argv)
            return getattr(flag_values, name)

    def __setattr__(self, name, value):
        setattr(self.__dict__["_flag_values"], name, value)

    def __delattr__(self, name):
        delattr(self.__dict__["_flag_values"], name)

    def __dir__(self):
        return dir(self.__dict__["_flag_values"])

    def __getitem__(self, name):
        return self.__dict__["_flag_values"][name]

    def __setitem__(self, name, flag):
        self.__dict__["_flag_values"][name] = flag

    def __contains__(self, name):
        return name in self.__dict__["_flag_values"]

    def __len__(self):
        return len(self.__dict__["_flag_values"])

    def __iter__(self):
        return iter(self.__dict__["_flag_values"])

    def __str__(self):
        return str(self.__dict__["_flag_values"])

    def __call__(self, *args, **kwargs):
        return self.__dict__["_flag_values"](*args, **kwargs)


FLAGS = _LazilyParsedFlags(_absl_flags.FLAGS)  # type: ignore[assignment] # absl's name, with our habits

export_values({"flags": sys.modules[__name__], "app.flags": sys.modules[__name__]})
