"""Programs of tf.metrics, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well.

Each metric is updated twice, and read before and after.
"""

import numpy as np
from op_recording import Cases

case = Cases()
COUNTS = ["true_positives", "true_negatives", "false_positives", "false_negatives"]


def follow(t, value, update):
    """The value before, two updates, and the value after, one step after the other."""
    t.one_by_one()
    t.out(value + 0, update, update, value + 0)


def _floats(t, *shape):
    return t.feed(np.asarray(t.random.rand(*shape), "float32"))


@case
def _mean(tf, t):
    follow(t, *tf.metrics.mean(_floats(t, 4, 3)))


@case.each(shape=[(), (4, 3), (4, 1), (4,), (4, 3, 1)])
def _mean_weighted(tf, t, shape):
    values = _floats(t, 4, 3) if shape != (4,) else _floats(t, 4, 1)
    follow(t, *tf.metrics.mean(values, weights=_floats(t, *shape), name="average"))


@case
def _mean_of_nothing(tf, t):
    follow(t, *tf.metrics.mean(t.feed(np.zeros(0, "float32"))))


@case
def _mean_tensor(tf, t):
    follow(t, *tf.metrics.mean_tensor(_floats(t, 4, 3)))


@case
def _mean_tensor_weighted(tf, t):
    follow(t, *tf.metrics.mean_tensor(_floats(t, 4, 3), weights=_floats(t, 4, 1)))


@case
def _percentage_below(tf, t):
    follow(t, *tf.metrics.percentage_below(_floats(t, 4, 3), 0.3, weights=2.0))


@case.each(labels=["int32", "int64", "float32", "string", "column"])
def _accuracy(tf, t, labels):
    if labels == "string":
        truth, guess = tf.constant(["a", "b", "c"]), tf.constant(["a", "c", "c"])
    elif labels == "column":
        truth, guess = t.feed(t.integers(0, 3, 6, 1)), t.feed(t.integers(0, 3, 6))
    else:
        truth, guess = t.feed(t.integers(0, 3, 6, dtype=labels)), t.feed(t.integers(0, 3, 6, dtype="int64"))
    follow(t, *tf.metrics.accuracy(truth, guess))


@case
def _accuracy_weighted(tf, t):
    truth, guess = t.feed(t.integers(0, 3, 6)), t.feed(t.integers(0, 3, 6))
    follow(t, *tf.metrics.accuracy(truth, guess, weights=_floats(t, 6), name="acc"))


@case.each(error=["mean_absolute_error", "mean_squared_error", "root_mean_squared_error"])
def _error(tf, t, error):
    function = getattr(tf.metrics, error)
    follow(t, *function(_floats(t, 4, 3), _floats(t, 4, 3)))
    follow(t, *function(_floats(t, 4, 3), _floats(t, 4, 3), weights=_floats(t, 4, 1), name="other"))


@case
def _relative_error(tf, t):
    normalizer = t.feed(np.array([[1, 0, 2], [0.5, 1, 1]], "float32"))
    follow(t, *tf.metrics.mean_relative_error(_floats(t, 2, 3), _floats(t, 2, 3), normalizer))


@case
def _cosine_distance(tf, t):
    follow(t, *tf.metrics.mean_cosine_distance(_floats(t, 4, 3), _floats(t, 4, 3), dim=1))
    follow(t, *tf.metrics.mean_cosine_distance(_floats(t, 4, 3), _floats(t, 4, 3), 1, weights=_floats(t, 4, 1)))


@case.each(weights=[False, True])
def _per_class_accuracy(tf, t, weights):
    truth, guess = t.feed(t.integers(0, 3, 6)), t.feed(t.integers(0, 3, 6))
    follow(t, *tf.metrics.mean_per_class_accuracy(truth, guess, 4, weights=_floats(t, 6) if weights else None))


@case.each(weights=[False, True])
def _mean_iou(tf, t, weights):
    truth, guess = t.feed(t.integers(0, 3, 2, 3)), t.feed(t.integers(0, 3, 2, 3))
    follow(t, *tf.metrics.mean_iou(truth, guess, 4, weights=_floats(t, 2, 3) if weights else None))


@case.each(metric=COUNTS + ["precision", "recall"])
def _counts(tf, t, metric):
    truth, guess = t.feed(t.integers(0, 2, 8)), t.feed(t.integers(0, 2, 8) > 0)
    function = getattr(tf.metrics, metric)
    follow(t, *function(truth, guess))
    follow(t, *function(truth, guess, weights=_floats(t, 8), name="weighted"))


@case.each(metric=["precision", "recall"])
def _ratio_of_nothing(tf, t, metric):
    zeros = t.feed(np.zeros(4, "int32"))
    follow(t, *getattr(tf.metrics, metric)(zeros, zeros))


@case.each(metric=COUNTS + ["precision", "recall"])
def _at_thresholds(tf, t, metric):
    truth, guess = t.feed(t.integers(0, 2, 8)), _floats(t, 8)
    function = getattr(tf.metrics, metric + "_at_thresholds")
    follow(t, *function(truth, guess, [0.25, 0.5, 0.75]))
    follow(t, *function(truth, guess, [0.5], weights=_floats(t, 8), name="weighted"))


@case.each(curve=["ROC", "PR"])
def _auc(tf, t, curve):
    truth, guess = t.feed(t.integers(0, 2, 20)), _floats(t, 20)
    for method in ("trapezoidal", "careful_interpolation", "minoring", "majoring"):
        follow(t, *tf.metrics.auc(truth, guess, num_thresholds=20, curve=curve, summation_method=method))


