"""Which writer summaries go to, and whether they are recorded: a choice of the current thread."""

import contextlib
import threading
from typing import Any

from reflow.graph.export import export
from reflow.ops.comparison import equal, logical_and
from reflow.train.training_util import get_or_create_global_step


class _Current(threading.local):
    writer: Any = None
    condition: Any = None


current = _Current()
"""The thread's default writer and its condition (a bool, a bool scalar, or None if nobody said anything)."""


@export("contrib.summary.should_record_summaries")
def should_record_summaries():
    """A bool scalar: whether summaries are to be recorded."""
    return logical_and(True, False if current.condition is None else current.condition)


@contextlib.contextmanager
def _record_if(condition):
    saved, current.condition = current.condition, condition
    try:
        yield
    finally:
        current.condition = saved


@export("contrib.summary.record_summaries_every_n_global_steps")
def record_summaries_every_n_global_steps(n, global_step=None):
    """A context in which summaries are recorded in every n-th step.

    Args:
      n: a number of steps.
      global_step: the counter of steps; the graph's own if None.
    """
    from reflow.graph.context import device

    if global_step is None:
        global_step = get_or_create_global_step()
    with device("cpu:0"):
        return _record_if(equal(global_step % n, 0))


@export("contrib.summary.always_record_summaries")
def always_record_summaries():
    """A context in which summaries are recorded in every step."""
    return _record_if(True)


@export("contrib.summary.never_record_summaries")
def never_record_summaries():
    """A context in which no summaries are recorded."""
    return _record_if(False)
