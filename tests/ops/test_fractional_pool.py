"""Pooling over regions of random sizes against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("fractional_pool")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_runs_differ_unless_they_are_deterministic():
    x = np.zeros((1, 200, 200, 1), np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        for deterministic in (False, True):
            rows = tf.nn.fractional_max_pool(x, [1.0, 1.5, 1.5, 1.0], deterministic=deterministic)[1]
            first, second = session.run(rows), session.run(rows)
            assert np.array_equal(first, second) == deterministic


@pytest.mark.parametrize("ratios", [[1.5, 1.5, 1.5, 1.0], [1.0, 1.5, 1.5, 2.0]])
def test_ratios_of_batch_and_channels(ratios):
    """TensorFlow 1.15.5 fails a check here and is gone."""
    with tf.Graph().as_default(), tf.Session() as session:
        pooled = tf.nn.fractional_max_pool(tf.zeros([2, 6, 6, 2]), ratios, deterministic=True, seed=1)
        with pytest.raises(tf.errors.UnimplementedError, match="not yet supported on the batch nor channel"):
            session.run(pooled)


@pytest.mark.parametrize("ratio", [0.5, 7.0])
def test_ratios_that_do_not_fit(ratio):
    with tf.Graph().as_default(), tf.Session() as session:
        pooled = tf.nn.fractional_avg_pool(tf.zeros([2, 6, 6, 2]), [1.0, ratio, 1.5, 1.0], deterministic=True, seed=1)
        with pytest.raises(tf.errors.InvalidArgumentError, match="does not fit an image"):
            session.run(pooled)
