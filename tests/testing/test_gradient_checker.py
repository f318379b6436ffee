"""tf.test.compute_gradient: Jacobians against formulas, and an error where a gradient is wrong."""

import numpy as np
import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def test_both_jacobians_are_the_formulas():
    x = tf.placeholder(tf.float64, [3], name="x")
    point = np.array([0.5, -1.0, 2.0])
    theoretical, numeric = tf.test.compute_gradient(x, [3], x**3, [3], x_init_value=point, delta=1e-4)
    np.testing.assert_allclose(theoretical, np.diag(3 * point**2))
    np.testing.assert_allclose(numeric, np.diag(3 * point**2), atol=1e-6)


def test_rows_are_xs_and_columns_are_ys():
    x = tf.placeholder(tf.float64, [2])
    matrix = np.array([[1.0, 2.0, 3.0], [4.0, 5.0, 6.0]])
    y = tf.reshape(tf.matmul(x[None], tf.constant(matrix)), [3])
    for jacobian in tf.test.compute_gradient(x, [2], y, [3]):
        np.testing.assert_allclose(jacobian, matrix, atol=1e-8)


def test_several_xs():
    x, z = tf.placeholder(tf.float64, [2]), tf.placeholder(tf.float64, [2])
    pairs = tf.test.compute_gradient([x, z], [[2], [2]], x * z, [2], x_init_value=[np.ones(2), np.full(2, 3.0)])
    np.testing.assert_allclose([pair[0] for pair in pairs], [np.eye(2) * 3, np.eye(2)])
    assert tf.test.compute_gradient_error([x, z], [[2], [2]], x * z, [2]) < 1e-8


def test_complex_numbers_count_as_two():
    x = tf.placeholder(tf.complex128, [2])
    theoretical, numeric = tf.test.compute_gradient(x, [2], x * x, [2], x_init_value=np.array([1 + 2j, -1j]))
    assert theoretical.shape == (4, 4)
    np.testing.assert_allclose(theoretical, numeric, atol=1e-8)


def test_slices_are_made_dense():
    x = tf.placeholder(tf.float64, [3, 2])
    assert tf.test.compute_gradient_error(x, [3, 2], tf.gather(x, [0, 2, 2]), [3, 2]) < 1e-8


def test_variables_are_initialized_and_others_fed(session):
    x, scale = tf.placeholder(tf.float64, [2]), tf.placeholder(tf.float64, [])
    v = tf.Variable(np.ones(2))
    error = tf.test.compute_gradient_error(x, [2], x * v * scale, [2], init_targets=tf.global_variables_initializer(),
                                           extra_feed_dict={scale: 4.0})  # fmt: skip
    assert error < 1e-8


def test_empty_tensors():
    x = tf.placeholder(tf.float64, [0, 2])
    assert tf.test.compute_gradient_error(x, [0, 2], x * 2.0, [0, 2]) == 0


def test_a_wrong_gradient_is_found():
    tf.RegisterGradient("TestWrongGradient")(lambda op, grad: grad * 2.5)
    x = tf.placeholder(tf.float64, [2])
    with tf.get_default_graph().gradient_override_map({"Identity": "TestWrongGradient"}):
        y = tf.identity(x)
    assert tf.test.compute_gradient_error(x, [2], y, [2]) == pytest.approx(1.5)


def test_types_without_gradients():
    x = tf.placeholder(tf.int32, [2])
    with pytest.raises(ValueError, match="cannot be checked for its gradient"):
        tf.test.compute_gradient(x, [2], x, [2])
