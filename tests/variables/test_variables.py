"""Variables, scopes, initializers and partitions against TensorFlow 1.15.5."""

import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("variables")


@recorded.each_case
def test_as_tensorflow(name):
    if name.startswith("of_another_variable") and not hasattr(tf, "cond"):
        pytest.skip("there is no tf.cond yet")
    recorded.check(name)
