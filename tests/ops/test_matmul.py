"""Matrix products, tensordot and einsum against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("matmul")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_einsum_nodes_say_what_they_make():
    with pytest.raises(ValueError, match="exactly one '->'"):
        tf.raw_ops.Einsum(inputs=[tf.zeros([2, 2])], equation="ii")
    diagonal = tf.raw_ops.Einsum(inputs=[tf.constant([1.0, 2.0])], equation="i->ii")
    unknown = tf.raw_ops.Einsum(inputs=[tf.placeholder(tf.float32), tf.zeros([3])], equation="i,j->ij")
    assert unknown.shape.as_list() == [None, 3]
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(diagonal), [[1.0, 0.0], [0.0, 2.0]])
