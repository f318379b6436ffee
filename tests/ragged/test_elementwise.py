"""Operators and elementwise functions of ragged tensors against what TensorFlow 1.15.5 does (tests/goldens)."""

from tests.ops.recorded import Recorded

recorded = Recorded("ragged_elementwise")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
