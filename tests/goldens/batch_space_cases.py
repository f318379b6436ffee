"""Blocks of space moved to the batch or depth axis and back."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()
NUMBERS = [d for d in TYPES if d != "string"]


@case.each(dtype=NUMBERS)
def space_to_batch(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 4, 6, 3), [None, 4, 6, 3])
    y = t.out(tf.space_to_batch_nd(x, [2, 3], [[0, 0], [0, 0]]))
    t.out(tf.space_to_batch_nd(x, [2, 2], [[1, 1], [0, 2]]), tf.space_to_batch(x, [[1, 1], [2, 0]], 2))
    t.out(
        tf.space_to_batch_nd(x, np.array([2], "int64"), [[2, 0]]),
        tf.space_to_batch(x, [[0, 0], [0, 0]], block_shape=2, name="s"),
    )
    z = t.out(tf.batch_to_space_nd(y, [2, 3], [[1, 0], [0, 2]]))
    if dtype == "float32":
        t.grad([y, z], x, second=True)


@case.each(dtype=NUMBERS)
def batch_to_space(tf, t, dtype):
    x = t.feed(array(t, dtype, 8, 2, 3, 1), [None, 2, 3, 1])
    t.out(tf.batch_to_space(x, [[0, 0], [0, 0]], 2), tf.batch_to_space(x, [[1, 0], [2, 1]], block_size=2, name="b"))


@case
def old_ops(tf, t):
    x = t.feed(t.normal(1, 4, 4, 2))
    y = t.out(tf.raw_ops.SpaceToBatch(input=x, paddings=[[0, 0], [1, 1]], block_size=2))
    z = t.out(tf.raw_ops.BatchToSpace(input=y, crops=[[0, 0], [1, 1]], block_size=2))
    t.grad(z, x)


@case
def dynamic(tf, t):
    x, block = t.feed(t.normal(1, 4, 4, 2)), t.feed(np.array([2, 2], "int32"))
    paddings = t.feed(np.array([[0, 0], [0, 0]], "int32"))
    y = t.out(tf.space_to_batch_nd(x, block, paddings))
    t.out(
        tf.batch_to_space_nd(y, block, paddings),
        tf.space_to_batch_nd(x, [2, 2], paddings),
        tf.space_to_batch_nd(x, block, [[0, 0], [0, 0]]),
    )


@case.each(bad=["uneven", "batch", "rank", "crops", "run"])
def wrong(tf, t, bad):
    x = t.feed(t.normal(1, 4, 5, 2))
    if bad == "uneven":
        tf.space_to_batch_nd(x, [2, 2], [[0, 0], [0, 0]])
    elif bad == "batch":
        tf.batch_to_space_nd(x, [2, 2], [[0, 0], [0, 0]])
    elif bad == "rank":
        tf.space_to_batch(t.feed(t.normal(4, 4)), [[0, 0], [0, 0]], 2)
    elif bad == "crops":
        t.out(tf.batch_to_space_nd(t.feed(t.normal(4, 1, 1, 1)), [2, 2], [[2, 1], [0, 0]]))
    else:
        t.out(tf.space_to_batch_nd(t.feed(t.normal(1, 4, 5, 2), None), [2, 2], [[0, 0], [0, 0]]))


@case
def required_paddings(tf, t):
    size = t.feed(np.array([5, 6], "int32"))
    t.out(*tf.required_space_to_batch_paddings([5, 6], [2, 4]))
    t.out(*tf.required_space_to_batch_paddings(size, [2, 4], [[1, 0], [0, 1]], name="r"))
    t.out(*tf.required_space_to_batch_paddings(np.zeros(0, "int32"), np.zeros(0, "int32")))


@case.each(dtype=NUMBERS)
def depth(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 4, 6, 8), [None, 4, 6, 8])
    y, z = t.out(tf.space_to_depth(x, 2), tf.depth_to_space(x, 2, name="d"))
    if dtype == "float32":
        t.grad([y, z], x, second=True)


@case.each(bad=["space", "depth", "rank", "one"])
def wrong_depth(tf, t, bad):
    if bad == "space":
        tf.space_to_depth(t.feed(t.normal(1, 3, 4, 1)), 2)
    elif bad == "depth":
        tf.depth_to_space(t.feed(t.normal(1, 3, 4, 3)), 2)
    elif bad == "rank":
        tf.space_to_depth(t.feed(t.normal(4, 4)), 2)
    else:
        tf.space_to_depth(t.feed(t.normal(1, 4, 4, 1)), 1)
