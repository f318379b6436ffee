"""TensorArrays: writing, reading, stacking, splitting, their gradients and failures."""

import numpy as np
from op_recording import Cases

case = Cases()


def filled(tf, t, *shapes, **options):
    """An array with one element of each shape."""
    array = tf.TensorArray("float32", len(shapes), **options)
    inputs = [t.feed(t.normal(*shape)) for shape in shapes]
    for i, x in enumerate(inputs):
        array = array.write(i, x)
    return array, inputs


@case
def write_and_read(tf, t):
    array, _ = filled(tf, t, (2,), (2,))
    t.out(array.read(1), array.read(0), array.size())


@case
def stack(tf, t):
    array, _ = filled(tf, t, (2,), (2,), (2,))
    t.out(array.stack())


@case
def stack_in_a_scope(tf, t):
    with tf.name_scope("outer"):
        array, _ = filled(tf, t, (2,), (2,), name="mine")
        t.out(array.stack(name="all"), array.gather([1, 0], name="some"))


@case
def gather(tf, t):
    array, _ = filled(tf, t, (2, 3), (2, 3), (2, 3), clear_after_read=False)
    t.out(array.gather([2, 0]), array.read(2), array.gather(np.zeros(0, "int32")))


@case
def unstack(tf, t):
    array = tf.TensorArray("float32", 3).unstack(t.feed(t.normal(3, 2)))
    t.out(array.read(2), array.read(0))


@case
def unstack_of_unknown_size(tf, t):
    array = tf.TensorArray("float32", 0, dynamic_size=True).unstack(t.feed(t.normal(3, 2), [None, 2]))
    t.out(array.size(), array.stack())


@case
def scatter(tf, t):
    array = tf.TensorArray("float32", 3).scatter([2, 0, 1], t.feed(t.normal(3, 2)))
    t.out(array.stack())


@case
def concat(tf, t):
    array, _ = filled(tf, t, (2, 3), (1, 3), infer_shape=False)
    t.out(array.concat())


@case
def split(tf, t):
    array = tf.TensorArray("float32", 3, infer_shape=False).split(t.feed(t.normal(6, 2)), [1, 3, 2])
    t.out(array.read(1), array.concat())


@case
def split_alike(tf, t):
    array = tf.TensorArray("float32", 2).split(t.feed(t.normal(4, 2)), [2, 2])
    t.out(array.stack())


@case
def of_strings(tf, t):
    array = tf.TensorArray(tf.string, 2).write(0, t.feed(np.array([b"a", b"b"], object))).write(1, ["c", "d"])
    t.out(array.stack(), array.identity().size())


@case.each(dtype=["int32", "int64", "bool", "float64", "complex64", "uint8"])
def of_other_types(tf, t, dtype):
    array = tf.TensorArray(dtype, 2).unstack(t.feed(t.integers(0, 2, 2, 3).astype(dtype)))
    t.out(array.stack())


@case
def growing(tf, t):
    array = tf.TensorArray("float32", 0, dynamic_size=True, element_shape=[2], infer_shape=False)
    array = array.write(2, t.feed(t.normal(2)))
    t.out(array.size(), array.stack())


@case
def unwritten_of_a_known_shape(tf, t):
    array = tf.TensorArray("float32", 3, element_shape=[2]).write(1, t.feed(t.normal(2)))
    t.out(array.stack())


@case
def nothing(tf, t):
    t.out(tf.TensorArray("float32", 0, element_shape=[2]).stack())


@case
def gradient_of_stack(tf, t):
    array, inputs = filled(tf, t, (2,), (2,), (2,))
    t.out(*tf.gradients(tf.square(array.stack()), inputs))


@case
def gradient_of_reads(tf, t):
    array, inputs = filled(tf, t, (2,), (2,), clear_after_read=False)
    t.out(*tf.gradients([array.read(1) * array.read(1), array.read(0), array.stack()], inputs))


@case
def gradient_of_one_read(tf, t):
    array, inputs = filled(tf, t, (2,), (2,))
    t.out(*tf.gradients(array.read(1) * 3.0, inputs))


@case
def gradient_of_unstack(tf, t):
    x = t.feed(t.normal(3, 2))
    array = tf.TensorArray("float32", 3, clear_after_read=False).unstack(x)
    t.out(*tf.gradients([tf.sin(array.read(1)), array.gather([0, 2])], x))


@case
def gradient_of_split_and_concat(tf, t):
    x = t.feed(t.normal(6, 2))
    array = tf.TensorArray("float32", 3, infer_shape=False).split(x, [1, 3, 2])
    t.out(*tf.gradients(tf.square(array.concat()), x))


@case
def two_gradients(tf, t):
    array, inputs = filled(tf, t, (2,), (2,), clear_after_read=False)
    out = tf.square(array.stack())
    t.out(*(tf.gradients(out, inputs) + tf.gradients(array.read(0), inputs[0])))


@case
def gradient_of_another_name(tf, t):
    array, inputs = filled(tf, t, (2,), (2,))
    tf.gradients(array.stack(), inputs, name="slopes")


@case
def result_of_a_conditional(tf, t):
    p = t.feed(np.array(True))
    x = t.feed(t.normal(2))
    array = tf.TensorArray("float32", 1)
    array = tf.cond(p, lambda: array.write(0, x), lambda: array.write(0, -x))
    t.out(array.read(0))


FAILURES = {
    "twice written": lambda tf, a, x: a.write(0, x).write(0, x).read(0),
    "twice read": lambda tf, a, x: (lambda b: b.read(0) + b.read(0))(a.write(0, x)),
    "behind the end": lambda tf, a, x: a.write(5, x).read(0),
    "before the start": lambda tf, a, x: a.write(-1, x).read(0),
    "read behind the end": lambda tf, a, x: a.write(0, x).read(9),
    "unwritten": lambda tf, a, x: a.read(0),
    "other shape": lambda tf, a, x: a.write(0, x).write(1, tf.ones([3])).read(0),
    "other type": lambda tf, a, x: a.write(0, tf.cast(x, "float64")).read(0),
    "too many": lambda tf, a, x: a.unstack(tf.ones([4, 2])).read(0),
    "indices": lambda tf, a, x: a.scatter([0, 1], tf.ones([1, 2])).read(0),
    "lengths": lambda tf, a, x: a.split(tf.ones([5, 2]), [2, 2]).read(0),
    "scalars joined": lambda tf, a, x: a.unstack(tf.ones([2])).concat(),
    "shapes stacked": lambda tf, a, x: tf.TensorArray("float32", 2, infer_shape=False)
    .write(0, x)
    .write(1, tf.ones([3]))
    .stack(),
    "no size": lambda tf, a, x: tf.TensorArray("float32"),
    "handle and size": lambda tf, a, x: tf.TensorArray("float32", 2, handle=a.handle),
    "no flow": lambda tf, a, x: tf.TensorArray("float32", handle=a.handle),
    "no tensor": lambda tf, a, x: tf.TensorArray("float32", handle=3),
    "negative size": lambda tf, a, x: tf.TensorArray("float32", -1).size(),
    "size zero": lambda tf, a, x: tf.TensorArray("float32", 0).stack(),
    "vector of sizes": lambda tf, a, x: tf.TensorArray("float32", [2, 3]).size(),
}


@case.each(what=sorted(FAILURES))
def failures(tf, t, what):
    t.values_only()
    t.out(FAILURES[what](tf, tf.TensorArray("float32", 2), t.feed(t.normal(2))))
