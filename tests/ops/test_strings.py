"""Strings against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("strings")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize(("shape", "ids", "error"), [
    ([], [0], tf.errors.OutOfRangeError), ([2], [[0, 0], [0, 0]], tf.errors.OutOfRangeError),
    ([2], 0, tf.errors.InvalidArgumentError), ([2], [0], tf.errors.InvalidArgumentError),
])  # fmt: skip
def test_ranks_of_segments_to_join(shape, ids, error):
    texts = tf.placeholder_with_default(tf.fill(shape, "a"), None)
    with tf.Session() as session, pytest.raises(error):
        session.run(tf.strings.unsorted_segment_join(texts, tf.placeholder_with_default(ids, None), 2))
