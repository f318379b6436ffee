"""Trainings with every optimizer against TensorFlow 1.15.5: the graphs they build, and five steps of numbers."""

import gzip
import importlib
import json
import pathlib
import sys

import numpy as np
import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
cases = importlib.import_module("training_cases")
with gzip.open(GOLDENS / "training.json.gz", "rt") as file:
    RECORDED = json.load(file)


@pytest.mark.parametrize("name", list(cases.CASES))
def test_as_tensorflow(name):
    expected = RECORDED[name]
    actual = cases.outcome(tf, name)
    assert actual["nodes"] == expected["nodes"]
    assert actual["names"] == expected["names"]
    assert actual["train_ops"] == expected["train_ops"]
    for step, (ours, theirs) in enumerate(zip(actual["values"], expected["values"], strict=True)):
        for variable, our_value, their_value in zip(actual["names"], ours, theirs, strict=True):
            np.testing.assert_allclose(our_value, their_value, rtol=2e-5, atol=1e-6, err_msg=f"{variable}, step {step}")
