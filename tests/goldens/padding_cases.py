"""More of a tensor: padding, tiling, broadcasting."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()
NUMBERS = [d for d in TYPES if d not in ("string", "bool", "uint16")]


@case.each(dtype=TYPES)
def pad(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    y = t.out(tf.pad(x, [[1, 0], [2, 3]]))
    t.out(tf.pad(x, np.array([[0, 0], [0, 1]], "int64"), name="p"))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case.each(dtype=NUMBERS)
def pad_with_value(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    value = t.feed(array(t, dtype, 1).reshape(()))
    y = t.out(tf.pad(x, [[1, 0], [2, 3]], constant_values=value))
    t.out(tf.pad(x, [[1, 0], [2, 3]], constant_values=1), tf.pad(x, [[1, 0], [2, 3]], constant_values=0))
    if dtype == "float32":
        t.grad(y, x)


@case.each(dtype=TYPES)
def mirror(tf, t, dtype):
    x = t.feed(array(t, dtype, 3, 4), [None, 4])
    y = t.out(tf.pad(x, [[1, 2], [3, 0]], "REFLECT"))
    z = t.out(tf.pad(x, [[3, 1], [0, 4]], mode="symmetric"))
    t.out(tf.pad(x, [[0, 0], [0, 0]], "REFLECT"))
    if dtype == "float32":
        t.grad([y, z], x, second=True)


@case
def pad_dynamic(tf, t):
    x, paddings = t.feed(t.normal(2, 3)), t.feed(np.array([[1, 0], [2, 1]], "int32"))
    y = t.out(tf.pad(x, paddings))
    t.out(
        tf.pad(t.feed(t.normal(2, 3), None), [[1, 1], [0, 0]]),
        tf.pad(x, [[0, 1], [tf.shape(x)[0], 1]]),
        tf.pad(t.feed(np.float32(1)), np.zeros([0, 2], "int32")),
        tf.pad(t.feed(t.normal(0, 2)), [[1, 1], [0, 1]]),
        tf.pad(x, [paddings[0], [1, 1]]),
    )
    t.grad(y, x)


@case.each(bad=["rank", "mode", "reflect", "columns", "negative"])
def wrong_pad(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "rank":
        tf.pad(x, [[1, 1]])
    elif bad == "mode":
        tf.pad(x, [[1, 1], [0, 0]], "MIRROR")
    elif bad == "reflect":
        t.out(tf.pad(x, [[2, 0], [0, 0]], "REFLECT"))
    elif bad == "columns":
        tf.pad(x, [[1, 1, 1], [0, 0, 0]])
    else:
        t.out(tf.pad(x, [[-1, 0], [0, 0]]))


@case
def negative_padding_when_run(tf, t):
    t.out(tf.pad(t.feed(t.normal(2, 3)), t.feed(np.array([[-1, 0], [0, 0]], "int32"))))


@case.each(dtype=[d for d in TYPES if d != "uint16"])
def tile(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    y = t.out(tf.tile(x, [2, 3]))
    t.out(tf.tile(x, [1, 0]), tf.tile(x, np.array([1, 2], "int64")))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case
def tile_dynamic(tf, t):
    x, multiples = t.feed(t.normal(2, 3)), t.feed(np.array([2, 2], "int32"))
    y = t.out(tf.tile(x, multiples))
    t.out(
        tf.tile(t.feed(t.normal(2, 3), None), [1, 2]),
        tf.tile(x, [tf.shape(x)[0], 1]),
        tf.tile(t.feed(np.float32(1)), []),
    )
    t.grad(y, x)


@case
def tile_gradient_of_slices(tf, t):
    x = t.feed(t.normal(2, 3))
    t.grad(t.out(tf.gather(tf.tile(x, [2, 1]), [0, 3, 3])), x)


@case.each(bad=["rank", "negative", "run"])
def wrong_tile(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "rank":
        tf.tile(x, [2])
    elif bad == "negative":
        t.out(tf.tile(x, [-1, 2]))
    else:
        t.out(tf.tile(t.feed(t.normal(2, 3), None), [2]))


@case.each(dtype=[d for d in TYPES if d not in ("string",)])
def broadcast_to(tf, t, dtype):
    x = t.feed(array(t, dtype, 1, 3), [None, 3])
    y = t.out(tf.broadcast_to(x, [2, 3]))
    t.out(tf.broadcast_to(x, [4, 2, 3]), tf.broadcast_to(t.feed(array(t, dtype, 1).reshape(())), [2]))
    if dtype == "float32":
        t.grad(y, x)


@case
def broadcast_dynamic(tf, t):
    x, dims = t.feed(t.normal(3)), t.feed(np.array([2, 3], "int32"))
    t.out(tf.broadcast_to(x, dims), tf.broadcast_to(t.feed(t.normal(3), None), [2, 3]))


@case
def wrong_broadcast(tf, t):
    tf.broadcast_to(t.feed(t.normal(2)), [3])


@case
def wrong_broadcast_when_run(tf, t):
    t.out(tf.broadcast_to(t.feed(t.normal(2), None), [3]))


@case
def shapes_that_broadcast(tf, t):
    x = t.feed(t.normal(2, 1), [None, 1])
    t.out(
        tf.broadcast_dynamic_shape([1, 2, 3], [5, 1, 3]),
        tf.broadcast_dynamic_shape(tf.shape(x), [4]),
        tf.constant(tf.broadcast_static_shape(tf.TensorShape([1, 3]), tf.TensorShape([4, 1])).as_list()),
        tf.broadcast_dynamic_shape(t.feed(np.array([2, 1], "int64")), t.feed(np.array([3], "int64"))),
    )


@case
def shapes_that_do_not_broadcast(tf, t):
    tf.broadcast_static_shape(tf.TensorShape([2]), tf.TensorShape([3]))


@case
def shapes_that_do_not_broadcast_when_run(tf, t):
    t.out(tf.broadcast_dynamic_shape(t.feed(np.array([2], "int32")), [3]))
