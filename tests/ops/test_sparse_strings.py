"""Serialized sparse tensors, the map of a session, and crossed features against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("sparse_strings")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
