"""select against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("select")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("axis", [-1, 0, 1])
def test_one_hot_of_other_values_is_like_that_of_ones(axis):
    indices = tf.placeholder_with_default(np.array([[0, 3, -1], [4, 100, 1]], np.int32), [2, 3])
    with tf.Session() as session:
        ones, others = session.run([tf.one_hot(indices, 4, axis=axis), tf.one_hot(indices, 4, 5.0, -2.0, axis=axis)])
    np.testing.assert_array_equal(others, np.where(ones == 1.0, 5.0, -2.0))
    assert ones.sum() == 3.0


@pytest.mark.parametrize("name", ["depth", "on_value", "off_value"])
@pytest.mark.parametrize("indices", [[], [1]])
def test_numbers_of_one_hot_are_scalars(name, indices):
    numbers = {"depth": np.int32(2), "on_value": np.float32(1), "off_value": np.float32(0)}
    numbers[name] = tf.placeholder_with_default(np.full(1, numbers[name]), None)
    hot = tf.raw_ops.OneHot(indices=np.array(indices, np.int32), axis=-1, **numbers)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match=name + " must be a scalar"):
        session.run(hot)
