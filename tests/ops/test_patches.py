"""Windows of images and volumes against TensorFlow 1.15.5."""

import numpy as np

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("patches")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_gradient_where_no_size_is_known():
    """TensorFlow 1.15.5 asks for known heights and widths here."""
    values = np.random.default_rng(0).normal(size=(2, 5, 4, 3)).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        images = tf.placeholder(tf.float32, [None, None, None, None])
        patches = tf.extract_image_patches(images, [1, 2, 3, 1], [1, 2, 1, 1], [1, 1, 1, 1], "SAME")
        weights = np.random.default_rng(1).normal(size=(2, 3, 4, 18)).astype(np.float32)
        (gradient,) = tf.gradients(patches, images, weights)
        actual = session.run(gradient, {images: values})
        fixed = tf.constant(values)
        known = tf.extract_image_patches(fixed, [1, 2, 3, 1], [1, 2, 1, 1], [1, 1, 1, 1], "SAME")
        expected = session.run(tf.gradients(known, fixed, weights)[0])
    np.testing.assert_array_equal(actual, expected)
