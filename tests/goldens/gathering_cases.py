"""Elements by their numbers."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(dtype=TYPES)
def gather(tf, t, dtype):
    x = t.feed(array(t, dtype, 4, 3), [None, 3])
    indices = t.feed(np.array([[0, 3], [1, 1]], "int32"))
    y = t.out(tf.gather(x, indices))
    t.out(
        tf.gather(x, 2),
        tf.gather(x, np.array([], "int64")),
        tf.gather(x, [2, 0], axis=1),
        tf.gather(x, indices[1], axis=-1),
    )
    if dtype == "float32":
        t.grad(y, x)


@case.each(axis=[0, 1, 2, -1])
def gather_gradients(tf, t, axis):
    x, indices = t.feed(t.normal(3, 4, 5)), t.feed(np.array([[0, 2], [1, 1]]))
    y = t.out(tf.gather(x, indices, axis=axis, name="g"))
    t.grad(y, x)


@case.each(args=[(0, 1), (1, 1), (2, 1), (1, -1), (2, 2)])
def gather_in_batches(tf, t, args):
    axis, batch_dims = args
    x = t.feed(t.normal(2, 3, 4, 5))
    shape = (2, 3) if abs(batch_dims) == 1 else (2, 3, 2)
    indices = t.feed(t.integers(0, 3, *shape))
    if axis < batch_dims:
        tf.gather(x, indices, axis=axis, batch_dims=batch_dims)
        return
    y = t.out(tf.gather(x, indices, axis=axis, batch_dims=batch_dims))
    t.grad(y, x)


@case
def gather_batch_dims_alone(tf, t):
    x, indices = t.feed(t.normal(2, 3, 4)), t.feed(t.integers(0, 3, 2, 5))
    t.grad(t.out(tf.gather(x, indices, batch_dims=1)), x)


@case
def gather_dynamic(tf, t):
    x, axis = t.feed(t.normal(3, 4)), t.feed(np.int32(1))
    indices = t.feed(np.array([1, 0], "int32"), None)
    t.out(tf.gather(x, [1, 0], axis=axis), tf.gather(x, indices), tf.gather(t.feed(t.normal(3, 4), None), [0]))


@case
def gather_in_a_loop_of_products(tf, t):
    table = t.feed(t.normal(5, 3))
    ids = t.feed(np.array([4, 0, 4], "int32"))
    rows = tf.gather(table, ids)
    t.grad(t.out(tf.reduce_sum(rows * rows)), table)


@case.each(bad=["range", "negative", "scalar", "axis", "type"])
def wrong_gather(tf, t, bad):
    x = t.feed(t.normal(4, 3))
    if bad == "range":
        t.out(tf.gather(x, [0, 4]))
    elif bad == "negative":
        t.out(tf.gather(x, t.feed(np.array([[0, -1]], "int32"))))
    elif bad == "scalar":
        tf.gather(t.feed(np.float32(1)), [0])
    elif bad == "axis":
        tf.gather(x, [0], axis=2)
    else:
        tf.gather(x, [0.5])


@case
def old_gather(tf, t):
    x = t.feed(t.normal(4, 3))
    y = t.out(tf.raw_ops.Gather(params=x, indices=[[1], [2]]))
    t.grad(y, x)


@case
def batch_gather(tf, t):
    x = t.feed(t.normal(2, 3, 4), [None, 3, 4])
    t.out(tf.batch_gather(x, t.feed(t.integers(0, 3, 2, 2))), tf.batch_gather([[1, 2], [3, 4]], [[1], [0]], name="b"))


@case
def batch_gather_of_unknown_rank(tf, t):
    tf.batch_gather(t.feed(t.normal(2, 3)), t.feed(t.integers(0, 3, 2, 2), None))


@case.each(dtype=[d for d in TYPES if d not in ("int16", "uint16")])
def gather_nd(tf, t, dtype):
    x = t.feed(array(t, dtype, 4, 3), [None, 3])
    y = t.out(tf.gather_nd(x, t.feed(np.array([[0, 2], [3, 1]], "int32"))))
    t.out(tf.gather_nd(x, [[1], [2]]), tf.gather_nd(x, [1, 2]), tf.gather_nd(x, np.array([[[3, 0]]], "int64")))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case
def gather_nd_gradients(tf, t):
    x = t.feed(t.normal(4, 3, 2))
    rows = t.feed(np.array([[1], [2], [1]], "int32"))
    pairs = t.feed(np.array([[1, 2], [1, 2]], "int64"))
    t.grad(t.out(tf.gather_nd(x, rows)), x)
    t.grad(t.out(tf.gather_nd(x, pairs)), x)


@case
def gather_nd_in_batches(tf, t):
    t.values_only()  # TensorFlow knows more static shapes.
    x, indices = t.feed(t.normal(2, 3, 4)), t.feed(np.array([[[0, 1]], [[2, 3]]], "int32"))
    t.out(tf.gather_nd(x, indices, batch_dims=1), tf.gather_nd(x, np.array([[[0]], [[1]]], "int32"), batch_dims=1))


@case
def gather_nd_dynamic(tf, t):
    t.out(
        tf.gather_nd(t.feed(t.normal(4, 3), None), [[1, 2]]), tf.gather_nd(t.feed(t.normal(4, 3)), t.feed([[1]], None))
    )


@case.each(bad=["range", "depth", "scalar"])
def wrong_gather_nd(tf, t, bad):
    x = t.feed(t.normal(4, 3))
    if bad == "range":
        t.out(tf.gather_nd(x, [[0, 1], [0, 3]]))
    elif bad == "depth":
        tf.gather_nd(x, [[0, 1, 2]])
    else:
        tf.gather_nd(x, 1)
