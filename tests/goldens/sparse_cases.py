"""Ops on sparse tensors, with their gradients and failures."""

import numpy as np
from op_recording import Cases

case = Cases()

A_INDICES = [[0, 1], [0, 3], [1, 0], [2, 2]]
B_INDICES = [[0, 0], [0, 3], [1, 0], [2, 1], [2, 3]]
SHAPE = [3, 4]


def _parts(t, indices, values, shape, known=True):
    """A SparseTensor whose values (and, unless `known`, indices and shape) are fed."""
    if known:
        return t.tf.SparseTensor(indices, t.feed(values), shape)
    indices, shape = np.array(indices, "int64"), np.array(shape, "int64")
    return t.tf.SparseTensor(
        t.feed(indices, [None, None]), t.feed(values, [None]), t.feed(shape, [None if known is None else len(shape)])
    )


def _values(t, count, dtype="float32"):
    if dtype == "string":
        return np.array([b"a", b"", b"c", b"dd", b"e", b"f", b"g", b"h"][:count], object)
    if dtype == "bool":
        return np.arange(count) % 2 == 0
    if dtype.startswith(("int", "uint")):
        return t.integers(0 if dtype[0] == "u" else -20, 20, count, dtype=dtype)
    return t.normal(count, dtype=dtype)


def _a(t, dtype="float32", known=True):
    return _parts(t, A_INDICES, _values(t, 4, dtype), SHAPE, known)


def _b(t, dtype="float32", known=True):
    return _parts(t, B_INDICES, _values(t, 5, dtype), SHAPE, known)


def _out(t, sparse):
    return t.out(sparse.indices, sparse.values, sparse.dense_shape)


def _out_without_shapes(t, sparse):
    """Of static shapes Reflow knows more than TensorFlow."""
    parts = (sparse.indices, sparse.values, sparse.dense_shape)
    t.out(*[t.tf.placeholder_with_default(part, None) for part in parts])


# --- dense --------------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "float64", "int32", "int64", "uint8", "int8", "string", "bool", "complex64", "float16"])
def to_dense(tf, t, dtype):
    sparse = _a(t, dtype)
    t.out(tf.sparse.to_dense(sparse, default_value="" if dtype == "string" else None, name="dense"))


@case
def to_dense_with_default(tf, t):
    sparse, default = _a(t), t.feed(np.float32(7))
    dense = t.out(tf.sparse_tensor_to_dense(sparse, default))
    t.grad(dense, [sparse.values, default])


@case
def to_dense_of_unknown_shape(tf, t):
    t.out(tf.sparse.to_dense(_a(t, known=False)), tf.sparse.to_dense(_a(t, known=None)))


@case
def sparse_to_dense(tf, t):
    t.out(
        tf.sparse_to_dense([1, 3], [5], [7, 8], name="v"),
        tf.sparse_to_dense(2, [5], t.feed(np.float64(7)), -1.0),
        tf.sparse_to_dense([[1, 3], [2, 0]], np.array([3, 4]), 5),
        tf.sparse_to_dense([[1, 1], [0, 0], [1, 1]], [2, 2], [1, 2, 3], validate_indices=False),
        tf.sparse_to_dense(np.zeros([0, 2], "int32"), [2, 2], np.zeros([0], "float32")),
    )


@case.each(indices=[[[1, 1], [0, 0]], [[0, 1], [0, 1]], [[0, 2]], [[-1, 0]], [[0, 0], [0, 2], [0, 1]]])
def sparse_to_dense_wrong(tf, t, indices):
    indices = np.array(indices, "int32")
    t.out(tf.sparse_to_dense(t.feed(indices), [2, 2], np.ones(len(indices), "float32")))


@case
def sparse_to_dense_out_of_bounds(tf, t):
    t.out(tf.sparse_to_dense(t.feed(np.array([[5, 5]])), np.array([2, 2]), [1], validate_indices=False))


@case.each(dtype=["float32", "float64", "int32", "int64", "complex64", "complex128"])
def add_dense(tf, t, dtype):
    sparse, dense = _a(t, dtype), t.feed(_values(t, 12, dtype).reshape(3, 4))
    result = t.out(tf.sparse_add(sparse, dense))
    t.out(tf.sparse.add(dense, sparse))
    if dtype.startswith("float"):
        t.grad(result, [sparse.values, dense], second=True)


