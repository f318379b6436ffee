"""constant against TensorFlow 1.15.5."""

import numpy as np

import reflow as tf
from reflow.graph.build import call
from tests.ops.recorded import Recorded

recorded = Recorded("constant")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_ones_like_as_an_op():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.int32, [None])
        np.testing.assert_array_equal(session.run(call("OnesLike", x), {x: [5, 6]}), [1, 1])


def test_host_const():
    with tf.Graph().as_default(), tf.Session() as session:
        x = call("HostConst", value=np.array([1, 2]), dtype=tf.int64)
        assert x.shape.as_list() == [2]
        np.testing.assert_array_equal(session.run(x), [1, 2])


def test_zeros_take_their_shape_from_a_variable():
    shape = tf.Variable([2, 3])
    with tf.Session() as session:
        session.run(shape.initializer)
        assert session.run(tf.zeros(shape)).shape == (2, 3)
