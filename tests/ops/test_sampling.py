"""Candidate samplers and sampled losses against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("sampling")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_weights_from_a_file(tmp_path):
    path = tmp_path / "vocabulary.csv"
    path.write_text("a,1\nb,0\nc,3\n")
    classes = tf.constant([[0]], tf.int64)
    draw = tf.nn.fixed_unigram_candidate_sampler(classes, 1, 200, False, 3, vocab_file=str(path), seed=1)
    with tf.Session() as session:
        counts = np.bincount(session.run(draw.sampled_candidates), minlength=3)
    assert counts[1] == 0 and 100 < counts[2] < 190


def test_a_file_that_holds_no_weights(tmp_path):
    path = tmp_path / "vocabulary.csv"
    path.write_text("a,x\n")
    classes = tf.constant([[0]], tf.int64)
    draw = tf.nn.fixed_unigram_candidate_sampler(classes, 1, 1, False, 1, vocab_file=str(path))
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="Wrong vocabulary format"):
        session.run(draw.sampled_candidates)


def test_sampling_everything_is_the_full_softmax():
    random = np.random.RandomState(0)
    weights, biases, inputs = random.randn(6, 4), random.randn(6), random.randn(3, 4)
    labels = np.array([[1], [5], [0]])
    sampled = tf.nn.all_candidate_sampler(tf.constant(labels), 1, 6, True)
    logits = inputs @ weights.T + biases
    # The true class counts twice: as itself, and among the candidates.
    exact = [np.log(np.exp(x).sum() + np.exp(x[c])) - x[c] for x, (c,) in zip(logits, labels, strict=True)]
    loss = tf.nn.sampled_softmax_loss(
        tf.constant(weights, tf.float32), tf.constant(biases, tf.float32), tf.constant(labels),
        tf.constant(inputs, tf.float32), 6, 6, sampled_values=sampled, remove_accidental_hits=False,
    )  # fmt: skip
    with tf.Session() as session:
        np.testing.assert_allclose(session.run(loss), exact, rtol=1e-5)
