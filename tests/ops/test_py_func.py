"""py_func against TensorFlow 1.15.5."""

import gc

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("py_func")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_py_function_gets_values_with_a_method_numpy_and_converts_results(session):
    x = tf.placeholder(tf.float32, [2])
    y, z = tf.py_function(lambda a: (a.numpy() * 2, a.shape[0]), [x], [tf.float64, tf.int64])
    y, z = session.run([y, z], {x: [1, 2]})
    assert y.tolist() == [2, 4] and y.dtype == np.float64 and z == 2


def test_py_function_has_no_gradient(session):
    x = tf.constant([1.0])
    with pytest.raises(LookupError, match="custom_gradient"):
        tf.gradients(tf.py_function(lambda a: a, [x], tf.float32), x)


def test_a_function_may_change_its_arguments_and_its_results(session):
    kept = []

    def change(a):
        a += 1
        kept.append(a)
        return a

    x = tf.constant([1.0, 2.0])
    y = tf.py_func(change, [x], tf.float32)
    first = session.run([x, y])
    kept[0][:] = 100
    second = session.run([x, y])
    for a, b in (first, second):
        assert a.tolist() == [1, 2] and b.tolist() == [2, 3]


def test_the_function_lives_as_long_as_its_graph(session):
    y = tf.py_func(lambda: np.float32(5), [], tf.float32)
    gc.collect()
    assert session.run(y) == 5


def test_an_exception_shows_where_it_was_raised(session):
    def fails():
        raise RuntimeError("here")

    with pytest.raises(tf.errors.UnknownError, match=r"RuntimeError: here[\s\S]*in fails"):
        session.run(tf.py_func(fails, [], tf.float32))


def test_a_custom_gradient_by_override(session):
    @tf.RegisterGradient("TripleForTest")
    def _triple(op, grad):
        return grad * 3

    x = tf.constant([1.0, 2.0])
    with session.graph.gradient_override_map({"PyFunc": "TripleForTest"}):
        y = tf.py_func(lambda a: a * 3, [x], tf.float32)
    y.set_shape([2])
    assert session.run(tf.gradients(y, x)[0]).tolist() == [3, 3]