@case
def add_dense_of_repeated_indices(tf, t):
    sparse = tf.SparseTensor([[0, 1], [0, 1], [0, 0]], t.feed(t.normal(3)), [1, 2])
    t.out(tf.sparse_add(sparse, t.feed(t.normal(1, 2))))


@case
def add_dense_of_other_shape(tf, t):
    t.out(tf.sparse_add(_a(t), t.feed(t.normal(1, 4))))


@case
def add_dense_of_other_rank(tf, t):
    t.out(tf.sparse_add(_a(t), t.feed(t.normal(4))))


@case.each(op=["mul", "truediv", "div"])
def cwise(tf, t, op):
    for dense_shape in ([3, 4], [3, 1], [4], [1, 1], []):
        sparse = _a(t)
        dense = t.feed(np.abs(t.normal(*dense_shape)) + np.float32(0.5))
        result = getattr(sparse, "__%s__" % op)(dense)
        _out(t, result)


@case.each(op=["mul", "truediv"])
def cwise_gradient(tf, t, op):
    sparse, dense = _a(t), t.feed(np.abs(t.normal(3, 1)) + np.float32(0.5))
    result = getattr(sparse, "__%s__" % op)(dense)
    t.grad(result.values, [sparse.values, dense])


@case
def cwise_gradient_of_vector(tf, t):
    sparse, dense = _a(t), t.feed(t.normal(4))
    t.grad((sparse * dense).values, [sparse.values, dense])


@case.each(dtype=["int32", "int64", "uint8", "int8", "int16", "float16", "float64"])
def cwise_types(tf, t, dtype):
    sparse, dense = _a(t, dtype), t.feed(np.array([[3], [2], [5]], dtype))
    _out(t, sparse * dense)
    _out(t, sparse.__div__(dense))
    _out(t, dense * sparse)
    if dtype != "float16":
        _out(t, sparse / dense)


@case
def cwise_with_python_number(tf, t):
    _out(t, _a(t) * 2)
    _out(t, _a(t) / 4.0)


@case
def cwise_truediv_of_other_type(tf, t):
    _a(t) / tf.constant([1.0], tf.float64)


@case
def cwise_wrong_shape(tf, t):
    t.out((_a(t) * t.feed(t.normal(3, 2))).values)


@case
def cwise_add(tf, t):
    sparse, dense = _a(t), t.feed(t.normal(3, 1))
    t.out(tf.raw_ops.SparseDenseCwiseAdd(
        sp_indices=sparse.indices, sp_values=sparse.values, sp_shape=sparse.dense_shape, dense=dense
    ))


@case.each(adjoint=["", "a", "b", "ab"])
def matmul(tf, t, adjoint):
    sparse = _a(t)
    b = t.feed(t.normal(*{"": [4, 2], "a": [3, 2], "b": [2, 4], "ab": [2, 3]}[adjoint]))
    product = t.out(tf.sparse_tensor_dense_matmul(sparse, b, "a" in adjoint, "b" in adjoint))
    t.grad(product, [sparse.values, b])


@case.each(dtype=["float64", "int32", "complex64", "complex128"])
def matmul_types(tf, t, dtype):
    sparse, b = _a(t, dtype), t.feed(_values(t, 8, dtype).reshape(4, 2))
    t.out(tf.sparse.matmul(sparse, b), tf.sparse.matmul(sparse, tf.reshape(b, [2, 4]), adjoint_b=True, name="m"))


@case
def matmul_of_unknown_shape(tf, t):
    t.out(tf.sparse.sparse_dense_matmul(_a(t, known=False), t.feed(t.normal(4, 3), [None, 3])))


@case
def matmul_of_wrong_shape(tf, t):
    tf.sparse.matmul(_a(t), t.feed(t.normal(3, 2)))


@case
def matmul_of_wrong_shape_when_run(tf, t):
    t.out(tf.sparse.matmul(_a(t, known=False), t.feed(t.normal(3, 2))))


@case
def matmul_out_of_bounds(tf, t):
    t.out(tf.sparse.matmul(tf.SparseTensor(t.feed(np.array([[0, 7]])), [1.0], SHAPE), t.feed(t.normal(4, 2))))


@case
def matmul_of_nothing(tf, t):
    empty = tf.SparseTensor(np.zeros([0, 2], "int64"), np.zeros([0], "float32"), [3, 4])
    t.out(tf.sparse.matmul(empty, t.feed(t.normal(4, 2))), tf.sparse.matmul(_a(t), np.zeros([4, 0], "float32")))


