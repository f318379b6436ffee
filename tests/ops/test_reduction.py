"""Reductions, positions of extrema, scans and ranges against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("reduction")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("shape, axis", [((200, 200), 0), ((200, 200), -1), ((30, 40, 50), 1), ((40000,), 0)])
@pytest.mark.parametrize("name", ["argmax", "argmin"])
def test_large_arrays_have_the_first_position_of_an_extremum(name, shape, axis):
    x = np.random.RandomState(0).randint(-5, 5, shape).astype(np.float32)
    x.flat[0] = np.nan
    worst = -np.inf if name == "argmax" else np.inf
    with tf.Session() as session:
        found = session.run(getattr(tf, name)(tf.placeholder_with_default(x, shape), axis))
    np.testing.assert_array_equal(found, getattr(np, name)(np.nan_to_num(x, nan=worst), axis))


def test_the_axis_of_a_scan_is_a_scalar():
    axis = tf.raw_ops.Cumprod(x=np.ones([2], np.float32), axis=tf.constant([0]))
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=r"a scalar, not \[1\]"):
        session.run(axis)


@pytest.mark.parametrize("keepdims", [False, True])
@pytest.mark.parametrize("axes", [[0, 2], [1, 3], [0, 2, 3], [0, 1, 3]])
def test_a_sum_over_separate_axes(axes, keepdims):
    """Where the last axis stays, it is made in steps."""
    x = np.arange(2 * 3 * 4 * 5 * 6, dtype=np.float32).reshape(2, 3, 4, 5, 6)
    fed = tf.placeholder(tf.float32, x.shape)
    with tf.Session() as session:
        result = session.run(tf.reduce_sum(fed, axes, keepdims), {fed: x})
    np.testing.assert_array_equal(result, x.sum(tuple(axes), keepdims=keepdims))
