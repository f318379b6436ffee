"""tf.contrib.losses: what TensorFlow 1.15.5 makes of it. Both systems run these functions (Python 3.7)."""

from op_recording import Cases

case = Cases()

WEIGHTS = {
    "none": None, "scalar": 0.5, "zero": 0.0, "batch": [0.0, 1.0, 2.0], "column": [[0.0], [1.0], [2.0]],
    "all": [[0.0, 1.0, 1.0, 2.0], [1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 0.0, 0.0]],
}  # fmt: skip


def pair(t):
    x = t.feed(t.normal(3, 4), shape=[None, 4])
    return x, t.feed(t.normal(3, 4) > 0)


def weighted(which):
    return {} if WEIGHTS[which] is None else {"weights": WEIGHTS[which]}


@case.each(weights=sorted(WEIGHTS))
def regression(tf, t, weights):
    losses = tf.contrib.losses
    x, y = pair(t)
    options = weighted(weights)
    found = [losses.absolute_difference(x, y, **options), losses.mean_squared_error(x, y, scope="mse", **options)]
    t.out(*found)
    if weights != "all":
        t.out(losses.mean_pairwise_squared_error(x, y, **options))
    t.out(tf.constant([loss.name for loss in losses.get_losses()]))
    t.grad(found, x)


@case.each(weights=["none", "scalar", "batch", "all"])
def probabilities(tf, t, weights):
    x, y = pair(t)
    t.out(tf.contrib.losses.log_loss(tf.sigmoid(x), y, epsilon=1e-3, **weighted(weights)))


@case.each(weights=["none", "batch", "all"])
def sigmoids(tf, t, weights):
    x, y = pair(t)
    t.out(tf.contrib.losses.sigmoid_cross_entropy(x, y, **weighted(weights)))
    t.out(tf.contrib.losses.sigmoid_cross_entropy(x, y, label_smoothing=0.1, scope="smooth", **weighted(weights)))


@case.each(weights=["none", "scalar", "batch", "column"])
def softmaxes(tf, t, weights):
    losses = tf.contrib.losses
    x = t.feed(t.normal(3, 4), shape=[None, 4])
    labels = t.feed(t.integers(0, 4, 3, 1))
    hot = tf.one_hot(tf.reshape(labels, [-1]), 4)
    options = weighted(weights)
    t.out(losses.softmax_cross_entropy(x, hot, **options), losses.sparse_softmax_cross_entropy(x, labels, **options))
    t.out(losses.softmax_cross_entropy(x, hot, label_smoothing=0.2, **options))


@case
def pairs_with_too_many_weights(tf, t):
    x, y = pair(t)
    tf.contrib.losses.mean_pairwise_squared_error(x, y, WEIGHTS["all"])


@case
def others(tf, t):
    losses = tf.contrib.losses
    x, y = pair(t)
    t.out(losses.hinge_loss(x, y), losses.cosine_distance(x, tf.cast(y, tf.float32), 1))
    t.out(losses.cosine_distance(x, tf.cast(y, tf.float32), dim=1, weights=2.0))
    t.out(losses.compute_weighted_loss(t.feed(t.normal(2, 3, 2)), [1.0, 0.5]))


@case
def totals(tf, t):
    losses = tf.contrib.losses
    losses.add_loss(tf.constant(1.0, name="mine"))
    losses.add_loss(tf.constant(5.0), loss_collection=None)
    tf.add_to_collection("regularization_losses", tf.constant(0.5, name="weights"))
    t.out(losses.get_total_loss(), losses.get_total_loss(False, name="plain"))
    t.out(tf.constant([loss.name for loss in losses.get_regularization_losses()]), *losses.get_losses("mi"))


@case
def no_losses(tf, t):
    tf.contrib.losses.get_total_loss()


@case
def shapes_differ(tf, t):
    tf.contrib.losses.mean_squared_error(t.feed(t.normal(3)), t.feed(t.normal(4)))


@case
def rank_unknown(tf, t):
    tf.contrib.losses.compute_weighted_loss(tf.placeholder(tf.float32))


@case
def axis_missing(tf, t):
    x, y = pair(t)
    tf.contrib.losses.cosine_distance(x, y)
