"""The benchmark models do the same arithmetic everywhere: losses of training steps, side by side."""

import pytest

from benchmarks.cases import NETWORKS, TRAINED
from benchmarks.contenders import contenders, missing
from benchmarks.losses import first_losses, relative_difference

pytestmark = [pytest.mark.slow, pytest.mark.oracle, pytest.mark.timeout(900)]

# The published batch sizes take minutes in twenty steps of a large network; the arithmetic is that of any batch.
BATCHES = dict.fromkeys(NETWORKS, 2)
# Dropout masks differ between frameworks.
WITHOUT_DROPOUT = [name for name in TRAINED + NETWORKS if name != "lenet"]


@pytest.fixture(autouse=True)
def peers():
    absent = [contender.title for contender in contenders().values() if missing(contender)]
    if absent:
        pytest.skip(f"{', '.join(absent)}: make peers")


@pytest.mark.parametrize("model", TRAINED + NETWORKS)
def test_reflow_has_tensorflows_losses(model):
    losses = first_losses(model, ["reflow", "tf1"], batch=BATCHES.get(model))
    assert relative_difference(losses["reflow"], losses["tf1"]) < 1e-4


@pytest.mark.parametrize("model", WITHOUT_DROPOUT)
def test_the_peers_do_the_same_arithmetic(model):
    losses = first_losses(model, ["torch", "jax", "tf2", "tf1"], steps=2, batch=BATCHES.get(model))
    reference = losses.pop("tf1")
    assert reference[0] != reference[1]
    for name, values in losses.items():
        assert relative_difference(values, reference) < 1e-4, name


@pytest.mark.parametrize("model", ["mlp", "lenet", "lstm_small"])
def test_the_jit_changes_no_loss(model):
    losses = first_losses(model, ["reflow-jit", "reflow"])
    assert relative_difference(losses["reflow-jit"], losses["reflow"]) < 1e-4
