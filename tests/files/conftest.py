"""The files that TensorFlow 1.15.5 wrote, and the peers that read ours."""

import importlib.util
import json
import os
import pathlib
import subprocess

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


@pytest.fixture(params=["tf1", "tf2"])
def peer(request):
    """Runs a script in TensorFlow 1.15.5 and 2.21: `peer(text, *arguments)` returns what it prints last, as JSON."""
    return _runner(request.param)


@pytest.fixture
def tensorflow2():
    """`peer` for TensorFlow 2.21 alone."""
    return _runner("tf2")


def _runner(name):
    default = pathlib.Path(os.environ.get("XDG_CACHE_HOME", pathlib.Path.home() / ".cache")) / "reflow" / "peers"
    python = pathlib.Path(os.environ.get("REFLOW_PEERS", default)) / name / "bin" / "python"
    if not python.exists():
        pytest.skip(f"{name} is not installed (make peers)")

    def run(script, *arguments):
        environment = {**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": ""}
        environment.pop("PYTHONPATH", None)
        script = "import json, sys\nimport numpy as np\nimport tensorflow.compat.v1 as tf\n" + script
        command = [python, "-W", "ignore", "-c", script, *map(str, arguments)]
        done = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=250)
        assert done.returncode == 0, done.stderr[-3000:]
        return json.loads(done.stdout.splitlines()[-1])

    return run
