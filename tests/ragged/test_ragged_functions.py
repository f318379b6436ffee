"""Functions on ragged tensors against TensorFlow 1.15.5's results, recorded in tests/goldens."""

from tests.ops.recorded import Recorded

recorded = Recorded("ragged_functions")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
