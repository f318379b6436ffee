"""Convolutions with constant weights beside compiled ops."""

import numpy as np
import pytest

import reflow as tf


@pytest.mark.parametrize(("window", "depth"), [(1, 32), (3, 32), (3, 3), (7, 3)])
def test_kernels_that_read_memory_are_not_tried_without_data(window, depth, monkeypatch):
    random = np.random.RandomState(0)
    data = random.randn(2, 16, 16, depth).astype("f")
    filter = random.randn(window, window, depth, 64).astype("f")
    results = []
    for jit in ("0", "1"):
        monkeypatch.setenv("REFLOW_JIT", jit)
        with tf.Graph().as_default(), tf.Session() as session:
            x = tf.placeholder(tf.float32, data.shape)
            y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME"), tf.ones([64])))
            y = tf.tanh(y * 0.5) + tf.sigmoid(y)
            results.append(session.run(tf.reduce_sum(y, [1, 2]), {x: data}))
    np.testing.assert_allclose(*results, rtol=1e-4)
