"""Elements put in their places."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()
NUMBERS = ["float32", "float64", "int32", "int64", "complex64", "uint8", "int16"]


@case.each(dtype=NUMBERS + ["bool", "string", "float16"])
def scatter_nd(tf, t, dtype):
    updates = t.feed(array(t, dtype, 3))
    y = t.out(tf.scatter_nd(t.feed(np.array([[4], [1], [0]], "int32")), updates, [6]))
    rows = t.feed(array(t, dtype, 2, 3))
    t.out(
        tf.scatter_nd([[2], [0]], rows, [4, 3]),
        tf.scatter_nd(np.array([[0, 1], [1, 2], [1, 0]]), updates, np.array([2, 3])),
    )
    if dtype == "float32":
        t.grad(y, updates, second=True)


@case.each(dtype=NUMBERS)
def scatter_nd_adds_up(tf, t, dtype):
    updates = t.feed(array(t, dtype, 4))
    t.out(tf.scatter_nd([[1], [1], [0], [1]], updates, [3]))


@case
def scatter_nd_dynamic(tf, t):
    updates, indices = t.feed(t.normal(2), None), t.feed(np.array([[1], [0]], "int32"), None)
    shape = t.feed(np.array([3], "int32"))
    x = t.feed(t.normal(5), [None])
    t.out(
        tf.scatter_nd(indices, updates, [3]),
        tf.scatter_nd(indices, updates, shape),
        tf.scatter_nd(indices, updates, tf.shape(x)),
    )


@case
def scatter_nd_empty(tf, t):
    t.out(tf.scatter_nd(np.zeros([0, 1], "int32"), t.feed(t.normal(0)), [3]))


@case.each(bad=["range", "depth", "updates", "outer"])
def wrong_scatter_nd(tf, t, bad):
    if bad == "range":
        t.out(tf.scatter_nd([[3]], [1.0], [3]))
    elif bad == "depth":
        tf.scatter_nd([[0, 0]], [1.0], [3])
    elif bad == "updates":
        tf.scatter_nd([[0]], t.feed(t.normal(1, 2)), [3, 3])
    else:
        tf.scatter_nd([[0], [1]], t.feed(t.normal(1)), [3])


@case.each(dtype=NUMBERS + ["bool", "string"])
def update(tf, t, dtype):
    x, updates = t.feed(array(t, dtype, 4, 3)), t.feed(array(t, dtype, 2, 3))
    indices = t.feed(np.array([[3], [1]], "int32"))
    y = t.out(tf.tensor_scatter_update(x, indices, updates))
    t.out(tf.tensor_scatter_nd_update(x, [[0, 1], [2, 2]], updates[0, :2]))
    if dtype == "float32":
        t.grad(y, [x, updates], second=True)


@case.each(dtype=NUMBERS)
def add(tf, t, dtype):
    x, updates = t.feed(array(t, dtype, 4, 3)), t.feed(array(t, dtype, 2, 3))
    indices = t.feed(np.array([[1], [1]], "int32"))
    y, z = t.out(tf.tensor_scatter_add(x, indices, updates), tf.tensor_scatter_sub(x, indices, updates))
    w = t.out(tf.raw_ops.ScatterNdNonAliasingAdd(input=x, indices=indices, updates=updates))
    if dtype == "float32":
        t.grad([y, z, w], [x, updates])


@case
def wrong_update(tf, t):
    t.out(tf.tensor_scatter_update(t.feed(t.normal(3)), t.feed(np.array([[3]], "int32")), t.feed(t.normal(1))))


@case
def wrong_shape_of_update(tf, t):
    tf.tensor_scatter_update(t.feed(t.normal(3, 2)), [[0]], t.feed(t.normal(1, 3)))


@case
def types(tf, t):
    assert TYPES
    t.out(tf.tensor_scatter_add([1, 2], [[0]], [5]))
