"""Convolutions, poolings, LRN and batch normalization, run under TensorFlow 1.15.5 and Reflow. Python 3.7 as well.

TensorFlow's CPU kernels take NHWC only: Reflow's NCHW is compared with transposed NHWC in the tests.
"""

import numpy as np
from op_recording import Cases

case = Cases()
PADDINGS = ["SAME", "VALID"]


# --- Conv2D -------------------------------------------------------------------------------------------------------


@case.each(dtype=["float16", "float32", "float64"])
def _conv2d_types(tf, t, dtype):
    x, w = t.feed(t.normal(2, 4, 5, 3, dtype=dtype)), t.feed(t.normal(3, 2, 3, 4, dtype=dtype))
    t.out(tf.nn.conv2d(x, w, [1, 1, 1, 1], "SAME"))


@case.each(padding=PADDINGS)
def _conv2d(tf, t, padding):
    for size, window, stride in [(5, 3, 1), (5, 3, 2), (6, 3, 2), (6, 2, 1), (7, 4, 3), (4, 1, 2), (6, 5, 2)]:
        x, w = t.feed(t.normal(2, size, size + 1, 2)), t.feed(t.normal(window, window, 2, 3))
        y = t.out(tf.nn.conv2d(x, w, strides=[1, stride, stride, 1], padding=padding))
        t.grad(y, [x, w])


@case.each(padding=PADDINGS)
def _conv2d_second_gradient(tf, t, padding):
    x, w = t.feed(t.normal(1, 5, 4, 2)), t.feed(t.normal(3, 2, 2, 2))
    t.grad(tf.square(tf.nn.conv2d(x, w, [1, 2, 1, 1], padding)), [x, w], second=True)


@case
def _conv2d_explicit_padding(tf, t):
    x, w = t.feed(t.normal(2, 5, 4, 2)), t.feed(t.normal(3, 2, 2, 3))
    y = t.out(tf.nn.conv2d(x, w, 1, [[0, 0], [2, 1], [0, 3], [0, 0]]))
    z = t.out(tf.nn.conv2d(x, w, 2, [[0, 0], [1, 1], [1, 1], [0, 0]]))
    t.grad([y, z], [x, w])


@case.each(padding=PADDINGS)
def _conv2d_dilated_op(tf, t, padding):
    x, w = t.feed(t.normal(2, 7, 8, 2)), t.feed(t.normal(3, 2, 2, 3))
    t.out(tf.nn.conv2d(x, w, 1, padding, dilations=[1, 2, 3, 1]))
    t.out(tf.nn.conv2d(x, w, 2, padding, dilations=[1, 2, 2, 1]))


@case
def _conv2d_arguments(tf, t):
    x, w = t.feed(t.normal(2, 5, 5, 2)), t.feed(t.normal(3, 3, 2, 3))
    t.out(tf.nn.conv2d(x, filters=w, strides=[2], padding="SAME", name="layer"), tf.nn.conv2d(x, w, [1, 2], "VALID"))


@case
def _conv2d_unknown_sizes(tf, t):
    x, w = t.feed(t.normal(2, 5, 6, 2), [None, None, None, 2]), t.feed(t.normal(3, 3, 2, 3), [3, None, 2, None])
    y, z = t.out(tf.nn.conv2d(x, w, [1, 2, 2, 1], "SAME"), tf.nn.conv2d(x, w, [1, 2, 2, 1], "VALID"))
    t.out(tf.nn.conv2d(t.feed(t.normal(1, 4, 4, 1), None), t.feed(t.normal(2, 2, 1, 1), None), 1, "SAME"))
    t.grad([y, z], [x, w])


@case.each(shape=[(0, 4, 4, 2), (2, 0, 4, 2)])
def _conv2d_empty(tf, t, shape):
    x, w = t.feed(np.zeros(shape, "float32")), t.feed(t.normal(3, 3, 2, 3))
    y = t.out(tf.nn.conv2d(x, w, 1, "SAME"))
    # For images without pixels TensorFlow leaves the gradient of the filter as the memory was.
    t.grad(y, [x, w] if shape[0] == 0 else x)


@case.each(wrong=["channels", "rank", "filter rank", "too small", "strides", "padding", "explicit", "EXPLICIT", "types",
                  "explicit depth", "explicit negative", "stride length"])  # fmt: skip
