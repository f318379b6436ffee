"""Ops that pass their input on, groups, and dependencies."""

from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(dtype=TYPES)
def identity(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    t.out(tf.identity(x), tf.stop_gradient(x), *tf.identity_n([x, x]))
    t.out(tf.guarantee_const(x), tf.raw_ops.DeepCopy(x=x), tf.raw_ops.PreventGradient(input=x))
    if dtype != "string":
        t.out(tf.raw_ops.Snapshot(input=x))


@case
def gradients(tf, t):
    x, y = t.feed(t.normal(2, 3)), t.feed(t.normal(3))
    a, b = tf.identity_n([x, y])
    z = t.out(tf.identity(a) * b + tf.stop_gradient(x))
    t.grad(z, [x, y], second=True)


@case
def no_gradient_through_stop(tf, t):
    x = t.feed(t.normal(2))
    y = t.out(tf.stop_gradient(x))
    t.grad(y, x)


@case
def prevented_gradient(tf, t):
    x = t.feed(t.normal(2))
    t.grad(t.out(tf.raw_ops.PreventGradient(input=x, message="not here")), x)


@case
def identity_of_values(tf, t):
    t.out(tf.identity(1), tf.identity([1.0, 2.0], name="two"), *tf.identity_n([1, [2.0]]))


@case
def groups(tf, t):
    x, y = t.feed(t.normal(2)), t.feed(t.normal(3))
    g = tf.group(x, [y.op, x], name="together")
    tf.group()
    with tf.control_dependencies([g]):
        t.out(tf.identity(x))


@case
def group_on_devices(tf, t):
    with tf.device("/cpu:0"):
        x = tf.constant(1.0)
    y = tf.constant(2.0)
    g = tf.group(y, x)
    with tf.control_dependencies([g]):
        t.out(tf.identity(y))


@case
def group_of_none(tf, t):
    tf.group(None)


@case
def group_with_unknown_keyword(tf, t):
    tf.group(tf.constant(1), nme="x")


@case
def tuples(tf, t):
    x, y = t.feed(t.normal(2)), t.feed(t.normal(3))
    a, none, b = tf.tuple([x, None, y], control_inputs=[tf.no_op()])
    slices = tf.tuple([tf.IndexedSlices(x, tf.constant([0, 1])), x.op])
    t.out(a, b, slices[0].values, slices[0].indices)
    assert none is None


@case
def empty_tuple(tf, t):
    tf.tuple([None])


@case
def timestamp_type(tf, t):
    t.out(tf.shape(tf.timestamp()), tf.timestamp() > 1e9)
