"""Tensors joined and taken apart."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(dtype=TYPES)
def stack(tf, t, dtype):
    x, y = t.feed(array(t, dtype, 2, 3)), t.feed(array(t, dtype, 2, 3), [None, 3])
    z = t.out(tf.stack([x, y]))
    t.out(
        tf.stack([x, y], axis=1), tf.stack([x, y], -1), tf.stack([x], axis=-3, name="one"), tf.convert_to_tensor([x, y])
    )
    if dtype == "float32":
        t.grad(z, [x, y], second=True)


@case
def stack_values(tf, t):
    x = t.feed(t.normal(3))
    t.out(
        tf.stack([1, 2]),
        tf.stack([[1.0], [2.0]], axis=1),
        tf.stack([x, [1, 2, 3]]),
        tf.convert_to_tensor([x[0], 2.0]),
        tf.convert_to_tensor([[x[0], 1.0], [2.0, x[1]]]),
        tf.stack([x[0], 1.0], name="mine"),
        tf.stack(x),
        tf.convert_to_tensor([tf.shape(x)[0], 5], tf.int64),
        tf.convert_to_tensor((x, x), name="pair"),
    )


@case
def stack_of_variables(tf, t):
    v = tf.get_variable("v", initializer=t.normal(2))
    t.out(tf.stack([v, [1.0, 2.0]]), tf.convert_to_tensor([v, v * 2]))


@case.each(bad=["shapes", "types", "axis", "mixed", "empty"])
def wrong_stack(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "shapes":
        tf.stack([x, t.feed(t.normal(2, 2))])
    elif bad == "types":
        tf.stack([x, t.feed(t.integers(0, 3, 2, 3))])
    elif bad == "axis":
        tf.stack([x, x], axis=3)
    elif bad == "mixed":
        tf.convert_to_tensor([x, x], tf.int32)
        t.out(tf.convert_to_tensor([[x, "a"]]))
    else:
        tf.stack([], axis=1)


@case
def stack_of_wrong_shapes_when_run(tf, t):
    t.out(tf.stack([t.feed(t.normal(2), None), t.feed(t.normal(3), None)]))


@case
def parallel_stack(tf, t):
    t.out(tf.parallel_stack([t.feed(t.normal(2, 3)), t.feed(t.normal(2, 3))]))


@case.each(dtype=TYPES)
def unstack(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [2, None])
    parts = tf.unstack(x)
    t.out(*parts)
    t.out(*tf.unstack(x, num=3, axis=1, name="columns"))
    t.out(*tf.unstack(t.feed(array(t, dtype, 2, 3), None), num=2, axis=-2))
    if dtype == "float32":
        t.grad(parts, x, second=True)


@case
def unstack_some_gradients(tf, t):
    x = t.feed(t.normal(3, 2))
    parts = tf.unstack(x)
    t.grad(t.out(parts[1] * 2), x)


@case
def unstack_unknown(tf, t):
    tf.unstack(t.feed(t.normal(2, 3), [None, 3]))


@case
def unstack_wrong_axis(tf, t):
    tf.unstack(t.feed(t.normal(2, 3)), axis=2)


@case
def unstack_wrong_number(tf, t):
    tf.unstack(t.feed(t.normal(2, 3)), num=3)


@case
def unstack_wrong_number_when_run(tf, t):
    t.out(*tf.unstack(t.feed(t.normal(2, 3), None), num=3))


@case.each(dtype=TYPES)
def concat(tf, t, dtype):
    x, y = t.feed(array(t, dtype, 2, 3)), t.feed(array(t, dtype, 4, 3), [None, 3])
    z = t.out(tf.concat([x, y], 0))
    t.out(tf.concat([x, x], 1), tf.concat([x, x, x], -1), tf.concat([y], 0), tf.concat(x, 0, name="alone"))
    if dtype == "float32":
        t.grad(z, [x, y], second=True)


@case
def concat_gradients(tf, t):
    x, y, z = t.feed(t.normal(2, 3)), t.feed(t.normal(2, 1), [2, None]), t.feed(t.normal(2, 4), None)
    axis = t.feed(np.int32(1))
    t.grad(t.out(tf.concat([x, y, z], -1)), [x, y, z])
    t.grad(t.out(tf.concat([x, y], axis)), [x, y])


@case
def concat_of_many(tf, t):
    xs = [t.feed(t.normal(2, 1 + i % 3)) for i in range(20)]
    t.grad(t.out(tf.concat(xs, 1)), xs)


@case.each(axis=[0, 1])
def concat_gradient_of_slices(tf, t, axis):
    x, y = t.feed(t.normal(3, 2)), t.feed(t.normal(3, 2))
    z = tf.gather(tf.concat([x, y], axis), t.feed(np.array([0, 2, 2, 1], "int32")))
    t.grad(t.out(z), [x, y])


@case
def concat_of_shapes_and_empty(tf, t):
    x = t.feed(t.normal(2, 3), [None, 3])
    t.out(
        tf.concat([tf.shape(x), [5]], 0),
        tf.concat([[1], [2, 3]], 0),
        tf.concat([t.feed(t.normal(0, 3)), x], 0),
        tf.concat([t.feed(t.normal(2, 2), None), t.feed(t.normal(2, 2), None)], 1),
        tf.concat([x, [[1.0, 2.0, 3.0]]], 0),
    )


@case.each(bad=["shapes", "rank", "axis", "types", "scalar", "single_axis"])
def wrong_concat(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "shapes":
        tf.concat([x, t.feed(t.normal(2, 2))], 0)
    elif bad == "rank":
        tf.concat([x, t.feed(t.normal(2))], 0)
    elif bad == "axis":
        tf.concat([x, x], 2)
    elif bad == "types":
        tf.concat([x, t.feed(t.integers(0, 3, 2, 3))], 0)
    elif bad == "scalar":
        tf.concat([t.feed(np.float32(1)), t.feed(np.float32(2))], 0)
    else:
        tf.concat([x], [0])


@case
def concat_of_wrong_shapes_when_run(tf, t):
    t.out(tf.concat([t.feed(t.normal(2, 3), None), t.feed(t.normal(2, 2), None)], 0))


@case
def old_concat(tf, t):
    x = t.feed(t.normal(2, 3))
    t.out(tf.raw_ops.Concat(concat_dim=1, values=[x, x]))
    t.out(*tf.raw_ops.ConcatOffset(concat_dim=1, shape=[[2, 3], [2, 4], [2, 1]]))


@case.each(dtype=TYPES)
def split(tf, t, dtype):
    x = t.feed(array(t, dtype, 4, 6), [None, 6])
    parts = tf.split(x, 3, 1)
    t.out(*parts)
    t.out(*tf.split(x, 2))
    t.out(*tf.split(x, [1, 2, 3], -1, name="parts"))
    t.out(*tf.split(x, [1, -1], axis=1))
    t.out(*tf.split(x, np.array([4, 0], "int64"), 0))
    if dtype == "float32":
        t.grad(parts, x, second=True)


@case
def split_gradients(tf, t):
    x = t.feed(t.normal(4, 6))
    a, b, c = tf.split(x, [1, 2, 3], 1)
    t.out(a, b, c)
    t.grad([a * 2, c], x)


@case
def split_dynamic(tf, t):
    x, axis = t.feed(t.normal(4, 6)), t.feed(np.int32(1))
    sizes = t.feed(np.array([2, 4], "int32"))
    t.out(*tf.split(x, 2, axis))
    t.out(*tf.split(x, sizes, 1))
    t.out(*tf.split(x, sizes, axis, num=2))
    t.out(*tf.split(t.feed(t.normal(4, 6), None), 2, 1))
    t.out(*tf.split(x, t.feed(np.array([2, 4], "int32"), [None]), 1, num=2))


@case.each(bad=["uneven", "sum", "scalar", "unknown", "two_unknown", "axis"])
def wrong_split(tf, t, bad):
    x = t.feed(t.normal(4, 6))
    if bad == "uneven":
        tf.split(x, 4, 1)
    elif bad == "sum":
        tf.split(x, [2, 3], 1)
    elif bad == "scalar":
        tf.split(x, tf.constant(2), 1)
    elif bad == "unknown":
        tf.split(x, t.feed(np.array([2, 4], "int32"), [None]), 1)
    elif bad == "two_unknown":
        t.out(*tf.split(x, [-1, -1], 1))
    else:
        tf.split(x, 2, 2)


@case
def split_uneven_when_run(tf, t):
    t.out(*tf.split(t.feed(t.normal(4, 6), None), 4, 1))


@case
def split_of_wrong_sum_when_run(tf, t):
    t.out(*tf.split(t.feed(t.normal(4, 6), None), [2, 3], 1))
