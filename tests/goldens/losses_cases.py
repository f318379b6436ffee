"""Programs of tf.losses, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases

case = Cases()
REGRESSION = ["absolute_difference", "mean_squared_error", "huber_loss", "log_loss", "hinge_loss"]
REDUCTIONS = ["NONE", "SUM", "MEAN", "SUM_OVER_BATCH_SIZE", "SUM_BY_NONZERO_WEIGHTS"]


def _pair(t, *shape):
    return t.feed(t.random.rand(*shape).astype("float32")), t.feed(t.random.rand(*shape).astype("float32"))


@case.each(loss=REGRESSION)
def _loss(tf, t, loss):
    labels, predictions = _pair(t, 4, 3)
    value = t.out(getattr(tf.losses, loss)(labels, predictions))
    t.grad(value, [labels, predictions])


@case.each(loss=REGRESSION + ["mean_pairwise_squared_error"])
def _weighted(tf, t, loss):
    labels, predictions = _pair(t, 4, 3)
    for weights in (0.5, 0.0, t.feed(np.array([[1.0], [0], [2], [0]], "float32"))):
        t.out(getattr(tf.losses, loss)(labels, predictions, weights=weights))


@case
def _pairwise(tf, t):
    labels, predictions = _pair(t, 4, 3)
    t.grad(t.out(tf.losses.mean_pairwise_squared_error(labels, predictions, scope="pairs")), predictions)
    t.out(tf.losses.mean_pairwise_squared_error(*_pair(t, 2, 3, 2)))


@case.each(reduction=REDUCTIONS)
def _reduction(tf, t, reduction):
    labels, predictions = _pair(t, 4, 3)
    weights = t.feed(np.array([[1, 0, 2], [0, 0, 0], [1, 1, 1], [3, 0.5, 0]], "float32"))
    kind = getattr(tf.losses.Reduction, reduction)
    t.out(tf.losses.mean_squared_error(labels, predictions, weights, reduction=kind, scope="error"))
    t.out(tf.losses.compute_weighted_loss(labels, 2.0, reduction=kind))


@case
def _huber_delta(tf, t):
    labels, predictions = t.feed(np.zeros(5, "float32")), t.feed(np.array([-3.0, -0.5, 0, 0.5, 2], "float32"))
    t.grad(t.out(tf.losses.huber_loss(labels, predictions, delta=0.5)), predictions)


@case
def _cosine(tf, t):
    labels, predictions = _pair(t, 4, 3)
    t.grad(t.out(tf.losses.cosine_distance(labels, predictions, axis=1)), predictions)
    t.out(tf.losses.cosine_distance(labels, predictions, dim=0, weights=2.0))


@case.each(smoothing=[0, 0.1])
def _sigmoid(tf, t, smoothing):
    labels, logits = t.feed(t.integers(0, 2, 4, 3)), t.feed(t.normal(4, 3))
    t.grad(t.out(tf.losses.sigmoid_cross_entropy(labels, logits, label_smoothing=smoothing)), logits)


@case.each(smoothing=[0, 0.1])
def _softmax(tf, t, smoothing):
    labels, logits = t.feed(np.eye(3, dtype="int32")[[0, 2, 1, 1]]), t.feed(t.normal(4, 3))
    t.grad(t.out(tf.losses.softmax_cross_entropy(labels, logits, label_smoothing=smoothing)), logits)
    t.out(tf.losses.softmax_cross_entropy(labels, logits, weights=t.feed(np.array([1.0, 0, 2, 0], "float32"))))


@case
def _sparse_softmax(tf, t):
    logits = t.feed(t.normal(4, 3))
    t.grad(t.out(tf.losses.sparse_softmax_cross_entropy(t.feed(t.integers(0, 3, 4)), logits)), logits)
    column, weights = t.feed(t.integers(0, 3, 4, 1)), t.feed(np.array([[1.0], [0], [2], [0]], "float32"))
    t.out(tf.losses.sparse_softmax_cross_entropy(column, logits, weights=weights))
    images = tf.losses.sparse_softmax_cross_entropy(t.feed(t.integers(0, 3, 2, 2)), t.feed(t.normal(2, 2, 3)), 0.5)
    t.out(images)


@case.each(dtype=["float16", "float64"])
def _types(tf, t, dtype):
    logits = t.feed(t.normal(4, 3, dtype=dtype))
    t.out(tf.losses.sparse_softmax_cross_entropy([0, 1, 2, 0], logits), tf.losses.compute_weighted_loss(logits, 0.5))
    t.out(tf.losses.mean_squared_error(t.feed(t.normal(3, dtype=dtype)), t.feed(t.normal(3, dtype=dtype))))


@case
def _collections(tf, t):
    a, b = _pair(t, 3)
    with tf.name_scope("first"):
        tf.losses.mean_squared_error(a, b)
    tf.losses.absolute_difference(a, b, loss_collection=None)
    tf.losses.absolute_difference(a, b, loss_collection="mine")
    tf.losses.add_loss(tf.constant(2.0, name="own"))
    tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.constant(0.5, name="weights"))
    t.out(*tf.losses.get_losses())
    t.out(*tf.losses.get_losses(scope="first"))
    t.out(*tf.losses.get_losses(loss_collection="mine"))
    t.out(tf.losses.get_total_loss(), tf.losses.get_total_loss(False, name="data"), tf.losses.get_regularization_loss())
    t.out(*tf.losses.get_regularization_losses("w"))


@case
def _no_losses(tf, t):
    t.out(tf.losses.get_regularization_loss())
    t.values_only()


@case
def _no_total_loss(tf, t):
    tf.losses.get_total_loss()


@case
def _unknown_batch(tf, t):
    labels, predictions = t.feed(t.normal(4, 3), [None, 3]), t.feed(t.normal(4, 3), [None, 3])
    t.out(tf.losses.mean_squared_error(labels, predictions))
    t.out(tf.losses.softmax_cross_entropy(labels, predictions))


@case.each(weights=["rows", "wrong"])
def _weights_checked_when_run(tf, t, weights):
    labels, predictions = t.feed(t.normal(4, 3), [None, 3]), t.feed(t.normal(4, 3), [None, 3])
    weights = t.feed(np.ones((4 if weights == "rows" else 3, 1), "float32"), [None, None])
    t.out(tf.losses.mean_squared_error(labels, predictions, weights))


@case.each(wrong=["labels", "predictions", "shapes", "weights rank", "weights size", "reduction", "axis"])
def _wrong(tf, t, wrong):
    x, y = tf.ones([4, 3]), tf.ones([3, 4])
    calls = {
        "labels": lambda: tf.losses.mean_squared_error(None, x),
        "predictions": lambda: tf.losses.hinge_loss(x, None),
        "shapes": lambda: tf.losses.log_loss(x, y),
        "weights rank": lambda: tf.losses.absolute_difference(x, x, weights=tf.ones([4])),
        "weights size": lambda: tf.losses.absolute_difference(x, x, weights=tf.ones([2, 1])),
        "reduction": lambda: tf.losses.mean_squared_error(x, x, reduction="mean"),
        "axis": lambda: tf.losses.cosine_distance(x, x),
    }
    calls[wrong]()


@case.each(weights=[None, (), (4,), (4, 1), (4, 3), (4, 3, 1)])
def _average_loss(tf, t, weights):
    losses = t.feed(t.random.rand(4, 3).astype("float32"))
    weights = None if weights is None else t.feed(t.random.rand(*weights).astype("float32"))
    t.grad(t.out(tf.nn.compute_average_loss(losses, sample_weight=weights)), losses)
    t.out(tf.nn.compute_average_loss(losses, weights, global_batch_size=8))


@case.each(weights=[(), (4,), (4, 3, 1)])
def _average_loss_of_unknown_rank(tf, t, weights):
    t.values_only()
    losses = t.feed(t.random.rand(4, 3).astype("float64"), shape=None)
    t.out(tf.nn.compute_average_loss(losses, t.feed(np.ones(weights, "float32"), shape=None)))


@case
def _average_loss_of_scalar(tf, t):
    tf.nn.compute_average_loss(1.0)


@case
def _scaled_regularization(tf, t):
    t.out(tf.nn.scale_regularization_loss(t.feed(t.normal(3))))
