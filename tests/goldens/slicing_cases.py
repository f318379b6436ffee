"""Slice: boxes out of tensors."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(dtype=TYPES)
def boxes(tf, t, dtype):
    x = t.feed(array(t, dtype, 3, 4), [None, 4])
    y = t.out(tf.slice(x, [1, 0], [2, 3]))
    t.out(tf.slice(x, [1, 1], [-1, -1]), tf.slice(x, [0, 2], [-1, 0]), tf.slice(x, np.array([1, 1]), np.array([1, 2])))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case
def boxes_dynamic(tf, t):
    x, begin, size = t.feed(t.normal(3, 4)), t.feed(np.array([1, 0], "int32")), t.feed(np.array([2, -1], "int32"))
    y = t.out(tf.slice(x, begin, size))
    t.out(tf.slice(x, [1, 0], size), tf.slice(x, begin, [1, -1]))
    t.out(tf.slice(t.feed(t.normal(3, 4), None), [1, 0], [1, 2]))
    t.grad(y, x)


@case
def box_too_large(tf, t):
    tf.slice(t.feed(t.normal(3, 4)), [2, 0], [2, 1])


@case
def box_too_large_when_run(tf, t):
    t.out(tf.slice(t.feed(t.normal(3, 4), None), [2, 0], [2, 1]))


@case
def box_of_wrong_rank(tf, t):
    tf.slice(t.feed(t.normal(3, 4)), [2], [1])
