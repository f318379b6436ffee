"""Elementwise functions of one tensor against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from reflow.graph.build import call
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


@pytest.mark.parametrize("op_name", ["SqrtGrad", "RsqrtGrad", "ReciprocalGrad", "InvGrad"])
@pytest.mark.parametrize("dtype", [np.float16, np.float32, np.float64, np.complex64])
def test_gradients_by_the_result_are_zero_where_dy_is_zero(op_name, dtype):
    y = tf.constant(np.array([0.0, np.inf, np.nan, 2.0], dtype))
    z = call(op_name, y, tf.constant(np.zeros(4, dtype)))
    undefined = call(op_name, y, tf.constant(np.full(4, np.nan, dtype)))
    with tf.Session() as session:
        np.testing.assert_array_equal(session.run(z), np.zeros(4, dtype))
        assert np.isnan(session.run(undefined)).all()
