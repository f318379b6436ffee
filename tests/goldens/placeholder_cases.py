"""Placeholders, passed on values, and groups."""

import numpy as np
from op_recording import Cases

case = Cases()


@case
def placeholders(tf, t):
    x = tf.placeholder(tf.float32, [None, 3], name="x")
    y = tf.placeholder("int64")
    z = tf.placeholder(tf.string, ())
    for p, value in ((x, t.normal(2, 3)), (y, np.arange(4)), (z, np.array(b"a"))):
        t.feeds[p] = value
    t.out(x, y, z)


@case
def not_fed(tf, t):
    t.out(tf.placeholder(tf.float32, [2], name="x") * 2)


@case
def with_default(tf, t):
    x = tf.placeholder_with_default([[1.0, 2.0]], [None, 2])
    y = tf.placeholder_with_default([3.0], [1], name="y")
    t.feeds[x] = t.normal(3, 2)
    z = t.out(x * y)
    t.grad(z, [x, y])


@case
def wrong_default(tf, t):
    tf.placeholder_with_default([[1.0, 2.0]], [None, 3])


@case
def sparse(tf, t):
    a = tf.sparse_placeholder(tf.float32)
    b = tf.sparse_placeholder(tf.int32, [2, 3], name="b")
    c = tf.sparse_placeholder(tf.int32, [None, 3], name="c")
    d = tf.sparse_placeholder(tf.int32, tf.constant([2, 3], tf.int64), name="d")
    for p, values in ((a, t.normal(2)), (b, t.integers(0, 9, 2)), (c, t.integers(0, 9, 2)), (d, t.integers(0, 9, 2))):
        t.feeds[p] = (np.array([[0, 0], [1, 2]]), values, np.array([2, 3]))
    for p in (a, b, c, d):
        t.out(p.indices, p.values, p.dense_shape)
