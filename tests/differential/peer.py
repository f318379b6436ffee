"""Our side of the worker that runs examples in TensorFlow: one long-lived process, started again when it dies."""

import pathlib
import select
import subprocess

from benchmarks.contenders import contenders
from tests.differential.array_codec import read_message, write_message

_WORKER = pathlib.Path(__file__).with_name("worker.py")
# Seconds: a start takes five, an example a few hundredths.
_START, _EXAMPLE = 120, 30


class Peer:
    """TensorFlow in a process of its own.

    Args:
      python: the interpreter that has TensorFlow.
    """

    def __init__(self, python):
        self._python = python
        self._process = None

    def outcome(self, example):
        """The outcome of an example, as `example_outcome.outcome` makes it; {"crash": why} if it ended the process."""
        if self._process is None:
            self._start()
        try:
            write_message(self._process.stdin, example)
            answer = self._answer(_EXAMPLE)
        except BrokenPipeError:
            answer = None
        if answer is not None:
            return answer
        return {"crash": self._end()}

    def _start(self):
        command = [self._python, "-W", "ignore", str(_WORKER)]
        self._process = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                         stderr=subprocess.DEVNULL)  # fmt: skip
        if self._answer(_START) is None:
            self.stop()
            raise RuntimeError(f"{self._python} does not run {_WORKER}")

    def _answer(self, timeout):
        """The next message, or None if none comes in time."""
        ready, _, _ = select.select([self._process.stdout], [], [], timeout)
        return read_message(self._process.stdout) if ready else None

    def _end(self):
        """Why no answer came; the process is gone after that."""
        try:
            return f"exits with {self._process.wait(timeout=2)}"
        except subprocess.TimeoutExpired:
            return "hangs"
        finally:
            self.stop()

    def stop(self):
        """End the process."""
        if self._process is not None:
            self._process.kill()
            self._process.stdin.close()
            self._process.stdout.close()
            self._process.wait()
            self._process = None


class Peers:
    """A worker a peer, started when it is needed; `with Peers() as peers: peers.outcome("tf1", example)`."""

    def __init__(self):
        self._peers = {name: Peer(contenders()[name].python) for name in ("tf1", "tf2")}

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        for peer in self._peers.values():
            peer.stop()

    def outcome(self, name, example):
        """The outcome of an example under a peer."""
        return self._peers[name].outcome(example)
