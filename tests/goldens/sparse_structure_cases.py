"""Sparse tensors joined, cut, reordered and made, with their gradients and failures."""

import numpy as np
from op_recording import Cases
from sparse_inputs import SHAPE, out, out_without_shapes, parts, some_values, tensor_a, tensor_b

case = Cases()

# --- structure ----------------------------------------------------------------------------------------------------


@case.each(axis=[0, 1, -1, -2])
def concat(tf, t, axis):
    out(t, tf.sparse_concat(axis, [tensor_a(t), tensor_b(t), tensor_a(t)], name="joined"))


@case.each(dtype=["string", "bool", "int8", "uint16", "complex64", "float16"])
def concat_types(tf, t, dtype):
    out(t, tf.sparse.concat(1, [tensor_a(t, dtype), tensor_b(t, dtype)]))


@case.each(axis=[0, 1, -1])
def concat_expanding(tf, t, axis):
    b = tf.SparseTensor([[0, 5], [4, 0]], t.feed(t.normal(2)), [5, 6])
    out(t, tf.sparse_concat(axis, [tensor_a(t), b], expand_nonconcat_dim=True))


@case
def concat_of_unknown(tf, t):
    out(t, tf.sparse.concat(1, [tensor_a(t, known=False), tensor_b(t, known=False)]))
    out(t, tf.sparse.concat(0, [tensor_a(t, known=None), tensor_b(t, known=False)]))


@case
def concat_of_one(tf, t):
    out(t, tf.sparse_concat(0, [tensor_a(t)]))


@case
def concat_of_other_shape(tf, t):
    out(t, tf.sparse_concat(0, [tensor_a(t), tf.SparseTensor([[0, 5]], [1.0], [3, 6])]))


@case
def concat_of_other_rank(tf, t):
    out(t, tf.sparse_concat(0, [tensor_a(t), tf.SparseTensor([[0]], [1.0], [3])]))


@case
def concat_of_wrong_axis(tf, t):
    out(t, tf.sparse_concat(2, [tensor_a(t, known=False), tensor_b(t, known=False)]))


@case
def concat_of_no_list(tf, t):
    tf.sparse_concat(0, tensor_a(t))


@case.each(axis=[0, 1, -1])
def split(tf, t, axis):
    for part in tf.sparse_split(sp_input=tensor_b(t), num_split=3, axis=axis):
        out(t, part)


@case
def split_strings(tf, t):
    for part in tf.sparse.split(sp_input=tensor_a(t, "string", known=None), num_split=2, axis=1, name="parts"):
        out(t, part)


@case
def split_in_too_many(tf, t):
    t.out(tf.sparse_split(sp_input=tensor_a(t), num_split=5, axis=1)[0].values)


@case
def split_along_wrong_axis(tf, t):
    t.out(tf.sparse_split(sp_input=tensor_a(t), num_split=2, axis=3)[0].values)


@case
def split_without_axis(tf, t):
    tf.sparse_split(sp_input=tensor_a(t), num_split=2)


@case
def split_by_position(tf, t):
    tf.sparse_split(tensor_a(t), 2, 1)


UNORDERED = [[2, 2], [0, 3], [1, 0], [0, 1], [1, 0]]


@case.each(dtype=["float32", "string", "bool", "uint16"])
def reorder(tf, t, dtype):
    sparse = parts(t, UNORDERED, some_values(t, 5, dtype), SHAPE)
    result = tf.sparse_reorder(sparse)
    out(t, result)
    out(t, tf.sparse.reorder(parts(t, UNORDERED, some_values(t, 5, dtype), SHAPE, False), name="unknown"))
    if dtype == "float32":
        t.grad(result.values, sparse.values)


@case
def reorder_huge(tf, t):
    big = 2**30
    sparse = tf.SparseTensor([[1, big - 1, 3], [0, big - 5, big], [1, 0, 7]], t.feed(t.normal(3)), [2, big, 2 * big])
    out(t, tf.sparse_reorder(sparse))


@case.each(new_shape=[[4, 3], [12], [2, -1], [1, 2, 3, 2], [-1], [3, 4]])
def reshape(tf, t, new_shape):
    sparse = tensor_a(t)
    result = tf.sparse_reshape(sparse, new_shape)
    out(t, result)
    out(t, tf.sparse.reshape(tensor_a(t, known=False), new_shape, name="r"))
    t.grad(result.values, sparse.values)


@case
def reshape_to_unknown(tf, t):
    out(t, tf.sparse_reshape(tensor_a(t), t.feed(np.array([6, -1]), [2])))
    out(t, tf.sparse_reshape(tensor_a(t), t.feed(np.array([6, -1]), [None])))


@case.each(new_shape=[[5, 3], [-1, -1], [7, -1], [-2, 6]])
def reshape_wrong(tf, t, new_shape):
    tf.sparse_reshape(tensor_a(t), new_shape)


@case.each(new_shape=[[5, 3], [-1, -1], [7, -1], [0, -1]])
def reshape_wrong_when_run(tf, t, new_shape):
    out(t, tf.sparse_reshape(tensor_a(t, known=False), new_shape))


@case.each(box=[([0, 0], [3, 4]), ([1, 0], [1, 2]), ([0, 2], [5, 9]), ([2, 4], [1, 1])])
def slice_(tf, t, box):
    sparse = tensor_b(t)
    result = tf.sparse_slice(sparse, *box)
    out(t, result)
    t.grad(result.values, sparse.values)


@case
def slice_strings(tf, t):
    out(t, tf.sparse.slice(tensor_a(t, "string", known=None), [0, 1], [2, 2], name="s"))


