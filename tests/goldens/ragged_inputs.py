"""What the cases of ragged tensors share: ragged tensors of placeholders, and how to record them."""

import numpy as np

LISTS = [[3, 1, 4, 1], [], [5, 9, 2], [6], []]
DEEP = [[[1, 2], []], [], [[3], [4, 5, 6], [7]], [[]]]


def out(t, *values):
    """Record tensors, and the tensors that ragged and sparse ones consist of."""
    for value in values:
        if hasattr(value, "nested_row_splits"):
            t.out(*value.nested_row_splits)
            t.out(value.flat_values)
        elif hasattr(value, "dense_shape"):
            t.out(value.indices, value.values, value.dense_shape)
        elif isinstance(value, (list, tuple)):
            out(t, *value)
        else:
            t.out(value)


def flat_values(t, count, inner, dtype):
    if dtype == "string":
        return np.array([str(i).encode() for i in range(count)], object)
    if dtype == "bool":
        return t.integers(0, 2, count, *inner).astype(bool)
    if dtype.startswith(("int", "uint")):
        return t.integers(1, 7, count, *inner, dtype=dtype)
    return t.normal(count, *inner, dtype=dtype)


def fed(t, splits, inner=(), dtype="float32", splits_dtype="int64", known=True):
    """A ragged tensor of placeholders."""
    nested = [np.array(each, splits_dtype) for each in splits]
    values = flat_values(t, nested[-1][-1], inner, dtype)
    shape = "static" if known else [None] + list(inner)
    flat = t.feed(values, shape)
    splits = [t.feed(each, "static" if known else [None]) for each in nested]
    return t.tf.RaggedTensor.from_nested_row_splits(flat, splits, validate=False)


ONE = [[0, 4, 4, 7, 8, 8]]
TWO = [[0, 2, 2, 5, 6], [0, 2, 2, 3, 6, 7, 7]]
THREE = [[0, 1, 3], [0, 2, 2, 3], [0, 1, 4, 4]]
SHAPES = {"one": (ONE, ()), "inner": (ONE, (2,)), "two": (TWO, ()), "two_inner": (TWO, (2, 1)), "three": (THREE, ())}
TEXTS = np.array([b"a b", b"", b"c  d e", b"\xc3\xa9t\xc3\xa9", b"x", b"yy z", b"1 2", b" w"], object)
