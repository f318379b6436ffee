"""The examples, run as the README says."""

import gzip
import os
import pathlib
import re
import struct
import subprocess
import sys

import numpy as np
import pytest

from reflow.data_sets import archive

ROOT = pathlib.Path(__file__).resolve().parents[1]
EXAMPLE = ROOT / "examples" / "mnist_mlp.py"


def _run_example(*arguments, interpreter=(sys.executable, "-m", "reflow", "run"), **variables):
    result = subprocess.run(
        [*interpreter, str(EXAMPLE), *map(str, arguments)],
        cwd=ROOT, env={**os.environ, **variables}, capture_output=True, text=True, timeout=600,
    )  # fmt: skip
    assert result.returncode == 0, result.stderr
    return result.stdout


def _test_accuracy(output):
    return float(re.search(r"^Test accuracy: ([01]\.\d+)$", output, re.MULTILINE)[1])


def _write_stripes(folder, prefix, count):
    """Images whose digit is the place of a bright stripe: easy to learn, in MNIST's format."""
    labels = (np.arange(count) * 7 % 10).astype(np.uint8)
    images = np.random.RandomState(0).randint(0, 60, (count, 28, 28)).astype(np.uint8)
    images[np.arange(count), 2 * labels + 3] = 250
    with gzip.open(folder / f"{prefix}-images-idx3-ubyte.gz", "wb", compresslevel=1) as out:
        out.write(struct.pack(">4I", 2051, count, 28, 28) + images.tobytes())
    with gzip.open(folder / f"{prefix}-labels-idx1-ubyte.gz", "wb") as out:
        out.write(struct.pack(">2I", 2049, count) + labels.tobytes())


def test_the_demo_trains_and_restores(tmp_path):
    data, logs = tmp_path / "data", tmp_path / "logs"
    data.mkdir()
    _write_stripes(data, "train", 7000)
    _write_stripes(data, "t10k", 500)
    output = _run_example("--data_dir", data, "--logdir", logs, "--epochs", 2)
    assert "Epoch 2: validation accuracy" in output
    assert f"Saved {logs}/model.ckpt-40" in output
    assert _test_accuracy(output) > 0.97
    restored = _run_example("--data_dir", data, "--logdir", logs, "--restore")
    assert f"Restored {logs}/model.ckpt-40" in restored
    assert _test_accuracy(restored) == _test_accuracy(output)
    assert {path.name for path in logs.iterdir()} >= {"checkpoint", "train", "validation", "model.ckpt-40.meta"}


@pytest.mark.slow
def test_the_demo_learns_the_real_mnist(tmp_path):
    output = _run_example("--logdir", tmp_path)
    assert _test_accuracy(output) >= 0.97
    assert _test_accuracy(_run_example("--logdir", tmp_path, "--restore")) == _test_accuracy(output)


@pytest.mark.slow
@pytest.mark.oracle
def test_tensorflow_restores_what_the_demo_learned(tmp_path, peers):
    output = _run_example("--logdir", tmp_path, "--epochs", 1)
    for name, path in archive.locate(archive.MNIST).items():
        content = path.read_bytes()
        is_gzip = content.startswith(b"\x1f\x8b")
        (tmp_path / f"{name}.gz").write_bytes(content if is_gzip else gzip.compress(content, 1))
    restored = _run_example(
        "--logdir", tmp_path, "--data_dir", tmp_path, "--restore", interpreter=[peers["tf1"]]
    )
    assert _test_accuracy(restored) == pytest.approx(_test_accuracy(output), abs=2e-4)
