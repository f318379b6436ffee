"""Simulated GPUs for the tests of the engine."""

import pytest

from tests.simulated_gpu.machine import simulated_gpus


@pytest.fixture
def gpu():
    """A machine with one simulated GPU."""
    with simulated_gpus(1) as machine:
        yield machine


@pytest.fixture
def gpus():
    """A machine with two simulated GPUs."""
    with simulated_gpus(2) as machine:
        yield machine
