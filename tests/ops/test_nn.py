"""Bias, softmax, cross entropies, normalization, dropout and embeddings against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("nn")


@recorded.each_case
@pytest.mark.filterwarnings("ignore:Converting sparse IndexedSlices")
def test_as_tensorflow(name):
    recorded.check(name)


def evaluate(tensor, feeds=None):
    with tf.Session() as session:
        return session.run(tensor, feeds)


def test_dropout_keeps_the_expected_share():
    x = tf.ones([100_000])
    kept = evaluate(tf.nn.dropout(x, rate=0.25, seed=1))
    assert set(np.unique(kept)) == {0.0, np.float32(1 / 0.75)}
    assert abs((kept != 0).mean() - 0.75) < 0.005


def test_dropout_draws_anew_in_each_run():
    y = tf.nn.dropout(tf.ones([100]), rate=0.5, seed=1)
    with tf.Session() as session:
        first, second = session.run(y), session.run(y)
    assert (first != second).any()


def test_bias_that_does_not_fit_when_run_is_no_broadcast():
    x, b = tf.placeholder(tf.float32, [None, None]), tf.placeholder(tf.float32, [None])
    kept = tf.boolean_mask(b, b > 0)
    with pytest.raises(tf.errors.InvalidArgumentError, match="as many biases"):
        evaluate(tf.nn.bias_add(x, kept), {x: np.ones((2, 3)), b: [1.0, -1.0]})


@pytest.mark.parametrize(("shape", "bias", "data_format", "words"), [
    ((2,), (2,), "NHWC", r"Input tensor must be at least 2D: \[2\]"),
    ((), (2,), "NHWC", r"Input tensor must be at least 2D: \[\]"),
    ((2, 3), (3,), "NCHW", r"Input tensor must be at least 3D: \[2,3\]"),
    ((2, 3), (), "NHWC", r"Biases must be 1D: \[\]"),
    ((2, 3), (2, 3), "NHWC", r"Biases must be 1D: \[2,3\]"),
])  # fmt: skip
def test_ranks_of_a_bias_that_show_in_the_run(shape, bias, data_format, words):
    x, b = tf.placeholder_with_default(np.ones(shape), None), tf.placeholder_with_default(np.ones(bias), None)
    with pytest.raises(tf.errors.InvalidArgumentError, match=words):
        evaluate(tf.nn.bias_add(x, b, data_format))


def test_rank_of_the_gradient_of_a_bias_that_shows_in_the_run():
    x = tf.placeholder_with_default(np.ones(2), None)
    with pytest.raises(tf.errors.InvalidArgumentError, match="at least 2D"):
        evaluate(tf.raw_ops.BiasAddGrad(out_backprop=x))


@pytest.mark.parametrize("size", [1, 2, 17])
def test_l2_loss_of_many_shapes(size):
    x = np.random.RandomState(size).randn(size, 3, size).astype("float32")
    np.testing.assert_allclose(evaluate(tf.nn.l2_loss(tf.constant(x))), (x.astype("float64") ** 2).sum() / 2, rtol=1e-6)


@pytest.mark.parametrize("loss", ["softmax", "sparse", "sigmoid", "weighted", "poisson"])
def test_gradients_against_differences(loss):
    random = np.random.RandomState(0)
    values = random.randn(4, 3)
    x = tf.constant(values)
    labels = np.exp(random.randn(4, 3))
    labels /= labels.sum(1, keepdims=True)
    y = {
        "softmax": lambda: tf.nn.softmax_cross_entropy_with_logits_v2(labels=labels, logits=x),
        "sparse": lambda: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0, 2, 1, 1], logits=x),
        "sigmoid": lambda: tf.nn.sigmoid_cross_entropy_with_logits(labels=labels, logits=x),
        "weighted": lambda: tf.nn.weighted_cross_entropy_with_logits(labels, x, 2.5),
        "poisson": lambda: tf.nn.log_poisson_loss(tf.constant(labels), x),
    }[loss]()
    with tf.Session():
        assert tf.test.compute_gradient_error(x, (4, 3), y, y.shape.as_list(), values, 1e-5) < 1e-8
