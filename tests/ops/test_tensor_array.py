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


# TensorFlow 1.15 makes no nodes of these types any more, but files of older ones have them.
OLD_VERSIONS = [
    ["TensorArray", "TensorArrayWrite", "TensorArrayRead", "TensorArrayGather", "TensorArrayScatter",
     "TensorArrayConcat", "TensorArraySplit", "TensorArraySize", "TensorArrayClose"],
    ["TensorArrayV2", "TensorArrayWriteV2", "TensorArrayReadV2", "TensorArrayGatherV2", "TensorArrayScatterV2",
     "TensorArrayConcatV2", "TensorArraySplitV2", "TensorArraySizeV2", "TensorArrayCloseV2"],
]  # fmt: skip


@pytest.mark.parametrize("names", OLD_VERSIONS, ids=["V1", "V2"])
def test_versions_of_old_files(names):
    make, write, read, gather, scatter, concat, split, size, close = (getattr(tf.raw_ops, name) for name in names)

    def array(length):
        return make(size=length, dtype=tf.float32, clear_after_read=False)

    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2, 2])
        first = array(2)
        flow = write(handle=first, index=0, value=x[0] * 2.0, flow_in=1.0)
        flow = write(handle=first, index=1, value=x[1], flow_in=flow)
        rows = gather(handle=first, indices=[1, 0], flow_in=flow, dtype=tf.float32)
        row = read(handle=first, index=0, flow_in=flow, dtype=tf.float32)
        second = array(2)
        scattered = scatter(handle=second, indices=[1, 0], value=x, flow_in=1.0)
        joined = concat(handle=second, flow_in=scattered, dtype=tf.float32).value
        third = array(2)
        pieces = split(handle=third, value=x, lengths=[0, 2], flow_in=1.0)
        count = size(handle=third, flow_in=pieces)
        with tf.control_dependencies([count]):
            closed = close(handle=third)
        feed = {x: [[1.0, 2.0], [3.0, 4.0]]}
        values = session.run([rows, row, joined, count, closed], feed)
    for value, expected in zip(values, ([[3, 4], [2, 4]], [2, 4], [3, 4, 1, 2], 2), strict=False):
        np.testing.assert_array_equal(value, expected)


def test_arrays_of_gradients():
    """Unwritten gradients are zeros in the shapes of the elements, behind `shape_to_prepend`."""
    with tf.Graph().as_default(), tf.Session() as session:
        array = tf.TensorArray("float32", 2).write(0, [1.0, 2.0]).write(1, [3.0, 4.0])
        wide, flow = tf.raw_ops.TensorArrayGradWithShape(handle=array.handle, flow_in=array.flow, source="gradients",
                                                         shape_to_prepend=[3])  # fmt: skip
        zeros = tf.raw_ops.TensorArrayReadV3(handle=wide, index=1, flow_in=flow, dtype=tf.float32)
        np.testing.assert_array_equal(session.run(zeros), np.zeros((3, 2)))


def test_arrays_of_gradients_of_old_files():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.raw_ops.TensorArrayV2(size=1, dtype=tf.float32)
        flow = tf.raw_ops.TensorArrayWriteV2(handle=handle, index=0, value=[1.0], flow_in=1.0)
        grad = tf.raw_ops.TensorArrayGradV2(handle=handle, flow_in=flow, source="gradients")
        for _ in range(2):
            flow = tf.raw_ops.TensorArrayWriteV2(handle=grad, index=0, value=[5.0], flow_in=flow)
        total = tf.raw_ops.TensorArrayReadV2(handle=grad, index=0, flow_in=flow, dtype=tf.float32)
        older = tf.raw_ops.TensorArrayGrad(handle=handle, flow_in=flow, source="gradients")
        same = tf.raw_ops.TensorArrayRead(handle=older, index=0, flow_in=flow, dtype=tf.float32)
        assert session.run([total, same]) == [[10.0], [10.0]]


def test_close_in_the_graph():
    with tf.Graph().as_default():
        assert tf.TensorArray("float32", 1).close().type == "TensorArrayCloseV3"


def test_pack_and_unpack_of_old_files():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.raw_ops.TensorArray(size=2, dtype=tf.float32)
        flow = tf.raw_ops.TensorArrayUnpack(handle=handle, value=[[1.0], [2.0]], flow_in=1.0)
        packed = tf.raw_ops.TensorArrayPack(handle=handle, flow_in=flow, dtype=tf.float32)
        np.testing.assert_array_equal(session.run(packed), [[1.0], [2.0]])


def test_static_shapes_as_tensorflow():
    with tf.Graph().as_default():
        array = tf.TensorArray(tf.float32, 3, element_shape=[None, 3])
        assert array.handle.shape == array.grad("source").handle.shape == [2]
        assert array.gather([2, 0]).shape.as_list() == [2, None, 3]
        assert tf.TensorArray(tf.float32, 3).gather([2, 0]).shape.ndims is None
