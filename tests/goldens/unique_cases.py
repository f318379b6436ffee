"""Values without repetition."""

import numpy as np
from array_inputs import TYPES, array
from op_recording import Cases

case = Cases()
REAL = [d for d in TYPES if "complex" not in d]


@case.each(dtype=REAL)
def unique(tf, t, dtype):
    x = array(t, dtype, 8)
    x[5:] = x[:3]
    x = t.feed(x, [None])
    for result in (
        tf.unique(x),
        tf.unique(x, tf.int64, name="u"),
        tf.unique_with_counts(x),
        tf.unique_with_counts(x, tf.int64),
    ):
        t.out(*result)


@case
def special_values(tf, t):
    x = np.array([0.0, -0.0, np.nan, np.nan, np.inf, -np.inf, np.inf], "float32")
    t.out(*tf.unique_with_counts(t.feed(x)))
    t.out(*tf.unique(t.feed(np.zeros(0, "int32"))))


@case.each(axis=[0, 1, -1])
def along_axis(tf, t, axis):
    x = t.feed(np.array([[1, 0, 1], [1, 0, 1], [2, 0, 2]], "int32"))
    # TensorFlow gives `idx` and `y` wrong static shapes here.
    t.out(tf.reshape(tf.raw_ops.UniqueV2(x=x, axis=[axis]).y, [-1]))
    result = tf.raw_ops.UniqueWithCountsV2(x=x, axis=np.array([axis], "int64"), out_idx=tf.int64)
    t.out(tf.reshape(result.y, [-1]), result.count)


@case
def fields(tf, t):
    result = tf.unique_with_counts([1, 1, 2])
    t.out(result.y, result.idx, result.count, tf.unique([1]).idx, tf.setdiff1d([1, 2], [1]).out)


@case
def unique_of_matrix(tf, t):
    tf.unique(t.feed(t.normal(2, 2)))


@case
def unique_of_matrix_when_run(tf, t):
    t.out(*tf.unique(t.feed(t.normal(2, 2), None)))


@case.each(dtype=[d for d in REAL if d != "bool"])
def setdiff1d(tf, t, dtype):
    x = array(t, dtype, 6)
    t.out(*tf.setdiff1d(t.feed(x, [None]), t.feed(x[[1, 4]])))
    t.out(*tf.setdiff1d(t.feed(x), t.feed(x[:0]), index_dtype=tf.int64, name="d"))


@case
def setdiff1d_repeats(tf, t):
    t.out(*tf.setdiff1d([3, 1, 3, 2, 1], [1]))


@case
def setdiff1d_of_matrix(tf, t):
    tf.setdiff1d(t.feed(t.normal(2, 2)), [1.0])


@case
def sparse_mask(tf, t):
    slices = tf.IndexedSlices(t.feed(t.normal(3, 2)), t.feed(np.array([4, 0, 2], "int32")), tf.constant([5, 2]))
    masked = tf.sparse_mask(slices, t.feed(np.array([0], "int32")))
    t.out(masked.values, masked.indices, masked.dense_shape)
