"""unique against TensorFlow 1.15.5."""

import numpy as np

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
