"""Connectionist temporal classification against TensorFlow 1.15.5, and against sums over all paths."""

import itertools

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("ctc")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def spelled(path, blank, merge):
    labels, previous = [], -1
    for label in path:
        if label != blank and not (merge and label == previous):
            labels.append(label)
        previous = label
    return tuple(labels)


def probabilities_of_all_labels(logits, merge=True):
    """The probability of each label sequence, by summing over every path."""
    frames = np.exp(logits - np.logaddexp.reduce(logits, axis=1, keepdims=True))
    sums = {}
    for path in itertools.product(range(frames.shape[1]), repeat=len(frames)):
        labels = spelled(path, frames.shape[1] - 1, merge)
        sums[labels] = sums.get(labels, 0) + np.prod(frames[np.arange(len(frames)), path])
    return sums


def test_the_form_whose_blank_is_the_first_class():
    with tf.Graph().as_default(), tf.Session() as session:
        logits = tf.constant(np.random.RandomState(1).randn(6, 2, 4), tf.float32)
        indices, lengths = np.int64([[0, 0], [0, 1], [1, 0]]), [6, 4]
        loss, slopes = tf.ctc_loss_v2(logits, indices, [2, 2, 3], lengths, name="named")
        assert loss.op.name == "named" and loss.op.type == "CTCLossV2"
        assert loss.shape == [2] and slopes.shape == [6, 2, 4]
        last = tf.concat([logits[:, :, 1:], logits[:, :, :1]], 2)
        same = tf.raw_ops.CTCLoss(inputs=last, labels_indices=indices, labels_values=[1, 1, 2], sequence_length=lengths)
        np.testing.assert_array_equal(*session.run([loss, same.loss]))
        (grad,) = tf.gradients(loss * [1.0, 2.0], logits)
        (same_grad,) = tf.gradients(same.loss * [1.0, 2.0], logits)
        np.testing.assert_allclose(*session.run([grad, same_grad]), rtol=1e-6)
        assert tf.test.compute_gradient_error(logits, [6, 2, 4], loss, [2], delta=1e-2) < 1e-3


LOGITS = 2 * np.random.RandomState(0).randn(5, 4)


@pytest.mark.parametrize("merge", [True, False])
def test_loss_is_the_sum_over_all_paths(merge):
    sums = probabilities_of_all_labels(LOGITS, merge)
    inputs = tf.constant(LOGITS[:, None].astype("float32"))
    with tf.Session() as session:
        for labels in [(0,), (1, 2), (1, 1), (2, 0, 2), (0, 0, 1)]:
            sparse = tf.SparseTensor([[0, i] for i in range(len(labels))], tf.constant(labels, tf.int32), [1, 5])
            loss = session.run(tf.nn.ctc_loss(sparse, inputs, [5], ctc_merge_repeated=merge))
            np.testing.assert_allclose(loss, [-np.log(sums[labels])], rtol=1e-5)


@pytest.mark.parametrize("merge", [True, False])
def test_gradient_against_differences(merge):
    values = np.random.RandomState(1).randn(6, 2, 4).astype("float32")
    x = tf.constant(values)
    labels = tf.SparseTensor([[0, 0], [0, 1], [1, 0]], tf.constant([1, 1, 2], tf.int32), [2, 2])
    loss = tf.nn.ctc_loss(labels, x, [6, 4], ctc_merge_repeated=merge)
    with tf.Session():
        assert tf.test.compute_gradient_error(x, (6, 2, 4), loss, (2,), values, 1e-2) < 1e-3


def test_wide_beams_find_the_most_probable_labels():
    sums = probabilities_of_all_labels(LOGITS)
    best = sorted(sums, key=sums.get, reverse=True)[:5]
    decoded, scores = tf.nn.ctc_beam_search_decoder_v2(tf.constant(LOGITS[:, None], tf.float32), [5], 500, 5)
    with tf.Session() as session:
        values, scores = session.run([[d.values for d in decoded], scores])
    assert [tuple(v) for v in values] == best
    np.testing.assert_allclose(np.exp(scores[0]), [sums[labels] for labels in best], rtol=1e-5)
