"""A worker process and the pipes to it."""

import json
import os
import selectors
import subprocess
import tempfile
from collections import deque

from benchmarks.contenders import ROOT

# The longest single call: compiling a large network, or TensorFlow's first run of a large graph.
TIMEOUT_SECONDS = 900


class WorkerError(RuntimeError):
    """A worker answered with an error, died, or was silent for too long."""


class Worker:
    """A contender's worker process; use it as a context manager.

    `send` and `receive` are apart so that several workers can prepare at the same time; `call` is both.
    """

    def __init__(self, contender):
        self.contender = contender
        self._log = tempfile.TemporaryFile("w+")  # noqa: SIM115 (closed in __exit__)
        self._process = subprocess.Popen(
            [contender.python, "-m", "benchmarks.worker", contender.implementation],
            cwd=ROOT,
            env={**os.environ, **contender.environment},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._log,
            text=True,
        )

    def __enter__(self):
        return self

    def __exit__(self, *exception):
        self._process.kill()
        self._process.wait()
        self._process.stdin.close()
        self._process.stdout.close()
        self._log.close()

    def send(self, call, **arguments):
        try:
            self._process.stdin.write(json.dumps({"call": call, **arguments}) + "\n")
            self._process.stdin.flush()
        except BrokenPipeError as error:
            raise WorkerError(f"the worker has died: {self._last_words()}") from error

    def receive(self):
        """The result of the oldest call without one; `WorkerError` when it failed."""
        with selectors.DefaultSelector() as selector:
            selector.register(self._process.stdout, selectors.EVENT_READ)
            if not selector.select(TIMEOUT_SECONDS):
                raise WorkerError(f"no answer within {TIMEOUT_SECONDS} s")
        line = self._process.stdout.readline()
        if not line:
            raise WorkerError(f"the worker has died: {self._last_words()}")
        answer = json.loads(line)
        if "error" in answer:
            raise WorkerError(answer["error"])
        return answer["ok"]

    def call(self, call, **arguments):
        self.send(call, **arguments)
        return self.receive()

    def _last_words(self):
        self._log.seek(0)
        return " / ".join(deque((line.strip() for line in self._log), maxlen=3))
