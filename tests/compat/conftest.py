"""Fixtures of the import alias tests."""

import os
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]


@pytest.fixture
def alias():
    """The import alias, installed for one test; gives the module that `import tensorflow` gives."""
    from reflow.compat import importer

    yield importer.install()
    importer.uninstall()


@pytest.fixture
def reflow_command(tmp_path):
    """Runs `python -m reflow ARGUMENTS` in an empty folder; returns the finished process."""

    def run(*arguments, **variables):
        environment = {**os.environ, "PYTHONPATH": str(ROOT), **variables}
        return subprocess.run(
            [sys.executable, "-m", "reflow", *map(str, arguments)],
            cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120,
        )  # fmt: skip

    return run
