"""Places in sorted rows and in tensors, and distances of sequences."""

import numpy as np
from op_recording import Cases

case = Cases()


@case.each(dtype=["float32", "float64", "int32", "int64", "uint8", "int8", "int16"])
def searchsorted(tf, t, dtype):
    rows = t.feed(np.sort(t.integers(0, 9, 2, 5).astype(dtype)))
    values = t.feed(t.integers(0, 9, 2, 3).astype(dtype))
    t.out(tf.searchsorted(rows, values), tf.searchsorted(rows, values, side="right", out_type=tf.int64, name="s"))


@case
def searchsorted_vectors(tf, t):
    t.out(tf.searchsorted([1, 3, 3, 5], [0, 3, 6]), tf.searchsorted([1.0, 2.0], [[1.5]] if False else [1.5]))


@case
def searchsorted_wrong_side(tf, t):
    tf.searchsorted([1], [1], side="middle")


@case.each(dtype=["int32", "int64"])
def unravel_index(tf, t, dtype):
    dims = np.array([7, 6], dtype)
    t.out(
        tf.unravel_index(t.feed(np.array([22, 41, 37], dtype)), dims),
        tf.unravel_index(t.feed(np.array(22, dtype)), dims),
    )


@case
def unravel_index_out_of_range(tf, t):
    t.out(tf.unravel_index(t.feed(np.array([42], "int32")), [7, 6]))


@case.each(normalize=[True, False])
def edit_distance(tf, t, normalize):
    hypothesis = tf.SparseTensor([[0, 0, 0], [1, 0, 0], [1, 0, 1]], ["a", "b", "c"], [2, 1, 2])
    truth = tf.SparseTensor([[0, 1, 0], [1, 0, 0], [1, 0, 1], [1, 1, 0]], ["a", "b", "x", "a"], [2, 2, 2])
    t.out(tf.edit_distance(hypothesis, truth, normalize), tf.edit_distance(truth, truth, normalize, name="e"))


@case
def edit_distance_of_numbers(tf, t):
    a = tf.SparseTensor([[0, i] for i in range(6)], t.feed(np.array([1, 2, 3, 4, 5, 6])), [2, 6])
    b = tf.SparseTensor([[0, i] for i in range(4)] + [[1, 0]], t.feed(np.array([2, 3, 5, 5, 9])), [2, 4])
    t.out(tf.edit_distance(a, b), tf.edit_distance(b, a, normalize=False))


@case
def edit_distance_of_dense(tf, t):
    tf.edit_distance([[1]], [[1]])
