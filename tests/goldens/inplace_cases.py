"""Copies with other rows."""

import numpy as np
from op_recording import Cases

case = Cases()


@case.each(op=["InplaceUpdate", "InplaceAdd", "InplaceSub"])
def rows(tf, t, op):
    x = tf.raw_ops.DeepCopy(x=t.feed(t.normal(4, 3)))
    function = getattr(tf.raw_ops, op)
    t.out(function(x=x, i=t.feed(np.array([1, 3], "int32")), v=t.feed(t.normal(2, 3))))


@case
def repeated_rows(tf, t):
    x = tf.raw_ops.DeepCopy(x=t.feed(t.integers(0, 9, 4)))
    t.out(tf.raw_ops.InplaceAdd(x=x, i=[1, 1, -1], v=t.feed(t.integers(0, 9, 3))))


@case
def rows_of_wrong_number(tf, t):
    x = tf.raw_ops.DeepCopy(x=t.feed(t.normal(4, 3)))
    t.out(tf.raw_ops.InplaceUpdate(x=x, i=[0], v=t.feed(t.normal(2, 3))))


@case
def rows_of_wrong_rank(tf, t):
    x = tf.raw_ops.DeepCopy(x=t.feed(t.normal(4, 3)))
    t.out(tf.raw_ops.InplaceUpdate(x=x, i=[0], v=t.feed(t.normal(3))))


@case
def empty_of_shape(tf, t):
    t.out(tf.raw_ops.Empty(shape=[2, 3], dtype=tf.int32, init=True))
