"""`tf.logging`: the logger named "tensorflow", and the functions that write to it.

It writes to standard error (in an interactive interpreter, to standard output), unless the program has set up
Python's own logging before it: then the records go where that says.
"""

import collections
import logging
import sys
import threading
from collections.abc import Hashable

from reflow.graph.export import export, export_values

DEBUG = logging.DEBUG
ERROR = logging.ERROR
FATAL = logging.FATAL
INFO = logging.INFO
WARN = logging.WARN

export_values(
    {"logging.DEBUG": DEBUG, "logging.ERROR": ERROR, "logging.FATAL": FATAL, "logging.INFO": INFO, "logging.WARN": WARN}
)

_logger: logging.Logger | None = None
_lock = threading.Lock()
_calls_per_token: collections.Counter[Hashable] = collections.Counter()


def _is_interactive() -> bool:
    return bool(getattr(sys, "ps1", None) or sys.flags.interactive)


def _set_up(logger: logging.Logger) -> None:
    """Gives the logger an output of its own, unless the root logger has one already."""
    if logging.getLogger().handlers:
        return
    stream = sys.stderr
    if _is_interactive():
        logger.setLevel(INFO)
        stream = sys.stdout
    handler = logging.StreamHandler(stream)
    handler.setFormatter(logging.Formatter(logging.BASIC_FORMAT))
    logger.addHandler(handler)


@export("get_logger")
def get_logger() -> logging.Logger:
    """The logger that Reflow and `tf.logging` write to; set up on the first call."""
    global _logger
    with _lock:
        if _logger is None:
            logger = logging.getLogger("tensorflow")
            _set_up(logger)
            _logger = logger
        return _logger


def _log(level: int, msg, args: tuple, kwargs: dict, depth: int = 2) -> None:
    """Writes a record that names the user's line: the one `depth` calls above this function's caller."""
    get_logger().log(level, msg, *args, **{"stacklevel": depth + 1, **kwargs})


@export("logging.log")
def log(level: int, msg, *args, **kwargs) -> None:
    """Logs `msg % args` at `level`, an int such as `tf.logging.INFO`."""
    _log(level, msg, args, kwargs)


@export("logging.debug")
def debug(msg, *args, **kwargs) -> None:
    """Logs `msg % args` at level DEBUG."""
    _log(DEBUG, msg, args, kwargs)


@export("logging.info")
def info(msg, *args, **kwargs) -> None:
    """Logs `msg % args` at level INFO."""
    _log(INFO, msg, args, kwargs)


@export("logging.warning")
def warning(msg, *args, **kwargs) -> None:
    """Logs `msg % args` at level WARN."""
    _log(WARN, msg, args, kwargs)


@export("logging.warn")
def warn(msg, *args, **kwargs) -> None:
    """Logs `msg % args` at level WARN."""
    _log(WARN, msg, args, kwargs)


@export("logging.error")
def error(msg, *args, **kwargs) -> None:
    """Logs `msg % args` at level ERROR."""
    _log(ERROR, msg, args, kwargs)


@export("logging.fatal")
def fatal(msg, *args, **kwargs) -> None:
    """Logs `msg % args` at level FATAL; the program goes on."""
    _log(FATAL, msg, args, kwargs)


@export("logging.TaskLevelStatusMessage")
def TaskLevelStatusMessage(msg) -> None:
    """Logs `msg`, a task's status, at level ERROR."""
    _log(ERROR, msg, (), {})


@export("logging.vlog")
def vlog(level: int, msg, *args, **kwargs) -> None:
    """Logs `msg % args` at `level`; the same as `log`."""
    _log(level, msg, args, kwargs)


@export("logging.flush")
def flush() -> None:
    """Makes sure that what was logged is written out."""
    for handler in get_logger().handlers:
        handler.flush()


def _count_call(depth: int = 2) -> int:
    """How often the source line `depth` calls up has asked before, from 0."""
    frame = sys._getframe(depth)
    token = (frame.f_code.co_filename, frame.f_lineno)
    with _lock:
        _calls_per_token[token] += 1
        return _calls_per_token[token] - 1


@export("logging.log_every_n")
def log_every_n(level: int, msg, n: int, *args) -> None:
    """Logs `msg % args` on the first and then on every n-th call from the same source line.

    Args:
      level: an int such as `tf.logging.INFO`.
      msg: the message.
      n: how many calls there are to one record.
      *args: what the message's placeholders stand for.
    """
    if _count_call() % n == 0:
        _log(level, msg, args, {})


@export("logging.log_first_n")
def log_first_n(level: int, msg, n: int, *args) -> None:
    """Logs `msg % args` on the first `n` calls from the same source line.

    Args:
      level: an int such as `tf.logging.INFO`.
      msg: the message.
      n: how many calls are logged.
      *args: what the message's placeholders stand for.
    """
    if _count_call() < n:
        _log(level, msg, args, {})


@export("logging.log_if")
def log_if(level: int, msg, condition, *args) -> None:
    """Logs `msg % args` at `level` if `condition` is true."""
    if condition:
        _log(level, msg, args, {})


@export("logging.get_verbosity")
def get_verbosity() -> int:
    """The level from which on records are written."""
    return get_logger().getEffectiveLevel()


@export("logging.set_verbosity")
def set_verbosity(v: int) -> None:
    """Sets the level `v` from which on records are written, for example `tf.logging.INFO`."""
    get_logger().setLevel(v)
