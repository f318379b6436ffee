"""Fixtures of the platform tests."""

import pathlib
import subprocess
import sys

import pytest

PACKAGE = pathlib.Path(__file__).resolve().parents[2] / "reflow"

# The room alone: importing the whole package would take each of these processes seconds.
PREAMBLE = f"""
import sys, types
root = types.ModuleType("reflow")
root.__path__ = [{str(PACKAGE)!r}]
sys.modules["reflow"] = root
from reflow.platform import app, flags
from reflow.platform import logging as tf_logging
"""


@pytest.fixture
def run_program():
    """Runs code in a process of its own, `app`, `flags` and `tf_logging` being the room's; returns the process."""

    def run(code, *args):
        return subprocess.run([sys.executable, "-c", PREAMBLE + code, *args], capture_output=True, text=True)

    return run
