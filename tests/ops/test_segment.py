"""Segments, counting, order, clipping and the confusion matrix against TensorFlow 1.15.5."""

import pytest

from reflow.graph.registry import OPS
from tests.ops.recorded import Recorded

recorded = Recorded("segment")


@recorded.each_case
def test_as_tensorflow(name):
    if "confusion" in name and "SparseTensorDenseAdd" not in OPS:
        pytest.skip("the confusion matrix is counted by an op on sparse tensors, which is not there yet")
    recorded.check(name)
