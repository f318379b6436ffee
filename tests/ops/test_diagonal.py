"""diagonal against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from reflow.graph.build import call
from tests.ops.recorded import Recorded

recorded = Recorded("diagonal")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_several_diagonals_by_public_functions():
    matrix = np.arange(1.0, 13.0, dtype=np.float32).reshape(3, 4)
    with tf.Graph().as_default(), tf.Session() as session:
        part = tf.linalg.diag_part(matrix, k=(-1, 1), padding_value=9)
        back = tf.linalg.diag(part, k=(-1, 1), num_rows=3, num_cols=4)
        other = tf.linalg.set_diag(tf.zeros([3, 4]), part, k=(-1, 1))
        part, back, other = session.run([part, back, other])
    np.testing.assert_array_equal(part, [[2, 7, 12], [1, 6, 11], [5, 10, 9]])
    np.testing.assert_array_equal(back, np.triu(np.tril(matrix, 1), -1))
    np.testing.assert_array_equal(other, back)


@pytest.mark.parametrize("k", [1, (-1, 1), (-2, 0)])
def test_gradients_of_diagonals(k):
    with tf.Graph().as_default(), tf.Session():
        matrix = tf.constant(np.arange(12.0).reshape(3, 4))
        part = tf.linalg.diag_part(matrix, k=k)
        changed = tf.linalg.set_diag(matrix, part * 2, k=k)
        made = tf.linalg.diag(part, k=k)
        for y in (part, changed, made):
            assert tf.test.compute_gradient_error(matrix, [3, 4], y, y.shape.as_list()) < 1e-6


@pytest.mark.parametrize("op", ["MatrixDiag", "MatrixDiagPart", "MatrixSetDiag", "MatrixBandPart"])
def test_ops_of_old_graphs(op):
    """Before GraphDef version 14 these had a prefix."""
    square, vector = np.arange(9.0).reshape(3, 3), np.array([1.0, 2, 3])
    others = {"MatrixDiag": [vector], "MatrixSetDiag": [square, vector], "MatrixBandPart": [square, 1, 0]}
    inputs = others.get(op, [square])
    with tf.Graph().as_default(), tf.Session() as session:
        np.testing.assert_array_equal(*session.run([call(f"Batch{op}", *inputs), call(op, *inputs)]))
