"""Staging areas against what TensorFlow 1.15.5 does, and from several threads."""

import threading

import numpy as np
import pytest

import reflow as tf
from reflow.ops.staging import MapStagingArea, StagingArea
from tests.ops.recorded import Recorded

recorded = Recorded("staging")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def _waits(session, fetch, feeds=None):
    """A thread that runs `fetch`, and the list that gets its result."""
    results = []
    thread = threading.Thread(target=lambda: results.append(session.run(fetch, feeds)))
    thread.start()
    thread.join(0.05)
    return thread, results


@pytest.mark.parametrize("limits", [{"capacity": 1}, {"memory_limit": 12}])
def test_who_puts_waits_for_room(limits):
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2])
        area = StagingArea([tf.float32], **limits)
        put, get, size = area.put([x]), area.get(), area.size()
        session.run(put, {x: [1, 2]})
        thread, results = _waits(session, put, {x: [3, 4]})
        assert thread.is_alive() and session.run(size) == 1
        np.testing.assert_array_equal(session.run(get)[0], [1, 2])
        thread.join(10)
        assert results == [None]
        np.testing.assert_array_equal(session.run(get)[0], [3, 4])


def test_who_takes_waits_for_an_element():
    with tf.Graph().as_default(), tf.Session() as session:
        area = MapStagingArea([tf.float32, tf.float32])
        get = area.get(tf.constant(2, tf.int64))[1]
        thread, results = _waits(session, get)
        session.run(area.put(tf.constant(2, tf.int64), [tf.constant(1.0)], [0]))
        assert thread.is_alive()
        session.run(area.put(tf.constant(2, tf.int64), [tf.constant(4.0)], [1]))
        thread.join(10)
        assert results == [[1.0, 4.0]]


def test_elements_are_kept_as_they_were():
    with tf.Graph().as_default(), tf.Session() as session:
        v = tf.Variable([1.0])
        area = tf.contrib.staging.StagingArea([tf.float32])
        session.run(v.initializer)
        session.run(area.put([v.value()]))
        session.run(tf.assign(v, [5.0]))
        assert session.run(area.peek(0)[0]).tolist() == [1.0]


def test_an_index_beyond_the_components():
    """TensorFlow writes there."""
    with tf.Graph().as_default(), tf.Session() as session:
        put = tf.raw_ops.MapStage(key=1, indices=[2], values=[1.0], dtypes=[tf.float32])
        with pytest.raises(tf.errors.InvalidArgumentError, match="out of bounds"):
            session.run(put)


def test_a_pipeline():
    """Each step works on what the one before staged."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [])
        area = StagingArea([tf.float32])
        staged, put = area.get()[0] * 10, area.put([x])
        session.run(put, {x: 0})
        assert [session.run([staged, put], {x: i})[0] for i in range(1, 4)] == [0, 10, 20]
