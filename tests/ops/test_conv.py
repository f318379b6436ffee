"""Convolutions, poolings, LRN and batch normalization against TensorFlow 1.15.5; NCHW against NHWC."""

import itertools
import re

import numpy as np
import pytest

import reflow as tf
from reflow.ops.pool import _frame
from reflow.ops.windows import Window
from tests.ops.recorded import Recorded

recorded = Recorded("conv", float32=1e-4)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def evaluate(tensors, feeds=None):
    with tf.Session() as session:
        return session.run(tensors, feeds)


def channels_first(x):
    return np.moveaxis(x, -1, 1)


IMAGES = np.random.RandomState(0).randn(2, 7, 6, 4).astype("float32")
VOLUMES = np.random.RandomState(1).randn(2, 5, 4, 5, 4).astype("float32")


def _conv2d(x, last):
    w = tf.constant(np.random.RandomState(2).randn(3, 2, 4, 5).astype("float32"))
    strides, dilations = ([1, 2, 1, 1], [1, 1, 2, 1]) if last else ([1, 1, 2, 1], [1, 1, 1, 2])
    return tf.nn.conv2d(x, w, strides, "SAME", data_format="NHWC" if last else "NCHW", dilations=dilations)


def _depthwise(x, last):
    w = tf.constant(np.random.RandomState(2).randn(3, 2, 4, 2).astype("float32"))
    strides = [1, 2, 2, 1] if last else [1, 1, 2, 2]
    return tf.nn.depthwise_conv2d_native(x, w, strides, "SAME", data_format="NHWC" if last else "NCHW")


def _pool(function):
    def run(x, last):
        ksize, strides = ([1, 3, 2, 1], [1, 2, 1, 1]) if last else ([1, 1, 3, 2], [1, 1, 2, 1])
        return function(x, ksize, strides, "SAME", data_format="NHWC" if last else "NCHW")

    return run


def _conv3d(x, last):
    w = tf.constant(np.random.RandomState(2).randn(2, 3, 2, 4, 3).astype("float32"))
    strides = [1, 2, 1, 1, 1] if last else [1, 1, 2, 1, 1]
    return tf.nn.conv3d(x, w, strides, "SAME", data_format="NDHWC" if last else "NCDHW")


def _pool3d(function):
    return lambda x, last: function(x, [2, 3, 2], 2, "SAME", data_format="NDHWC" if last else "NCDHW")


def _batch_norm(training):
    def run(x, last):
        scale, offset = tf.constant([1.0, 2, 3, 4]), tf.constant([4.0, 3, 2, 1])
        statistics = {} if training else {"mean": offset, "variance": scale}
        return tf.nn.fused_batch_norm(x, scale, offset, is_training=training, data_format="NHWC" if last else "NCHW",
                                      **statistics)[0]  # fmt: skip

    return run


LAYERS = {
    "conv2d": (_conv2d, IMAGES), "depthwise": (_depthwise, IMAGES), "max_pool": (_pool(tf.nn.max_pool), IMAGES),
    "avg_pool": (_pool(tf.nn.avg_pool), IMAGES), "conv3d": (_conv3d, VOLUMES),
    "max_pool3d": (_pool3d(tf.nn.max_pool3d), VOLUMES), "avg_pool3d": (_pool3d(tf.nn.avg_pool3d), VOLUMES),
    "batch_norm": (_batch_norm(True), IMAGES), "batch_norm_inference": (_batch_norm(False), IMAGES),
}  # fmt: skip


@pytest.mark.parametrize("layer", LAYERS)
def test_channels_first_computes_the_same(layer):
    function, values = LAYERS[layer]
    results = []
    for last in (True, False):
        x = tf.constant(values if last else channels_first(values))
        y = function(x, last)
        first = tf.gradients(tf.square(y), x)[0]
        second = tf.gradients(tf.square(first), x)[0]
        results.append([v if last else np.moveaxis(v, 1, -1) for v in evaluate([y, first, second])])
    for with_last, with_first in zip(*results, strict=True):
        np.testing.assert_allclose(with_last, with_first, rtol=1e-4, atol=1e-4 * np.abs(with_last).max())


