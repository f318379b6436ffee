"""The public random functions against TensorFlow 1.15.5: nodes, seeds, values, gradients."""

from tests.ops.recorded import Recorded

recorded = Recorded("random")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
