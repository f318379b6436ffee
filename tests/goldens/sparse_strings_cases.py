"""Sparse tensors as strings and in a session's map, and crossed features."""

import numpy as np
from op_recording import Cases

case = Cases()

INDICES = [[0, 1], [0, 3], [2, 0], [2, 2], [2, 3]]
TYPES = ["float32", "int64", "int32", "uint8", "bool", "string", "complex64", "float16"]


def _sparse(t, dtype="float32", rank=2):
    values = np.array([b"a", b"", b"ccc", b"dd" * 100, b"e"], object) if dtype == "string" else None
    values = np.array([1, 0, 3, 4, 5]).astype(dtype) if values is None else values
    indices = INDICES if rank == 2 else [[0] * (rank - 2) + row for row in INDICES]
    return t.tf.SparseTensor(indices, t.feed(values), [1] * (rank - 2) + [4, 5])


def _out(t, sparse):
    t.out(sparse.indices, sparse.values, sparse.dense_shape)


@case.each(dtype=TYPES)
def serialize(tf, t, dtype):
    sparse = _sparse(t, dtype)
    one, many = t.out(tf.serialize_sparse(sparse), tf.io.serialize_many_sparse(sparse, name="many"))
    parts = tf.raw_ops.DeserializeSparse(serialized_sparse=one, dtype=tf.as_dtype(dtype))
    t.out(*parts)
    _out(t, tf.deserialize_many_sparse(many, tf.as_dtype(dtype)))
    _out(t, tf.io.deserialize_many_sparse(many, tf.as_dtype(dtype), rank=1, name="ranked"))
    t.out(*tf.raw_ops.DeserializeSparse(serialized_sparse=tf.reshape(many, [2, 2, 3]), dtype=tf.as_dtype(dtype)))


@case
def serialize_variants(tf, t):
    sparse = _sparse(t)
    one = tf.serialize_sparse(sparse, out_type=tf.variant)
    many = tf.serialize_many_sparse(sparse, out_type=tf.variant)
    for serialized in (one, many):
        t.out(*tf.raw_ops.DeserializeSparse(serialized_sparse=serialized, dtype=tf.float32))


@case
def serialize_cubes(tf, t):
    many = tf.serialize_many_sparse(_sparse(t, rank=3))
    _out(t, tf.deserialize_many_sparse(many, tf.float32, 3))


@case
def serialize_many_of_vector(tf, t):
    t.out(tf.serialize_many_sparse(tf.SparseTensor([[0]], [1.0], [2])))


@case
def serialize_dense(tf, t):
    tf.serialize_sparse(tf.ones([2]))


@case
def deserialize_garbage(tf, t):
    _out(t, tf.deserialize_many_sparse(t.feed(np.array([[b"\x01garbage", b"", b"x"]], object)), tf.float32))


@case
def deserialize_other_type(tf, t):
    _out(t, tf.deserialize_many_sparse(tf.serialize_many_sparse(_sparse(t)), tf.int32))


@case
def deserialize_nothing(tf, t):
    _out(t, tf.deserialize_many_sparse(t.feed(np.zeros([0, 3], object)), tf.int32))


@case
def deserialize_other_width(tf, t):
    tf.deserialize_many_sparse([["a", "b"]], tf.int32)


@case
def deserialize_different_ranks(tf, t):
    serialized = [tf.serialize_sparse(_sparse(t)), tf.serialize_sparse(_sparse(t, rank=3))]
    _out(t, tf.deserialize_many_sparse(tf.stack(serialized), tf.float32))


@case.each(dtype=["float32", "string", "int64"])
def tensors_map(tf, t, dtype):
    sparse = _sparse(t, dtype)
    add = dict(sparse_indices=sparse.indices, sparse_values=sparse.values, sparse_shape=sparse.dense_shape)
    handle = tf.raw_ops.AddSparseToTensorsMap(shared_name="map", **add)
    with tf.control_dependencies([handle]):
        handles = tf.raw_ops.AddManySparseToTensorsMap(shared_name="many", **add)
    t.out(handle, handles)
    t.out(*tf.raw_ops.TakeManySparseFromTensorsMap(
        sparse_handles=tf.stack([handle]), dtype=tf.as_dtype(dtype), shared_name="map"
    ))
    t.out(*tf.raw_ops.TakeManySparseFromTensorsMap(
        sparse_handles=handles, dtype=tf.as_dtype(dtype), shared_name="many"
    ))


@case
def take_unknown(tf, t):
    sparse = _sparse(t)
    handle = tf.raw_ops.AddSparseToTensorsMap(
        sparse_indices=sparse.indices, sparse_values=sparse.values, sparse_shape=sparse.dense_shape, shared_name="m"
    )
    t.out(*tf.raw_ops.TakeManySparseFromTensorsMap(
        sparse_handles=tf.stack([handle + 7]), dtype=tf.float32, shared_name="m"
    ))


def _columns(tf, t):
    texts = np.array([b"a", b"b", b"a long text of many bytes"], object)
    texts = tf.SparseTensor([[0, 0], [1, 0], [1, 1]], t.feed(texts), [3, 2])
    numbers = tf.SparseTensor([[0, 0], [0, 1], [1, 0], [2, 0]], t.feed(np.array([1, -2, 3, 4])), [3, 2])
    return texts, numbers, t.feed(np.array([[b"x", b"y"], [b"z", b""], [b"v", b"w"]], object)), t.feed(
        np.array([[1], [2], [3]], "int32")
    )


@case.each(chosen=[[0], [2], [0, 2], [1, 3], [0, 1, 2, 3], [3, 2, 1, 0], [0, 0]])
def cross(tf, t, chosen):
    columns = _columns(tf, t)
    inputs = [columns[i] for i in chosen]
    _out(t, tf.sparse.cross(inputs))
    _out(t, tf.sparse.cross_hashed(inputs))
    _out(t, tf.sparse.cross_hashed(inputs, 100, 1234567, name="hashed"))


@case
def cross_of_tuple(tf, t):
    tf.sparse.cross(_columns(tf, t))


@case
def cross_of_arrays(tf, t):
    tf.sparse.cross([[["a"]]])


@case
def cross_of_other_batch(tf, t):
    _out(t, tf.sparse.cross([t.feed(np.array([[1], [2]])), t.feed(np.array([[1]]))]))
