"""quantization against TensorFlow 1.15.5."""

import numpy as np

import reflow as tf
from reflow.graph.build import call
from tests.ops.recorded import Recorded

recorded = Recorded("quantization")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_the_first_version_of_quantize_and_dequantize():
    x = np.array([-1.0, 0.1, 0.4, 1.0], np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        y, z = call("QuantizeAndDequantize", x), tf.quantization.quantize_and_dequantize(x, 0.0, 0.0)
        np.testing.assert_array_equal(*session.run([y, z]))
