"""A convolution whose maxima alone are kept."""

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import shallow_conv, winograd
from tests.engine.passes.plans import compared, plan_of, random_feed, types

pytestmark = pytest.mark.skipif(
    winograd.load() is None or shallow_conv.load() is None, reason="the C kernels cannot be built here"
)


def _sums(x, filter):
    """A layer before its pool."""
    return tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME"), tf.linspace(-1.0, 1.0, 32)))


@pytest.mark.parametrize(("depth", "window"), [(1, 5), (3, 3), (16, 3), (16, 5)])
def test_pools_in_training_and_inference(depth, window):
    x = tf.placeholder(tf.float32, [8, 12, 14, depth])
    filter = tf.placeholder(tf.float32, [window, window, depth, 32])
    feed = random_feed(x, filter)
    pooled = tf.nn.max_pool(_sums(x, filter), [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    gradient = tf.gradients(tf.reduce_sum(tf.square(pooled)), filter)[0]
    alone, _ = compared([pooled], feed, "fuse_pool", rtol=0, atol=0)
    assert "_FusedConv2DMaxPool" in types(alone) and "MaxPool" not in types(alone)
    trained, without = compared([pooled, gradient], feed, "fuse_pool", rtol=0, atol=0)
    assert "_FusedConv2DMaxPoolWithPlaces" in types(trained) and "_FusedConv2D" not in types(trained)
    assert {"_FusedConv2D", "_MaxPoolWithPlaces"} <= set(types(without))


@pytest.mark.parametrize(("sizes", "depth", "pool", "stride"), [
    ((12, 13), 16, 2, 2), ((12, 14), 16, 3, 2), ((12, 14), 16, 2, 1), ((12, 14), 5, 2, 2),
], ids=["an odd width", "windows of 3x3", "windows that overlap", "no kernel in C"])  # fmt: skip
def test_what_stays(sizes, depth, pool, stride):
    x = tf.placeholder(tf.float32, [8, *sizes, depth])
    filter = tf.placeholder(tf.float32, [3, 3, depth, 32])
    pooled = tf.nn.max_pool(_sums(x, filter), [1, pool, pool, 1], [1, stride, stride, 1], "SAME")
    plan, _ = compared([pooled], random_feed(x, filter), "fuse_pool")
    assert "MaxPool" in types(plan)


def test_sums_that_another_node_takes_stay():
    x, filter = tf.placeholder(tf.float32, [8, 12, 14, 16]), tf.placeholder(tf.float32, [3, 3, 16, 32])
    sums = _sums(x, filter)
    pooled = tf.nn.max_pool(sums, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    plan, _ = compared([pooled, tf.reduce_sum(sums)], random_feed(x, filter), "fuse_pool")
    assert "MaxPool" in types(plan)


def test_a_frozen_graph_pools_as_it_convolves():
    x = tf.placeholder(tf.float32, [8, 12, 14, 16])
    filter = tf.constant(np.random.RandomState(1).randn(3, 3, 16, 32).astype("f"))
    pooled = tf.nn.max_pool(_sums(x, filter), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    plan, _ = compared([pooled], random_feed(x), "fuse_pool", rtol=1e-5, atol=1e-5)
    assert types(plan) == ["_PackedWeights", "_WinogradConv2D"]


def test_a_convolution_that_is_run_for_itself_stays():
    x, filter = tf.placeholder(tf.float32, [8, 12, 14, 3]), tf.placeholder(tf.float32, [3, 3, 3, 32])
    sums = _sums(x, filter)
    pooled = tf.nn.max_pool(sums, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    assert "_FusedConv2DMaxPool" not in types(plan_of([pooled], [x, filter], targets=[sums.op]))
