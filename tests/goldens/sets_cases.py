"""Sets along the last axis."""

import numpy as np
from op_recording import Cases

case = Cases()

NAMES = ["intersection", "union", "difference"]
TYPES = ["int8", "int16", "int32", "int64", "uint8", "uint16", "string"]


def _numbers(dtype, values):
    values = np.array(values)
    if dtype != "string":
        return values.astype(dtype)
    return np.array([b"%d" % v for v in values.reshape(-1)], object).reshape(values.shape)


def _a(t, dtype="int64", shape="static"):
    return t.feed(_numbers(dtype, [[[3, 1, 3], [9, 10, 2]], [[1, 1, 1], [5, 6, 7]]]), shape)


def _b(t, dtype="int64", shape="static"):
    return t.feed(_numbers(dtype, [[[1, 3], [4, 5]], [[2, 3], [7, 5]]]), shape)


def _sparse(t, dtype="int64", known=True):
    indices = np.array([[0, 0, 0], [0, 0, 2], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 2]])
    values, shape = _numbers(dtype, [3, 3, 10, 7, 5, 8]), np.array([2, 2, 3])
    if known:
        return t.tf.SparseTensor(indices, t.feed(values), shape)
    return t.tf.SparseTensor(t.feed(indices, [None, None]), t.feed(values, [None]), t.feed(shape, [None]))


def _out(t, sparse):
    t.out(sparse.indices, sparse.values, sparse.dense_shape)


@case.each(name=NAMES)
def operations(tf, t, name):
    function = getattr(tf.sets, name)
    for dtype in TYPES:
        operands = [_a(t, dtype), _b(t, dtype), _sparse(t, dtype)]
        for a in operands:
            for b in operands:
                _out(t, function(a, b))


@case
def differences(tf, t):
    for a, b in ((_a(t), _b(t)), (_a(t), _sparse(t)), (_sparse(t), _a(t)), (_sparse(t), _sparse(t, known=False))):
        _out(t, tf.sets.difference(a, b, aminusb=False))
        _out(t, tf.sets.set_difference(a, b, False, validate_indices=False))


@case.each(name=NAMES)
def unknown_shapes(tf, t, name):
    function = getattr(tf.sets, "set_" + name)
    operands = [_a(t, shape=None), _b(t, shape=[2, None, None]), _sparse(t, known=False)]
    for a in operands:
        for b in operands:
            _out(t, function(a, b))


@case
def sizes(tf, t):
    for dtype in TYPES:
        t.out(tf.sets.size(_sparse(t, dtype)))
    t.out(tf.sets.set_size(_sparse(t, known=False)))


@case
def empty_sets(tf, t):
    empty = tf.SparseTensor(np.zeros([0, 2], "int64"), t.feed(np.zeros(0, "int64")), [3, 4])
    _out(t, tf.sets.union(empty, empty))
    _out(t, tf.sets.intersection(t.feed(np.array([[1], [2], [3]])), empty))
    _out(t, tf.sets.difference(t.feed(np.array([[1], [2], [3]])), empty))
    _out(t, tf.sets.union(t.feed(np.zeros([2, 0], "int64")), t.feed(np.zeros([2, 0], "int64"))))
    t.out(tf.sets.size(empty))


@case
def size_of_dense(tf, t):
    tf.sets.size(_a(t))


@case
def size_of_floats(tf, t):
    tf.sets.size(tf.SparseTensor([[0, 0]], [1.0], [1, 1]))


@case
def of_floats(tf, t):
    tf.sets.union([[1.0]], [[2.0]])


@case
def of_two_types(tf, t):
    tf.sets.union(_a(t), _b(t, "int32"))


@case
def of_other_groups(tf, t):
    tf.sets.union([[1], [2]], [[1]])


@case
def of_other_groups_when_run(tf, t):
    _out(t, tf.sets.union([[1], [2]], t.feed(np.array([[1]], "int32"), None)))


@case
def of_other_ranks(tf, t):
    tf.sets.union(_a(t), [[1]])


@case
def of_vectors(tf, t):
    tf.sets.union([1], [2])


@case
def of_sparse_vector(tf, t):
    t.out(tf.sets.size(tf.SparseTensor(t.feed(np.array([[0]]), None), [1], [1])))


@case
def unsorted(tf, t):
    t.out(tf.sets.size(tf.SparseTensor([[1, 0], [0, 0]], t.feed(np.array([1, 2])), [2, 2])))


@case
def unsorted_but_not_validated(tf, t):
    t.out(tf.sets.size(tf.SparseTensor([[0, 1], [0, 0]], t.feed(np.array([1, 2])), [2, 2]), validate_indices=False))


@case
def out_of_bounds(tf, t):
    t.out(tf.sets.size(tf.SparseTensor([[0, 1], [2, 0]], t.feed(np.array([1, 2])), [2, 2])))


@case
def unknown_operation(tf, t):
    a = tf.constant([[1]])
    t.out(tf.raw_ops.DenseToDenseSetOperation(set1=a, set2=a, set_operation="sum")[1])