@case
def _auc_options(tf, t):
    truth, guess = t.feed(t.integers(0, 2, 20)), _floats(t, 20)
    follow(t, *tf.metrics.auc(truth, guess, weights=_floats(t, 20), thresholds=[0.7, 0.2, 0.5], name="area"))
    follow(t, *tf.metrics.auc(truth, guess))


@case
def _auc_unknown_size(tf, t):
    truth, guess = t.feed(t.integers(0, 2, 20), [None]), t.feed(t.random.rand(20).astype("float32"), [None])
    follow(t, *tf.metrics.auc(truth, guess))


@case.each(metric=["sensitivity_at_specificity", "specificity_at_sensitivity"])
def _points(tf, t, metric):
    truth, guess = t.feed(t.integers(0, 2, 20)), _floats(t, 20)
    for wanted in (0.0, 0.4, 1.0):
        follow(t, *getattr(tf.metrics, metric)(truth, guess, wanted, num_thresholds=20))


@case
def _collections(tf, t):
    truth, guess = t.feed(t.integers(0, 2, 8)), _floats(t, 8)
    names = dict(metrics_collections=["values"], updates_collections=["updates"])
    tf.metrics.mean(guess, **names)
    tf.metrics.accuracy(truth, guess, **names)
    tf.metrics.precision(truth, guess, **names)
    tf.metrics.mean_cosine_distance(guess, guess, 0, **names)
    tf.metrics.root_mean_squared_error(guess, guess, **names)
    t.one_by_one()
    t.out(*tf.get_collection("updates"))
    t.out(*tf.get_collection("values"))
    t.out(*[v + 0 for v in tf.get_collection(tf.GraphKeys.METRIC_VARIABLES)])
    t.out(*[v + 0 for v in tf.local_variables()])


@case
def _unknown_ranks(tf, t):
    values, weights = t.feed(t.normal(4, 3), None), t.feed(np.ones((4, 1), "float32"), None)
    follow(t, *tf.metrics.mean(values, weights=weights))


@case.each(wrong=["shapes", "weights", "curve", "method", "range", "specificity"])
def _wrong(tf, t, wrong):
    x, y = tf.ones([4]), tf.ones([3])
    calls = {
        "shapes": lambda: tf.metrics.accuracy(x, y),
        "weights": lambda: tf.metrics.mean(x, weights=y),
        "curve": lambda: tf.metrics.auc(x, x, curve="X"),
        "method": lambda: tf.metrics.auc(x, x, summation_method="X"),
        "range": lambda: t.out(tf.metrics.auc(x, t.feed(np.full(4, 2, "float32")))[1]),
        "specificity": lambda: tf.metrics.sensitivity_at_specificity(x, x, 1.5),
    }
    calls[wrong]()


RANKINGS = ["recall_at_k", "precision_at_k", "average_precision_at_k"]


def _labels(tf, t, kind):
    if kind == "one":
        return t.feed(t.integers(0, 5, 4, dtype="int64"))
    if kind == "dense":
        return t.feed(t.integers(-1, 7, 4, 2, dtype="int64"))
    indices = [[0, 0], [0, 1], [1, 0], [3, 0], [3, 2]]
    return tf.SparseTensor(indices, t.feed(np.array([4, 1, 0, 2, 7], "int64")), [4, 3])


@case.each(of=[(metric, kind) for metric in RANKINGS for kind in ("one", "dense", "sparse")])
def _ranking(tf, t, of):
    metric, kind = of
    for k in (1, 3):
        value, update = getattr(tf.metrics, metric)(_labels(tf, t, kind), _floats(t, 4, 5), k)
        follow(t, value, update)


@case.each(of=[(metric, kind) for metric in RANKINGS for kind in ("one", "dense", "sparse")])
def _ranking_weighted(tf, t, of):
    metric, kind = of
    weights = t.feed(np.array([1.0, 0.5, 0, 2], "float32"))
    follow(t, *getattr(tf.metrics, metric)(_labels(tf, t, kind), _floats(t, 4, 5), 2, weights=weights, name="best"))


@case.each(of=[(metric, kind) for metric in RANKINGS[:2] for kind in ("one", "dense", "sparse")])
def _ranking_of_class(tf, t, of):
    metric, kind = of
    follow(t, *getattr(tf.metrics, metric)(_labels(tf, t, kind), _floats(t, 4, 5), 3, class_id=1))


@case.each(metric=["recall_at_top_k", "precision_at_top_k"])
def _of_top_k(tf, t, metric):
    labels = t.feed(t.integers(0, 5, 2, 3, 2, dtype="int64"))
    top = t.feed(np.array([[[0, 1], [2, 3], [4, 0]], [[1, 2], [3, 4], [0, 4]]]))
    follow(t, *getattr(tf.metrics, metric)(labels, top, metrics_collections=["values"], updates_collections=["ups"]))
    t.out(tf.constant([len(tf.get_collection("values")), len(tf.get_collection("ups"))]))


@case.each(metric=["sparse_average_precision_at_k", "sparse_precision_at_k"])
def _older_ranking(tf, t, metric):
    follow(t, *getattr(tf.metrics, metric)(_labels(tf, t, "dense"), _floats(t, 4, 5), 2))


@case
def _ranking_of_wrong_shape(tf, t):
    tf.metrics.recall_at_k(t.feed(t.integers(0, 5, 2, 2, 2, dtype="int64")), _floats(t, 4, 5), 2)


@case
def _ranking_of_none(tf, t):
    tf.metrics.average_precision_at_k(_labels(tf, t, "one"), _floats(t, 4, 5), 0)
