"""shape_ops against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("shape_ops")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_nothing_is_no_scalar():
    nothing = tf.placeholder_with_default(tf.zeros([0]), [None])
    to = tf.placeholder_with_default(tf.zeros([0], tf.int32), [None])
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="with 0 values, .* shape has 1"):
        session.run(tf.reshape(nothing, to))
