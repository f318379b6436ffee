"""Sparse tensors for the cases of sparse ops."""

import numpy as np

A_INDICES = [[0, 1], [0, 3], [1, 0], [2, 2]]
B_INDICES = [[0, 0], [0, 3], [1, 0], [2, 1], [2, 3]]
SHAPE = [3, 4]


def parts(t, indices, values, shape, known=True):
    """A SparseTensor whose values (and, unless `known`, indices and shape) are fed."""
    if known:
        return t.tf.SparseTensor(indices, t.feed(values), shape)
    indices, shape = np.array(indices, "int64"), np.array(shape, "int64")
    return t.tf.SparseTensor(
        t.feed(indices, [None, None]), t.feed(values, [None]), t.feed(shape, [None if known is None else len(shape)])
    )


def some_values(t, count, dtype="float32"):
    if dtype == "string":
        return np.array([b"a", b"", b"c", b"dd", b"e", b"f", b"g", b"h"][:count], object)
    if dtype == "bool":
        return np.arange(count) % 2 == 0
    if dtype.startswith(("int", "uint")):
        return t.integers(0 if dtype[0] == "u" else -20, 20, count, dtype=dtype)
    return t.normal(count, dtype=dtype)


def tensor_a(t, dtype="float32", known=True):
    return parts(t, A_INDICES, some_values(t, 4, dtype), SHAPE, known)


def tensor_b(t, dtype="float32", known=True):
    return parts(t, B_INDICES, some_values(t, 5, dtype), SHAPE, known)


def out(t, sparse):
    return t.out(sparse.indices, sparse.values, sparse.dense_shape)


def out_without_shapes(t, sparse):
    """Of static shapes Reflow knows more than TensorFlow."""
    parts = (sparse.indices, sparse.values, sparse.dense_shape)
    t.out(*[t.tf.placeholder_with_default(part, None) for part in parts])
