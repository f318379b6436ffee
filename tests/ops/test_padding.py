"""padding against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from reflow.graph.build import call
from tests.ops.recorded import Recorded

recorded = Recorded("padding")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_tile_grad_sums_the_copies():
    with tf.Graph().as_default(), tf.Session() as session:
        x = call("TileGrad", np.arange(12.0).reshape(4, 3), [2, 1])
        assert x.shape.as_list() == [2, 3]
        np.testing.assert_array_equal(session.run(x), [[6, 8, 10], [12, 14, 16]])


@pytest.mark.parametrize("multiples", [[4, 1], [4, 3], [1, 3], [0, 3], [4, 0]])
def test_tiling_axes_of_size_one(multiples):
    """They are a view, which later writes to the variable must not show through."""
    value = np.arange(3.0, dtype=np.float32).reshape(1, 3)[:, :1 if multiples[1] != 1 else 3]
    x = tf.Variable(value)
    tiled = tf.tile(x, multiples)
    with tf.control_dependencies([tiled]):
        change = x.assign_add(x)
    with tf.Session() as session:
        session.run(x.initializer)
        np.testing.assert_array_equal(session.run([tiled, change])[0], np.tile(value, multiples))
