"""Conditional accumulators, barriers and stacks."""

import numpy as np
from op_recording import Cases, after

case = Cases()


@case.each(reduction=["MEAN", "SUM"])
def dense(tf, t, reduction):
    accumulator = tf.ConditionalAccumulator("float32", shape=[2], reduction_type=reduction)
    xs = [t.feed(t.normal(2)) for _ in range(3)]
    applied = [lambda x=x: accumulator.apply_grad(x, local_step=1) for x in xs]
    t.out(after(tf, applied, accumulator.num_accumulated))
    t.one_by_one()
    t.out(accumulator.take_grad(2), accumulator.num_accumulated())


@case.each(dtype=["float64", "float16"])
def dense_of_types(tf, t, dtype):
    accumulator = tf.ConditionalAccumulator(dtype)
    xs = [t.feed(t.integers(-9, 9, 3).astype(dtype)) for _ in range(2)]
    t.out(after(tf, [lambda x=x: accumulator.apply_grad(x) for x in xs], lambda: accumulator.take_grad(1)))


@case
def late_gradients(tf, t):
    accumulator = tf.ConditionalAccumulator("float32", shape=[])
    steps = [
        lambda: accumulator.set_global_step(2),
        lambda: accumulator.apply_grad(1.0, local_step=1),
        lambda: accumulator.apply_grad(5.0, local_step=2),
        lambda: accumulator.apply_grad(7.0, local_step=3),
    ]
    t.out(after(tf, steps, accumulator.num_accumulated))
    t.one_by_one()
    t.out(accumulator.take_grad(2))


@case
def a_take_counts_a_step(tf, t):
    accumulator = tf.ConditionalAccumulator("float32", shape=[])
    steps = [
        lambda: accumulator.apply_grad(1.0, local_step=0),
        lambda: accumulator.take_grad(1).op,
        lambda: accumulator.apply_grad(3.0, local_step=0),
    ]
    t.out(after(tf, steps, accumulator.num_accumulated))


@case.each(reduction=["MEAN", "SUM"])
def sparse(tf, t, reduction):
    accumulator = tf.SparseConditionalAccumulator("float32", shape=[5, 2], reduction_type=reduction)
    rows = [[0, 2], [2, 4], [1]]
    values = [t.feed(t.normal(len(r), 2)) for r in rows]
    steps = [lambda r=r, v=v: accumulator.apply_grad(r, v, [5, 2]) for r, v in zip(rows, values)]  # noqa: B905
    t.out(after(tf, steps, accumulator.num_accumulated))
    t.one_by_one()
    taken = accumulator.take_grad(3)
    t.out(tf.concat([tf.cast(taken.indices, tf.float32), tf.reshape(taken.values, [-1])], 0))


@case.each(known=[False, True])
def sparse_shape(tf, t, known):
    accumulator = tf.SparseConditionalAccumulator("float32", shape=[5, 2] if known else None)
    applied = accumulator.apply_indexed_slices_grad(tf.IndexedSlices(t.feed(t.normal(1, 2)), [3]))
    taken = after(tf, [lambda: applied], lambda: accumulator.take_indexed_slices_grad(1))
    t.out(taken.dense_shape)


FAILURES = {
    "shape": lambda tf, t, a: a.apply_grad(tf.ones([3])),
    "shape when run": lambda tf, t, a: after(
        tf, [lambda: a.apply_grad(t.feed(np.ones(3, "float32"), None))], a.num_accumulated
    ),
    "none required": lambda tf, t, a: a.take_grad(0),
    "step": lambda tf, t, a: a.apply_grad(tf.ones([2]), local_step=[1, 2]),
    "type": lambda tf, t, a: a.apply_grad(tf.ones([2], tf.float64)),
    "reduction": lambda tf, t, a: tf.ConditionalAccumulator("float32", reduction_type="X"),
}


@case.each(what=sorted(FAILURES))
def failures(tf, t, what):
    t.values_only()
    t.out(FAILURES[what](tf, t, tf.ConditionalAccumulator("float32", shape=[2])))


@case
def stack(tf, t):
    handle = tf.raw_ops.StackV2(max_size=3, elem_type=tf.float32)
    xs = [t.feed(t.normal(2)) for _ in range(2)]
    pushes = [lambda x=x: tf.raw_ops.StackPushV2(handle=handle, elem=x).op for x in xs]
    first = after(tf, pushes, lambda: tf.raw_ops.StackPopV2(handle=handle, elem_type=tf.float32))
    with tf.control_dependencies([first]):
        t.out(first, tf.raw_ops.StackPopV2(handle=handle, elem_type=tf.float32))


@case.each(what=["empty", "full", "closed", "type"])
def stack_failures(tf, t, what):
    handle = tf.raw_ops.StackV2(max_size=1, elem_type=tf.float32)
    x = t.feed(t.normal(2))

    def push():
        return tf.raw_ops.StackPushV2(handle=handle, elem=x).op

    def close():
        return tf.raw_ops.StackCloseV2(handle=handle)

    steps = {"empty": [], "full": [push, push], "closed": [push, close], "type": [push]}[what]
    popped = tf.int32 if what == "type" else tf.float32
    t.out(after(tf, steps, lambda: tf.raw_ops.StackPopV2(handle=handle, elem_type=popped)))


@case.each(declared=[(), (5,), (5, 2), (5, 3), (5, 2, 3), (None, 2)])
def rows_of_a_declared_shape(tf, t, declared):
    accumulator = tf.SparseConditionalAccumulator("float32", shape=declared)
    values = t.feed(t.normal(1, 2))
    t.out(*after(tf, [lambda: accumulator.apply_grad([1], values)], lambda: accumulator.take_grad(1)))


@case.each(declared=[(), (4, 2), (5, 2, 3)])
def rows_of_a_known_shape(tf, t, declared):
    accumulator = tf.SparseConditionalAccumulator("float32", shape=declared)
    values = t.feed(t.normal(1, 2))
    t.out(*after(tf, [lambda: accumulator.apply_grad([1], values, [5, 2])], lambda: accumulator.take_grad(1)))
