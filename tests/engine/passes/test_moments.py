"""Mean and variance in one call, where a program writes batch normalization out of single ops."""

import numpy as np
import pytest

import reflow as tf
from tests.engine.passes.plans import compared, plan_of, random_feed, types


@pytest.mark.parametrize("shape, axes", [([4, 5, 5, 3], [0, 1, 2]), ([4, 3, 5, 5], [0, 2, 3])])
def test_moments_are_one_call(shape, axes):
    x = tf.placeholder(tf.float32, shape)
    with_pass, without = compared(tf.nn.moments(x, axes), random_feed(x), "moments", rtol=3e-5)
    assert "_Moments" in types(with_pass) and "SquaredDifference" not in types(with_pass)
    assert "SquaredDifference" in types(without)


def test_batch_normalization_and_its_gradient():
    x, scale, offset = (tf.placeholder(tf.float32, s) for s in ([8, 6, 6, 3], [3], [3]))
    mean, variance = tf.nn.moments(x, [0, 1, 2])
    y = tf.nn.batch_normalization(x, mean, variance, offset, scale, 1e-3)
    fetches = [y, mean, variance, *tf.gradients(tf.reduce_sum(tf.sin(y)), [x, scale, offset])]
    with_pass, _ = compared(fetches, random_feed(x, scale, offset), "moments", rtol=1e-4, atol=1e-5)
    assert types(with_pass).count("_Moments") == 1 and "_AddProduct" in types(with_pass)


def test_a_layer_in_training():
    x = tf.placeholder(tf.float32, [8, 6, 6, 3])
    y = tf.layers.batch_normalization(x, training=True, fused=False)
    assert "_Moments" in types(plan_of([y], [x]))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        got = session.run(y, random_feed(x))
    np.testing.assert_allclose(got.mean((0, 1, 2)), 0, atol=1e-5)
    np.testing.assert_allclose(got.std((0, 1, 2)), 1, atol=2e-3)


@pytest.mark.parametrize("program", [
    lambda x: tf.nn.moments(x, [1, 2]), lambda x: tf.nn.moments(x[:, 0, 0], [0]),
    lambda x: tf.nn.moments(x, [0, 1, 2, 3]),
    lambda x: [tf.reduce_mean(tf.squared_difference(x, 1.0), [0, 1, 2], keepdims=True)],
    lambda x: [tf.nn.moments(x, [0, 1, 2])[1], tf.squared_difference(x, tf.reduce_mean(x, [0, 1, 2], keepdims=True))],
])  # fmt: skip
def test_other_variances_stay(program):
    x = tf.placeholder(tf.float32, [4, 5, 5, 3])
    plan, _ = compared(program(x), random_feed(x), "moments")
    assert "_Moments" not in types(plan)
