"""Elementwise functions of one tensor against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("elementwise")
cases = recorded.cases


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("name, dtypes, low, high", cases.FUNCTIONS)
def test_numeric_gradient(name, dtypes, low, high):
    if "float64" not in dtypes or name in ("floor", "ceil", "rint", "round", "sign"):
        pytest.skip("constant wherever it has a derivative")
    function = cases.find(tf, name)
    with tf.Graph().as_default(), tf.Session():
        # Away from the kinks at 0 and 6 of the rectifiers.
        start = np.linspace(low, high, 8) + 0.0123
        x = tf.constant(start)
        assert tf.test.compute_gradient_error(x, [8], function(x), [8], start, delta=1e-5) < 1e-6
