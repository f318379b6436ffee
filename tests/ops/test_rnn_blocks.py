"""Recurrent cells and layers as single ops against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("rnn_blocks")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("op", ["BlockLSTM", "BlockLSTMV2"])
@pytest.mark.parametrize("use_peephole", [False, True])
def test_numeric_gradient(op, use_peephole):
    """TensorFlow 1.15.5 takes the gradient of version 1 for that of version 2, whose gates stand in another order."""
    random = np.random.default_rng(0)
    sizes = {"x": (3, 2, 2), "cs_prev": (2, 3), "h_prev": (2, 3), "w": (5, 12), "wci": (3,), "wcf": (3,), "wco": (3,),
             "b": (12,)}  # fmt: skip
    values = {name: random.normal(size=size).astype(np.float32) for name, size in sizes.items()}
    with tf.Graph().as_default(), tf.Session():
        inputs = {name: tf.constant(value) for name, value in values.items()}
        h = getattr(tf.raw_ops, op)(seq_len_max=2, use_peephole=use_peephole, **inputs).h
        for name in ["x", "cs_prev", "h_prev", "w", "b", *(["wci", "wcf", "wco"] if use_peephole else [])]:
            error = tf.test.compute_gradient_error(
                inputs[name], sizes[name], h, [3, 2, 3], x_init_value=values[name], delta=1e-2
            )
            assert error < 1e-3, name


def test_longer_than_the_input():
    with tf.Graph().as_default(), tf.Session() as session:
        zeros = {"cs_prev": [2, 3], "h_prev": [2, 3], "w": [5, 12], "wci": [3], "wcf": [3], "wco": [3], "b": [12]}
        inputs = {name: tf.zeros(size) for name, size in zeros.items()}
        layer = tf.raw_ops.BlockLSTM(seq_len_max=4, x=tf.zeros([3, 2, 2]), **inputs)
        with pytest.raises(tf.errors.InvalidArgumentError, match="seq_len_max 4 is not between 0 and 3"):
            session.run(layer.h)
