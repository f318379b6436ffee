"""Small matrices in C: the values of NumPy's LAPACK, and TensorFlow's errors for matrices that are not regular."""

import functools

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import small_matrices as small_matrices_native
from tests.ops.native.sessions import run_natively

RANDOM = np.random.RandomState(0)
_run = functools.partial(run_natively, "native_")


@pytest.fixture(autouse=True)
def _with_a_compiler():
    if small_matrices_native._library() is None:
        pytest.skip("no C compiler")


def _matrices(*shape):
    return RANDOM.randn(*shape).astype(np.float32)


SIZES = [(1, 1), (2, 2), (17, 17), (64, 64), (3, 5, 5), (2, 3, 33, 33)]


@pytest.mark.parametrize("shape", SIZES)
def test_cholesky(shape):
    a = _matrices(*shape)
    positive = a @ a.swapaxes(-1, -2) + shape[-1] * np.eye(shape[-1], dtype=np.float32)
    # Of the input only the lower triangle is read.
    result = _run(tf.cholesky, np.tril(positive) + np.triu(_matrices(*shape), 1))
    np.testing.assert_allclose(result, np.linalg.cholesky(positive.astype(np.float64)), rtol=1e-4, atol=1e-5)
    assert not np.triu(result, 1).any()


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("shape", SIZES)
def test_inverse(shape, adjoint):
    """Also of matrices that cannot do without pivoting."""
    a = _matrices(*shape) + shape[-1] * np.roll(np.eye(shape[-1], dtype=np.float32), 1, 0)
    expected = np.linalg.inv(a.astype(np.float64))
    result = _run(lambda a: tf.matrix_inverse(a, adjoint=adjoint), a)
    np.testing.assert_allclose(result, expected.swapaxes(-1, -2) if adjoint else expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("adjoint", [False, True])
@pytest.mark.parametrize("lower", [False, True])
@pytest.mark.parametrize("shape", SIZES)
def test_triangular_solution(shape, lower, adjoint):
    size = shape[-1]
    a, rhs = _matrices(*shape) + 2 * size * np.eye(size, dtype=np.float32), _matrices(*shape[:-1], 7)
    result = _run(lambda a, b: tf.matrix_triangular_solve(a, b, lower=lower, adjoint=adjoint), a, rhs)
    triangle = (np.tril if lower else np.triu)(a).astype(np.float64)
    expected = np.linalg.solve(triangle.swapaxes(-1, -2) if adjoint else triangle, rhs)
    np.testing.assert_allclose(result, expected, rtol=1e-4, atol=1e-6)


@pytest.mark.parametrize(
    ("build", "message"),
    [
        (tf.matrix_inverse, "Input is not invertible"),
        (tf.cholesky, "Cholesky decomposition was not successful"),
        (lambda a: tf.matrix_triangular_solve(a, a), "Input matrix is not invertible"),
    ],
)
def test_matrices_that_are_not_regular(build, message):
    good, bad = np.eye(2, dtype=np.float32), np.array([[0, 0], [1, 0]], np.float32)
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        _run(build, np.stack([good, bad]))


def test_a_nan_gives_nan_in_a_factor():
    assert np.isnan(_run(tf.cholesky, np.full((2, 2), np.nan, np.float32))).any()


def test_matrices_that_are_not_contiguous():
    a = _matrices(5, 5) + 5 * np.eye(5, dtype=np.float32)
    inverse = np.linalg.inv(a.T.astype(np.float64))
    np.testing.assert_allclose(_run(lambda a: tf.matrix_inverse(tf.transpose(a)), a), inverse, rtol=1e-4, atol=1e-6)
    solution = _run(lambda a: tf.matrix_triangular_solve(tf.transpose(a), tf.transpose(a), lower=False), a)
    np.testing.assert_allclose(solution, np.linalg.solve(np.triu(a.T), a.T), rtol=1e-4, atol=1e-6)


def test_larger_matrices_are_left_to_lapack():
    with tf.Graph().as_default(), tf.Session() as session:
        inverse = tf.matrix_inverse(tf.placeholder(tf.float32, [65, 65], "x"))
        assert "native_" not in session.plan(inverse, {"x:0": np.eye(65)}).source
