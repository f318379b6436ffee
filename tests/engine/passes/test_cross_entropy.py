"""Softmax with cross entropy: only what is wanted of it is computed, and both at once where both are wanted."""

import numpy as np
import pytest

import reflow as tf
from tests.engine.passes.plans import compared, plan_of, random_feed, source_of, types

LABELS = [1, 0, 3, 2]


def _sparse(logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.constant(LABELS), logits=logits)


def _dense(logits):
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.one_hot(LABELS, 5), logits=logits)


@pytest.mark.parametrize("cost, op", [(_sparse, "_CrossEntropyGradient"), (_dense, "_CrossEntropyGradient")])
def test_a_gradient_needs_no_loss(cost, op):
    x = tf.placeholder(tf.float32, [4, 5])
    with_pass, without = compared(tf.gradients(tf.reduce_mean(cost(x)), x), random_feed(x), "cross_entropy")
    assert op in types(with_pass) and not any("WithLogits" in t for t in types(with_pass))
    assert any("WithLogits" in t for t in types(without))


def test_a_loss_needs_no_gradient():
    x = tf.placeholder(tf.float32, [4, 5])
    with_pass, _ = compared([_sparse(x)], random_feed(x), "cross_entropy")
    assert types(with_pass) == ["_SparseCrossEntropyLoss"]


@pytest.mark.parametrize("cost", [_sparse, _dense])
def test_both_are_computed_once(cost):
    x = tf.placeholder(tf.float32, [4, 5])
    loss = cost(x)
    fetches = [loss, *tf.gradients(tf.reduce_mean(loss), x)]
    plan, _ = compared(fetches, random_feed(x), "cross_entropy")
    assert sum("CrossEntropy" in t for t in types(plan)) == 1
    assert source_of(plan).count("cross_entropy(") == 1


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-4])
@pytest.mark.parametrize("fetch", ["loss", "gradient", "both"])
def test_large_and_small_logits(scale, fetch):
    x = tf.placeholder(tf.float32, [4, 5])
    loss = _sparse(x)
    gradient = tf.gradients(loss, x)[0]
    feed = {x: (random_feed(x)[x] * scale).astype(np.float32)}
    exact = feed[x].astype(np.float64)
    exact -= exact.max(1, keepdims=True)
    logarithms = exact - np.log(np.exp(exact).sum(1, keepdims=True))
    wants = -logarithms[range(4), LABELS], np.exp(logarithms) - np.eye(5)[LABELS]
    chosen = {"loss": [0], "gradient": [1], "both": [0, 1]}[fetch]
    with tf.Session() as session:
        got = session.run([(loss, gradient)[i] for i in chosen], feed)
    for i, result in zip(chosen, got, strict=True):
        np.testing.assert_allclose(result, wants[i], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fetch", ["loss", "gradient", "both"])
def test_labels_that_are_no_classes_are_refused(fetch):
    x, labels = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.int32, [2])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    fetches = {"loss": [loss], "gradient": tf.gradients(loss, x), "both": [loss, *tf.gradients(loss, x)]}[fetch]
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="label value of 3"):
        session.run(fetches, {x: np.zeros((2, 3)), labels: [0, 3]})


def test_masked_logits_and_no_rows():
    x = tf.placeholder(tf.float32, [None, 3])
    labels = tf.placeholder(tf.int32, [None])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    masked = np.array([[0.0, -np.inf, 0.0], [0.0, -np.inf, 0.0]], np.float32)
    with tf.Session() as session:
        for fetches in (loss, [loss, tf.gradients(loss, x)[0]]):
            got = session.run(fetches, {x: masked, labels: [0, 1]})
            np.testing.assert_allclose(got if fetches is loss else got[0], [np.log(2), np.inf], rtol=1e-6)
        assert session.run(loss, {x: np.zeros((0, 3)), labels: np.zeros(0)}).shape == (0,)


def test_the_formula_written_out_stays():
    x = tf.placeholder(tf.float32, [4, 5])
    cost = -tf.reduce_sum(tf.one_hot(LABELS, 5) * tf.log(tf.nn.softmax(x)), 1)
    assert "Log" in types(plan_of([cost], [x]))
