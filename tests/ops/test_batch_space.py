"""batch_space against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("batch_space")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("shape", [[2, 4], [3, 2]])
def test_a_pair_for_each_side_of_an_image(shape):
    pairs = np.zeros(shape, np.int32)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="in both shapes must be equal"):
        tf.raw_ops.SpaceToBatch(input=tf.ones([4, 2, 2, 1]), paddings=pairs, block_size=2)
    with tf.Graph().as_default(), pytest.raises(ValueError, match="in both shapes must be equal"):
        tf.raw_ops.BatchToSpace(input=tf.ones([4, 2, 2, 1]), crops=pairs, block_size=2)