# --- arithmetic ---------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "float64", "int32", "int64", "int8", "int16", "complex64"])
def add(tf, t, dtype):
    a, b = _a(t, dtype), _b(t, dtype)
    result = tf.sparse_add(a, b)
    _out(t, result)
    if dtype == "float32":
        t.grad(result.values, [a.values, b.values])


@case
def add_of_unknown_shape(tf, t):
    _out(t, tf.sparse.add(_a(t, known=False), _b(t, known=None)))


@case.each(threshold=[0, 0.1, 0.5, 2.0])
def add_with_threshold(tf, t, threshold):
    a = tf.SparseTensor(A_INDICES, t.feed(np.array([0.05, 1, -1, 3], "float32")), SHAPE)
    b = tf.SparseTensor(B_INDICES, t.feed(np.array([0.01, -1.25, 1, 0.7, 9], "float32")), SHAPE)
    result = tf.sparse_add(a, b, threshold)
    _out(t, result)
    t.grad(result.values, [a.values, b.values])


@case
def add_unsorted(tf, t):
    a = tf.SparseTensor([[2, 0], [0, 1], [1, 1], [1, 1]], t.feed(t.normal(4)), SHAPE)
    b = tf.SparseTensor([[0, 1], [2, 0], [1, 1]], t.feed(t.normal(3)), SHAPE)
    _out(t, tf.sparse_add(a, b))


@case
def add_of_values(tf, t):
    value = tf.SparseTensorValue(A_INDICES, np.arange(4.0), SHAPE)
    _out(t, tf.sparse_add(value, value, thresh=0.5))
    t.out(tf.sparse_add(value, np.ones(SHAPE)))


@case
def add_of_other_shape(tf, t):
    tf.sparse_add(_a(t), tf.SparseTensor([[0, 0]], [1.0], [3, 5]))


@case
def add_of_other_shape_when_run(tf, t):
    _out(t, tf.sparse_add(_a(t), _parts(t, [[0, 0]], t.normal(1), [3, 5], False)))


@case
def add_of_other_rank(tf, t):
    _out(t, tf.sparse_add(_a(t, known=None), _parts(t, [[0]], t.normal(1), [3], None)))


@case
def add_of_dense(tf, t):
    tf.sparse_add(tf.ones([2]), tf.ones([2]))


@case.each(function=["maximum", "minimum"])
def extremum(tf, t, function):
    for dtype in ("float32", "int32", "uint8", "int64"):
        _out(t, getattr(tf.sparse, function)(_a(t, dtype), _b(t, dtype)))
    _out(t, getattr(tf, "sparse_" + function)(_a(t, known=False), _b(t, known=None), name="unknown"))


@case
def extremum_of_other_shape(tf, t):
    _out(t, tf.sparse.maximum(_a(t), tf.SparseTensor([[0, 0]], [1.0], [3, 5])))


@case
def maximum_gradient(tf, t):
    a = _a(t)
    t.grad(tf.sparse.maximum(a, _b(t)).values, a.values)


@case.each(dtype=["float32", "float64"])
def softmax(tf, t, dtype):
    sparse = _parts(t, [[0, 0, 1], [0, 0, 2], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 2]], t.normal(6, dtype=dtype),
                    [2, 2, 3])
    result = tf.sparse_softmax(sparse)
    _out(t, result)
    t.grad(result.values, [sparse.values])


@case
def softmax_of_vector(tf, t):
    _out(t, tf.sparse.softmax(_parts(t, [[0], [2]], t.normal(2), [3])))


@case
def unary_functions(tf, t):
    a = _a(t)
    for function in (tf.abs, tf.negative, tf.sign, tf.square, tf.tanh, tf.erf, tf.math.bessel_i0e, tf.math.bessel_i1e):
        _out(t, function(a))
    _out(t, tf.sqrt(tf.square(a)))
    _out(t, tf.square(a, name="named"))


@case
def unary_function_without_sparse_form(tf, t):
    tf.exp(_a(t))


# --- reductions ---------------------------------------------------------------------------------------------------

CUBE = [[0, 0, 1], [0, 0, 2], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 2], [2, 0, 0]]


def _cube(t, dtype="float32", known=True):
    return _parts(t, CUBE, _values(t, 7, dtype), [3, 2, 3], known)