@pytest.mark.parametrize("padding", [b"SAME", b"VALID"])
def test_every_pooling_frame_is_one_of_atens(padding):
    """As many places, and the first one where TensorFlow has it; ATen pads by half a window at most."""
    for size, window, stride in itertools.product(range(1, 30), range(1, 9), range(1, 9)):
        if padding == b"VALID" and size < window:
            continue
        frame = _frame([size], [1, window, 1], [1, stride, 1], padding, b"NHWC")
        (pad,), (skip,) = frame.padding, frame.skip
        span = size + 2 * pad - window
        places = (-(-span // stride) if frame.round_up else span // stride) + 1
        if frame.round_up and (places - 1) * stride >= size + pad:
            places -= 1
        tensorflows = Window(window, stride, 1, padding)
        assert places - skip == tensorflows.output_size(size) and 2 * pad <= window
        assert skip * stride - pad == -tensorflows.pads(size)[0]


@pytest.mark.parametrize("dtype", ["float16", "bfloat16", "float32", "float64"])
def test_layers_take_every_floating_type(dtype):
    x = tf.cast(IMAGES, dtype)
    w = tf.cast(np.random.RandomState(2).randn(3, 2, 4, 4), dtype)
    layers = [tf.nn.conv2d(x, w, 1, "SAME"), tf.nn.max_pool(x, 3, 2, "SAME"), tf.nn.avg_pool(x, 3, 2, "SAME"),
              tf.nn.depthwise_conv2d_native(x, w, [1, 1, 1, 1], "SAME")]  # fmt: skip
    x64, w64 = tf.constant(IMAGES.astype("float64")), tf.constant(np.random.RandomState(2).randn(3, 2, 4, 4))
    exact = [tf.nn.conv2d(x64, w64, 1, "SAME"), tf.nn.max_pool(x64, 3, 2, "SAME"), tf.nn.avg_pool(x64, 3, 2, "SAME"),
             tf.nn.depthwise_conv2d_native(x64, w64, [1, 1, 1, 1], "SAME")]  # fmt: skip
    tolerance = {"float16": 5e-3, "bfloat16": 4e-2, "float32": 1e-5, "float64": 1e-12}[dtype]
    gradients = [tf.cast(tf.gradients(tf.cast(y, tf.float32), x)[0], tf.float64) for y in layers]
    exact_gradients = [tf.gradients(y, x64)[0] for y in exact]
    ours = evaluate([tf.cast(y, tf.float64) for y in layers] + gradients)
    for value, expected in zip(ours, evaluate(exact + exact_gradients), strict=True):
        np.testing.assert_allclose(value, expected, rtol=tolerance, atol=tolerance * np.abs(expected).max())


def test_positions_of_maxima_as_int32():
    x = tf.constant(IMAGES)
    y, places = tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 2, 2, 1], "VALID", Targmax=tf.int32)
    values, indices = evaluate([y, places])
    assert indices.dtype == np.int32
    for image, maxima, where in zip(IMAGES, values, indices, strict=True):
        np.testing.assert_array_equal(image.ravel()[where], maxima)


def test_argmax_gradients_are_each_others_adjoint():
    x = tf.constant(IMAGES)
    frame = {"ksize": [1, 2, 2, 1], "strides": [1, 2, 2, 1], "padding": "SAME"}
    y, places = tf.raw_ops.MaxPoolWithArgmax(input=x, **frame)
    a, b = np.random.RandomState(3).randn(*IMAGES.shape), np.random.RandomState(4).randn(*y.shape.as_list())
    a, b = a.astype("float32"), b.astype("float32")
    spread = tf.raw_ops.MaxPoolGradWithArgmax(input=x, grad=b, argmax=places, **frame)
    picked = tf.raw_ops.MaxPoolGradGradWithArgmax(input=x, grad=a, argmax=places, **frame)
    spread, picked = evaluate([spread, picked])
    np.testing.assert_allclose((spread * a).sum(), (picked * b).sum(), rtol=1e-5)


