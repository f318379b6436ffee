"""placeholder against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from reflow.graph.build import call
from tests.ops.recorded import Recorded

recorded = Recorded("placeholder")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_placeholder_v2_takes_what_is_fed():
    with tf.Graph().as_default(), tf.Session() as session:
        x = call("PlaceholderV2", dtype=tf.float32, shape=[2])
        assert session.run(x * 2, {x: [1, 2]}).tolist() == [2, 4]
        with pytest.raises(tf.errors.InvalidArgumentError, match="You must feed a value for placeholder tensor"):
            session.run(x)
