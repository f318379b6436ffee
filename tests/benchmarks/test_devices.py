import sys

import numpy as np
import pytest
from typer.testing import CliRunner

from benchmarks import __main__ as command
from benchmarks import devices, machine
from benchmarks.cases import CASES, PRODUCT, prepare_model
from benchmarks.contenders import contenders
from benchmarks.drivers.torch_driver import TorchProgram
from tests.simulated_gpu.machine import simulated_gpus


@pytest.fixture
def gpu(monkeypatch):
    """A worker on a machine with a simulated GPU."""
    monkeypatch.setenv("REFLOW_BENCHMARK_DEVICE", devices.GPU)
    with simulated_gpus(1) as simulated:
        yield simulated


def _run(*arguments):
    import typer

    app = typer.Typer()
    app.command()(command.main)
    return CliRunner().invoke(app, [*arguments])


@pytest.mark.skipif(devices.missing() is None, reason="there is a GPU")
def test_without_a_gpu_the_reason_is_told():
    result = _run("mlp", "--device", "gpu")
    assert result.exit_code == 2
    assert "there is no GPU to measure" in result.output and "CUDA" in result.output


def test_models_are_measured_on_a_gpu(gpu, monkeypatch, tmp_path):
    asked = []

    def measure_all(console, cases, names, rounds, seconds, path, device):
        asked.append(([case.name for case in cases], names, path, device))
        return {}, {}

    monkeypatch.setattr(command, "measure_all", measure_all)
    monkeypatch.setattr(command, "print_report", lambda console, rows: None)
    assert _run("--device", "gpu", "mlp", "tiny_chain").exit_code == 0
    assert asked == [(["mlp"], ["reflow", "torch", "torch-compile", "jax"], command.GPU_RESULTS, "gpu")]
    assert "names none" in _run("--device", "gpu", "tiny_chain").output


def test_workers_are_told_the_device():
    told = contenders(devices.GPU)["reflow-jit"].environment
    assert told == {"REFLOW_BENCHMARK_DEVICE": "gpu", "JAX_PLATFORMS": "cuda", "REFLOW_JIT": "1"}
    assert contenders()["torch"].environment["CUDA_VISIBLE_DEVICES"] == ""


def test_the_gpu_is_named(gpu):
    assert machine.describe("gpu") == f"{machine.describe()}, simulated 0"


def test_a_session_trains_on_the_gpu(gpu, monkeypatch):
    import reflow.compat.v1 as tf

    program = prepare_model("reflow", tf, CASES["mlp"].model, "train", 4)
    losses = [program.loss() for _ in range(3)]
    plan = program.session.plan([program._loss, program._fetch], next(program._feeds))
    nodes = [n for part in plan.parts for n in part.nodes if n.type in ("MatMul", "_FusedMatMul", "_ApplyMany")]
    assert nodes and all("GPU:0" in n.device for n in nodes)
    waits = []
    monkeypatch.setattr(devices, "wait", lambda: waits.append(1))
    program.step()
    assert waits == [1]
    monkeypatch.delenv("REFLOW_BENCHMARK_DEVICE")
    program = prepare_model("reflow", tf, CASES["mlp"].model, "train", 4)
    np.testing.assert_allclose(losses, [program.loss() for _ in range(3)], rtol=1e-4)


@pytest.mark.parametrize("name", ["mlp", "lenet"])
def test_pytorch_runs_on_the_gpu(gpu, name):
    import torch

    program = TorchProgram(torch, CASES[name].model, "forward", 2, 2, compiled=False)
    batch_shapes = sorted(tuple(t.shape) for t in program._next().values())
    gpu.moves.clear()
    assert program._forward().device == torch.device("cuda", 0)
    assert gpu.shapes("gpu") == batch_shapes  # The batch goes there in every step, and nothing else.
    program.step()


def test_the_product_is_the_gpus(gpu, monkeypatch):
    import torch

    monkeypatch.setattr(sys.modules["benchmarks.micro.product"], "SIZE", 8)
    product = PRODUCT.prepare("torch", torch)
    product.step()
    assert product._out.is_cuda
