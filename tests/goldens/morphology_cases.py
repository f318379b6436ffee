"""Dilation and erosion of images, with gradients."""

import numpy as np
from op_recording import Cases

case = Cases()
# Size of the image, of the filter, stride, rate.
FRAMES = [(5, 3, 1, 1), (6, 2, 2, 1), (7, 3, 2, 2), (6, 1, 3, 1), (4, 4, 1, 1), (9, 2, 1, 3), (8, 2, 5, 1)]


@case.each(padding=["SAME", "VALID"])
def dilation(tf, t, padding):
    for size, window, stride, rate in FRAMES:
        image, kernel = t.feed(t.normal(2, size, size + 1, 3)), t.feed(t.normal(window, window, 3))
        strides, rates = [1, stride, stride, 1], [1, rate, rate, 1]
        y = t.out(tf.nn.dilation2d(image, kernel, strides, rates, padding))
        t.grad(y, [image, kernel])


@case.each(padding=["SAME", "VALID"])
def erosion(tf, t, padding):
    for size, window, stride, rate in FRAMES:
        image, kernel = t.feed(t.normal(2, size, size + 1, 2)), t.feed(t.normal(window, window, 2))
        y = t.out(tf.nn.erosion2d(image, kernel, [1, stride, stride, 1], [1, rate, rate, 1], padding))
        t.grad(y, [image, kernel])


@case
def different_directions(tf, t):
    image, kernel = t.feed(t.normal(1, 7, 9, 2)), t.feed(t.normal(2, 3, 2))
    y = t.out(tf.nn.dilation2d(image, filters=kernel, strides=[1, 2, 1, 1], dilations=[1, 1, 3, 1], padding="SAME",
                               name="opened"))  # fmt: skip
    t.out(tf.nn.erosion2d(image, kernel, [1, 2, 1, 1], [1, 1, 3, 1], "VALID", name="closed"))
    t.grad(y, [image, kernel])


@case.each(dtype=["float16", "bfloat16", "float64", "uint8", "int8", "uint16", "int16", "int32", "int64"])
def types(tf, t, dtype):
    image = tf.cast(t.feed(t.integers(0, 90, 1, 5, 6, 2)), dtype)
    kernel = tf.cast(t.feed(t.integers(0, 30, 3, 2, 2)), dtype)
    arguments = dict(strides=[1, 1, 2, 1], rates=[1, 1, 1, 1], padding="SAME")
    y = t.out(tf.nn.dilation2d(image, kernel, **arguments))
    grad = tf.cast(t.feed(t.integers(0, 5, 1, 5, 3, 2)), dtype)
    arguments.update(input=image, filter=kernel, out_backprop=grad)
    t.out(tf.raw_ops.Dilation2DBackpropInput(**arguments), tf.raw_ops.Dilation2DBackpropFilter(**arguments))
    if dtype in ("float16", "float64"):
        t.grad(y, [image, kernel])


@case
def equal_sums_and_special_numbers(tf, t):
    image = np.zeros([1, 4, 5, 1], "float32")
    image[0, 1, 1], image[0, 2, 3], image[0, 3, :2] = np.nan, np.inf, -np.inf
    x, kernel = t.feed(image), t.feed(np.zeros([2, 2, 1], "float32"))
    y = t.out(tf.nn.dilation2d(x, kernel, [1, 1, 1, 1], [1, 1, 1, 1], "SAME"))
    t.grad(y, [x, kernel])


@case
def unknown_shapes(tf, t):
    for shape in (None, [None, None, None, 2], [2, 5, None, None]):
        image, kernel = t.feed(t.normal(2, 5, 5, 2), shape), t.feed(t.normal(3, 3, 2), shape and [None, 3, None])
        t.out(tf.nn.dilation2d(image, kernel, [1, 1, 1, 1], [1, 1, 1, 1], "VALID"))


FAULTS = {
    "depth": dict(filter=np.zeros([2, 2, 3], "float32")),
    "rank": dict(filter=np.zeros([2, 2], "float32")),
    "too_large": dict(filter=np.zeros([9, 2, 2], "float32")),
    "both_names": dict(filters=np.zeros([2, 2, 2], "float32")),
    "three_strides": dict(strides=[1, 1, 1]),
    "three_rates": dict(rates=[1, 1, 1]),
    "batch_stride": dict(strides=[2, 1, 1, 1]),
    "batch_rate": dict(rates=[2, 1, 1, 1]),
}


@case.each(fault=sorted(FAULTS))
def fault(tf, t, fault):
    arguments = dict(filter=np.zeros([2, 2, 2], "float32"), strides=[1, 1, 1, 1], rates=[1, 1, 1, 1], padding="VALID")
    arguments.update(FAULTS[fault])
    t.out(tf.nn.dilation2d(t.feed(t.normal(2, 5, 5, 2)), **arguments))


@case
def gradient_of_wrong_shape(tf, t):
    image, kernel, grad = t.feed(t.normal(1, 5, 5, 1)), t.feed(t.normal(2, 2, 1)), t.feed(t.normal(1, 5, 5, 1))
    t.out(tf.raw_ops.Dilation2DBackpropInput(input=image, filter=kernel, out_backprop=grad, strides=[1, 1, 1, 1],
                                             rates=[1, 1, 1, 1], padding="VALID"))  # fmt: skip
