"""Fourier transforms against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("fft")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("length", [3, 4, 6])
def test_gradient_where_the_input_is_cut(length):
    """TensorFlow 1.15.5 fails here: what is cut off has the gradient 0."""
    signal = np.random.default_rng(0).normal(size=(2, 6)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session():
        x = tf.constant(signal)
        y = tf.signal.irfft(tf.signal.rfft(x, [length])[..., : length // 2 + 1], [length // 2])
        assert tf.test.compute_gradient_error(x, [2, 6], y, [2, length // 2], x_init_value=signal) < 2e-3