@case.each(axis=[None, 0, 1, -1, [0, 1], [0, 2], [-1, 1], [0, 1, 2], []])
def reduce_sum(tf, t, axis):
    sparse = _cube(t)
    first = tf.sparse_reduce_sum(sparse, axis)
    t.out(first, tf.sparse.reduce_sum(sparse, axis, keepdims=True))
    t.out(tf.sparse.reduce_max(sparse, axis), tf.sparse_reduce_max(sparse, axis, keepdims=True))
    _out(t, tf.sparse.reduce_sum_sparse(sparse, axis))
    _out(t, tf.sparse.reduce_max_sparse(sparse, axis))
    if axis != []:
        t.grad(first, sparse.values)


@case.each(axis=[None, 0, -1, [0, 2]])
def reduce_keeping_axes(tf, t, axis):
    result = tf.sparse.reduce_sum_sparse(_cube(t), axis, keepdims=True)
    t.out(result.values, result.dense_shape)


@case.each(dtype=["float16", "float64", "int32", "int64", "uint8", "int8", "int16", "uint16"])
def reduce_types(tf, t, dtype):
    sparse = _cube(t, dtype)
    t.out(tf.sparse.reduce_sum(sparse, 1), tf.sparse.reduce_max(sparse, 1), tf.sparse.reduce_max(sparse))


@case
def reduce_unknown(tf, t):
    for known in (False, None):
        sparse = _cube(t, known=known)
        t.out(tf.sparse.reduce_sum(sparse), tf.sparse.reduce_max(sparse, 1, keepdims=True))


@case
def reduce_nothing(tf, t):
    empty = tf.SparseTensor(np.zeros([0, 2], "int64"), np.zeros([0], "float32"), [3, 4])
    t.out(tf.sparse.reduce_sum(empty), tf.sparse.reduce_sum(empty, 1), tf.sparse.reduce_max(empty, 0))
    _out(t, tf.sparse.reduce_max_sparse(empty, 0))


@case
def reduce_with_old_names(tf, t):
    t.out(tf.sparse_reduce_sum(_cube(t), reduction_axes=[1], keep_dims=True))


@case
def reduce_with_both_names(tf, t):
    tf.sparse_reduce_sum(_cube(t), axis=1, reduction_axes=[1])


# --- structure ----------------------------------------------------------------------------------------------------


@case.each(axis=[0, 1, -1, -2])
def concat(tf, t, axis):
    _out(t, tf.sparse_concat(axis, [_a(t), _b(t), _a(t)], name="joined"))


@case.each(dtype=["string", "bool", "int8", "uint16", "complex64", "float16"])
def concat_types(tf, t, dtype):
    _out(t, tf.sparse.concat(1, [_a(t, dtype), _b(t, dtype)]))


@case.each(axis=[0, 1, -1])
def concat_expanding(tf, t, axis):
    b = tf.SparseTensor([[0, 5], [4, 0]], t.feed(t.normal(2)), [5, 6])
    _out(t, tf.sparse_concat(axis, [_a(t), b], expand_nonconcat_dim=True))


@case
def concat_of_unknown(tf, t):
    _out(t, tf.sparse.concat(1, [_a(t, known=False), _b(t, known=False)]))
    _out(t, tf.sparse.concat(0, [_a(t, known=None), _b(t, known=False)]))


@case
def concat_of_one(tf, t):
    _out(t, tf.sparse_concat(0, [_a(t)]))


@case
def concat_of_other_shape(tf, t):
    _out(t, tf.sparse_concat(0, [_a(t), tf.SparseTensor([[0, 5]], [1.0], [3, 6])]))


@case
def concat_of_other_rank(tf, t):
    _out(t, tf.sparse_concat(0, [_a(t), tf.SparseTensor([[0]], [1.0], [3])]))


@case
def concat_of_wrong_axis(tf, t):
    _out(t, tf.sparse_concat(2, [_a(t, known=False), _b(t, known=False)]))


@case
def concat_of_no_list(tf, t):
    tf.sparse_concat(0, _a(t))


@case.each(axis=[0, 1, -1])
def split(tf, t, axis):
    for part in tf.sparse_split(sp_input=_b(t), num_split=3, axis=axis):
        _out(t, part)


@case
def split_strings(tf, t):
    for part in tf.sparse.split(sp_input=_a(t, "string", known=None), num_split=2, axis=1, name="parts"):
        _out(t, part)