def _conv2d_wrong(tf, t, wrong):
    x, w = tf.ones([1, 4, 4, 3]), tf.ones([3, 3, 3, 2])
    calls = {
        "channels": lambda: tf.nn.conv2d(x, tf.ones([3, 3, 2, 2]), 1, "SAME"),
        "rank": lambda: tf.nn.conv2d(tf.ones([4, 4, 3]), w, 1, "SAME"),
        "filter rank": lambda: tf.nn.conv2d(x, tf.ones([3, 3, 3]), 1, "SAME"),
        "too small": lambda: tf.nn.conv2d(x, tf.ones([5, 5, 3, 2]), 1, "VALID"),
        "strides": lambda: t.out(tf.nn.conv2d(x, w, [2, 1, 1, 1], "SAME")),
        "padding": lambda: tf.nn.conv2d(x, w, 1, "FULL"),
        "explicit": lambda: tf.nn.conv2d(x, w, 1, [[0, 0], [1, 1]]),
        "EXPLICIT": lambda: tf.nn.conv2d(x, w, 1, "EXPLICIT"),
        "types": lambda: tf.nn.conv2d(x, tf.ones([3, 3, 3, 2], tf.float64), 1, "SAME"),
        "explicit depth": lambda: tf.nn.conv2d(x, w, 1, [[0, 0], [1, 1], [1, 1], [1, 0]]),
        "explicit negative": lambda: tf.nn.conv2d(x, w, 1, [[0, 0], [1, -1], [1, 1], [0, 0]]),
        "stride length": lambda: tf.nn.conv2d(x, w, [1, 2, 3], "SAME"),
    }
    calls[wrong]()


@case.each(padding=PADDINGS)
def _conv2d_backprop(tf, t, padding):
    x, w = t.feed(t.normal(2, 6, 5, 2)), t.feed(t.normal(3, 2, 2, 3))
    sizes = [2, 3, 3, 3] if padding == "SAME" else [2, 2, 2, 3]
    g = t.feed(t.normal(*sizes))
    by_input = t.out(tf.nn.conv2d_backprop_input([2, 6, 5, 2], w, g, [1, 2, 2, 1], padding))
    by_filter = t.out(tf.nn.conv2d_backprop_filter(x, [3, 2, 2, 3], g, [1, 2, 2, 1], padding))
    t.grad([by_input, by_filter], [x, w, g])


@case
def _conv2d_backprop_of_other_size(tf, t):
    t.out(tf.nn.conv2d_backprop_input([1, 4, 4, 1], tf.ones([3, 3, 1, 1]), tf.ones([1, 5, 5, 1]), [1, 1, 1, 1], "SAME"))


@case.each(padding=PADDINGS)
def _conv2d_transpose(tf, t, padding):
    x, w = t.feed(t.normal(2, 3, 4, 2)), t.feed(t.normal(3, 3, 5, 2))
    shape = [2, 6, 8, 5] if padding == "SAME" else [2, 7, 9, 5]
    y = t.out(tf.nn.conv2d_transpose(x, w, shape, strides=2, padding=padding))
    t.grad(y, [x, w])
    t.out(tf.nn.conv2d_transpose(x, w, tf.constant(shape), [1, 2, 2, 1], padding, name="up"))


@case.each(padding=PADDINGS)
def _conv1d(tf, t, padding):
    x, w = t.feed(t.normal(2, 7, 2)), t.feed(t.normal(3, 2, 3))
    t.grad(t.out(tf.nn.conv1d(x, w, 2, padding)), [x, w])
    t.out(tf.nn.conv1d(x, w, stride=1, padding=padding, name="line", use_cudnn_on_gpu=False))


@case
def _conv1d_transpose(tf, t):
    x, w = t.feed(t.normal(2, 4, 2)), t.feed(t.normal(3, 5, 2))
    t.grad(t.out(tf.nn.conv1d_transpose(x, w, [2, 8, 5], 2)), [x, w])
    t.out(tf.nn.conv1d_transpose(x, w, tf.constant([2, 9, 5]), 2, "VALID"))


@case.each(padding=PADDINGS)
def _conv3d(tf, t, padding):
    x, w = t.feed(t.normal(1, 4, 5, 4, 2)), t.feed(t.normal(2, 3, 2, 2, 3))
    y = t.out(tf.nn.conv3d(x, w, [1, 1, 2, 2, 1], padding))
    t.grad(y, [x, w], second=True)


