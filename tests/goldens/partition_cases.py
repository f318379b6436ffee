"""Rows handed out and put together by number."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()
NUMBERS = [d for d in TYPES if d != "uint16"]


@case.each(dtype=NUMBERS)
def partition(tf, t, dtype):
    x = t.feed(array(t, dtype, 5, 2), [None, 2])
    numbers = t.feed(np.array([0, 2, 0, 1, 2], "int32"), [None])
    parts = tf.dynamic_partition(x, numbers, 4)
    t.out(*parts)
    t.out(*tf.dynamic_partition(t.feed(array(t, dtype, 2, 2)), [[0, 1], [1, 1]], 2, name="p"))
    if dtype == "float32":
        t.grad(parts, x)


@case.each(bad=["range", "shape", "run"])
def wrong_partition(tf, t, bad):
    x = t.feed(t.normal(3, 2))
    if bad == "range":
        t.out(*tf.dynamic_partition(x, [0, 1, 2], 2))
    elif bad == "shape":
        tf.dynamic_partition(x, [0, 1], 2)
    else:
        t.out(*tf.dynamic_partition(x, t.feed(np.array([0, 1], "int32"), None), 2))


@case.each(dtype=NUMBERS)
def stitch(tf, t, dtype):
    a, b = t.feed(array(t, dtype, 2, 3)), t.feed(array(t, dtype, 2, 2, 3))
    y = t.out(tf.dynamic_stitch([[4, 0], [[1, 2], [3, 5]]], [a, b]))
    t.out(tf.dynamic_stitch([t.feed(np.array([1, 0], "int32")), [[2, 0], [3, 1]]], [a, b], name="s"))
    if dtype == "float32":
        t.grad(y, [a, b])


@case
def stitch_forms(tf, t):
    t.out(
        tf.dynamic_stitch([0, [1]], [5, [6]]),
        tf.dynamic_stitch([[0, 0]], [[1, 2]]),
        tf.raw_ops.ParallelDynamicStitch(indices=[[0], [1]], data=[[1], [2]]),
        tf.dynamic_stitch([t.feed(np.zeros(0, "int32"))], [t.feed(t.normal(0, 2))]),
    )


@case
def there_and_back(tf, t):
    x = t.feed(t.normal(6))
    numbers = t.feed(np.array([1, 0, 1, 1, 0, 0], "int32"))
    places = tf.dynamic_partition(tf.range(6), numbers, 2)
    a, b = tf.dynamic_partition(x, numbers, 2)
    t.grad(t.out(tf.dynamic_stitch(places, [a * 2, b * 3])), x)


@case
def wrong_stitch(tf, t):
    tf.dynamic_stitch([[0], [1]], [t.feed(t.normal(1, 2)), t.feed(t.normal(1, 3))])
