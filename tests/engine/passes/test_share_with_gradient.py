"""Maximum pools that keep for their gradients what these would compute again."""

import pytest

import reflow as tf
from reflow.ops.native import max_pool as native_pool
from tests.engine.passes.plans import compared, plan_of, random_feed, run, types


def _run_places(plan, feed):
    """The places that a plan's pool finds."""
    pool = next(n for n in plan.nodes if n.type == "_MaxPoolWithPlaces")
    plan.fetches = [pool.outputs[1]]
    return run(plan, feed)[0]


@pytest.mark.parametrize("in_c", [True, False])
@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize("padding", ["SAME", "VALID"])
@pytest.mark.parametrize("size, stride", [(2, 2), (3, 2), (3, 1), (2, 1)])
def test_the_places_of_the_maxima(size, stride, padding, data_format, in_c, monkeypatch):
    if not in_c:
        monkeypatch.setattr(native_pool, "load", lambda: None)
    x = tf.placeholder(tf.float32, [2, 7, 7, 3])
    window = [[1, n, n, 1] if data_format == "NHWC" else [1, 1, n, n] for n in (size, stride)]
    images = x if data_format == "NHWC" else tf.transpose(x, [0, 3, 1, 2])
    pooled = tf.nn.max_pool(images, *window, padding, data_format=data_format)
    fetches = [pooled, *tf.gradients(tf.reduce_sum(tf.square(pooled)), x)]
    with_pass, without = compared(fetches, random_feed(x), "share_with_gradient", rtol=0, atol=0, disabled=["layout"])
    assert {"_MaxPoolWithPlaces", "_MaxPoolGradFromPlaces"} <= set(types(with_pass))
    assert {"MaxPool", "MaxPoolGrad"} <= set(types(without))
    places = next(n for n in with_pass.nodes if n.type == "_MaxPoolWithPlaces").outputs[1]
    assert places.dims == tuple(_run_places(with_pass, random_feed(x)).shape)
    assert places.dtype is (tf.uint8 if native_pool.load() and data_format == "NHWC" else tf.int64)


def test_the_image_is_not_kept_for_the_gradient_of_a_pool():
    x = tf.placeholder(tf.float32, [2, 8, 8, 3])
    pooled = tf.nn.max_pool(tf.nn.relu(x * 2.0), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    plan, _ = compared(tf.gradients(tf.reduce_sum(tf.square(pooled)), x), random_feed(x), "share_with_gradient")
    relu = next(n for n in plan.nodes if n.type == "Relu").outputs[0]
    assert [n.type for n in plan.nodes if relu in n.inputs] == ["_MaxPoolWithPlaces"]


def test_two_gradients_of_one_pool():
    x, a, b = (tf.placeholder(tf.float32, s) for s in ([1, 4, 4, 2], [1, 2, 2, 2], [1, 2, 2, 2]))
    pooled = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    fetches = [*tf.gradients(pooled, x, a), *tf.gradients(pooled, x, b)]
    plan, _ = compared(fetches, random_feed(x, a, b), "share_with_gradient")
    assert types(plan) == ["_MaxPoolWithPlaces", "_MaxPoolGradFromPlaces", "_MaxPoolGradFromPlaces"]


def test_without_a_gradient_nothing_is_kept():
    x = tf.placeholder(tf.float32, [2, 4, 4, 8])
    plan = plan_of([tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID")], [x])
    assert types(plan) == ["MaxPool"]


def test_second_gradients():
    x = tf.placeholder(tf.float32, [2, 4, 4, 2])
    pooled = tf.nn.max_pool(tf.sin(x), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    gradient = tf.gradients(tf.reduce_sum(tf.square(pooled)), x)[0]
    compared(tf.gradients(tf.reduce_sum(tf.square(gradient)), x), random_feed(x), "share_with_gradient")
