"""Serialized sparse tensors, the map of a session, and crossed features against TensorFlow 1.15.5."""

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("sparse_strings")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_zeros_at_the_end_of_a_default_string_stay():
    with tf.Session() as session:
        dense = session.run(tf.sparse_to_dense([1], [3], b"a\x00", b"\xff\x00"))
    assert dense.tolist() == [b"\xff\x00", b"a\x00", b"\xff\x00"]
