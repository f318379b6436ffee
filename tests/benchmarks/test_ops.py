import numpy as np
import pytest
import torch

import reflow as tf
from benchmarks.cases import CASES
from benchmarks.drivers.session_ops import OpGraph
from benchmarks.drivers.torch_ops import torch_steps
from benchmarks.op_report import op_markdown, ratio
from benchmarks.ops import OPS
from benchmarks.ops.base import GRADIENT, SIZES
from benchmarks.ops.program import LEAST_SECONDS, OpProgram
from benchmarks.ops.reasons import REASONS, SMALL
from benchmarks.results import op_rows
from benchmarks.runner import Samples

RANDOM = {"random_uniform", "random_normal", "random_shuffle", "dropout"}
# What the frameworks define differently: the singular vectors' order of outputs and signs, whose largest ids count.
OTHERWISE = {"svd", "scatter_nd"}
COMPARED = [name for name, op in OPS.items() if name not in RANDOM | OTHERWISE and not op.is_update]


def few(op, **copies):
    return op._replace(copies={"small": 1, "medium": 1, "large": 1, **copies})


def in_torch_layout(spec, array):
    return torch.from_numpy(array if spec.order is None else np.ascontiguousarray(array.transpose(spec.order)))


def outputs_of(result):
    return list(result) if isinstance(result, (list, tuple)) else [result]


def sorted_numbers(array):
    """Layouts differ, so numbers are compared without regard to their order."""
    return np.sort(np.asarray(array).astype(np.float64), axis=None)


@pytest.mark.parametrize("name", COMPARED)
def test_frameworks_compute_the_same(name):
    op = OPS[name]
    arrays = op.arrays("small", 0)
    with tf.Graph().as_default(), tf.Session() as session:
        inputs = [tf.constant(array) for array in arrays]
        outputs = outputs_of(op.session(tf, *inputs))
        sums = tf.gradients(outputs, [inputs[i] for i in op.by]) if op.by else []
        ours = session.run([*outputs, *(tf.convert_to_tensor(gradient) for gradient in sums)])
    tensors = [in_torch_layout(spec, array) for spec, array in zip(op.inputs["small"], arrays, strict=True)]
    leaves = [tensors[i].requires_grad_() for i in op.by]
    theirs = outputs_of(op.torch(torch, *tensors))
    if leaves:
        theirs += torch.autograd.grad(theirs, leaves, [torch.ones_like(output) for output in theirs])
    for mine, other in zip(ours, theirs, strict=True):
        other = other.to_dense() if other.is_sparse else other
        np.testing.assert_allclose(
            sorted_numbers(mine), sorted_numbers(other.detach().numpy()), rtol=2e-3, atol=1e-4
        )


@pytest.mark.parametrize("name", sorted(OPS))
def test_a_step_runs_every_copy(name):
    """An optimization that drops or merges copies would measure nothing."""
    op = few(OPS[name], small=3)
    if op.is_update:
        return
    graph = OpGraph(tf, op)
    with graph.start() as session:
        plans = [session.plan(graph.rows[row]).plan for row in ("small", "medium")]
    kernels = [sum(node.type not in ("Const", "_Read", "VariableV2") for node in plan.nodes) for plan in plans]
    assert kernels[0] == 3 * kernels[1] > 0


def test_rows_name_sizes_and_gradients():
    assert OPS["relu"].rows == ["small", "medium", "large", *(size + GRADIENT for size in ("small", "medium", "large"))]
    assert OPS["equal"].rows == ["small", "medium", "large"]


def test_updates_change_every_variable():
    graph = OpGraph(tf, few(OPS["adam"], small=2))
    with graph.start() as session:
        variables = session.graph.get_collection(tf.GraphKeys.TRAINABLE_VARIABLES)[::2]
        before = session.run(variables)
        session.run([graph.rows[size] for size in ("small", "medium", "large")])
        assert all((old != new).all() for old, new in zip(before, session.run(variables), strict=True))


def test_the_program_takes_off_what_a_step_of_nothing_takes(monkeypatch):
    clock = iter(range(10**6))
    monkeypatch.setattr("benchmarks.ops.program.perf_counter", lambda: next(clock))
    program = OpProgram({"small": (lambda: None, lambda: None, 4)})
    assert program.timed_step() == {"small": LEAST_SECONDS / 4}


def test_torch_steps_have_the_rows_of_the_operation():
    assert list(torch_steps(torch, few(OPS["relu"]))) == OPS["relu"].rows


@pytest.fixture
def measured():
    samples = {
        "reflow": Samples(rounds={"small": [3e-6, 3e-6]}),
        "tf1": Samples(rounds={"small": [2e-6, 2e-6]}),
        "tf2": Samples(rounds={"small": [9e-6, 9e-6]}),
        "torch": Samples(rounds={"small": [3e-6, 3e-6]}),
    }
    return op_rows(CASES["op/relu"], samples)


def test_the_ratio_is_to_the_faster_tensorflow(measured):
    assert ratio(measured["op/relu: small"]) == pytest.approx(1.5)


def test_markdown_has_a_line_with_inputs_times_and_ratios(measured):
    page = op_markdown(measured)
    assert "| relu | small | 32x32 | 3.00 | 2.00 | 9.00 | 3.00 | 1.50 (1.50-1.50) | 1.00 (1.00-1.00) |" in page
    assert "more than 1.2 times as long in 1" in page and "Rounds: 2." in page


def test_a_slow_row_has_its_reason(measured, monkeypatch):
    monkeypatch.setitem(REASONS, "relu", {"small": "because"})
    assert "| because |" in op_markdown(measured)


def test_the_nearest_reason_counts(monkeypatch):
    monkeypatch.setitem(REASONS, "relu", {"large": "size", "large, gradient": "row"})
    op = OPS["relu"]
    assert [op.reason(row) for row in ("large", "large, gradient", "medium")] == ["size", "row", ""]
    assert op.reason("small, gradient") == SMALL


def test_reasons_are_given_for_rows_that_there_are():
    sizes_and_rows = {name: {"", *SIZES, *op.rows} for name, op in OPS.items()}
    assert all(set(reasons) <= sizes_and_rows[name] for name, reasons in REASONS.items())
