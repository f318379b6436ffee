"""Threads that stop together: one asks for a stop, the others see it, and whoever joins them gets the first error."""

import contextlib
import sys
import threading
import time

from reflow.graph import errors
from reflow.graph.export import export
from reflow.platform import logging


@export("train.Coordinator")
class Coordinator:
    """Lets threads stop together.

    Each thread asks `should_stop()` now and then; any may call `request_stop()`, with an exception if it failed.
    `join` waits for all of them and raises that exception.

    Args:
      clean_stop_exception_types: exceptions that are no failure but the end of the work; OutOfRangeError if None.
    """

    def __init__(self, clean_stop_exception_types=None):
        types = (errors.OutOfRangeError,) if clean_stop_exception_types is None else clean_stop_exception_types
        self._clean_stop_exception_types = tuple(types)
        self._lock = threading.Lock()
        self._stop_event = threading.Event()
        # As sys.exc_info() gives it.
        self._exc_info_to_raise: tuple | None = None
        self._joined = False
        self._registered_threads: set[threading.Thread] = set()

    def request_stop(self, ex=None):
        """Ask all threads to stop.

        Args:
          ex: the exception that is being handled, or what `sys.exc_info()` returns. `join` raises that of the first
            call; after `join` it is raised at once.
        """
        with self._lock:
            exception = ex[1] if isinstance(ex, tuple) else ex
            if isinstance(exception, self._clean_stop_exception_types):
                ex = exception = None
            if self._joined and exception is not None:
                _raise(ex if isinstance(ex, tuple) else sys.exc_info())
            if self._stop_event.is_set():
                return
            if ex and self._exc_info_to_raise is None:
                self._exc_info_to_raise = _exc_info(ex)
            self._stop_event.set()

    def clear_stop(self):
        """Forget the request to stop, and its exception."""
        with self._lock:
            self._joined = False
            self._exc_info_to_raise = None
            self._stop_event.clear()

    def should_stop(self):
        """Whether a stop was requested."""
        return self._stop_event.is_set()

    @contextlib.contextmanager
    def stop_on_exception(self):
        """A context that turns any exception inside into a request to stop."""
        try:
            yield
        except BaseException:
            self.request_stop(ex=sys.exc_info())

    def wait_for_stop(self, timeout=None):
        """Wait until a stop is requested.

        Args:
          timeout: how many seconds to wait; without end if None.

        Returns:
          False if the time is over.
        """
        return self._stop_event.wait(timeout)

    def register_thread(self, thread):
        """Let `join` wait for a thread.

        Args:
          thread: a `threading.Thread`.
        """
        with self._lock:
            self._registered_threads.add(thread)

    def join(self, threads=None, stop_grace_period_secs=120, ignore_live_threads=False):
        """Wait until threads have ended.

        Args:
          threads: a list of threads, beside those that were registered.
          stop_grace_period_secs: how many seconds the threads have to end, once a stop is requested.
          ignore_live_threads: do not complain of threads that are still alive then.

        Raises:
          RuntimeError: if a thread is still alive after that time.
          Exception: what was given to `request_stop`.
        """
        with self._lock:
            waited_for = list(self._registered_threads.union(threads or ()))
        while any(t.is_alive() for t in waited_for) and not self.wait_for_stop(1.0):
            pass
        end = time.monotonic() + stop_grace_period_secs
        for thread in waited_for:
            if thread.is_alive():
                thread.join(max(end - time.monotonic(), 0))
        names = " ".join(t.name for t in waited_for if t.is_alive())
        with self._lock:
            self._joined = True
            self._registered_threads = set()
            self._raise_requested()
            if names and not ignore_live_threads:
                raise RuntimeError(f"Coordinator stopped with threads still running: {names}")
            if names:
                logging.info("Coordinator stopped with threads still running: %s", names)

    @property
    def joined(self):
        """Whether `join` has returned."""
        return self._joined

    def raise_requested_exception(self):
        """Raise the exception that was given to `request_stop`, if any."""
        with self._lock:
            self._raise_requested()

    def _raise_requested(self) -> None:
        if self._exc_info_to_raise is not None:
            _raise(self._exc_info_to_raise)


def _exc_info(ex) -> tuple:
    """What `sys.exc_info()` gives for an exception that is being handled, or a complaint if none is."""
    if isinstance(ex, tuple):
        logging.info("Error reported to Coordinator: %s", ex[1], exc_info=ex)
    else:
        logging.info("Error reported to Coordinator: %s, %s", type(ex), ex)
        ex = sys.exc_info()
    if len(ex) == 3 and ex[0] and ex[1]:
        return ex
    complaint = ValueError(f"ex must be a tuple or sys.exc_info must return the current exception: {ex}")
    return ValueError, complaint, None


def _raise(exc_info: tuple):
    raise exc_info[1].with_traceback(exc_info[2])


@export("train.LooperThread")
class LooperThread(threading.Thread):
    """A thread that does something again and again until its coordinator asks for a stop.

    Args:
      coord: a Coordinator; it learns of exceptions.
      timer_interval_secs: every how many seconds; without pause if None.
      target: what to call; without it, override `run_loop`.
      args: a list of its arguments.
      kwargs: a dictionary of its keyword arguments.

    Raises:
      ValueError: if `coord` is none, or there are arguments without a target.
    """

    def __init__(self, coord, timer_interval_secs, target=None, args=None, kwargs=None):
        if not isinstance(coord, Coordinator):
            raise ValueError(f"'coord' argument must be a Coordinator: {coord}")
        if not target and (args or kwargs):
            raise ValueError("'args' and 'kwargs' argument require that you also pass 'target'")
        super().__init__(daemon=True)
        self._coord = coord
        self._timer_interval_secs = timer_interval_secs
        self._target = target
        self._args = args or ()
        self._kwargs = kwargs or {}
        coord.register_thread(self)

    @staticmethod
    def loop(coord, timer_interval_secs, target, args=None, kwargs=None):
        """Start a LooperThread.

        Args:
          coord, timer_interval_secs, target, args, kwargs: as for the class.

        Returns:
          The thread.
        """
        looper = LooperThread(coord, timer_interval_secs, target=target, args=args, kwargs=kwargs)
        looper.start()
        return looper

    def run(self):
        """What the thread does."""
        with self._coord.stop_on_exception():
            self.start_loop()
            due = time.time()
            while not self._is_over(due):
                due += self._timer_interval_secs or 0
                self.run_loop()
            self.stop_loop()

    def _is_over(self, due: float) -> bool:
        if self._timer_interval_secs is None:
            return self._coord.should_stop()
        return self._coord.wait_for_stop(due - time.time())

    def start_loop(self):
        """Called when the thread starts; for subclasses."""

    def stop_loop(self):
        """Called when the thread ends without an exception; for subclasses."""

    def run_loop(self):
        """Called every time."""
        if self._target:
            self._target(*self._args, **self._kwargs)
