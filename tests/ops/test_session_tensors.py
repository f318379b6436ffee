"""Tensors that a session keeps between runs, against TensorFlow 1.15.5."""

import gc

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("session_tensors")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def _number_kept(session):
    return len(session._resources.of_kind("session tensors")[0]._values)


def test_a_tensor_is_freed_with_its_last_handle():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.get_session_handle(tf.constant([1.0]))
        first, second = session.run([handle, handle])
        assert _number_kept(session) == 1
        del first
        assert second.eval() == [1]
        del second
        session.run(tf.strings.length(handle))  # Nobody gets this handle.
        gc.collect()
        assert _number_kept(session) == 0


def test_a_kept_tensor_is_not_changed_later():
    with tf.Graph().as_default(), tf.Session() as session:
        variable = tf.Variable([1.0, 2.0])
        session.run(variable.initializer)
        handle = session.run(tf.get_session_handle(variable.read_value()))
        session.run(variable.assign_add([5.0, 5.0]))
        holder, tensor = tf.get_session_tensor(handle.handle, tf.float32)
        doubled = session.run(tf.nn.relu(tensor) * 2, {holder: handle.handle})
        np.testing.assert_array_equal(doubled, [2, 4])
        fed = tf.placeholder(tf.float32, [2])
        session.run(fed, {fed: handle}).fill(9)
        np.testing.assert_array_equal(handle.eval(), [1, 2])


def test_a_fed_handle_fits_the_static_shape():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = session.run(tf.get_session_handle(tf.constant([1.0])))
        with pytest.raises(ValueError, match=r"Cannot feed value of shape \(1,\)"):
            fed = tf.placeholder(tf.float32, [2])
            session.run(fed + 1, {fed: handle})


def test_the_form_with_a_resource_handle():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = session.run(tf.raw_ops.GetSessionHandleV2(value=[1.0, 2.0]))
        np.testing.assert_array_equal(handle.eval(), [1, 2])
        output = tf.raw_ops.GetSessionHandleV2(value=[1.0, 2.0])
        assert output.dtype == tf.resource and output.shape == ()


def test_each_session_has_its_own():
    with tf.Graph().as_default():
        handle = tf.get_session_handle(tf.constant([1.0]))
        with tf.Session() as session, tf.Session() as other:
            kept = session.run(handle)
            holder, tensor = tf.get_session_tensor(kept.handle, tf.float32)
            with pytest.raises(tf.errors.InvalidArgumentError, match="is not in the session store"):
                other.run(tensor, {holder: kept.handle})
