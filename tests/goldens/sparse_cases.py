"""Arithmetic of sparse tensors, dense ones made of them, and reductions, with their gradients and failures."""

import numpy as np
from op_recording import Cases
from sparse_inputs import A_INDICES, B_INDICES, SHAPE, out, parts, some_values, tensor_a, tensor_b

case = Cases()

# --- dense --------------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "float64", "int32", "int64", "uint8", "int8", "string", "bool", "complex64", "float16"])
def to_dense(tf, t, dtype):
    sparse = tensor_a(t, dtype)
    t.out(tf.sparse.to_dense(sparse, default_value="" if dtype == "string" else None, name="dense"))


@case
def to_dense_with_default(tf, t):
    sparse, default = tensor_a(t), t.feed(np.float32(7))
    dense = t.out(tf.sparse_tensor_to_dense(sparse, default))
    t.grad(dense, [sparse.values, default])


@case
def to_dense_of_unknown_shape(tf, t):
    t.out(tf.sparse.to_dense(tensor_a(t, known=False)), tf.sparse.to_dense(tensor_a(t, known=None)))


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
    sparse, dense = tensor_a(t, dtype), t.feed(some_values(t, 12, dtype).reshape(3, 4))
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
    t.out(tf.sparse_add(tensor_a(t), t.feed(t.normal(1, 4))))


@case
def add_dense_of_other_rank(tf, t):
    t.out(tf.sparse_add(tensor_a(t), t.feed(t.normal(4))))


@case.each(op=["mul", "truediv", "div"])
def cwise(tf, t, op):
    for dense_shape in ([3, 4], [3, 1], [4], [1, 1], []):
        sparse = tensor_a(t)
        dense = t.feed(np.abs(t.normal(*dense_shape)) + np.float32(0.5))
        result = getattr(sparse, "__%s__" % op)(dense)
        out(t, result)


@case.each(op=["mul", "truediv"])
def cwise_gradient(tf, t, op):
    sparse, dense = tensor_a(t), t.feed(np.abs(t.normal(3, 1)) + np.float32(0.5))
    result = getattr(sparse, "__%s__" % op)(dense)
    t.grad(result.values, [sparse.values, dense])


@case
def cwise_gradient_of_vector(tf, t):
    sparse, dense = tensor_a(t), t.feed(t.normal(4))
    t.grad((sparse * dense).values, [sparse.values, dense])


@case.each(dtype=["int32", "int64", "uint8", "int8", "int16", "float16", "float64"])
def cwise_types(tf, t, dtype):
    sparse, dense = tensor_a(t, dtype), t.feed(np.array([[3], [2], [5]], dtype))
    out(t, sparse * dense)
    out(t, sparse.__div__(dense))
    out(t, dense * sparse)
    if dtype != "float16":
        out(t, sparse / dense)


@case
def cwise_with_python_number(tf, t):
    out(t, tensor_a(t) * 2)
    out(t, tensor_a(t) / 4.0)


@case
def cwise_truediv_of_other_type(tf, t):
    tensor_a(t) / tf.constant([1.0], tf.float64)


@case
def cwise_wrong_shape(tf, t):
    t.out((tensor_a(t) * t.feed(t.normal(3, 2))).values)


@case
def cwise_add(tf, t):
    sparse, dense = tensor_a(t), t.feed(t.normal(3, 1))
    t.out(tf.raw_ops.SparseDenseCwiseAdd(
        sp_indices=sparse.indices, sp_values=sparse.values, sp_shape=sparse.dense_shape, dense=dense
    ))


@case.each(adjoint=["", "a", "b", "ab"])
def matmul(tf, t, adjoint):
    sparse = tensor_a(t)
    b = t.feed(t.normal(*{"": [4, 2], "a": [3, 2], "b": [2, 4], "ab": [2, 3]}[adjoint]))
    product = t.out(tf.sparse_tensor_dense_matmul(sparse, b, "a" in adjoint, "b" in adjoint))
    t.grad(product, [sparse.values, b])


@case.each(dtype=["float64", "int32", "complex64", "complex128"])
def matmul_types(tf, t, dtype):
    sparse, b = tensor_a(t, dtype), t.feed(some_values(t, 8, dtype).reshape(4, 2))
    t.out(tf.sparse.matmul(sparse, b), tf.sparse.matmul(sparse, tf.reshape(b, [2, 4]), adjoint_b=True, name="m"))


@case
def matmul_of_unknown_shape(tf, t):
    t.out(tf.sparse.sparse_dense_matmul(tensor_a(t, known=False), t.feed(t.normal(4, 3), [None, 3])))


@case
def matmul_of_wrong_shape(tf, t):
    tf.sparse.matmul(tensor_a(t), t.feed(t.normal(3, 2)))


@case
def matmul_of_wrong_shape_when_run(tf, t):
    t.out(tf.sparse.matmul(tensor_a(t, known=False), t.feed(t.normal(3, 2))))


@case
def matmul_out_of_bounds(tf, t):
    t.out(tf.sparse.matmul(tf.SparseTensor(t.feed(np.array([[0, 7]])), [1.0], SHAPE), t.feed(t.normal(4, 2))))


@case
def matmul_of_nothing(tf, t):
    empty = tf.SparseTensor(np.zeros([0, 2], "int64"), np.zeros([0], "float32"), [3, 4])
    t.out(tf.sparse.matmul(empty, t.feed(t.normal(4, 2))), tf.sparse.matmul(tensor_a(t), np.zeros([4, 0], "float32")))