@pytest.mark.parametrize("groups", [2, 4])
def test_grouped_convolution(groups):
    w = np.random.RandomState(5).randn(3, 3, 4 // groups, 8).astype("float32")
    parts = [tf.nn.conv2d(xs, ws, 1, "SAME")
             for xs, ws in zip(np.split(IMAGES, groups, 3), np.split(w, groups, 3), strict=True)]  # fmt: skip
    whole, parts = evaluate([tf.nn.conv2d(IMAGES, w, 1, "SAME"), tf.concat(parts, 3)])
    np.testing.assert_allclose(whole, parts, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("radius", [0, 1, 5])
def test_lrn_against_its_definition(radius):
    x = IMAGES.astype("float64")
    squares = np.stack([(x[..., max(c - radius, 0) : c + radius + 1] ** 2).sum(-1) for c in range(4)], -1)
    y = evaluate(tf.nn.lrn(tf.constant(IMAGES), radius, bias=2.0, alpha=0.3, beta=0.75))
    np.testing.assert_allclose(y, x / (2 + 0.3 * squares) ** 0.75, rtol=1e-5)


def test_convolution_reports_shapes_that_turn_out_wrong():
    x, w = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    y = tf.nn.conv2d(x, w, 1, "SAME")
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a multiple|divisible"):
        evaluate(y, {x: np.ones((1, 4, 4, 3)), w: np.ones((3, 3, 2, 2))})


def test_old_conv3d_gradient_ops_agree_with_the_new():
    w = np.random.RandomState(2).randn(2, 3, 2, 4, 3).astype("float32")
    frame = {"strides": [1, 1, 1, 1, 1], "padding": "SAME"}
    g = np.random.RandomState(3).randn(2, 5, 4, 5, 3).astype("float32")
    graph = tf.get_default_graph()
    old = [
        tf.raw_ops.Conv3DBackpropInput(input=VOLUMES, filter=w, out_backprop=g, **frame),
        tf.raw_ops.Conv3DBackpropFilter(input=VOLUMES, filter=w, out_backprop=g, **frame),
    ]
    new = [
        tf.raw_ops.Conv3DBackpropInputV2(input_sizes=VOLUMES.shape, filter=w, out_backprop=g, **frame),
        tf.raw_ops.Conv3DBackpropFilterV2(input=VOLUMES, filter_sizes=w.shape, out_backprop=g, **frame),
    ]
    assert graph is old[0].graph
    for a, b in zip(evaluate(old), evaluate(new), strict=True):
        np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("dtype", ["uint8", "int8", "int16", "uint16", "int32", "int64"])
def test_max_pool_of_integers_with_more_positions_than_numbers(dtype):
    size = 20 if "8" in dtype else 260
    x = np.random.default_rng(0).integers(0, 100, (1, size, size, 2)).astype(dtype)
    with tf.Graph().as_default():
        placeholder = tf.placeholder(tf.as_dtype(dtype), [None, None, None, 2])
        known, unknown = (tf.nn.max_pool(t, [1, 2, 2, 1], [1, 2, 2, 1], "SAME") for t in (tf.constant(x), placeholder))
        gradient = tf.raw_ops.MaxPoolGrad(
            orig_input=placeholder, orig_output=unknown, grad=tf.ones_like(unknown), ksize=[1, 2, 2, 1],
            strides=[1, 2, 2, 1], padding="SAME",
        )  # fmt: skip
        first, second, gradient = evaluate([known, unknown, gradient], {placeholder: x})
    blocks = x.reshape(1, size // 2, 2, size // 2, 2, 2)
    for pooled in (first, second):
        assert pooled.dtype == dtype
        np.testing.assert_array_equal(pooled, blocks.max((2, 4)))
    np.testing.assert_array_equal(gradient.reshape(blocks.shape).sum((2, 4)), 1)


_IMAGES, _FILTERS = np.ones((2, 6, 6, 3), np.float32), np.ones((3, 3, 3, 4), np.float32)


@pytest.mark.parametrize("make, message", [
    (lambda: tf.nn.conv2d(_IMAGES, _FILTERS, [1, 0, 1, 1], "SAME"), "Stride must be > 0, but got 0 for "),
    (lambda: tf.nn.conv2d(_IMAGES, _FILTERS, [1, 1, -1, 1], "VALID"), "Stride must be > 0, but got -1 for "),
    (lambda: tf.nn.conv2d(_IMAGES, _FILTERS, 1, "VALID", dilations=[1, 0, 1, 1]),
     "Dilation rate must be >= 1, but got 0 for "),
    (lambda: tf.nn.max_pool(_IMAGES, 2, 0, "VALID"), "Stride must be > 0, but got 0 for "),
    (lambda: tf.nn.avg_pool(_IMAGES, 2, 0, "SAME"), "Stride must be > 0, but got 0 for "),
    (lambda: tf.nn.conv2d(_IMAGES, _FILTERS, 1, [[0, 0], [-1, 2], [0, 1], [0, 0]]),
     "All elements of explicit_paddings must be nonnegative for "),
])  # fmt: skip
def test_attributes_that_no_convolution_has(make, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        make()


@pytest.mark.parametrize("make, message", [
    (lambda: tf.nn.conv2d_transpose(_IMAGES, np.ones((3, 3, 4, 2), np.float32), [2, 12, 12, 4], 2),
     "Conv2DCustomBackpropInput: filter and out_backprop must have the same out_depth"),
    (lambda: tf.nn.conv2d_transpose(_IMAGES, np.ones((3, 3, 4, 3), np.float32), [2, 15, 12, 4], 2),
     "Conv2DCustomBackpropInput: Size of out_backprop doesn't match computed: actual = 6, computed = 8 "
     "spatial_dim: 1 input: 15 filter: 3 output: 6 stride: 2 dilation: 1"),
    (lambda: tf.nn.conv2d_backprop_filter(_IMAGES, [3, 3, 3, 4], np.ones((2, 6, 7, 4), np.float32), [1] * 4, "SAME"),
     "Conv2DCustomBackpropFilter: Size of out_backprop doesn't match computed: actual = 7, computed = 6 "
     "spatial_dim: 2 input: 6 filter: 3 output: 7 stride: 1 dilation: 1"),
])  # fmt: skip
def test_gradients_that_no_convolution_has(make, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=re.escape(message)), tf.Session() as session:
        session.run(make())
