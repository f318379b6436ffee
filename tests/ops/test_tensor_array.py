"""TensorArrays against what TensorFlow 1.15.5 does."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("tensor_array")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_an_array_is_new_in_every_step():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2])
        out = tf.TensorArray("float32", 1).write(0, x).read(0)
        for value in ([1.0, 2.0], [3.0, 4.0]):
            np.testing.assert_array_equal(session.run(out, {x: value}), value)


def test_an_element_keeps_the_value_that_a_variable_had():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.get_variable("v", initializer=np.ones(2, "float32"))
        array = tf.TensorArray("float32", 1).write(0, v)
        with tf.control_dependencies([array.flow]), tf.control_dependencies([tf.assign_add(v, [1.0, 1.0])]):
            out = array.identity().read(0)
        session.run(tf.global_variables_initializer())
        np.testing.assert_array_equal(session.run(out), [1.0, 1.0])


def test_nothing_is_left_of_a_closed_array():
    with tf.Graph().as_default(), tf.Session() as session:
        array = tf.TensorArray("float32", 1).write(0, [1.0])
        with tf.control_dependencies([array.flow]), tf.control_dependencies([array.close()]):
            out = array.identity().read(0)
        with pytest.raises(tf.errors.InvalidArgumentError, match="already been closed"):
            session.run(out)


@pytest.mark.parametrize("version", ["", "V2"])
def test_versions_of_old_files(version):
    """TensorFlow 1.15 makes no such nodes any more, but files of older ones have them."""

    def op(kind, **arguments):
        return getattr(tf.raw_ops, f"TensorArray{kind}{version}")(**arguments)

    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2, 2])
        handle = op("", size=2, dtype=tf.float32)
        flow = op("Write", handle=handle, index=0, value=x[0] * 2.0, flow_in=1.0)
        flow = op("Write", handle=handle, index=1, value=x[1], flow_in=flow)
        rows = op("Gather", handle=handle, indices=[1, 0], flow_in=flow, dtype=tf.float32)
        count = op("Size", handle=handle, flow_in=flow)
        values = session.run([rows, count], {x: [[1.0, 2.0], [3.0, 4.0]]})
    np.testing.assert_array_equal(values[0], [[3.0, 4.0], [2.0, 4.0]])
    assert values[1] == 2


def test_pack_and_unpack_of_old_files():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.raw_ops.TensorArray(size=2, dtype=tf.float32)
        flow = tf.raw_ops.TensorArrayUnpack(handle=handle, value=[[1.0], [2.0]], flow_in=1.0)
        packed = tf.raw_ops.TensorArrayPack(handle=handle, flow_in=flow, dtype=tf.float32)
        np.testing.assert_array_equal(session.run(packed), [[1.0], [2.0]])