# --- arithmetic ---------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "float64", "int32", "int64", "int8", "int16", "complex64"])
def add(tf, t, dtype):
    a, b = tensor_a(t, dtype), tensor_b(t, dtype)
    result = tf.sparse_add(a, b)
    out(t, result)
    if dtype == "float32":
        t.grad(result.values, [a.values, b.values])


@case
def add_of_unknown_shape(tf, t):
    out(t, tf.sparse.add(tensor_a(t, known=False), tensor_b(t, known=None)))


@case.each(threshold=[0, 0.1, 0.5, 2.0])
def add_with_threshold(tf, t, threshold):
    a = tf.SparseTensor(A_INDICES, t.feed(np.array([0.05, 1, -1, 3], "float32")), SHAPE)
    b = tf.SparseTensor(B_INDICES, t.feed(np.array([0.01, -1.25, 1, 0.7, 9], "float32")), SHAPE)
    result = tf.sparse_add(a, b, threshold)
    out(t, result)
    t.grad(result.values, [a.values, b.values])


@case
def add_unsorted(tf, t):
    a = tf.SparseTensor([[2, 0], [0, 1], [1, 1], [1, 1]], t.feed(t.normal(4)), SHAPE)
    b = tf.SparseTensor([[0, 1], [2, 0], [1, 1]], t.feed(t.normal(3)), SHAPE)
    out(t, tf.sparse_add(a, b))


@case
def add_of_values(tf, t):
    value = tf.SparseTensorValue(A_INDICES, np.arange(4.0), SHAPE)
    out(t, tf.sparse_add(value, value, thresh=0.5))
    t.out(tf.sparse_add(value, np.ones(SHAPE)))


@case
def add_of_other_shape(tf, t):
    tf.sparse_add(tensor_a(t), tf.SparseTensor([[0, 0]], [1.0], [3, 5]))


@case
def add_of_other_shape_when_run(tf, t):
    out(t, tf.sparse_add(tensor_a(t), parts(t, [[0, 0]], t.normal(1), [3, 5], False)))


@case
def add_of_other_rank(tf, t):
    out(t, tf.sparse_add(tensor_a(t, known=None), parts(t, [[0]], t.normal(1), [3], None)))


@case
def add_of_dense(tf, t):
    tf.sparse_add(tf.ones([2]), tf.ones([2]))


@case.each(function=["maximum", "minimum"])
def extremum(tf, t, function):
    for dtype in ("float32", "int32", "uint8", "int64"):
        out(t, getattr(tf.sparse, function)(tensor_a(t, dtype), tensor_b(t, dtype)))
    out(t, getattr(tf, "sparse_" + function)(tensor_a(t, known=False), tensor_b(t, known=None), name="unknown"))


@case
def extremum_of_other_shape(tf, t):
    out(t, tf.sparse.maximum(tensor_a(t), tf.SparseTensor([[0, 0]], [1.0], [3, 5])))


@case
def maximum_gradient(tf, t):
    a = tensor_a(t)
    t.grad(tf.sparse.maximum(a, tensor_b(t)).values, a.values)


@case.each(dtype=["float32", "float64"])
def softmax(tf, t, dtype):
    sparse = parts(t, [[0, 0, 1], [0, 0, 2], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 2]], t.normal(6, dtype=dtype),
                    [2, 2, 3])
    result = tf.sparse_softmax(sparse)
    out(t, result)
    t.grad(result.values, [sparse.values])


@case
def softmax_of_vector(tf, t):
    out(t, tf.sparse.softmax(parts(t, [[0], [2]], t.normal(2), [3])))


@case
def unary_functions(tf, t):
    a = tensor_a(t)
    for function in (tf.abs, tf.negative, tf.sign, tf.square, tf.tanh, tf.erf, tf.math.bessel_i0e, tf.math.bessel_i1e):
        out(t, function(a))
    out(t, tf.sqrt(tf.square(a)))
    out(t, tf.square(a, name="named"))


@case
def unary_function_without_sparse_form(tf, t):
    tf.exp(tensor_a(t))


# --- reductions ---------------------------------------------------------------------------------------------------

CUBE = [[0, 0, 1], [0, 0, 2], [0, 1, 0], [1, 1, 0], [1, 1, 1], [1, 1, 2], [2, 0, 0]]


def _cube(t, dtype="float32", known=True):
    return parts(t, CUBE, some_values(t, 7, dtype), [3, 2, 3], known)


@case.each(axis=[None, 0, 1, -1, [0, 1], [0, 2], [-1, 1], [0, 1, 2], []])
def reduce_sum(tf, t, axis):
    sparse = _cube(t)
    first = tf.sparse_reduce_sum(sparse, axis)
    t.out(first, tf.sparse.reduce_sum(sparse, axis, keepdims=True))
    t.out(tf.sparse.reduce_max(sparse, axis), tf.sparse_reduce_max(sparse, axis, keepdims=True))
    out(t, tf.sparse.reduce_sum_sparse(sparse, axis))
    out(t, tf.sparse.reduce_max_sparse(sparse, axis))
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
    out(t, tf.sparse.reduce_max_sparse(empty, 0))


@case
def reduce_with_old_names(tf, t):
    t.out(tf.sparse_reduce_sum(_cube(t), reduction_axes=[1], keep_dims=True))


@case
def reduce_with_both_names(tf, t):
    tf.sparse_reduce_sum(_cube(t), axis=1, reduction_axes=[1])