@case
def slice_of_wrong_rank(tf, t):
    out(t, tf.sparse.slice(tensor_a(t), [0], [2]))


@case.each(dtype=["float32", "string", "int64", "bool"])
def fill_empty_rows(tf, t, dtype):
    sparse = parts(t, [[0, 1], [0, 3], [2, 0], [3, 1]], some_values(t, 4, dtype), [6, 4])
    default = {"string": "zz", "bool": True}.get(dtype, 7)
    default = t.feed(np.array(7, dtype)) if dtype == "float32" else default
    filled, is_empty = tf.sparse_fill_empty_rows(sparse, default)
    out(t, filled)
    t.out(is_empty)
    if dtype == "float32":
        t.grad(filled.values, [sparse.values, default])


@case
def fill_empty_rows_of_unknown(tf, t):
    sparse = parts(t, [[1, 1], [1, 0], [0, 1]], t.normal(3), [4, 2], None)
    filled, is_empty = tf.sparse.fill_empty_rows(sparse, 1.0, "f")
    out(t, filled)
    t.out(is_empty)


@case
def fill_empty_rows_out_of_range(tf, t):
    filled, _ = tf.sparse.fill_empty_rows(parts(t, [[7, 1]], t.normal(1), [4, 2]), 1.0)
    out(t, filled)


@case
def fill_no_rows(tf, t):
    filled, is_empty = tf.sparse.fill_empty_rows(parts(t, np.zeros([0, 2], "int64"), t.normal(0), [0, 2]), 1.0)
    out(t, filled)
    t.out(is_empty)


# --- functions ----------------------------------------------------------------------------------------------------


@case.each(dtype=["float32", "int32", "int64"])
def from_dense(tf, t, dtype):
    dense = t.feed(np.array([[0, 1, 0], [2, 0, -3]], dtype))
    result = tf.sparse.from_dense(dense)
    out(t, result)
    if dtype == "float32":
        t.grad(result.values, dense)


@case.each(axis=[None, 0, 1, 2, -1, -3])
def expand_dims(tf, t, axis):
    result = tf.sparse.expand_dims(tensor_a(t), axis)
    out_without_shapes(t, result)


@case
def expand_dims_by_float(tf, t):
    tf.sparse.expand_dims(tensor_a(t), 1.5)


@case
def eye(tf, t):
    out(t, tf.sparse.eye(3))
    out(t, tf.sparse.eye(2, 4, tf.int32, name="wide"))
    out(t, tf.sparse.eye(t.feed(np.int32(3)), 2))


@case
def transpose_to_reversed(tf, t):
    t.values_only()
    out_without_shapes(t, tf.sparse_transpose(tensor_a(t)))
    out_without_shapes(t, tf.sparse.transpose(tensor_a(t, known=False)))


@case.each(perm=[[0, 1], [1, 0]])
def transpose(tf, t, perm):
    sparse = tensor_a(t)
    result = tf.sparse_transpose(sparse, perm)
    out(t, result)
    out(t, tf.sparse.transpose(tensor_a(t, known=False), perm, name="unknown"))
    t.grad(result.values, sparse.values)


@case
def retain(tf, t):
    sparse = tensor_a(t)
    result = tf.sparse_retain(sparse, t.feed(np.array([True, False, True, True])))
    out(t, result)
    out(t, tf.sparse.retain(tensor_a(t, "string", known=None), t.feed(np.array([False, False, True, True]), [None])))
    t.grad(result.values, sparse.values)


@case
def retain_of_other_length(tf, t):
    tf.sparse_retain(tensor_a(t), [True, False])


@case
def reset_shape(tf, t):
    t.values_only()
    out(t, tf.sparse_reset_shape(tensor_a(t)))
    out(t, tf.sparse_reset_shape(tensor_a(t), [5, 4]))
    out(t, tf.sparse.reset_shape(tensor_a(t, known=False), [5, 4]))
    out(t, tf.sparse.reset_shape(tensor_a(t), t.feed(np.array([5, 4]))))


@case
def reset_shape_to_less(tf, t):
    tf.sparse_reset_shape(tensor_a(t), [2, 4])


@case
def reset_shape_to_less_when_run(tf, t):
    out(t, tf.sparse_reset_shape(tensor_a(t), t.feed(np.array([2, 4]))))


@case
def reset_shape_to_other_rank(tf, t):
    tf.sparse_reset_shape(tensor_a(t), [3, 4, 5])


@case
def reset_shape_of_nothing(tf, t):
    empty = tf.SparseTensor(np.zeros([0, 2], "int64"), np.zeros([0], "float32"), [3, 4])
    out(t, tf.sparse_reset_shape(empty))


def _ids(t, dtype="int64"):
    return parts(t, [[0, 0], [1, 0], [1, 1]], np.array([2, 5, 0], dtype), [3, 2])


@case.each(dtype=["int64", "int32"])
def to_indicator(tf, t, dtype):
    t.out(tf.sparse_to_indicator(_ids(t, dtype), 6), tf.sparse.to_indicator(_ids(t, dtype), 7, name="marks"))


@case.each(already_sorted=[True, False])
def merge(tf, t, already_sorted):
    values = parts(t, [[0, 0], [1, 0], [1, 1]], t.normal(3), [3, 2])
    out(t, tf.sparse_merge(_ids(t), values, 6, already_sorted=already_sorted))
    out(t, tf.sparse_merge([_ids(t), _ids(t, "int32")], values, [6, 7], "two", already_sorted))


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
