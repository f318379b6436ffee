"""Seconds from starting Python to having imported the implementation."""

import subprocess
import sys

from benchmarks.implementations import MODULES


class Import:
    def __init__(self, module):
        self._command = [sys.executable, "-c", "import " + module]

    def step(self):
        subprocess.run(self._command, check=True, stderr=subprocess.DEVNULL)


def prepare(name, framework, variant):
    return Import(MODULES[name])
