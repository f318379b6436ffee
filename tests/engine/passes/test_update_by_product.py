"""Large gradients that go into the variable with the product that makes them."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine.passes import update_by_product as module
from reflow.ops.native import outer_products
from tests.engine.passes.plans import plan_of, types

_OPTIMIZERS = {
    "descent": lambda: tf.train.GradientDescentOptimizer(0.1),
    "momentum": lambda: tf.train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: tf.train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: tf.train.AdamOptimizer(0.1),
}


@pytest.fixture(autouse=True)
def small_is_large(monkeypatch):
    monkeypatch.setattr(module, "_LEAST_ELEMENTS", 12)
    monkeypatch.setattr(module, "_LEAST_FOR_ADAM", 12)


def _net(use_resource=False, dtype=tf.float32):
    """A placeholder, and the loss of two dense layers over it: weights of 4x6 and 6x1 numbers."""
    random = np.random.RandomState(1)
    x = tf.placeholder(dtype, [3, 4])
    w, v = (tf.get_variable(name, initializer=random.randn(*shape).astype(dtype.as_numpy_dtype),
                            use_resource=use_resource) for name, shape in (("w", (4, 6)), ("v", (6, 1))))  # fmt: skip
    return x, tf.reduce_sum(tf.square(tf.matmul(tf.tanh(tf.matmul(x, w)), v)))


@pytest.mark.parametrize("use_resource", [False, True])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
@pytest.mark.parametrize(("optimizer", "merged"), [("descent", 1), ("momentum", 1), ("nesterov", 0), ("adam", 0)])
def test_training(optimizer, merged, dtype, use_resource, monkeypatch):
    results = []
    if optimizer == "adam" and dtype is tf.float32 and outer_products.load() is not None:
        merged = 1
    for disabled in ("", "update_by_product"):
        monkeypatch.setenv("REFLOW_DISABLE_PASSES", disabled)
        with tf.Graph().as_default():
            x, loss = _net(use_resource, dtype)
            train = _OPTIMIZERS[optimizer]().minimize(loss)
            assert types(plan_of([loss], [x], [disabled], [train])).count("_ApplyProduct") == (
                0 if disabled else merged
            )
            data = np.random.RandomState(2).randn(3, 4)
            with tf.Session() as session:
                session.run(tf.global_variables_initializer())
                losses = [session.run([loss, train], {x: data})[0] for _ in range(5)]
                results.append([losses, *session.run(tf.global_variables())])
    for got, want in zip(*results, strict=True):
        np.testing.assert_allclose(got, want, rtol=1e-4, atol=1e-6)


def test_a_gradient_that_others_take_stays():
    x, loss = _net()
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    norm = tf.global_norm([gradient for gradient, _ in pairs])
    train = optimizer.apply_gradients(pairs)
    assert "_ApplyProduct" not in types(plan_of([norm], [x], targets=[train]))
    assert "_ApplyProduct" not in types(plan_of([pairs[0][0]], [x], targets=[train]))
    assert "_ApplyProduct" in types(plan_of([loss], [x], targets=[train]))


def test_an_update_whose_result_is_fetched_stays():
    x, loss = _net()
    w = tf.trainable_variables()[0]
    update = tf.raw_ops.ApplyGradientDescent(var=w._ref(), alpha=0.1, delta=tf.gradients(loss, w)[0])
    assert "_ApplyProduct" not in types(plan_of([update], [x]))


def test_a_small_gradient_stays(monkeypatch):
    monkeypatch.setattr(module, "_LEAST_ELEMENTS", 25)
    x, loss = _net()
    train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
    assert "_ApplyProduct" not in types(plan_of([loss], [x], targets=[train]))


def test_a_transposed_weight():
    """The gradient of a matrix that is used transposed is a product with other transpositions."""
    x = tf.placeholder(tf.float32, [3, 4])
    w = tf.Variable(np.arange(24, dtype=np.float32).reshape(6, 4) / 24)
    loss = tf.reduce_sum(tf.square(tf.matmul(x, w, transpose_b=True)))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    assert "_ApplyProduct" in types(plan_of([loss], [x], targets=[train]))
    data = np.random.RandomState(0).randn(3, 4).astype(np.float32)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        before, gradient = session.run([w, tf.gradients(loss, w)[0]], {x: data})
        session.run(train, {x: data})
        np.testing.assert_allclose(session.run(w), before - 0.01 * gradient, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("use_resource", [False, True])
def test_a_gradient_that_is_a_product_with_the_variable(use_resource):
    """Of w' A w / 2: A w, with A symmetric."""
    matrix = np.array([[2, 1, 0], [1, 3, 1], [0, 1, 4]], np.float32)
    start = np.arange(12, dtype=np.float32).reshape(3, 4)
    w = tf.get_variable("w", initializer=start, use_resource=use_resource)
    gradient = tf.matmul(tf.placeholder_with_default(matrix, [3, 3]), w)
    train = tf.train.GradientDescentOptimizer(0.1).apply_gradients([(gradient, w)])
    assert "_ApplyProduct" in types(plan_of([], targets=[train]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        np.testing.assert_allclose(session.run(w), start - 0.1 * matrix @ start, rtol=1e-6)


def test_a_product_that_is_run_for_itself_stays():
    x, loss = _net()
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    pairs = optimizer.compute_gradients(loss)
    train = optimizer.apply_gradients(pairs)
    assert "_ApplyProduct" not in types(plan_of([], [x], [], [train, pairs[0][0].op]))