@case
def split_in_too_many(tf, t):
    t.out(tf.sparse_split(sp_input=_a(t), num_split=5, axis=1)[0].values)


@case
def split_along_wrong_axis(tf, t):
    t.out(tf.sparse_split(sp_input=_a(t), num_split=2, axis=3)[0].values)


@case
def split_without_axis(tf, t):
    tf.sparse_split(sp_input=_a(t), num_split=2)


@case
def split_by_position(tf, t):
    tf.sparse_split(_a(t), 2, 1)


UNORDERED = [[2, 2], [0, 3], [1, 0], [0, 1], [1, 0]]


@case.each(dtype=["float32", "string", "bool", "uint16"])
def reorder(tf, t, dtype):
    sparse = _parts(t, UNORDERED, _values(t, 5, dtype), SHAPE)
    result = tf.sparse_reorder(sparse)
    _out(t, result)
    _out(t, tf.sparse.reorder(_parts(t, UNORDERED, _values(t, 5, dtype), SHAPE, False), name="unknown"))
    if dtype == "float32":
        t.grad(result.values, sparse.values)


@case
def reorder_huge(tf, t):
    big = 2**30
    sparse = tf.SparseTensor([[1, big - 1, 3], [0, big - 5, big], [1, 0, 7]], t.feed(t.normal(3)), [2, big, 2 * big])
    _out(t, tf.sparse_reorder(sparse))


@case.each(new_shape=[[4, 3], [12], [2, -1], [1, 2, 3, 2], [-1], [3, 4]])
def reshape(tf, t, new_shape):
    sparse = _a(t)
    result = tf.sparse_reshape(sparse, new_shape)
    _out(t, result)
    _out(t, tf.sparse.reshape(_a(t, known=False), new_shape, name="r"))
    t.grad(result.values, sparse.values)


@case
def reshape_to_unknown(tf, t):
    _out(t, tf.sparse_reshape(_a(t), t.feed(np.array([6, -1]), [2])))
    _out(t, tf.sparse_reshape(_a(t), t.feed(np.array([6, -1]), [None])))


@case.each(new_shape=[[5, 3], [-1, -1], [7, -1], [-2, 6]])
def reshape_wrong(tf, t, new_shape):
    tf.sparse_reshape(_a(t), new_shape)


@case.each(new_shape=[[5, 3], [-1, -1], [7, -1], [0, -1]])
def reshape_wrong_when_run(tf, t, new_shape):
    _out(t, tf.sparse_reshape(_a(t, known=False), new_shape))


@case.each(box=[([0, 0], [3, 4]), ([1, 0], [1, 2]), ([0, 2], [5, 9]), ([2, 4], [1, 1])])
def slice_(tf, t, box):
    sparse = _b(t)
    result = tf.sparse_slice(sparse, *box)
    _out(t, result)
    t.grad(result.values, sparse.values)


@case
def slice_strings(tf, t):
    _out(t, tf.sparse.slice(_a(t, "string", known=None), [0, 1], [2, 2], name="s"))


@case
def slice_of_wrong_rank(tf, t):
    _out(t, tf.sparse.slice(_a(t), [0], [2]))


@case.each(dtype=["float32", "string", "int64", "bool"])
def fill_empty_rows(tf, t, dtype):
    sparse = _parts(t, [[0, 1], [0, 3], [2, 0], [3, 1]], _values(t, 4, dtype), [6, 4])
    default = {"string": "zz", "bool": True}.get(dtype, 7)
    default = t.feed(np.array(7, dtype)) if dtype == "float32" else default
    filled, is_empty = tf.sparse_fill_empty_rows(sparse, default)
    _out(t, filled)
    t.out(is_empty)
    if dtype == "float32":
        t.grad(filled.values, [sparse.values, default])


@case
def fill_empty_rows_of_unknown(tf, t):
    sparse = _parts(t, [[1, 1], [1, 0], [0, 1]], t.normal(3), [4, 2], None)
    filled, is_empty = tf.sparse.fill_empty_rows(sparse, 1.0, "f")
    _out(t, filled)
    t.out(is_empty)


@case
def fill_empty_rows_out_of_range(tf, t):
    filled, _ = tf.sparse.fill_empty_rows(_parts(t, [[7, 1]], t.normal(1), [4, 2]), 1.0)
    _out(t, filled)


@case
def fill_no_rows(tf, t):
    filled, is_empty = tf.sparse.fill_empty_rows(_parts(t, np.zeros([0, 2], "int64"), t.normal(0), [0, 2]), 1.0)
    _out(t, filled)
    t.out(is_empty)


