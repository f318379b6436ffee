"""Constants, and tensors filled with one value."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case
def constants(tf, t):
    t.out(
        tf.constant(1),
        tf.constant(2.5),
        tf.constant([1, 2, 3], name="three"),
        tf.constant([[1.0], [2.0]], tf.float64),
        tf.constant(7, shape=[2, 3]),
        tf.constant([1, 2], shape=[4], dtype=tf.int64),
        tf.constant("a"),
        tf.constant(True),
        tf.constant(1 + 2j),
        tf.constant([], tf.float32),
        tf.constant(2**40),
        tf.constant(np.arange(3, dtype=np.uint8)),
        tf.constant(tf.TensorShape([2, 3]).as_list()),
    )


@case
def constant_with_name_scope(tf, t):
    with tf.name_scope("a"):
        t.out(tf.constant(1, name="b"), tf.constant(2, name="b"))


@case
def too_many_elements(tf, t):
    tf.constant([1, 2, 3], shape=[2])


@case
def shape_not_verified(tf, t):
    tf.constant([1, 2], shape=[3], verify_shape=True)


@case
def string_for_float(tf, t):
    tf.constant("a", tf.float32)


@case
def shapes_as_tensors(tf, t):
    t.out(
        tf.convert_to_tensor(tf.TensorShape([2, 3])),
        tf.convert_to_tensor(tf.TensorShape([2]), tf.int64),
        tf.convert_to_tensor(tf.Dimension(3)),
        tf.convert_to_tensor([tf.Dimension(3), 4], tf.int32),
    )


@case
def dimensions_without_type(tf, t):
    tf.convert_to_tensor([tf.Dimension(3), 4])


@case
def unknown_shape_as_tensor(tf, t):
    tf.convert_to_tensor(tf.TensorShape([None, 3]))


@case.each(dtype=TYPES + ["bfloat16", "uint32", "uint64"])
def zeros_of_type(tf, t, dtype):
    t.out(tf.zeros([2, 3], dtype), tf.zeros([], dtype), tf.zeros([0, 2], dtype))


@case.each(dtype=[d for d in TYPES if d != "string"] + ["bfloat16"])
def ones_of_type(tf, t, dtype):
    t.out(tf.ones([2, 3], dtype), tf.ones([], dtype))


@case
def zeros_of_shapes(tf, t):
    x = t.feed(t.normal(3, 4), [None, 4])
    t.out(
        tf.zeros(tf.TensorShape([2, 1])),
        tf.zeros(3),
        tf.zeros([tf.Dimension(2)]),
        tf.zeros((40, 50)),
        tf.zeros(tf.constant([2, 2])),
        tf.zeros(tf.shape(x)),
        tf.zeros([tf.shape(x)[0], 2]),
        tf.ones(tf.shape(x)[0]),
        tf.ones([2, tf.shape(x)[1]], tf.int64, name="mine"),
        tf.zeros(np.array([2, 3])),
    )


@case
def zeros_of_unknown_size(tf, t):
    tf.zeros([None, 2])


@case.each(dtype=TYPES)
def like(tf, t, dtype):
    value = array(t, dtype, 2, 3)
    x, y = t.feed(value), t.feed(value, [None, 3])
    t.out(tf.zeros_like(x), tf.zeros_like(y))
    if dtype != "string":
        t.out(tf.ones_like(x), tf.ones_like(y))
    t.out(tf.zeros_like(x, tf.int64), tf.zeros_like(y, tf.int64), tf.ones_like(y, tf.float32, name="f"))


@case
def like_values(tf, t):
    t.out(tf.zeros_like([1, 2]), tf.ones_like([[1.0]], optimize=False), tf.zeros_like([1.0], optimize=False))


@case.each(dtype=TYPES)
def fill(tf, t, dtype):
    value = t.feed(array(t, dtype, 1).reshape(()))
    x = t.feed(t.normal(3, 4), [None, 4])
    y = t.out(tf.fill([2, 3], value))
    t.out(tf.fill(tf.shape(x), value), tf.fill([0], value), tf.fill(np.array([2], "int64"), value))
    if dtype in ("float32", "float64"):
        t.grad(y, value)


@case
def fill_vector(tf, t):
    tf.fill([2], [1.0, 2.0])


@case
def fill_negative(tf, t):
    t.out(tf.fill(t.feed(np.array([-1], "int32")), 1.0))


@case
def is_tensor_and_static_value(tf, t):
    t.out(
        tf.constant(
            [
                tf.is_tensor(tf.constant(1)),
                tf.is_tensor(1),
                tf.is_tensor(tf.SparseTensor([[0]], [1], [2])),
                tf.is_tensor(np.zeros(2)),
                tf.is_tensor(None),
            ]
        )
    )
    t.out(tf.constant(tf.get_static_value(tf.constant([1, 2])).tolist()))
    t.out(tf.constant(tf.get_static_value(tf.shape(t.feed(t.normal(2, 3)), out_type=tf.int64)).tolist()))
    t.out(tf.constant(tf.get_static_value(t.feed(t.normal(2))) is None))