@case
def _conv3d_transpose(tf, t):
    x, w = t.feed(t.normal(1, 2, 3, 2, 2)), t.feed(t.normal(2, 3, 2, 3, 2))
    t.grad(t.out(tf.nn.conv3d_transpose(x, w, [1, 4, 6, 4, 3], 2)), [x, w])


@case
def _conv_transpose(tf, t):
    x, w = t.feed(t.normal(2, 3, 4, 2)), t.feed(t.normal(3, 3, 5, 2))
    t.out(tf.nn.conv_transpose(x, w, [2, 6, 8, 5], 2))


@case.each(padding=PADDINGS)
def _convolution(tf, t, padding):
    for rank in (1, 2, 3):
        x, w = t.feed(t.normal(2, *[5] * rank + [2])), t.feed(t.normal(*[2] * rank + [2, 3]))
        t.out(tf.nn.convolution(x, w, padding), tf.nn.convolution(x, w, padding, strides=[2] * rank))
        y = t.out(tf.nn.convolution(x, w, padding, dilation_rate=[2] * rank))
        t.grad(y, [x, w])


@case
def _convolution_unknown_sizes(tf, t):
    x, w = t.feed(t.normal(2, 6, 5, 2), [None, None, 5, 2]), t.feed(t.normal(3, 2, 2, 3))
    t.out(tf.nn.convolution(x, w, "SAME", dilation_rate=[2, 1], name="wide"))


@case.each(wrong=["both", "rank", "channels", "rate", "unknown"])
def _convolution_wrong(tf, t, wrong):
    x, w = tf.ones([1, 8, 8, 3]), tf.ones([3, 3, 3, 2])
    calls = {
        "both": lambda: tf.nn.convolution(x, w, "SAME", strides=[2, 2], dilation_rate=[2, 2]),
        "rank": lambda: tf.nn.convolution(tf.ones([2, 2]), w, "SAME"),
        "channels": lambda: tf.nn.convolution(x, tf.ones([3, 3, 2, 2]), "SAME", dilation_rate=[2, 2]),
        "rate": lambda: tf.nn.convolution(x, w, "SAME", dilation_rate=[0, 2]),
        "unknown": lambda: tf.nn.convolution(tf.placeholder(tf.float32), tf.placeholder(tf.float32), "SAME"),
    }
    calls[wrong]()


@case.each(padding=PADDINGS)
def _atrous_conv2d(tf, t, padding):
    x, w = t.feed(t.normal(2, 8, 7, 2)), t.feed(t.normal(3, 2, 2, 3))
    t.grad(t.out(tf.nn.atrous_conv2d(x, w, 2, padding)), [x, w])
    t.out(tf.nn.atrous_conv2d(x, w, 1, padding))


@case.each(padding=PADDINGS)
def _atrous_conv2d_transpose(tf, t, padding):
    w = t.feed(t.normal(3, 2, 4, 2))
    x = t.feed(t.normal(2, 8, 7, 2) if padding == "SAME" else t.normal(2, 4, 5, 2))
    t.grad(t.out(tf.nn.atrous_conv2d_transpose(x, w, [2, 8, 7, 4], 2, padding)), [x, w])


# --- depthwise ----------------------------------------------------------------------------------------------------


@case.each(padding=PADDINGS)
def _depthwise(tf, t, padding):
    for stride, multiplier in [(1, 1), (1, 2), (2, 1), (2, 3)]:
        x, w = t.feed(t.normal(2, 5, 6, 3)), t.feed(t.normal(3, 2, 3, multiplier))
        y = t.out(tf.nn.depthwise_conv2d_native(x, w, [1, stride, stride, 1], padding))
        t.grad(y, [x, w], second=stride == 1)


