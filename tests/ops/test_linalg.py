"""Linear algebra against TensorFlow 1.15.5, and against SciPy where TensorFlow's own numbers are of little use."""

import numpy as np
import pytest
import scipy.linalg

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("linalg", float32=2e-4, complex64=2e-4, float16=2e-2, float64=1e-8, complex128=1e-8)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.fixture
def random():
    return np.random.RandomState(0)


def evaluate(tensor):
    with tf.Session() as session:
        return session.run(tensor)


@pytest.mark.parametrize("size", [1, 2, 7, 30])
@pytest.mark.parametrize("kind", ["real", "complex", "triangular", "defective", "scaled"])
def test_square_root_and_logarithm_as_scipy(random, size, kind):
    matrix = random.randn(size, size) + 1j * random.randn(size, size)
    if kind == "real":
        matrix = random.randn(size, size) / np.sqrt(size) + 3 * np.eye(size)
    elif kind == "triangular":
        matrix = np.triu(matrix) + 2 * np.eye(size)
    elif kind == "defective":
        matrix = 2 * np.eye(size, dtype=complex) + np.eye(size, k=1)
    elif kind == "scaled":
        matrix = 1e6 * matrix
    root = evaluate(tf.linalg.sqrtm(tf.constant(matrix)))
    np.testing.assert_allclose(root, scipy.linalg.sqrtm(matrix), rtol=1e-8, atol=1e-9 * np.abs(root).max())
    np.testing.assert_allclose(root @ root, matrix, rtol=1e-8, atol=1e-9 * np.abs(matrix).max())
    logarithm = evaluate(tf.linalg.logm(tf.constant(matrix + 0j)))
    np.testing.assert_allclose(logarithm, scipy.linalg.logm(matrix + 0j), rtol=1e-7, atol=1e-8)


@pytest.mark.parametrize("dtype", ["float32", "float64", "complex64", "complex128"])
@pytest.mark.parametrize("shape", [(5, 5), (7, 4), (4, 7), (0, 3), (3, 0), (0, 0), (2, 0, 3)])
def test_factors_make_the_matrix_again(random, dtype, shape):
    matrix = random.randn(*shape).astype(dtype)
    if "complex" in dtype:
        matrix = (matrix + 1j * random.randn(*shape)).astype(dtype)
    x = tf.constant(matrix)
    for full in (False, True):
        s, u, v = evaluate(tf.svd(x, full_matrices=full))
        k = min(shape[-2:])
        tolerance = 1e-4 if dtype in ("float32", "complex64") else 1e-10
        again = (u[..., :k] * s[..., None, :]) @ np.swapaxes(v[..., :k].conj(), -1, -2)
        np.testing.assert_allclose(again, matrix, atol=tolerance)
        assert s.dtype == matrix.real.dtype and np.all(np.diff(s, axis=-1) <= 0)
        q, r = evaluate(tf.qr(x, full_matrices=full))
        np.testing.assert_allclose(q @ r, matrix, atol=tolerance)
        np.testing.assert_array_equal(r, np.triu(r))


@pytest.mark.parametrize("dtype", ["float64", "complex128"])
def test_gradient_of_the_exponential(random, dtype):
    matrix = random.randn(3, 3).astype(dtype)
    direction, weights = random.randn(3, 3), random.randn(3, 3)
    if dtype == "complex128":
        matrix = matrix + 1j * random.randn(3, 3)
    x = tf.constant(matrix)
    grad = evaluate(tf.gradients(tf.linalg.expm(x), x, grad_ys=tf.constant(weights.astype(dtype)))[0])
    step = 1e-6 * direction
    difference = (scipy.linalg.expm(matrix + step) - scipy.linalg.expm(matrix - step)) / 2e-6
    np.testing.assert_allclose(np.vdot(weights, difference).real, np.vdot(grad, direction).real, rtol=1e-6)


def test_gradient_of_the_square_root_in_a_batch(random):
    matrix = random.randn(2, 3, 3) / 2 + 3 * np.eye(3)
    x = tf.constant(matrix)
    with tf.Session():
        assert tf.test.compute_gradient_error(x, (2, 3, 3), tf.linalg.sqrtm(x), (2, 3, 3), matrix, 1e-5) < 1e-6


def test_large_tridiagonal_system(random):
    size = 200
    diagonals, rhs = random.randn(3, size), random.randn(size, 2)
    dense = np.diag(diagonals[1]) + np.diag(diagonals[0, :-1], 1) + np.diag(diagonals[2, 1:], -1)
    solution = evaluate(tf.linalg.tridiagonal_solve(tf.constant(diagonals), tf.constant(rhs)))
    np.testing.assert_allclose(dense @ solution, rhs, atol=1e-7)


def test_singular_tridiagonal_system():
    with pytest.raises(tf.errors.InvalidArgumentError, match="not invertible"):
        evaluate(tf.linalg.tridiagonal_solve(tf.zeros([3, 4]), tf.ones([4, 1])))


def test_lstsq_of_deficient_matrix_says_what_to_do():
    x = tf.constant(np.ones((2, 3, 2), "float32"))
    solution = tf.raw_ops.MatrixSolveLs(matrix=x, rhs=tf.ones([2, 3, 1]), l2_regularizer=0.0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="fast=False"):
        evaluate(solution)


def test_cross_of_unsigned_integers_wraps():
    a, b = np.array([[1, 2, 3]], "uint16"), np.array([[4, 5, 6]], "uint16")
    assert evaluate(tf.cross(tf.constant(a), tf.constant(b))).tolist() == [[65533, 6, 65533]]
