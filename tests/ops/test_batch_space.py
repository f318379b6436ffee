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


def test_blocks_are_positive_whatever_the_image():
    image = tf.placeholder(tf.float32)
    with pytest.raises(ValueError, match="block_shape must be positive"):
        tf.space_to_batch_nd(image, [-1], tf.placeholder(tf.int32))
    with pytest.raises(ValueError, match="paddings cannot be negative"):
        tf.space_to_batch_nd(image, [1], [[-1, 0]])
    with pytest.raises(ValueError, match="Dimension 0 in both shapes"):
        tf.space_to_batch_nd(image, [1], tf.placeholder(tf.int32, [2, 2]))


@pytest.mark.parametrize("name", ["SpaceToBatch", "BatchToSpace"])
def test_an_image_has_four_dimensions(name):
    image = tf.placeholder_with_default(np.zeros([4, 2, 2, 2, 1], np.float32), None)
    node = tf.get_default_graph().create_op(name, [image, tf.zeros([2, 2], tf.int32)], [tf.float32],
                                            attrs={"block_size": tf.AttrValue(i=2)})  # fmt: skip
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="rank should be: 4"):
        session.run(node.outputs[0])