@case
def _depthwise_rate(tf, t):
    x, w = t.feed(t.normal(2, 7, 8, 3)), t.feed(t.normal(3, 2, 3, 2))
    t.out(tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME"), tf.nn.depthwise_conv2d(x, w, [1, 2, 2, 1], "VALID"))
    t.grad(t.out(tf.nn.depthwise_conv2d(x, w, [1, 1, 1, 1], "SAME", rate=[2, 2], name="spread")), [x, w])


@case
def _depthwise_types(tf, t):
    for dtype in ("float16", "float64"):
        x, w = t.feed(t.normal(1, 4, 4, 2, dtype=dtype)), t.feed(t.normal(2, 2, 2, 2, dtype=dtype))
        t.out(tf.nn.depthwise_conv2d_native(x, w, [1, 1, 1, 1], "SAME"))


@case
def _depthwise_unknown_sizes(tf, t):
    x, w = t.feed(t.normal(2, 5, 6, 3), [None, None, None, 3]), t.feed(t.normal(3, 2, 3, 2), [3, 2, None, 2])
    t.grad(t.out(tf.nn.depthwise_conv2d_native(x, w, [1, 2, 2, 1], "SAME")), [x, w])


@case.each(wrong=["channels", "rank"])
def _depthwise_wrong(tf, t, wrong):
    w = tf.ones([3, 3, 2, 2]) if wrong == "channels" else tf.ones([3, 3, 3])
    tf.nn.depthwise_conv2d_native(tf.ones([1, 4, 4, 3]), w, [1, 1, 1, 1], "SAME")


@case
def _separable(tf, t):
    x, d, p = t.feed(t.normal(2, 5, 6, 3)), t.feed(t.normal(3, 2, 3, 2)), t.feed(t.normal(1, 1, 6, 4))
    t.grad(t.out(tf.nn.separable_conv2d(x, d, p, [1, 2, 2, 1], "SAME")), [x, d, p])
    t.out(tf.nn.separable_conv2d(x, d, p, [1, 1, 1, 1], "VALID", rate=[2, 2], name="sep"))


@case
def _separable_wrong(tf, t):
    tf.nn.separable_conv2d(tf.ones([1, 4, 4, 3]), tf.ones([3, 3, 3, 1]), tf.ones([2, 1, 3, 4]), [1, 1, 1, 1], "SAME")


# --- pooling ------------------------------------------------------------------------------------------------------

FRAMES = [(5, 3, 1), (5, 2, 1), (4, 4, 1), (5, 2, 2), (6, 3, 2), (7, 4, 3), (4, 1, 2), (6, 5, 2), (5, 5, 5), (8, 3, 3)]


@case.each(padding=PADDINGS)
def _max_pool(tf, t, padding):
    for size, window, stride in FRAMES:
        x = t.feed(t.normal(2, size, size + 1, 3))
        y = t.out(tf.nn.max_pool(x, [1, window, window, 1], [1, stride, stride, 1], padding))
        t.grad(y, x)


@case.each(padding=PADDINGS)
def _max_pool_second_gradient(tf, t, padding):
    x = t.feed(t.normal(2, 5, 6, 2))
    t.grad(tf.square(tf.nn.max_pool(x, [2, 3], [1, 2], padding)), x, second=True)
    t.grad(tf.square(tf.nn.max_pool(x, 3, 2, padding)), x, second=True)


@case
def _max_pool_ties(tf, t):
    x = t.feed(np.zeros((1, 4, 4, 1), "float32"))
    t.grad(t.out(tf.nn.max_pool(x, 3, 1, "SAME")), x)


@case.each(dtype=["float16", "float64", "int8", "uint8", "int16", "uint16", "int32", "int64"])
def _max_pool_types(tf, t, dtype):
    x = t.feed(t.integers(0, 100, 2, 5, 5, 2, dtype=dtype))
    t.out(tf.nn.max_pool(x, 2, 2, "SAME"), tf.nn.max_pool2d(x, [2, 3], 2, "VALID", name="pool"))


@case
def _max_pool_over_depth(tf, t):
    t.out(tf.nn.max_pool(t.feed(t.normal(2, 3, 3, 6)), [1, 1, 1, 3], [1, 1, 1, 3], "SAME"))


@case
def _max_pool_unknown_sizes(tf, t):
    x = t.feed(t.normal(2, 5, 6, 2), [None, None, 6, None])
    t.grad(t.out(tf.nn.max_pool(x, 3, 2, "SAME")), x)
    t.grad(t.out(tf.nn.avg_pool(x, 3, 2, "VALID")), x)


@case
def _max_pool_empty(tf, t):
    x = t.feed(np.zeros((0, 4, 4, 2), "float32"))
    t.grad(t.out(tf.nn.max_pool(x, 2, 2, "SAME")), x)


@case
def _max_pool_of_tensors(tf, t):
    x = t.feed(t.normal(2, 5, 6, 2))
    ksize, strides = tf.constant([1, 3, 2, 1]), tf.constant([1, 2, 2, 1])
    y = tf.raw_ops.MaxPoolV2(input=x, ksize=ksize, strides=strides, padding="SAME")
    t.grad(t.out(y), x)


@case.each(padding=PADDINGS)
def _max_pool_1d_3d(tf, t, padding):
    x, y = t.feed(t.normal(2, 7, 3)), t.feed(t.normal(1, 4, 5, 4, 2))
    a, b = t.out(tf.nn.max_pool1d(x, 3, 2, padding), tf.nn.max_pool3d(y, [2, 3, 2], 2, padding))
    t.grad([a, b], [x, y])
    t.grad(tf.square(b), y, second=True)


@case.each(padding=PADDINGS)
def _avg_pool_1d_3d(tf, t, padding):
    x, y = t.feed(t.normal(2, 7, 3)), t.feed(t.normal(1, 4, 5, 4, 2))
    a, b = t.out(tf.nn.avg_pool1d(x, 3, 2, padding), tf.nn.avg_pool3d(y, [1, 2, 3, 2, 1], [1, 2, 2, 2, 1], padding))
    t.grad([a, b], [x, y])
    t.grad(tf.square(b), y, second=True)


@case.each(batch=[False, True])
def _max_pool_with_argmax(tf, t, batch):
    x = t.feed(t.normal(2, 5, 6, 3))
    y, places = t.out(*tf.nn.max_pool_with_argmax(x, [1, 3, 2, 1], [1, 2, 2, 1], "SAME", include_batch_in_index=batch))
    t.grad(y, x)
    t.out(*tf.nn.max_pool_with_argmax(x, [1, 2, 2, 1], [1, 1, 2, 1], "VALID", output_dtype=tf.int64, name="pool"))


@case.each(padding=PADDINGS)
def _avg_pool(tf, t, padding):
    for size, window, stride in FRAMES:
        x = t.feed(t.normal(2, size, size + 1, 3))
        y = t.out(tf.nn.avg_pool(x, [1, window, window, 1], [1, stride, stride, 1], padding))
        t.grad(y, x)
    t.grad(tf.square(y), x, second=True)


@case.each(dtype=["float16", "float64"])
def _avg_pool_types(tf, t, dtype):
    t.out(tf.nn.avg_pool2d(t.feed(t.normal(2, 5, 5, 2, dtype=dtype)), 2, 2, "SAME", name="pool"))


@case
def _pool_any_rank(tf, t):
    x, y, z = t.feed(t.normal(2, 6, 3)), t.feed(t.normal(2, 5, 6, 3)), t.feed(t.normal(1, 4, 5, 4, 2))
    for each in (x, y, z):
        t.out(tf.nn.max_pool_v2(each, 2, 2, "SAME", name="largest"), tf.nn.avg_pool_v2(each, 2, 1, "VALID"))


@case.each(kind=["MAX", "AVG"])
def _pool(tf, t, kind):
    x, y, z = t.feed(t.normal(2, 9, 3)), t.feed(t.normal(2, 7, 8, 3)), t.feed(t.normal(1, 4, 5, 4, 2))
    t.out(tf.nn.pool(x, [2], kind, "VALID", dilation_rate=[2]), tf.nn.pool(y, [2, 3], kind, "SAME", strides=[2, 2]))
    t.grad(t.out(tf.nn.pool(y, [2, 2], kind, "VALID", dilation_rate=[2, 3])), y)
    t.out(tf.nn.pool(z, [2, 2, 2], kind, "VALID", name="box"))


@case.each(wrong=["zero", "rank", "too small", "batch", "same dilated", "kind", "long stride", "depth average"])
def _pool_wrong(tf, t, wrong):
    x = tf.ones([1, 4, 4, 3])
    calls = {
        "zero": lambda: tf.nn.max_pool(x, [1, 0, 2, 1], 1, "SAME"),
        "rank": lambda: tf.nn.max_pool(tf.ones([4, 4, 3]), 2, 1, "SAME"),
        "too small": lambda: tf.nn.avg_pool(x, 5, 1, "VALID"),
        "batch": lambda: t.out(tf.nn.max_pool(x, [2, 1, 1, 1], [1, 1, 1, 1], "SAME")),
        "same dilated": lambda: tf.nn.pool(x, [2, 2], "MAX", "SAME", dilation_rate=[2, 2]),
        "kind": lambda: tf.nn.pool(x, [2, 2], "MIN", "SAME"),
        "long stride": lambda: tf.nn.pool(x, [2, 2], "MAX", "SAME", strides=[3, 3]),
        "depth average": lambda: t.out(tf.nn.avg_pool(x, [1, 1, 1, 3], [1, 1, 1, 3], "SAME")),
    }
    calls[wrong]()


# --- LRN ----------------------------------------------------------------------------------------------------------


@case.each(beta=[0.5, 0.75, 1.0, 0.3])
def _lrn(tf, t, beta):
    x = t.feed(t.normal(2, 3, 2, 7))
    y = t.out(tf.nn.lrn(x, 2, bias=1.5, alpha=0.1, beta=beta))
    t.grad(y, x)


@case
def _lrn_defaults(tf, t):
    x = t.feed(t.normal(2, 3, 2, 4))
    t.grad(t.out(tf.nn.local_response_normalization(x, name="norm")), x)
    t.out(tf.nn.lrn(t.feed(t.normal(1, 2, 2, 5, dtype="float16"))))


@case
def _lrn_wrong_rank(tf, t):
    tf.nn.lrn(tf.ones([2, 3]))


# --- batch normalization ------------------------------------------------------------------------------------------


@case.each(training=[True, False])
def _fused_batch_norm(tf, t, training):
    x, scale, offset = t.feed(t.normal(2, 3, 4, 5)), t.feed(t.normal(5)), t.feed(t.normal(5))
    mean, variance = t.feed(t.normal(5)), t.feed(t.random.rand(5).astype("float32"))
    statistics = {} if training else {"mean": mean, "variance": variance}
    y, batch_mean, batch_variance = tf.nn.fused_batch_norm(x, scale, offset, is_training=training, **statistics)
    t.out(y, *([batch_mean, batch_variance] if training else []))
    t.grad(y, [x, scale, offset], second=True)


@case.each(op=["FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3"])
def _fused_batch_norm_ops(tf, t, op):
    x, scale, offset = t.feed(2 + t.normal(2, 3, 2, 4)), t.feed(t.normal(4)), t.feed(t.normal(4))
    outputs = getattr(tf.raw_ops, op)(x=x, scale=scale, offset=offset, mean=[], variance=[], epsilon=0.01)
    t.out(*list(outputs)[:5])
    t.grad(outputs[0], [x, scale, offset])


@case
def _fused_batch_norm_half(tf, t):
    x, scale, offset = t.feed(t.normal(2, 3, 4, 5, dtype="float16")), t.feed(t.normal(5)), t.feed(t.normal(5))
    y, mean, variance = t.out(*tf.nn.fused_batch_norm(x, scale, offset, epsilon=1e-9, name="norm"))
    t.grad(y, [x, scale, offset])


@case.each(shape=[(1, 1, 1, 3), (0, 2, 2, 3)])
def _fused_batch_norm_little(tf, t, shape):
    x, scale, offset = t.feed(t.normal(*shape)), t.feed(t.normal(3)), t.feed(t.normal(3))
    t.out(*tf.nn.fused_batch_norm(x, scale, offset))


@case
def _fused_batch_norm_unknown_sizes(tf, t):
    x = t.feed(t.normal(2, 3, 4, 5), [None, None, None, None])
    y, mean, variance = t.out(*tf.nn.fused_batch_norm(x, t.feed(t.normal(5)), t.feed(t.normal(5), [None])))
    t.grad(tf.square(y + x), x)


@case.each(wrong=["statistics", "rank", "sizes"])
def _fused_batch_norm_wrong(tf, t, wrong):
    x, v = tf.ones([1, 2, 2, 3]), tf.ones([3])
    if wrong == "statistics":
        tf.nn.fused_batch_norm(x, v, v, mean=v)
    elif wrong == "rank":
        tf.nn.fused_batch_norm(tf.ones([2, 3]), v, v)
    else:
        tf.nn.fused_batch_norm(x, tf.ones([4]), v)
