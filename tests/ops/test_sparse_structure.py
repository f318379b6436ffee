"""Sparse tensors joined, cut, reordered and made against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("sparse_structure")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
