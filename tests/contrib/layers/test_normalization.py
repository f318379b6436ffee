"""Normalization of tf.contrib.layers against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("contrib_layers_normalization")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
