"""Fixtures for all tests: the peers (TensorFlow 1.15.5 and 2.21) and how a script runs in one."""

import json
import os
import subprocess
from collections.abc import Mapping

import pytest
import torch

from benchmarks.contenders import contenders, missing

# Test processes run side by side: threads of their own would only wait for each other.
torch.set_num_threads(1)

# What every script that a peer runs begins with.
_PRELUDE = "import json, sys\nimport numpy as np\nimport tensorflow.compat.v1 as tf\n"


class _Peers(Mapping):
    """Interpreters by peer ("tf1", "tf2", "jax"); asking for one that is not installed skips the test."""

    def __init__(self):
        self._contenders = {name: c for name, c in contenders().items() if name in ("tf1", "tf2", "jax")}

    def __getitem__(self, name):
        reason = missing(self._contenders[name])
        if reason:
            pytest.skip(f"{self._contenders[name].title} is {reason}")
        return self._contenders[name].python

    def __iter__(self):
        return iter(self._contenders)

    def __len__(self):
        return len(self._contenders)


@pytest.fixture(scope="session")
def peers():
    """The interpreters of the peers, by name."""
    return _Peers()


@pytest.fixture(params=["tf1", "tf2"])
def peer(request, peers):
    """Runs a script in TensorFlow 1.15.5 and 2.21: `peer(text, *arguments)` returns what it prints last, as JSON."""
    return _script_runner(peers[request.param])


@pytest.fixture
def tensorflow1(peers):
    """`peer` for TensorFlow 1.15.5 alone."""
    return _script_runner(peers["tf1"])


@pytest.fixture
def tensorflow2(peers):
    """`peer` for TensorFlow 2.21 alone."""
    return _script_runner(peers["tf2"])


def _script_runner(python):
    def run(script, *arguments):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        environment.pop("PYTHONPATH", None)
        command = [python, "-W", "ignore", "-c", _PRELUDE + script, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=250)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
