"""padding against TensorFlow 1.15.5."""

import numpy as np

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
