"""Candidate samplers and losses over sampled classes, run under TensorFlow 1.15.5 and Reflow. Python 3.7 as well."""

import numpy as np
from op_recording import Cases

case = Cases()
SAMPLERS = ["uniform", "log_uniform", "learned_unigram"]


@case.each(sampler=SAMPLERS)
def _sampler(tf, t, sampler):
    function = getattr(tf.nn, sampler + "_candidate_sampler")
    classes = t.feed(np.array([[1, 2], [4, 0], [9, 9]], "int64"))
    t.out(*function(classes, 2, 5, False, 10, seed=7))
    t.out(*function(classes, 2, 5, True, 10, seed=7, name="draw"))
    t.out(*function(t.feed(np.array([[1]], "int64"), [None, None]), 1, 3, True, 10))


@case
def _learned_sampler_learns(tf, t):
    classes = t.feed(np.full((1, 200), 3, "int64"))
    draw = tf.random.learned_unigram_candidate_sampler(classes, 200, 8, False, 5, seed=3)
    t.one_by_one()
    t.out(draw.sampled_candidates, draw.sampled_candidates, draw.true_expected_count)


@case
def _fixed_sampler(tf, t):
    classes = t.feed(np.array([[1, 2], [4, 0]], "int64"))
    weights = [1.0, 5.0, 0.5, 3.0, 2.0]
    t.out(*tf.nn.fixed_unigram_candidate_sampler(classes, 2, 6, False, 5, unigrams=weights, seed=1))
    t.out(*tf.nn.fixed_unigram_candidate_sampler(classes, 2, 3, True, 5, unigrams=weights, distortion=0.75, seed=2))
    t.out(*tf.nn.fixed_unigram_candidate_sampler(classes, 2, 3, True, 7, unigrams=weights, num_reserved_ids=2, seed=2))


@case
def _all_sampler(tf, t):
    t.out(*tf.nn.all_candidate_sampler(t.feed(np.array([[1, 2], [4, 0]], "int64")), 2, 6, True))


@case.each(wrong=["too few", "columns", "rank", "both", "none", "zero"])
def _sampler_wrong(tf, t, wrong):
    classes = tf.constant([[1, 2]], tf.int64)
    fed = t.feed(np.array([[1, 2, 3]], "int64"), [None, None])
    calls = {
        "too few": lambda: tf.nn.uniform_candidate_sampler(classes, 2, 11, True, 10),
        "columns": lambda: tf.nn.uniform_candidate_sampler(fed, 2, 5, True, 10),
        "rank": lambda: tf.nn.uniform_candidate_sampler(tf.constant([1], tf.int64), 1, 5, True, 10),
        "both": lambda: tf.nn.fixed_unigram_candidate_sampler(classes, 2, 2, True, 2, "file", unigrams=[1.0, 2.0]),
        "none": lambda: tf.nn.fixed_unigram_candidate_sampler(classes, 2, 2, True, 2),
        "zero": lambda: tf.nn.uniform_candidate_sampler(classes, 2, 0, True, 10),
    }
    t.out(*calls[wrong]())


@case
def _accidental_hits(tf, t):
    classes = t.feed(np.array([[1, 2], [4, 0], [2, 2]], "int64"))
    sampled = t.feed(np.array([2, 7, 4, 2], "int64"))
    t.out(*tf.nn.compute_accidental_hits(classes, sampled, 2))
    t.out(*tf.nn.compute_accidental_hits(classes, t.feed(np.array([8], "int64")), 2))


def _model(t, true=1):
    weights, biases = t.feed(t.normal(10, 4)), t.feed(t.normal(10))
    return weights, biases, t.feed(t.integers(0, 10, 3, true, dtype="int64")), t.feed(t.normal(3, 4))


@case.each(true=[1, 2])
def _nce(tf, t, true):
    weights, biases, labels, inputs = _model(t, true)
    values = tf.nn.log_uniform_candidate_sampler(labels, true, 5, True, 10, seed=4)
    loss = t.out(tf.nn.nce_loss(weights, biases, labels, inputs, 5, 10, num_true=true, sampled_values=values))
    t.grad(loss, [weights, biases, inputs])


@case.each(true=[1, 2])
def _sampled_softmax(tf, t, true):
    weights, biases, labels, inputs = _model(t, true)
    loss = tf.nn.sampled_softmax_loss(weights, biases, labels, inputs, 5, 10, num_true=true, seed=4,
                                      remove_accidental_hits=False)  # fmt: skip
    t.grad(t.out(loss), [weights, biases, inputs])


@case
def _accidental_hits_removed(tf, t):
    weights, biases, labels, inputs = _model(t)
    t.out(tf.nn.sampled_softmax_loss(weights, biases, labels, inputs, 7, 10, seed=4, name="sampled"))
    t.out(tf.nn.nce_loss(weights, biases, labels, inputs, 7, 10, remove_accidental_hits=True))


@case
def _partitioned(tf, t):
    parts = [t.feed(t.normal(4, 4)), t.feed(t.normal(3, 4)), t.feed(t.normal(3, 4))]
    _, biases, labels, inputs = _model(t)
    t.out(tf.nn.sampled_softmax_loss(parts, biases, labels, inputs, 5, 10, seed=4, partition_strategy="div",
                                     remove_accidental_hits=False))  # fmt: skip
