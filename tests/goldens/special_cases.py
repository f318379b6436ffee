"""Special functions of several numbers, and their gradients."""

import numpy as np
from op_recording import Cases

case = Cases()


@case.each(dtype=["float32", "float64"])
def incomplete_gamma(tf, t, dtype):
    a = t.feed(t.random.uniform(0.1, 20, (40,)).astype(dtype))
    x = t.feed(t.random.uniform(0.01, 30, (40,)).astype(dtype))
    y, z = tf.igamma(a, x), tf.igammac(a, x)
    t.out(y, z)
    t.grad(y, [a, x])
    t.grad(z, [a, x])


@case
def incomplete_gamma_of_special_values(tf, t):
    a, x = np.meshgrid([0.0, -1.0, 1.0, 2.0, np.inf, np.nan], [0.0, 1.0, -1.0, np.inf, np.nan, 50.0])
    a, x = t.feed(a), t.feed(x)
    t.out(tf.igamma(a, x), tf.igammac(a, x))


@case.each(dtype=["float32", "float64"])
def incomplete_beta(tf, t, dtype):
    a = t.feed(t.random.uniform(0.1, 10, (40,)).astype(dtype))
    b = t.feed(t.random.uniform(0.1, 10, (40,)).astype(dtype))
    x = t.feed(t.random.uniform(0, 1, (40,)).astype(dtype))
    y = t.out(tf.betainc(a, b, x))
    t.grad(y, x)
    t.out(tf.betainc(tf.constant(2.0, tf.as_dtype(dtype)), b, tf.constant(0.25, tf.as_dtype(dtype))))


@case
def incomplete_beta_of_special_values(tf, t):
    a = t.feed(np.array([1.0, 0, 1, -1, 1, 1, 1, 2, np.inf, np.nan, 1]))
    b = t.feed(np.array([1.0, 1, 0, 1, 1, 1, 1, 3, 1, 1, 1]))
    x = t.feed(np.array([0.5, 0.5, 0.5, 0.5, 0, 1, -0.1, 1.1, 0.5, 0.5, np.nan]))
    t.out(tf.betainc(a, b, x))


@case
def incomplete_beta_of_wrong_shapes(tf, t):
    t.out(tf.betainc(t.feed(t.normal(2)), t.feed(t.normal(3)), 0.5))


@case.each(dtype=["float32", "float64"])
def zeta_and_polygamma(tf, t, dtype):
    x = t.feed(t.random.uniform(1.1, 6, (3, 5)).astype(dtype))
    q = t.feed(t.random.uniform(0.2, 8, (5,)).astype(dtype))
    y = t.out(tf.zeta(x, q))
    t.grad(y, [x, q])
    n = t.feed(np.array([[0], [1], [4]], dtype))
    z = t.out(tf.polygamma(n, q))
    t.grad(z, [n, q])


@case
def zeta_of_special_values(tf, t):
    x = t.feed(np.array([1, 0.5, 2, 2, 2, 3, 2.5, -1, 2, 2]))
    q = t.feed(np.array([1, 1, 0, -1, -1.5, -1.5, -1.5, 1, np.inf, np.nan]))
    t.out(tf.zeta(x, q))
    n = t.feed(np.array([0.0, 1, 1.5, -1, 1, 1, 2, 0]))
    t.out(tf.polygamma(n, t.feed(np.array([1.0, 1, 1, 1, 0, -1, -1, 0]))))
