"""The rendezvous: where one device's part of a step leaves a tensor and another's picks it up.

Between machines the same keys will travel by RPC; a rendezvous with these two methods is all that needs.
"""

import threading

from reflow.graph import errors
from reflow.ops.waiting import Cancellation


class Rendezvous:
    """The tensors in transit of one run. Either side may come first.

    Attributes:
      cancellation: ends the waiting of the step's kernels when the step is lost.
    """

    def __init__(self):
        self.cancellation = Cancellation()
        self._ready = threading.Condition()
        self._values: dict[str, object] = {}
        self._failure: BaseException | None = None

    def send(self, key: str, value) -> None:
        """Leave a value under a key, which is used once a run."""
        with self._ready:
            self._values[key] = value
            self._ready.notify_all()

    def recv(self, key: str):
        """The value under a key, as soon as it is there.

        Raises:
          CancelledError: if another part of the step failed.
        """
        with self._ready:
            while key not in self._values:
                if self._failure is not None:
                    raise errors.CancelledError(None, None, "another device's part of the step failed")
                self._ready.wait()
            return self._values.pop(key)

    def abort(self, failure: BaseException) -> None:
        """Let everyone who waits, now or later, fail: the step is lost. The first failure counts."""
        with self._ready:
            if self._failure is None:
                self._failure = failure
            self._ready.notify_all()
        self.cancellation.cancel()

    @property
    def failure(self) -> BaseException | None:
        """What went wrong first, or None."""
        return self._failure
