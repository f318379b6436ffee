"""Decoding against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("decode")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("size", [size for size in range(1, 18) if size not in (2, 8)])
def test_a_serialized_tensor_that_is_cut_is_no_tensor(size):
    """TensorFlow takes it where only the length of a nested message is left (4, 6 bytes); docs/differences.md."""
    whole = b"\x08\x01\x12\x04\x12\x02\x08\x02\x22\x08" + bytes(8)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="Could not parse"):
        session.run(tf.io.parse_tensor(whole[:size], tf.float32))
