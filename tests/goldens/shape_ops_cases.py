"""Shapes as tensors, and new shapes for old elements."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case
def shapes(tf, t):
    x, y, z = t.feed(t.normal(2, 3)), t.feed(t.normal(2, 3), [None, 3]), t.feed(t.normal(2, 3), None)
    for each in (x, y, z):
        t.out(
            tf.shape(each),
            tf.shape(each, out_type=tf.int64),
            tf.size(each),
            tf.rank(each),
            tf.size(each, out_type=tf.int64, name="size"),
        )
    t.out(*tf.shape_n([x, y]))
    t.out(*tf.shape_n([y, z], out_type=tf.int64, name="n"))
    t.out(tf.shape([1, 2, 3]), tf.size([[1.0]]), tf.rank(1), tf.shape(1), tf.size(t.feed(t.normal(0, 2), [0, None])))


@case
def shapes_of_sparse(tf, t):
    s = tf.SparseTensor([[0, 1]], [5.0], [2, 3])
    t.out(tf.shape(s), tf.size(s), tf.rank(s), tf.shape(s, out_type=tf.int64))


@case.each(dtype=TYPES)
def reshape(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 6), [None, 6])
    y = t.out(tf.reshape(x, [3, -1]))
    t.out(tf.reshape(x, [-1]), tf.reshape(x, [2, 3, 2]), tf.reshape(x, np.array([4, 3], "int64")))
    if dtype in ("float32", "float64"):
        t.grad(y, x, second=True)


@case
def static_shapes_of_reshape(tf, t):
    x = t.feed(t.normal(4, 28, 28), [None, 28, 28])
    y = t.feed(t.normal(4, 6), [4, None])
    n = tf.shape(x)[0]
    t.out(
        tf.reshape(x, [n, 784]),
        tf.reshape(x, [-1, 784]),
        tf.reshape(x, [n, -1]),
        tf.reshape(x, tf.stack([n, 28 * 28])),
        tf.reshape(x, tf.concat([tf.shape(x)[:1], [784]], 0)),
        tf.reshape(y, tf.shape(y)),
        tf.reshape(y, [2, -1, 2]),
        tf.reshape(x, tf.concat([tf.shape(x)[:2], [-1]], 0)),
        tf.reshape(x, [-1, 28, 28]),
    )


@case
def reshape_of_shapes(tf, t):
    x = t.feed(t.normal(4, 5, 6), [None, 5, None])
    y = t.feed(t.normal(120))
    s = tf.shape(x)
    t.out(
        tf.reshape(y, s),
        tf.reshape(y, [s[0], s[1], s[2]]),
        tf.reshape(y, [s[0], s[1] * s[2]]),
        tf.reshape(y, tf.concat([s[1:], s[:1]], 0)),
    )


@case
def reshape_scalars_and_empty(tf, t):
    t.out(
        tf.reshape(t.feed(t.normal(1, 1)), []),
        tf.reshape(t.feed(np.float32(3)), [1, 1]),
        tf.reshape([], [0, 3]),
        tf.reshape(t.feed(t.normal(0, 4)), [4, 0]),
        tf.reshape(t.feed(t.normal(0, 4)), [-1, 2]),
    )


@case
def reshape_does_not_fit(tf, t):
    tf.reshape(t.feed(t.normal(2, 3)), [4, 2])


@case
def reshape_does_not_divide(tf, t):
    tf.reshape(t.feed(t.normal(2, 3)), [4, -1])


@case
def reshape_does_not_fit_when_run(tf, t):
    t.out(tf.reshape(t.feed(t.normal(2, 3), None), [4, 2]))


@case
def reshape_two_unknown(tf, t):
    t.out(tf.reshape(t.feed(t.normal(2, 3)), [-1, -1]))


@case
def reshape_to_scalar_shape(tf, t):
    tf.reshape(t.feed(t.normal(2, 3)), 6)


@case
def reshape_negative(tf, t):
    tf.reshape(t.feed(t.normal(2, 3)), [-2, 3])


@case.each(dtype=TYPES)
def expand_dims(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    y = t.out(tf.expand_dims(x, 1))
    t.out(tf.expand_dims(x, 0), tf.expand_dims(x, -1), tf.expand_dims(x, -3, name="front"), tf.expand_dims(x, dim=2))
    if dtype == "float32":
        t.grad(y, x)


@case
def expand_dims_dynamic(tf, t):
    x, axis = t.feed(t.normal(2, 3)), t.feed(np.int32(1))
    t.out(tf.expand_dims(x, axis), tf.expand_dims(t.feed(t.normal(2), None), 0), tf.expand_dims(5, [0]))


@case
def expand_dims_too_far(tf, t):
    tf.expand_dims(t.feed(t.normal(2, 3)), 3)


@case
def expand_dims_no_axis(tf, t):
    tf.expand_dims(t.feed(t.normal(2, 3)))


@case
def expand_dims_two_axes(tf, t):
    tf.expand_dims(t.feed(t.normal(2, 3)), axis=1, dim=1)


@case.each(dtype=TYPES)
def squeeze(tf, t, dtype):
    x = t.feed(array(t, dtype, 1, 2, 1, 3, 1), [1, None, 1, 3, 1])
    y = t.out(tf.squeeze(x, [0, 2]))
    t.out(tf.squeeze(x), tf.squeeze(x, -1), tf.squeeze(x, [-1, 0]), tf.squeeze(x, squeeze_dims=[2], name="s"))
    if dtype == "float32":
        t.grad(y, x)


@case
def squeeze_unknown(tf, t):
    t.out(tf.squeeze(t.feed(t.normal(1, 2, 1), None)), tf.squeeze(t.feed(t.normal(1, 2, 1), None), [0]))


@case
def squeeze_not_one(tf, t):
    tf.squeeze(t.feed(t.normal(2, 1)), [0])


@case
def squeeze_not_one_when_run(tf, t):
    t.out(tf.squeeze(t.feed(t.normal(2, 1), None), [0]))


@case
def squeeze_out_of_range(tf, t):
    tf.squeeze(t.feed(t.normal(2, 1)), [2])


@case.each(pair=[("float32", "int32"), ("float32", "uint8"), ("uint8", "uint16"), ("int64", "complex64"),
                 ("float64", "int64"), ("complex128", "float64"), ("int16", "float16")])  # fmt: skip
def bitcast(tf, t, pair):
    source, target = pair
    shape = (3, 2) if np.dtype(source).itemsize < np.dtype(target).itemsize else (3, 4)
    t.out(tf.bitcast(t.feed(array(t, source, *shape), [None, shape[1]]), getattr(tf, target)))


@case
def bitcast_wrong_shape(tf, t):
    tf.bitcast(t.feed(array(t, "uint8", 2, 3)), tf.int32)


@case
def newaxis_is_none(tf, t):
    assert tf.newaxis is None
    t.out(tf.constant(1)[tf.newaxis])
