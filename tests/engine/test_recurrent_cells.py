"""Recurrent nets as books write them out of single ops train as in TensorFlow 1.15.5, with all passes and without."""

import json
from pathlib import Path

import numpy as np
import pytest

import reflow as tf
from tests.goldens.recurrent_cells_cases import CASES, STEPS, TIME, Training

_TENSORFLOWS = json.loads((Path(__file__).parents[1] / "goldens" / "recurrent_cells.json").read_text())

# How many products of the forward pass take the inputs (or the outputs) of all time steps.
_PRODUCTS = {
    "lstm": 4, "lstm_joined_for_each_gate": 4, "lstm_with_peepholes": 4, "gru": 3, "gru_joined": 2,
    "gru_reset_after": 3, "embeddings": 4, "bidirectional": 6, "two_layers": 8, "three_layers_step_by_step": 3,
    "dropout_between_layers": 4, "outputs_at_every_step": 2, "columns_lstm": 4, "columns_gru": 3, "columns_of_one": 2,
}  # fmt: skip


def _losses(case, steps):
    training = Training(tf, case)
    return [training.loss() for _ in range(steps)], training


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.__name__)
def test_losses_and_products_over_time(case, monkeypatch):
    losses, training = _losses(case, STEPS)
    np.testing.assert_allclose(losses, _TENSORFLOWS[case.__name__], rtol=1e-5)
    assert losses[-1] < losses[0]
    notes = training.session.plan([training.loss_value, training.train], training.feed).plan.notes
    merged = [note for note in notes if f"one product for {TIME} time steps" in note]
    assert sum(not note.startswith("gradients/") for note in merged) == _PRODUCTS.get(case.__name__, 1)
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "all")
    np.testing.assert_allclose(_losses(case, STEPS)[0], losses, rtol=1e-5)
