"""Segments, counting, order, clipping and the confusion matrix against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("segment")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
