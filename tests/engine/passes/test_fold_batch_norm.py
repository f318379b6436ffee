"""Batch normalization in inference: no scaling of images is left behind a convolution."""

import numpy as np
import pytest

import reflow as tf
from tests.engine.passes.plans import compared, plan_of, random_feed, types

random = np.random.RandomState(3)


def _vectors(channels):
    """(offset, scale, mean, variance), constants."""
    values = random.rand(4, channels).astype(np.float32) + 0.5
    return [tf.constant(v) for v in values]


def _fused_norm(x, data_format="NHWC"):
    offset, scale, mean, variance = _vectors(x.shape[1 if data_format == "NCHW" else -1].value)
    return tf.nn.fused_batch_norm(x, scale, offset, mean, variance, is_training=False, data_format=data_format)[0]


def _single_ops(x):
    offset, scale, mean, variance = _vectors(x.shape[-1].value)
    return tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)


def _constant(*shape):
    return tf.constant(random.randn(*shape).astype(np.float32))


@pytest.mark.parametrize("norm", [_fused_norm, _single_ops])
def test_behind_a_convolution(norm):
    x = tf.placeholder(tf.float32, [2, 8, 8, 3])
    y = tf.nn.relu(norm(tf.nn.conv2d(x, _constant(3, 3, 3, 4), [1, 1, 1, 1], "SAME")))
    with_pass, without = compared([y], random_feed(x), "fold_batch_norm", rtol=1e-4, atol=1e-5)
    assert types(with_pass)[-1] in ("_FusedConv2D", "_DirectConv2D")
    assert len(types(without)) > 1


def test_channels_first():
    x = tf.placeholder(tf.float32, [2, 3, 8, 8])
    y = _fused_norm(tf.nn.conv2d(x, _constant(3, 3, 3, 4), [1, 1, 1, 1], "SAME", data_format="NCHW"), "NCHW")
    with_pass, _ = compared([y], random_feed(x), "fold_batch_norm", rtol=1e-4, atol=1e-5, disabled=["layout"])
    assert types(with_pass)[-1] in ("_FusedConv2D", "_DirectConv2D")


@pytest.mark.parametrize("norm", [_fused_norm, _single_ops])
def test_behind_a_depthwise_convolution(norm):
    x = tf.placeholder(tf.float32, [2, 8, 8, 3])
    y = norm(tf.nn.depthwise_conv2d(x, _constant(3, 3, 3, 2), [1, 1, 1, 1], "SAME"))
    with_pass, _ = compared([y], random_feed(x), "fold_batch_norm", rtol=1e-4, atol=1e-5)
    assert types(with_pass)[0] == "DepthwiseConv2dNative" and len(types(with_pass)) == 2


@pytest.mark.parametrize("transpose", [False, True])
def test_behind_a_matrix_product(transpose):
    x = tf.placeholder(tf.float32, [6, 3])
    weights = _constant(4, 3) if transpose else _constant(3, 4)
    y = _single_ops(tf.matmul(x, weights, transpose_b=transpose))
    with_pass, _ = compared([y], random_feed(x), "fold_batch_norm", rtol=1e-4, atol=1e-5)
    assert types(with_pass) == ["_FusedMatMul"]


def test_weights_that_are_fed_are_scaled_where_they_are_few():
    x, large, few, scale = (tf.placeholder(tf.float32, s) for s in ([1, 3], [3, 50], [3, 2], [2]))
    rows = tf.placeholder(tf.float32, [100, 3])
    wide = tf.placeholder(tf.float32, [50])
    plan, _ = compared([tf.matmul(rows, few) * scale], random_feed(rows, few, scale), "fold_batch_norm")
    assert types(plan) == ["Mul", "MatMul"]
    plan, _ = compared([tf.matmul(x, large) * wide], random_feed(x, large, wide), "fold_batch_norm")
    assert types(plan) == ["MatMul", "Mul"]


def test_in_training_the_product_stays():
    x, w, scale = (tf.placeholder(tf.float32, s) for s in ([100, 3], [3, 2], [2]))
    y = tf.matmul(x, w) * scale
    plan, _ = compared([y, *tf.gradients(tf.sin(y), [w, scale])], random_feed(x, w, scale), "fold_batch_norm")
    assert types(plan)[:2] == ["MatMul", "Mul"]


def test_a_row_of_factors_that_is_no_vector_of_channels_stays():
    x, w = tf.placeholder(tf.float32, [4, 3]), tf.placeholder(tf.float32, [3, 4])
    column = tf.placeholder(tf.float32, [4, 1])
    plan, _ = compared([tf.matmul(x, w) * column], random_feed(x, w, column), "fold_batch_norm")
    assert types(plan) == ["MatMul", "Mul"]
    assert types(plan_of([tf.matmul(x, w) * 2.0], [x, w])) == ["MatMul", "Mul"]


def test_the_last_dimension_of_channels_first_is_not_the_channels():
    x, scale = tf.placeholder(tf.float32, [2, 3, 4, 4]), tf.constant(np.arange(1, 5, dtype=np.float32))
    y = tf.nn.conv2d(x, _constant(3, 3, 3, 4), [1, 1, 1, 1], "SAME", data_format="NCHW") * scale
    plan, _ = compared([y], random_feed(x), "fold_batch_norm", disabled=["layout"])
    assert types(plan) == ["Conv2D", "Mul"]
