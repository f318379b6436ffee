"""The benchmark models do the same arithmetic everywhere: losses of training steps, side by side.

That Reflow's are TensorFlow 1.15.5's over 20 steps is tested in tests/engine/test_correctness.py.
"""

import pytest

from benchmarks.contenders import contenders, missing
from benchmarks.losses import first_losses, relative_difference
from tests.goldens.model_losses_cases import BATCHES

pytestmark = [pytest.mark.slow, pytest.mark.oracle]

# Dropout masks differ between frameworks.
WITHOUT_DROPOUT = [name for name in BATCHES if name != "lenet"]


@pytest.fixture(autouse=True)
def peers():
    absent = [contender.title for contender in contenders().values() if missing(contender)]
    if absent:
        pytest.skip(f"{', '.join(absent)}: make peers")


@pytest.mark.parametrize("model", WITHOUT_DROPOUT)
def test_the_peers_do_the_same_arithmetic(model):
    losses = first_losses(model, ["torch", "jax", "tf2", "tf1"], steps=2, batch=BATCHES[model])
    reference = losses.pop("tf1")
    assert reference[0] != reference[1]
    for name, values in losses.items():
        assert relative_difference(values, reference) < 1e-4, name


@pytest.mark.parametrize("model", ["mlp", "lenet", "lstm_small"])
def test_the_jit_changes_no_loss(model):
    losses = first_losses(model, ["reflow-jit", "reflow"], batch=BATCHES[model])
    assert relative_difference(losses["reflow-jit"], losses["reflow"]) < 1e-4
