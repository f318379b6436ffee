"""unique against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("unique")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_slices_of_a_matrix_are_numbered_in_order_of_first_occurrence():
    x = [[2, 0], [1, 0], [2, 0]]
    with tf.Graph().as_default(), tf.Session() as session:
        y, idx, count = session.run(list(tf.raw_ops.UniqueWithCountsV2(x=x, axis=[0])))
    np.testing.assert_array_equal(y, [[2, 0], [1, 0]])
    np.testing.assert_array_equal(idx, [0, 1, 0])
    np.testing.assert_array_equal(count, [2, 1])


@pytest.mark.parametrize(
    ("axis", "message"),
    [
        ([5], "axis has to be between"), ([-5], "axis has to be between"), ([[0]], "axis expects a 1D vector"),
        ([0, 1], "axis does not support input tensors larger than 1 elements"), ([], "unique expects a 1D vector"),
    ],
)  # fmt: skip
def test_an_axis_that_is_none_fails_in_the_run(axis, message):
    with tf.Graph().as_default(), tf.Session() as session:
        y = tf.raw_ops.UniqueV2(x=np.ones([3, 2]), axis=np.array(axis, np.int64)).y
        with pytest.raises(tf.errors.InvalidArgumentError, match=message):
            session.run(y)
