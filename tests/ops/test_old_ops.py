"""Ops that only old GraphDefs and gradients of gradients hold, beside TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("old_ops")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
