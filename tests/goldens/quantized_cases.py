"""Arithmetic and layers of quantized tensors."""

import numpy as np
from op_recording import Cases

case = Cases()
PLAIN = {"qint8": "int8", "quint8": "uint8", "qint32": "int32", "qint16": "int16", "quint16": "uint16"}
RANGES = [(0.0, 1.0), (-1.0, 1.0), (-3.0, 5.5), (-2.0, 0.0), (1.0, 2.0), (0.0, 6.0)]


def pairs(shift):
    """Each range with another one."""
    return [(RANGES[i], RANGES[(i + shift) % len(RANGES)]) for i in range(len(RANGES))]


def feed(tf, t, value, dtype="quint8", shape="static"):
    """A quantized tensor fed as the plain integers that hold it."""
    return tf.bitcast(t.feed(np.asarray(value, PLAIN[dtype]), shape), getattr(tf, dtype))


def numbers(tf, t, *shape):
    """A quint8 tensor of random numbers."""
    return feed(tf, t, t.integers(0, 256, *shape))


def out(tf, t, results):
    """Record a quantized tensor (as plain integers) and its range."""
    q = results[0]
    t.out(tf.bitcast(q, getattr(tf, PLAIN[q.dtype.name])), *results[1:])


# --- ranges -------------------------------------------------------------------------------------------------------

SUMS = np.array([-(2**31), -1000000, -255, -1, 0, 1, 77, 32000, 123456789, 2**31 - 1], "int32")
SUM_RANGES = [(-256.0, 256.0), (-1e5, 1e5), (-1.0, 3.0), (0.0, 7.0), (-65536.0, 65535.97)]


@case.each(numbers=["all", "small", "positive", "negative", "none"])
def narrower(tf, t, numbers):
    chosen = {"all": SUMS, "small": SUMS[1:-2], "positive": SUMS[5:], "negative": SUMS[:4], "none": SUMS[:0]}[numbers]
    q = feed(tf, t, chosen, "qint32")
    for low, high in SUM_RANGES:
        if numbers != "none":
            t.out(*tf.raw_ops.RequantizationRange(input=q, input_min=low, input_max=high))
            out(tf, t, tf.raw_ops.QuantizeDownAndShrinkRange(input=q, input_min=low, input_max=high,
                                                             out_type=tf.quint8))  # fmt: skip
        for dtype in (tf.quint8, tf.qint8):
            for wanted in ((low, high), (-1.0, 2.0), (0.0, 0.0), (-10.0, 0.0)):
                requested = dict(requested_output_min=wanted[0], requested_output_max=wanted[1], out_type=dtype)
                out(tf, t, tf.raw_ops.Requantize(input=q, input_min=low, input_max=high, **requested))


@case.each(wanted=[(0.5, 1.0), (-1.0, -2.0)])
def requantize_wrong_range(tf, t, wanted):
    q = feed(tf, t, SUMS, "qint32")
    t.out(tf.raw_ops.Requantize(input=q, input_min=-1.0, input_max=1.0, requested_output_min=wanted[0],
                                requested_output_max=wanted[1], out_type=tf.quint8)[1])  # fmt: skip


@case
def requantize_vector_range(tf, t):
    q = feed(tf, t, SUMS, "qint32")
    tf.raw_ops.Requantize(input=q, input_min=[-1.0], input_max=1.0, requested_output_min=0.0, requested_output_max=1.0,
                          out_type=tf.quint8)  # fmt: skip


# --- arithmetic ---------------------------------------------------------------------------------------------------

SHAPES = [((5,), (5,)), ((5,), ()), ((), (4,)), ((1,), (3,)), ((3, 4), (4,)), ((2,), (3, 2)), ((2, 3, 4), (2, 3, 4)),
          ((2, 3, 4), (3, 4)), ((3, 4), (1,)), ((0,), (0,)), ((), ())]  # fmt: skip


@case.each(op=["QuantizedAdd", "QuantizedMul"])
def pair(tf, t, op):
    function = getattr(tf.raw_ops, op)
    for x_shape, y_shape in SHAPES:
        x, y = numbers(tf, t, *x_shape), numbers(tf, t, *y_shape)
        for x_range, y_range in pairs(2):
            out(tf, t, function(x=x, y=y, min_x=x_range[0], max_x=x_range[1], min_y=y_range[0], max_y=y_range[1]))


