"""Waiting in kernels: until something happens, the session closes, or the step fails or its time is over."""

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from reflow.graph import errors

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_cancellation: ContextVar["Cancellation | None"] = ContextVar("cancellation", default=None)


@contextmanager
def time_limit(seconds: float) -> Iterator[None]:
    """A context whose kernels stop waiting, with DeadlineExceededError, when that many seconds are over."""
    token = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(token)


class Cancellation:
    """Ends the waiting of kernels that belong together, when one of them has failed."""

    def __init__(self):
        self.is_set = False
        self._lock = threading.Lock()
        self._conditions: set[threading.Condition] = set()

    @contextmanager
    def watched(self) -> Iterator[None]:
        """A context whose kernels stop waiting, with CancelledError, as soon as `cancel` is called."""
        token = _cancellation.set(self)
        try:
            yield
        finally:
            _cancellation.reset(token)

    def add(self, condition: threading.Condition) -> None:
        """Somebody is about to wait for `condition`, and holds its lock."""
        with self._lock:
            self._conditions.add(condition)

    def cancel(self) -> None:
        """Wake all who wait. Who begins to wait from now on sees `is_set`."""
        with self._lock:
            self.is_set = True
            conditions = list(self._conditions)
        for condition in conditions:
            with condition:
                condition.notify_all()


class Waiting:
    """What is shared by threads of which some wait for others: a lock, and a word when something has changed.

    `_changed` is the condition variable; whoever changes something holds it and calls `notify_all`.
    """

    def __init__(self):
        self._changed = threading.Condition()
        self._is_cancelled = False

    def cancel(self) -> None:
        """Wake all who wait, now and from now on: the session is closed."""
        with self._changed:
            self._is_cancelled = True
            self._changed.notify_all()

    def _wait_for(self, predicate: Callable, what: str, seconds: float | None = None) -> bool:
        """Wait, holding the lock, until `predicate()` is true.

        Args:
          predicate: takes nothing.
          what: the operation that waits, for the message.
          seconds: how long to wait at most, if not for ever.

        Returns:
          False if the time is over.

        Raises:
          CancelledError: if the session is closed, or another device's part of the step failed.
          DeadlineExceededError: if the step's time is over.
        """
        end, cancellation = _deadline.get(), _cancellation.get()
        if cancellation is not None:
            cancellation.add(self._changed)
        left = None if end is None else max(end - time.monotonic(), 0)
        is_steps = left is not None and (seconds is None or left < seconds)

        def is_cancelled():
            return self._is_cancelled or cancellation is not None and cancellation.is_set

        self._changed.wait_for(lambda: predicate() or is_cancelled(), left if is_steps else seconds)
        if predicate():
            return True
        if is_cancelled():
            raise errors.CancelledError(None, None, f"{what} operation was cancelled")
        if is_steps:
            raise errors.DeadlineExceededError(None, None, "Timed out waiting for notification")
        return False
