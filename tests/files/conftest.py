"""The files that TensorFlow 1.15.5 wrote."""

import importlib.util
import pathlib

import pytest

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"


@pytest.fixture(scope="session")
def cases():
    """What the recorded files hold (tests/goldens/file_cases.py)."""
    spec = importlib.util.spec_from_file_location("file_cases", GOLDENS / "file_cases.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="session")
def golden():
    """The folder of the recorded files."""
    return GOLDENS / "files"