@case.each(op=["QuantizedAdd", "QuantizedMul"])
def pair_of_all_numbers(tf, t, op):
    function = getattr(tf.raw_ops, op)
    x, y = feed(tf, t, np.arange(256)), feed(tf, t, np.arange(256)[::-1])
    for x_range in RANGES:
        out(tf, t, function(x=x, y=y, min_x=x_range[0], max_x=x_range[1], min_y=-7.5, max_y=3.2))


@case.each(op=["QuantizedAdd", "QuantizedMul"])
def pair_of_wrong_range(tf, t, op):
    x = numbers(tf, t, 3)
    t.out(getattr(tf.raw_ops, op)(x=x, y=x, min_x=0.0, max_x=1.0, min_y=1.0, max_y=1.0)[1])


@case.each(op=["QuantizedAdd", "QuantizedMul"])
def pair_of_wrong_shapes(tf, t, op):
    getattr(tf.raw_ops, op)(x=numbers(tf, t, 3), y=numbers(tf, t, 4), min_x=0.0, max_x=1.0, min_y=0.0, max_y=1.0)


@case.each(dtype=["quint8", "qint8"])
def bias(tf, t, dtype):
    for shape in ((3, 4), (2, 3, 2, 4), (2, 4)):
        x = feed(tf, t, t.integers(0, 256, *shape), dtype)
        y = feed(tf, t, t.integers(0, 256, 4), dtype)
        for x_range, y_range in pairs(3):
            ends = dict(min_input=x_range[0], max_input=x_range[1], min_bias=y_range[0], max_bias=y_range[1])
            out(tf, t, tf.raw_ops.QuantizedBiasAdd(input=x, bias=y, out_type=tf.qint32, **ends))


@case.each(shapes=[((4,), (4,)), ((3, 4), (3,)), ((3, 4), (2, 2))])
def bias_wrong_shapes(tf, t, shapes):
    x, y = (numbers(tf, t, *shape) for shape in shapes)
    tf.raw_ops.QuantizedBiasAdd(input=x, bias=y, min_input=0.0, max_input=1.0, min_bias=0.0, max_bias=1.0,
                                out_type=tf.qint32)  # fmt: skip


@case.each(shapes=[((4,), (4,)), ((3, 4), (3,)), ((3, 4), (2, 2))])
def bias_wrong_shapes_when_run(tf, t, shapes):
    x, y = (feed(tf, t, t.integers(0, 256, *shape), shape=None) for shape in shapes)
    t.out(tf.raw_ops.QuantizedBiasAdd(input=x, bias=y, min_input=0.0, max_input=1.0, min_bias=0.0, max_bias=1.0,
                                      out_type=tf.qint32)[1])  # fmt: skip


@case.each(transposed=[(False, False), (True, False), (False, True), (True, True)])
def matmul(tf, t, transposed):
    for rows, inner, columns in ((3, 4, 5), (1, 1, 1), (2, 300, 3), (0, 3, 2), (17, 33, 20)):
        a = numbers(tf, t, *((inner, rows) if transposed[0] else (rows, inner)))
        b = numbers(tf, t, *((columns, inner) if transposed[1] else (inner, columns)))
        for a_range, b_range in pairs(2):
            out(tf, t, tf.raw_ops.QuantizedMatMul(a=a, b=b, min_a=a_range[0], max_a=a_range[1], min_b=b_range[0],
                                                  max_b=b_range[1], transpose_a=transposed[0],
                                                  transpose_b=transposed[1]))  # fmt: skip


@case
def matmul_far_from_zero(tf, t):
    a, b = numbers(tf, t, 3, 40), numbers(tf, t, 40, 2)
    out(tf, t, tf.raw_ops.QuantizedMatMul(a=a, b=b, min_a=1000.0, max_a=1001.0, min_b=-3000.5, max_b=-3000.0))


@case.each(shapes=[((3, 4), (3, 4)), ((4,), (4, 2)), ((3, 4), (4,))])
def matmul_wrong_shapes(tf, t, shapes):
    a, b = (numbers(tf, t, *shape) for shape in shapes)
    tf.raw_ops.QuantizedMatMul(a=a, b=b, min_a=0.0, max_a=1.0, min_b=0.0, max_b=1.0)


@case.each(shapes=[((3, 4), (3, 4)), ((4,), (4, 2)), ((3, 4), (4,))])
def matmul_wrong_shapes_when_run(tf, t, shapes):
    a, b = (feed(tf, t, t.integers(0, 256, *shape), shape=None) for shape in shapes)
    t.out(tf.raw_ops.QuantizedMatMul(a=a, b=b, min_a=0.0, max_a=1.0, min_b=0.0, max_b=1.0)[0])


