"""The gradients of a ReLU and of the bias before it in one node."""

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import relu_gradient
from tests.engine.passes.plans import compared, plan_of, random_feed, run, source_of, types

pytestmark = pytest.mark.skipif(relu_gradient.load() is None, reason="no C compiler")


def _gradients(x, b, data_format="NHWC"):
    """Of a bias and of what it is added to."""
    sums = tf.nn.bias_add(x * 2.0, b, data_format)
    return tf.gradients(tf.reduce_sum(tf.square(tf.nn.relu(sums))), [x, b])


@pytest.mark.parametrize("shape", [[30, 20], [2, 5, 6, 7]])
def test_one_node(shape):
    x, b = tf.placeholder(tf.float32, shape), tf.placeholder(tf.float32, shape[-1:])
    with_pass, without = compared(_gradients(x, b), random_feed(x, b), "bias_gradient")
    assert types(with_pass).count("_ReluGradAndBiasAddGrad") == 1
    assert not {"ReluGrad", "BiasAddGrad"} & set(types(with_pass))
    assert {"ReluGrad", "BiasAddGrad"} <= set(types(without))


def test_in_place_with_the_kernel_and_without_it(monkeypatch):
    x, b = tf.placeholder(tf.float32, [30, 20]), tf.placeholder(tf.float32, [20])
    feed = random_feed(x, b)
    plan = plan_of(_gradients(x, b), feed)
    node = next(n for n in plan.nodes if n.type == "_ReluGradAndBiasAddGrad")
    assert node.reuses == (0,)
    assert "native_relu_and_bias_gradient(" in source_of(plan)
    want = run(plan, feed)
    monkeypatch.setattr(relu_gradient, "load", lambda: None)
    assert "grad_input=" in source_of(plan)
    for got, expected in zip(run(plan, feed), want, strict=True):
        np.testing.assert_allclose(got, expected, rtol=1e-5, atol=1e-5)


def test_what_stays():
    x, b = tf.placeholder(tf.float32, [2, 5, 6, 7]), tf.placeholder(tf.float32, [5])
    assert "ReluGrad" in types(plan_of(_gradients(x, b, "NCHW"), [x, b]))
    x, b = tf.placeholder(tf.float64, [3, 4]), tf.placeholder(tf.float64, [4])
    assert "ReluGrad" in types(plan_of(_gradients(x, b), [x, b]))


def test_a_node_that_is_run_for_itself_stays():
    x, b = tf.placeholder(tf.float32, [30, 20]), tf.placeholder(tf.float32, [20])
    by_x, by_b = _gradients(x, b)
    assert "BiasAddGrad" in types(plan_of([by_x], [x, b], targets=[by_b.op]))


def test_without_the_gradient_of_the_bias():
    x, b = tf.placeholder(tf.float32, [30, 20]), tf.placeholder(tf.float32, [20])
    assert "ReluGrad" in types(plan_of(_gradients(x, b)[:1], [x, b]))
