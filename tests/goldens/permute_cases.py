"""Elements in another order."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()


@case.each(dtype=TYPES)
def transpose(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3, 4), [None, 3, 4])
    y = t.out(tf.transpose(x, [2, 0, 1]))
    t.out(tf.transpose(x), tf.transpose(x, conjugate=True, name="c"), tf.transpose(x, [0, 2, 1], conjugate=True))
    t.out(tf.matrix_transpose(x), tf.linalg.transpose(x, conjugate=True))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case
def transpose_dynamic(tf, t):
    x, perm = t.feed(t.normal(2, 3)), t.feed(np.array([1, 0], "int32"))
    y = t.out(tf.transpose(x, perm))
    t.out(
        tf.transpose(t.feed(t.normal(2, 3), None)),
        tf.transpose(t.feed(t.normal(2, 3), None), [1, 0]),
        tf.transpose([[1, 2], [3, 4]]),
        tf.transpose(t.feed(np.float32(1))),
        tf.transpose(x, np.array([1, 0], "int64")),
    )
    t.grad(y, x)


@case
def transpose_unknown_matrices(tf, t):
    t.out(tf.matrix_transpose(t.feed(t.normal(2, 3, 4), None)))


@case.each(bad=["rank", "range", "run", "twice", "matrix"])
def wrong_transpose(tf, t, bad):
    x = t.feed(t.normal(2, 3))
    if bad == "rank":
        tf.transpose(x, [0, 1, 2])
    elif bad == "range":
        tf.transpose(x, [0, 2])
    elif bad == "run":
        t.out(tf.transpose(x, t.feed(np.array([0, 2], "int32"))))
    elif bad == "twice":
        t.out(tf.transpose(x, t.feed(np.array([0, 0], "int32"))))
    else:
        tf.matrix_transpose(t.feed(t.normal(2)))


@case.each(dtype=["int32", "int64"])
def invert_permutation(tf, t, dtype):
    t.out(tf.invert_permutation(t.feed(np.array([2, 0, 1], dtype))))


@case.each(bad=["twice", "range", "matrix"])
def wrong_permutation(tf, t, bad):
    values = {"twice": [0, 0, 1], "range": [0, 3, 1], "matrix": [[0, 1]]}[bad]
    t.out(tf.invert_permutation(t.feed(np.array(values, "int32"))))


@case.each(dtype=TYPES)
def reverse(tf, t, dtype):
    x = t.feed(array(t, dtype, 2, 3), [None, 3])
    y = t.out(tf.reverse(x, [1]))
    t.out(tf.reverse(x, [0, -1]), tf.reverse(x, []), tf.reverse_v2(x, np.array([0], "int64")))
    t.out(tf.raw_ops.Reverse(tensor=x, dims=[True, False]))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case
def reverse_gradients(tf, t):
    x, axes = t.feed(t.normal(2, 3)), t.feed(np.array([1], "int32"))
    y = t.out(tf.reverse(x, axes))
    z = t.out(tf.raw_ops.Reverse(tensor=x, dims=[True, True]))
    t.grad([y, z], x)


@case.each(bad=["range", "twice", "scalar"])
def wrong_reverse(tf, t, bad):
    tf.reverse(t.feed(t.normal(2, 3)), {"range": [2], "twice": [1, -1], "scalar": 0}[bad])


@case.each(dtype=[d for d in TYPES if d != "string"])
def reverse_sequence(tf, t, dtype):
    x = t.feed(array(t, dtype, 3, 4, 2), [None, 4, 2])
    lengths = t.feed(np.array([2, 0, 4], "int64"))
    y = t.out(tf.reverse_sequence(x, lengths, seq_axis=1))
    t.out(tf.reverse_sequence(x, np.array([3, 1]), seq_dim=0, batch_dim=2, name="r"))
    t.out(tf.reverse_sequence(x, np.array([1, 2, 3, 0], "int32"), seq_axis=0, batch_axis=1))
    if dtype == "float32":
        t.grad(y, x)


@case.each(bad=["length", "same", "number", "both", "run_number"])
def wrong_reverse_sequence(tf, t, bad):
    x = t.feed(t.normal(3, 4))
    if bad == "length":
        t.out(tf.reverse_sequence(x, [5, 1, 1], seq_axis=1))
    elif bad == "same":
        t.out(tf.reverse_sequence(x, [1, 1, 1], seq_axis=0, batch_axis=0))
    elif bad == "number":
        tf.reverse_sequence(x, [1, 1], seq_axis=1)
    elif bad == "both":
        tf.reverse_sequence(x, [1, 1, 1], seq_axis=1, seq_dim=1)
    else:
        t.out(tf.reverse_sequence(x, t.feed(np.array([1, 1]), [None]), seq_axis=1))


@case.each(dtype=TYPES)
def roll(tf, t, dtype):
    x = t.feed(array(t, dtype, 3, 4), [None, 4])
    y = t.out(tf.roll(x, 1, 0))
    t.out(tf.roll(x, [1, -2], [0, 1]), tf.roll(x, [1, 2], [1, 1]), tf.roll(x, 7, -1), tf.roll(x, np.int64(-1), 1))
    if dtype == "float32":
        t.grad(y, x, second=True)


@case.each(bad=["axis", "sizes", "scalar"])
def wrong_roll(tf, t, bad):
    x = t.feed(t.normal(3, 4))
    if bad == "axis":
        t.out(tf.roll(x, 1, 2))
    elif bad == "sizes":
        t.out(tf.roll(x, [1, 2], [0]))
    else:
        tf.roll(t.feed(np.float32(1)), 1, 0)


@case
def data_formats(tf, t):
    t.out(
        tf.raw_ops.DataFormatDimMap(x=t.feed(np.array([0, 1, 2, 3, -1], "int32"))),
        tf.raw_ops.DataFormatVecPermute(x=t.feed(np.array([1, 2, 3, 4], "int32"))),
        tf.raw_ops.DataFormatVecPermute(x=[1, 2, 3, 4], src_format="NCHW", dst_format="NHWC"),
    )