@case.each(ends=[(1.0, 1.0, 0.0, 1.0), (0.0, 1.0, 2.0, 1.0)])
def matmul_wrong_range(tf, t, ends):
    a = numbers(tf, t, 2, 2)
    t.out(tf.raw_ops.QuantizedMatMul(a=a, b=a, min_a=ends[0], max_a=ends[1], min_b=ends[2], max_b=ends[3])[1])


@case.each(op=["QuantizedRelu", "QuantizedRelu6"])
def rectifiers(tf, t, op):
    function = getattr(tf.raw_ops, op)
    for low, high in RANGES + [(-10.0, 10.0), (-20.0, 5.0), (-5.0, -1.0), (7.0, 9.0)]:
        q = feed(tf, t, np.arange(256))
        out(tf, t, function(features=q, min_features=low, max_features=high, out_type=tf.quint8))
        q = feed(tf, t, SUMS, "qint32")
        out(tf, t, function(features=q, min_features=low, max_features=high, out_type=tf.qint32))


@case
def rectifier_vector_range(tf, t):
    tf.raw_ops.QuantizedRelu(features=numbers(tf, t, 3), min_features=[0.0], max_features=1.0, out_type=tf.quint8)


# --- resizing -----------------------------------------------------------------------------------------------------

PLACEMENTS = {"corners": {}, "aligned": {"align_corners": True}, "centers": {"half_pixel_centers": True}}


@case.each(placement=sorted(PLACEMENTS))
def resize(tf, t, placement):
    for shape in ((2, 5, 6, 3), (1, 4, 4, 8), (1, 3, 2, 1)):
        big = t.integers(-(2**31), 2**31 - 1, *shape)
        images = [feed(tf, t, t.integers(0, 256, *shape)), feed(tf, t, big, "qint32"), t.feed(t.normal(*shape))]
        for size in ([9, 8], [3, 4], [1, 13], [10, 12]):
            for image in images:
                arguments = dict(images=image, size=size, min=-1.5, max=2.5)
                results = tf.raw_ops.QuantizedResizeBilinear(**dict(arguments, **PLACEMENTS[placement]))
                if image.dtype == tf.float32:
                    t.out(*results)
                else:
                    out(tf, t, results)


@case
def resize_unknown_shapes(tf, t):
    for shape in (None, [None, None, 4, 3]):
        image = feed(tf, t, t.integers(0, 256, 1, 4, 4, 3), shape=shape)
        for size in ([2, 3], t.feed(np.array([2, 3], "int32")), t.feed(np.array([2, 3], "int32"), None)):
            out(tf, t, tf.raw_ops.QuantizedResizeBilinear(images=image, size=size, min=0.0, max=1.0))


RESIZE_FAULTS = {"range": dict(min=[0.0]), "three_sizes": dict(size=[2, 3, 4]), "negative": dict(size=[-2, 3]),
                 "none": dict(size=[0, 3])}  # fmt: skip


@case.each(fault=sorted(RESIZE_FAULTS))
def resize_fault(tf, t, fault):
    arguments = dict(images=numbers(tf, t, 1, 4, 4, 3), size=[2, 3], min=0.0, max=1.0)
    t.out(tf.raw_ops.QuantizedResizeBilinear(**dict(arguments, **RESIZE_FAULTS[fault]))[1])


@case
def resize_wrong_rank(tf, t):
    tf.raw_ops.QuantizedResizeBilinear(images=numbers(tf, t, 4, 4, 3), size=[2, 3], min=0.0, max=1.0)


# --- layers -------------------------------------------------------------------------------------------------------


@case.each(padding=["SAME", "VALID"])
def convolution(tf, t, padding):
    for size, window, stride in ((5, 3, 1), (6, 3, 2), (7, 1, 3), (12, 2, 5), (6, 4, 1), (4, 4, 1), (9, 2, 4)):
        x, w = numbers(tf, t, 2, size, size + 1, 3), numbers(tf, t, window, window, 3, 4)
        for x_range, w_range in pairs(1)[1:4]:
            out(tf, t, tf.nn.quantized_conv2d(x, w, x_range[0], x_range[1], w_range[0], w_range[1],
                                              strides=[1, stride, stride, 1], padding=padding))  # fmt: skip


