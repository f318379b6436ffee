"""cond, case and switch_case against what TensorFlow 1.15.5 does: nodes, values, gradients, failures."""

from tests.ops.recorded import Recorded

recorded = Recorded("conditional")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
