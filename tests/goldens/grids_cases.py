"""Ranges and repetitions."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(indexing=["xy", "ij"])
def meshgrid(tf, t, indexing):
    x, y, z = t.feed(t.normal(2)), t.feed(t.normal(3), [None]), t.feed(t.normal(4))
    for args in ((x,), (x, y), (x, y, z)):
        t.out(*tf.meshgrid(*args, indexing=indexing))
    t.out(*tf.meshgrid([1, 2], [3, 4, 5], indexing=indexing, name="grid"))


@case
def meshgrid_wrong_indexing(tf, t):
    tf.meshgrid([1], indexing="yx")


@case
def meshgrid_wrong_keyword(tf, t):
    tf.meshgrid([1], index="xy")


@case
def sequence_mask(tf, t):
    lengths, most = t.feed(np.array([1, 0, 3], "int32")), t.feed(np.int32(4))
    t.out(
        tf.sequence_mask(lengths),
        tf.sequence_mask(lengths, 5),
        tf.sequence_mask(lengths, most),
        tf.sequence_mask([[1, 2]], 2),
        tf.sequence_mask(lengths, 2, tf.float32, name="mask"),
        tf.sequence_mask(t.feed(np.array([2]), None)),
        tf.sequence_mask(t.feed(np.array([1, 2])), dtype=tf.int64),
    )


@case
def sequence_mask_of_vector(tf, t):
    tf.sequence_mask([1, 2], [3, 4])


@case.each(dtype=[d for d in TYPES if d != "uint16"])
def repeat(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    t.out(
        tf.repeat(x, 2),
        tf.repeat(x, 2, axis=0),
        tf.repeat(x, [1, 0, 2], axis=1),
        tf.repeat(x, t.feed(np.array([2, 1], "int32")), axis=0),
    )


@case
def repeat_forms(tf, t):
    x = t.feed(t.normal(2, 3), None)
    t.out(tf.repeat(5, 3), tf.repeat([1, 2], [0, 0]), tf.repeat([1, 2], [3, 1], name="r"), tf.repeat(x, 2, axis=1))


@case.each(bad=["axis", "float", "range", "length"])
def wrong_repeat(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "axis":
        tf.repeat(x, 2, axis=1.0)
    elif bad == "float":
        tf.repeat(x, 2.5, axis=1)
    elif bad == "range":
        tf.repeat(x, 2, axis=2)
    else:
        tf.repeat(x, [1, 2, 3], axis=0)
