"""Errors of shape rules: TensorFlow 1.15.5's whole messages (tests/goldens/shape_errors_cases.py)."""

import json
import pathlib
import sys

import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
import shape_errors_cases  # noqa: E402

RECORDED = json.loads((GOLDENS / "shape_errors.json").read_text())


@pytest.mark.parametrize("name", shape_errors_cases.cases)
def test_message(name):
    assert shape_errors_cases.outcome(tf, name) == RECORDED[name]


def test_values_are_told_again_after_an_error():
    with tf.Graph().as_default():
        with pytest.raises(ValueError, match="computed input tensors"):
            tf.reduce_sum(tf.zeros([2]), 5)
        assert tf.reduce_sum(tf.zeros([2, 3]), 1).shape == [2]