# --- functions ----------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "int32", "int64"])
def from_dense(tf, t, dtype):
    dense = t.feed(np.array([[0, 1, 0], [2, 0, -3]], dtype))
    result = tf.sparse.from_dense(dense)
    _out(t, result)
    if dtype == "float32":
        t.grad(result.values, dense)


@case.each(axis=[None, 0, 1, 2, -1, -3])
def expand_dims(tf, t, axis):
    result = tf.sparse.expand_dims(_a(t), axis)
    _out_without_shapes(t, result)


@case
def expand_dims_by_float(tf, t):
    tf.sparse.expand_dims(_a(t), 1.5)


@case
def eye(tf, t):
    _out(t, tf.sparse.eye(3))
    _out(t, tf.sparse.eye(2, 4, tf.int32, name="wide"))
    _out(t, tf.sparse.eye(t.feed(np.int32(3)), 2))


@case
def transpose_to_reversed(tf, t):
    t.values_only()
    _out_without_shapes(t, tf.sparse_transpose(_a(t)))
    _out_without_shapes(t, tf.sparse.transpose(_a(t, known=False)))


@case.each(perm=[[0, 1], [1, 0]])
def transpose(tf, t, perm):
    sparse = _a(t)
    result = tf.sparse_transpose(sparse, perm)
    _out(t, result)
    _out(t, tf.sparse.transpose(_a(t, known=False), perm, name="unknown"))
    t.grad(result.values, sparse.values)


@case
def retain(tf, t):
    sparse = _a(t)
    result = tf.sparse_retain(sparse, t.feed(np.array([True, False, True, True])))
    _out(t, result)
    _out(t, tf.sparse.retain(_a(t, "string", known=None), t.feed(np.array([False, False, True, True]), [None])))
    t.grad(result.values, sparse.values)


@case
def retain_of_other_length(tf, t):
    tf.sparse_retain(_a(t), [True, False])


@case
def reset_shape(tf, t):
    t.values_only()
    _out(t, tf.sparse_reset_shape(_a(t)))
    _out(t, tf.sparse_reset_shape(_a(t), [5, 4]))
    _out(t, tf.sparse.reset_shape(_a(t, known=False), [5, 4]))
    _out(t, tf.sparse.reset_shape(_a(t), t.feed(np.array([5, 4]))))


@case
def reset_shape_to_less(tf, t):
    tf.sparse_reset_shape(_a(t), [2, 4])


@case
def reset_shape_to_less_when_run(tf, t):
    _out(t, tf.sparse_reset_shape(_a(t), t.feed(np.array([2, 4]))))


@case
def reset_shape_to_other_rank(tf, t):
    tf.sparse_reset_shape(_a(t), [3, 4, 5])


@case
def reset_shape_of_nothing(tf, t):
    empty = tf.SparseTensor(np.zeros([0, 2], "int64"), np.zeros([0], "float32"), [3, 4])
    _out(t, tf.sparse_reset_shape(empty))


def _ids(t, dtype="int64"):
    return _parts(t, [[0, 0], [1, 0], [1, 1]], np.array([2, 5, 0], dtype), [3, 2])


@case.each(dtype=["int64", "int32"])
def to_indicator(tf, t, dtype):
    t.out(tf.sparse_to_indicator(_ids(t, dtype), 6), tf.sparse.to_indicator(_ids(t, dtype), 7, name="marks"))


@case.each(already_sorted=[True, False])
def merge(tf, t, already_sorted):
    values = _parts(t, [[0, 0], [1, 0], [1, 1]], t.normal(3), [3, 2])
    _out(t, tf.sparse_merge(_ids(t), values, 6, already_sorted=already_sorted))
    _out(t, tf.sparse_merge([_ids(t), _ids(t, "int32")], values, [6, 7], "two", already_sorted))


@case
def merge_of_unequal_lists(tf, t):
    tf.sparse_merge([_ids(t)], _ids(t), [6, 7])


@case
def merge_of_wrong_size(tf, t):
    tf.sparse_merge(_ids(t), _ids(t), 6.5)


@case
def merge_of_wrong_sizes(tf, t):
    tf.sparse_merge([_ids(t)], _ids(t), 6)


@case
def of_dense(tf, t):
    tf.sparse_reorder(tf.ones([2, 2]))
