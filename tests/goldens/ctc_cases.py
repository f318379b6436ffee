"""Connectionist temporal classification, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases

case = Cases()
ROWS = [[0, 1, 1], [2], [3, 3, 1], [1, 0, 2, 2]]


def sparse(tf, rows):
    indices = [[i, j] for i, row in enumerate(rows) for j in range(len(row))]
    values = [v for row in rows for v in row]
    return tf.SparseTensor(np.array(indices, "int64").reshape(-1, 2), np.array(values, "int32"), [len(rows), 4])


@case
def _loss(tf, t):
    logits = t.feed(t.normal(7, 4, 5))
    loss = t.out(tf.nn.ctc_loss(sparse(tf, ROWS), logits, [7, 5, 4, 7]))
    t.grad(loss, logits)


@case.each(option=["collapse", "no merging", "both", "batch major", "ignore"])
def _loss_options(tf, t, option):
    options = {
        "collapse": {"preprocess_collapse_repeated": True}, "no merging": {"ctc_merge_repeated": False},
        "both": {"preprocess_collapse_repeated": True, "ctc_merge_repeated": False},
        "batch major": {"time_major": False}, "ignore": {"ignore_longer_outputs_than_inputs": True},
    }[option]  # fmt: skip
    logits = t.feed(t.normal(7, 4, 5) if option != "batch major" else t.normal(4, 7, 5))
    lengths = [7, 5, 4, 7] if option != "ignore" else [2, 5, 4, 3]
    loss = t.out(tf.nn.ctc_loss(sparse(tf, ROWS), logits, lengths, **options))
    t.grad(loss, logits)


@case
def _loss_with_blanks_behind(tf, t):
    logits = t.feed(t.normal(7, 1, 5))
    t.grad(t.out(tf.nn.ctc_loss(sparse(tf, [[0, 1, 4, 4]]), logits, [7])), logits)


@case.each(wrong=["dense", "too long", "negative", "after blank", "length", "batch", "none"])
def _loss_wrong(tf, t, wrong):
    logits = t.feed(t.normal(3, 1, 5), [None, None, 5])
    calls = {
        "dense": lambda: tf.nn.ctc_loss([[1]], logits, [3]),
        "too long": lambda: tf.nn.ctc_loss(sparse(tf, [[0, 1, 2, 3]]), logits, [3]),
        "negative": lambda: tf.nn.ctc_loss(sparse(tf, [[0, -1]]), logits, [3]),
        "after blank": lambda: tf.nn.ctc_loss(sparse(tf, [[4, 1]]), logits, [3]),
        "length": lambda: tf.nn.ctc_loss(sparse(tf, [[0, 1]]), logits, [4]),
        "batch": lambda: tf.nn.ctc_loss(sparse(tf, [[0], [1]]), logits, [3]),
        "none": lambda: tf.nn.ctc_loss(sparse(tf, [[], [1]]), t.feed(t.normal(3, 2, 5)), [3, 3]),
    }
    t.out(calls[wrong]())


@case
def _loss_without_a_path(tf, t):
    logits = t.feed(t.normal(5, 2, 4))
    t.grad(t.out(tf.nn.ctc_loss(sparse(tf, [[1, 1, 1], [2]]), logits, [4, 5])), logits)


@case
def _second_gradient(tf, t):
    logits = t.feed(t.normal(7, 1, 5))
    loss = tf.nn.ctc_loss(sparse(tf, [[0, 1]]), logits, [7])
    tf.gradients(tf.gradients(loss, logits), logits)


@case.each(blank=[None, 0, 2, -1])
def _loss_v2(tf, t, blank):
    logits = t.feed(t.normal(6, 3, 5))
    labels = t.feed(np.array([[1, 3, 3], [3, 0, 0], [1, 3, 1]], "int32"))
    label_lengths, lengths = t.feed(np.array([3, 1, 2], "int32")), t.feed(np.array([6, 6, 6], "int32"))
    t.grad(t.out(tf.nn.ctc_loss_v2(labels, logits, label_lengths, lengths, blank_index=blank)), logits)
    # Behind the last frame that counts TensorFlow's gradient is that of a frame without labels, Reflow's is zero.
    t.out(tf.nn.ctc_loss_v2(labels, logits, label_lengths, t.feed(np.array([6, 4, 5], "int32")), blank_index=blank))
    t.values_only()


@case.each(blank=[0, -1])
def _loss_v2_sparse(tf, t, blank):
    logits = t.feed(t.normal(3, 6, 5))
    labels = sparse(tf, [[1, 3, 3], [2], [1, 1]])
    t.out(tf.nn.ctc_loss_v2(labels, logits, None, [6, 4, 5], logits_time_major=False, blank_index=blank))
    t.values_only()


@case.each(merge=[True, False])
def _greedy(tf, t, merge):
    decoded, scores = tf.nn.ctc_greedy_decoder(t.feed(t.normal(9, 3, 4)), [9, 5, 0], merge_repeated=merge)
    t.out(decoded[0].indices, decoded[0].values, decoded[0].dense_shape, scores)


@case.each(width=[1, 3, 100])
def _beams(tf, t, width):
    logits = t.feed(2 * t.normal(8, 2, 4))
    paths = min(width, 4)
    for merge in (True, False):
        decoded, scores = tf.nn.ctc_beam_search_decoder(logits, [8, 6], width, paths, merge_repeated=merge)
        for each in decoded:
            t.out(each.indices, each.values, each.dense_shape)
        t.out(scores)


@case
def _beams_v2(tf, t):
    decoded, scores = tf.nn.ctc_beam_search_decoder_v2(t.feed(t.normal(5, 1, 3)), [5])
    t.out(decoded[0].values, scores)


@case.each(wrong=["paths", "leaves", "length"])
def _beams_wrong(tf, t, wrong):
    logits = t.feed(t.normal(1, 1, 3), [None, None, 3])
    width, paths, length = {"paths": (2, 3, 1), "leaves": (100, 50, 1), "length": (2, 1, 2)}[wrong]
    t.out(tf.nn.ctc_beam_search_decoder(logits, [length], width, paths)[1])


@case
def _unique_labels(tf, t):
    t.out(*tf.nn.ctc_unique_labels(t.feed(np.array([[3, 4, 4, 3], [5, 5, 5, 0], [1, 2, 3, 4]], "int32"), [3, None])))
    t.values_only()


@case
def _collapse(tf, t):
    labels = t.feed(np.array([[3, 4, 4, 3], [5, 5, 5, 0], [1, 2, 2, 2]], "int32"))
    t.out(*tf.nn.collapse_repeated(labels, t.feed(np.array([4, 4, 2], "int64"))))
    t.values_only()
