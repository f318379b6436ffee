"""Arithmetic of two tensors, comparisons, bits and sums against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("arithmetic")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("threshold", [True, False])
def test_bools_are_packed_as_they_are(threshold):
    bits = [True, False, True, True, False, False, False, True]
    with tf.Graph().as_default(), tf.Session() as session:
        assert session.run(tf.raw_ops.CompareAndBitpack(input=bits, threshold=threshold)) == [0b10110001]


def test_approximate_equality_has_the_shape_known_of_the_first():
    known, unknown = tf.placeholder(tf.float32, [2]), tf.placeholder(tf.float32)
    assert tf.raw_ops.ApproximateEqual(x=known, y=unknown).shape == [2]
    assert tf.raw_ops.ApproximateEqual(x=unknown, y=known).shape.ndims is None
