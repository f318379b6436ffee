"""tf.GradientTape in graphs; what it gives is what TensorFlow 1.15.5 printed for the same lines."""

import numpy as np
import pytest

import reflow as tf


def _run(*tensors):
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        return session.run([*tensors])


@pytest.fixture(autouse=True)
def graph():
    """A graph for each test."""
    with tf.Graph().as_default():
        yield


def _variables():
    return [tf.get_variable(name, initializer=value, use_resource=True)
            for name, value in (("v", [1.0, 2.0]), ("u", [1.0, 1.0]))]  # fmt: skip


def test_gradient():
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape() as tape:
        tape.watch(x)
        y = tf.reduce_sum(x * x)
    np.testing.assert_array_equal(_run(tape.gradient(y, x))[0], [2, 4, 6])
    with pytest.raises(RuntimeError, match="can only be called once on non-persistent tapes"):
        tape.gradient(y, x)


def test_variables_are_watched_when_they_are_read():
    v, u = _variables()
    with tf.GradientTape(persistent=True) as tape:
        y = tf.reduce_sum(v * v * u)
        with tape.stop_recording():
            unseen = y * 3.0
    assert [w.name for w in tape.watched_variables()] == ["v:0", "u:0"]
    np.testing.assert_array_equal(_run(*tape.gradient(y, [v, u])), [[2, 4], [1, 4]])
    assert tape.gradient(unseen, v) is None
    zeros = tape.gradient(tf.constant(1.0), [u], unconnected_gradients=tf.UnconnectedGradients.ZERO)
    np.testing.assert_array_equal(_run(*zeros)[0], [0, 0])


def test_only_what_is_watched():
    v, u = _variables()
    with tf.GradientTape(persistent=True, watch_accessed_variables=False) as tape:
        tape.watch(u)
        y = tf.reduce_sum(v * v * u)
    assert tape.gradient(y, v) is None
    np.testing.assert_array_equal(_run(tape.gradient(y, u))[0], [1, 4])
    assert tape.watched_variables() == (u,)


def test_what_was_made_before_is_constant():
    c = tf.constant(3.0)
    before = c * c
    with tf.GradientTape() as tape:
        tape.watch(c)
        y = before * c
    assert _run(tape.gradient(y, c)) == [9.0]


def test_tapes_within_tapes():
    c = tf.constant(3.0)
    with tf.GradientTape() as outer:
        outer.watch(c)
        with tf.GradientTape() as inner:
            inner.watch(c)
            y = c * c * c
        first = inner.gradient(y, c)
    assert _run(first, outer.gradient(first, c)) == [27.0, 18.0]


def test_nested_sources_and_given_gradients():
    x = tf.constant([1.0, 2.0, 3.0])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch(x)
        y = tf.stack([x[0] * x[1], x[2] * x[2]])
    by_name = tape.gradient({"a": y}, {"s": x})["s"]
    weighted = tape.gradient(y, x, output_gradients=tf.constant([1.0, 10.0]))
    np.testing.assert_array_equal(_run(by_name, weighted), [[2, 1, 6], [2, 1, 60]])


def test_reset_forgets():
    c = tf.constant(2.0)
    with tf.GradientTape() as tape:
        tape.watch(c)
        y = c * 2.0
        tape.reset()
    assert tape.gradient(y, c) is None


def test_jacobians():
    x, m = tf.constant([1.0, 2.0]), tf.constant([[1.0, 2.0], [3.0, 4.0]])
    with tf.GradientTape(persistent=True) as tape:
        tape.watch([x, m])
        y, z = x * x * tf.reduce_sum(x), m * m * m
    jacobian, batch = tape.jacobian(y, x), tape.batch_jacobian(z, m)
    assert jacobian.shape == (2, 2) and batch.shape == (2, 2, 2)
    assert tape.jacobian(y, {"m": m}) == {"m": None}
    whole, parts = _run(jacobian, batch)
    np.testing.assert_array_equal(whole, [[7, 1], [4, 16]])
    np.testing.assert_array_equal(parts, [np.diag([3, 12]), np.diag([27, 48])])
    unknown = tf.placeholder(tf.float32, [None])
    with pytest.raises(ValueError, match="known shape"):
        tape.jacobian(unknown, x)
