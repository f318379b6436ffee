"""Large masks take another way than small ones, to the same bits."""

import numpy as np
import pytest

import reflow as tf

SHAPE = (200, 200)
SPECIAL = np.array([0.0, -0.0, np.inf, -np.inf, np.nan, 1.0, -1.0, 1e-30])


def numbers(seed, dtype=np.float32):
    random = np.random.RandomState(seed)
    array = random.randint(-3, 3, SHAPE).astype(dtype)
    if np.dtype(dtype).kind == "f":
        array[:50] = random.choice(SPECIAL, (50, 200)).astype(dtype)
    return array


@pytest.mark.parametrize("dtype", [np.float32, np.float64, np.int32, np.float16])
@pytest.mark.parametrize("name", ["equal", "not_equal", "less", "less_equal", "greater", "greater_equal"])
def test_comparisons(name, dtype):
    x, y = numbers(1, dtype), numbers(2, dtype)
    with tf.Session() as session:
        result = session.run(getattr(tf, name)(tf.Variable(x).initialized_value(), tf.constant(y)))
    np.testing.assert_array_equal(result, getattr(np, name)(x, y))


def test_comparison_of_a_row_with_a_column():
    x, y = numbers(1)[:1], numbers(2)[:, :1]
    with tf.Session() as session:
        result = session.run(tf.less(tf.placeholder_with_default(x, x.shape), y))
    np.testing.assert_array_equal(result, x < y)


def bits(array):
    return np.asarray(array).view(np.int32)


@pytest.mark.parametrize("zeros", ["neither", "t", "e", "negative e"])
def test_select(zeros):
    c, t, e = numbers(1) > 0, numbers(2), numbers(3)
    if zeros == "t":
        t = np.zeros_like(t)
    elif zeros != "neither":
        e = np.full_like(e, -0.0 if zeros == "negative e" else 0.0)
    condition = tf.placeholder(tf.bool, SHAPE)
    with tf.Session() as session:
        result = session.run(tf.where(condition, t, e), {condition: c})
    np.testing.assert_array_equal(bits(result), bits(np.where(c, t, e)))


def test_cast_of_bools():
    c = tf.placeholder(tf.bool, SHAPE)
    with tf.Session() as session:
        result = session.run(tf.cast(c, tf.float32), {c: numbers(1) > 0})
    np.testing.assert_array_equal(result, (numbers(1) > 0).astype(np.float32))


def test_the_part_of_a_complex_conjugate_can_be_selected():
    """Its tensor is a view whose numbers are negated when they are read."""
    x = tf.placeholder(tf.complex64, SHAPE)
    value = (numbers(1) + 1j * numbers(2, np.int32)).astype(np.complex64)
    with tf.Session() as session:
        result = session.run(tf.where(tf.ones(SHAPE, tf.bool), tf.imag(tf.conj(x)), tf.zeros(SHAPE)), {x: value})
    np.testing.assert_array_equal(result, value.conj().imag)
