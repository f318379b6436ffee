"""Ops on sparse tensors against TensorFlow 1.15.5."""

import numpy as np
import torch

import reflow as tf
from reflow.ops.sparse_coordinates import positions_of, row_order
from tests.ops.recorded import Recorded

recorded = Recorded("sparse")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_adjoint_conjugates():
    """TensorFlow 2.21 conjugates both operands; 1.15.5 forgot to conjugate the sparse one."""
    random = np.random.default_rng(0)
    a, b = (random.normal(size=shape) + 1j * random.normal(size=shape) for shape in ((2, 3), (4, 2)))
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.sparse.from_dense(a)
        product = session.run(tf.sparse.matmul(sparse, b, adjoint_a=True, adjoint_b=True))
    np.testing.assert_allclose(product, a.conj().T @ b.conj().T)


def test_slice_beyond_the_end_is_empty():
    """TensorFlow 1.15.5 aborts the process."""
    with tf.Graph().as_default(), tf.Session() as session:
        sparse = tf.SparseTensor([[0, 0]], [1.0], [3, 4])
        value = session.run(tf.sparse.slice(sparse, [5, 0], [1, 2]))
    assert value.dense_shape.tolist() == [0, 2]
    assert value.indices.shape == (0, 2)


def test_rows_too_far_apart_for_positions_are_ordered():
    big = 2**62
    rows = torch.tensor([[1, big, 3], [0, big, big], [1, 0, 7], [0, -big, 0]])
    assert row_order(rows).tolist() == [3, 1, 2, 0]
    assert positions_of(torch.tensor([[1, 0, 7], [1, 0, 8]]), rows).tolist() == [2, -1]
