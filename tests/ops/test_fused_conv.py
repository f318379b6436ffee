"""Convolutions of mirrored and resized images, and old batch normalization, against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("fused_conv")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("align_corners", [False, True])
def test_every_example_of_a_batch(align_corners):
    """TensorFlow 1.15.5 convolves the first one again and again."""
    random = np.random.default_rng(0)
    images, kernel = (random.normal(size=shape).astype(np.float32) for shape in ((3, 5, 6, 2), (2, 2, 2, 4)))
    paddings = [[0, 0], [1, 2], [2, 0], [0, 0]]
    attrs = {"mode": "REFLECT", "strides": [1, 1, 1, 1], "padding": "VALID"}
    with tf.Graph().as_default(), tf.Session() as session:
        plain = tf.raw_ops.FusedPadConv2D(input=images, paddings=paddings, filter=kernel, **attrs)
        apart = tf.nn.conv2d(tf.pad(images, paddings, "REFLECT"), kernel, attrs["strides"], "VALID")
        attrs["resize_align_corners"] = align_corners

        def resized(x):
            return tf.raw_ops.FusedResizeAndPadConv2D(input=x, size=[4, 9], paddings=paddings, filter=kernel, **attrs)

        values = session.run([plain, apart, resized(images), tf.concat([resized(x[None]) for x in images], 0)])
    np.testing.assert_allclose(values[0], values[1], atol=1e-5)
    np.testing.assert_allclose(values[2], values[3], atol=1e-5)