FAULTS = {
    "unequal_strides": dict(strides=[1, 1, 2, 1]),
    "batch_stride": dict(strides=[2, 1, 1, 1]),
    "three_strides": dict(strides=[1, 1, 1]),
    "dilation": dict(dilations=[1, 2, 2, 1]),
    "batch_dilation": dict(dilations=[2, 1, 1, 1]),
    "vector_range": dict(min_input=[0.0]),
}


@case.each(fault=sorted(FAULTS))
def convolution_fault(tf, t, fault):
    arguments = dict(min_input=0.0, max_input=1.0, min_filter=0.0, max_filter=1.0, strides=[1, 1, 1, 1])
    arguments.update(FAULTS[fault])
    t.out(tf.nn.quantized_conv2d(numbers(tf, t, 1, 5, 5, 2), numbers(tf, t, 2, 2, 2, 1), padding="VALID",
                                 **arguments)[1])  # fmt: skip


@case
def convolution_wrong_depth(tf, t):
    x, w = numbers(tf, t, 1, 5, 5, 2), numbers(tf, t, 2, 2, 3, 1)
    tf.nn.quantized_conv2d(x, w, 0.0, 1.0, 0.0, 1.0, strides=[1, 1, 1, 1], padding="SAME")


@case.each(padding=["SAME", "VALID"])
def pooling(tf, t, padding):
    for size, window, stride in ((5, 3, 1), (6, 3, 2), (7, 2, 3), (8, 4, 4), (3, 3, 1)):
        x = numbers(tf, t, 2, size, size + 1, 3)
        for function in (tf.nn.quantized_avg_pool, tf.nn.quantized_max_pool):
            out(tf, t, function(x, -1.5, 2.5, [1, window, window, 1], [1, stride, stride, 1], padding))


@case.each(function=["quantized_avg_pool", "quantized_max_pool"])
def pooling_over_batch(tf, t, function):
    x = numbers(tf, t, 2, 4, 4, 1)
    t.out(getattr(tf.nn, function)(x, 0.0, 1.0, [2, 1, 1, 1], [2, 1, 1, 1], "SAME")[1])


@case
def instance_norm(tf, t):
    for shape in ((2, 4, 5, 3), (1, 2, 2, 1), (3, 8, 8, 2)):
        x = numbers(tf, t, *shape)
        for options in ({}, dict(variance_epsilon=0.5), dict(min_separation=100.0),
                        dict(output_range_given=True, given_y_min=-1.0, given_y_max=2.0)):  # fmt: skip
            out(tf, t, tf.raw_ops.QuantizedInstanceNorm(x=x, x_min=-2.0, x_max=3.0, **options))
    same = feed(tf, t, np.full((1, 2, 2, 1), 9))
    out(tf, t, tf.raw_ops.QuantizedInstanceNorm(x=same, x_min=0.0, x_max=3.0))


@case
def instance_norm_wrong_range(tf, t):
    x = numbers(tf, t, 1, 2, 2, 1)
    t.out(tf.raw_ops.QuantizedInstanceNorm(x=x, x_min=0.0, x_max=3.0, output_range_given=True, given_y_min=2.0,
                                           given_y_max=1.0)[1])  # fmt: skip


@case
def instance_norm_wrong_rank(tf, t):
    tf.raw_ops.QuantizedInstanceNorm(x=numbers(tf, t, 2, 2), x_min=0.0, x_max=3.0)


def _batch_norm(tf, x, vectors, **options):
    arguments = dict(t=x, t_min=-4.0, t_max=4.0, variance_epsilon=0.01, out_type=tf.qint32)
    ranges = dict(m=(-1.0, 2.0), v=(0.0, 3.0), beta=(-1.0, 1.0), gamma=(-2.0, 2.0))
    for i, (name, ends) in enumerate(sorted(ranges.items())):
        arguments[name] = vectors[i]
        arguments[name + "_min"], arguments[name + "_max"] = ends
    arguments.update(options)
    return tf.raw_ops.QuantizedBatchNormWithGlobalNormalization(**arguments)


@case.each(scaled=[False, True])
def batch_norm(tf, t, scaled):
    for shape in ((2, 4, 5, 3), (1, 1, 1, 1)):
        vectors = [numbers(tf, t, shape[-1]) for _ in range(4)]
        out(tf, t, _batch_norm(tf, numbers(tf, t, *shape), vectors, scale_after_normalization=scaled))


@case
def batch_norm_wrong_shapes(tf, t):
    vectors = [numbers(tf, t, size) for size in (2, 2, 3, 2)]
    _batch_norm(tf, numbers(tf, t, 1, 2, 2, 2), vectors, scale_after_normalization=True)
