"""tf.contrib.metrics: what TensorFlow 1.15.5 makes of it. Both systems run these functions (Python 3.7)."""

from op_recording import Cases

case = Cases()

PLAIN = ["accuracy", "false_negatives", "false_positives", "precision", "recall", "true_negatives", "true_positives",
         "mean_absolute_error", "mean_squared_error", "root_mean_squared_error", "covariance",
         "pearson_correlation"]  # fmt: skip


def updated(tf, t, metric, *values):
    """Record the update of a metric; its value may be read before or after that, as it comes."""
    _, update = metric(*values)
    t.out(update)
    t.out(tf.constant([v.name for v in tf.local_variables()]))


def data(tf, t, which, weighted):
    kind = "float32" if "error" in which or "correl" in which or "covar" in which else "int64"
    values = [t.feed(t.integers(0, 2, 6, dtype=kind)), t.feed(t.integers(0, 2, 6, dtype=kind))]
    return values + ([t.feed(t.integers(0, 3, 6).astype("float32"))] if weighted else [])


@case.each(which=PLAIN)
def streaming(tf, t, which):
    updated(tf, t, getattr(tf.contrib.metrics, "streaming_" + which), *data(tf, t, which, False))


@case.each(which=PLAIN)
def streaming_weighted(tf, t, which):
    updated(tf, t, getattr(tf.contrib.metrics, "streaming_" + which), *data(tf, t, which, True))


@case
def streaming_others(tf, t):
    metrics = tf.contrib.metrics
    x = t.feed(t.random.rand(6).astype("float32"))
    y = t.feed(t.integers(0, 2, 6, dtype="int64"))
    w = t.feed(t.random.rand(6).astype("float32"))
    for _, update in (
        metrics.streaming_mean(x, w), metrics.streaming_mean_tensor(x), metrics.streaming_percentage_less(x, 0.5),
        metrics.streaming_auc(x, y, w, 20, curve="PR"), metrics.streaming_mean_iou(y, 1 - y, 2),
        metrics.streaming_precision_at_thresholds(x, y, [0.3, 0.6]),
        metrics.streaming_recall_at_thresholds(x, y, [0.3, 0.6]),
        metrics.streaming_sensitivity_at_specificity(x, y, 0.5, None, 10),
        metrics.streaming_specificity_at_sensitivity(x, y, 0.5),
        metrics.streaming_mean_relative_error(x, w, tf.ones_like(x)), metrics.count(x), metrics.count(x, w),
    ):
        t.out(update)
    t.out(tf.constant([v.name for v in tf.local_variables()]))
    t.values_only()


@case
def streaming_rankings(tf, t):
    metrics = tf.contrib.metrics
    x, labels = t.feed(t.random.rand(4, 5).astype("float32")), t.feed(t.integers(0, 5, 4, 1, dtype="int64"))
    updated(tf, t, metrics.streaming_sparse_recall_at_k, x, labels, 2)
    updated(tf, t, metrics.streaming_sparse_precision_at_k, x, labels, 3, 1)
    updated(tf, t, metrics.streaming_sparse_average_precision_at_k, x, labels, 3)
    updated(tf, t, metrics.streaming_recall_at_k, x, tf.reshape(labels, [-1]), 2)


@case
def streaming_cosine_distance(tf, t):
    x, y = t.feed(t.normal(4, 3)), t.feed(t.normal(4, 3))
    updated(tf, t, tf.contrib.metrics.streaming_mean_cosine_distance, x, y, 1)
    tf.contrib.metrics.streaming_mean_cosine_distance(x, y, 0, updates_collections=["u"], name="named")
    t.out(*tf.get_collection("u"))


@case
def streaming_collections(tf, t):
    x = t.feed(t.integers(0, 2, 6, dtype="int64"))
    tf.contrib.metrics.streaming_accuracy(x, x, metrics_collections=["m"], updates_collections=["u"], name="mine")
    tf.contrib.metrics.streaming_covariance(
        tf.cast(x, tf.float32), tf.cast(x, tf.float32), metrics_collections=["m"], updates_collections=["u"]
    )
    tf.contrib.metrics.count(x, metrics_collections=["m"], updates_collections=["u"])
    t.out(tf.constant([v.name for v in tf.get_collection("m") + tf.get_collection("u")]))


@case
def accuracies(tf, t):
    metrics = tf.contrib.metrics
    x, y = t.feed(t.integers(0, 2, 6)), t.feed(t.integers(0, 2, 6))
    t.out(metrics.accuracy(x, y), metrics.accuracy(x, y, t.feed(t.random.rand(6).astype("float32")), name="weighted"))
    t.out(metrics.accuracy(tf.constant(["a", "b"]), tf.constant(["a", "c"])))
    t.out(metrics.confusion_matrix(x, y, 3), metrics.confusion_matrix(x, y, weights=[1, 2, 3, 4, 5, 6]))


@case
def accuracy_of_floats(tf, t):
    x = t.feed(t.normal(3))
    tf.contrib.metrics.accuracy(x, x)


@case
def accuracy_of_other_types(tf, t):
    tf.contrib.metrics.accuracy(t.feed(t.integers(0, 2, 3)), t.feed(t.integers(0, 2, 3, dtype="int64")))


@case
def aggregated(tf, t):
    metrics = tf.contrib.metrics
    x = t.feed(t.integers(0, 2, 6, dtype="int64"))
    values, updates = metrics.aggregate_metrics(metrics.streaming_mean(x), metrics.streaming_accuracy(x, x))
    by_name, updates_by_name = metrics.aggregate_metric_map({"mean": metrics.streaming_mean(x)})
    t.out(tf.constant([v.name for v in values + updates + [by_name["mean"], updates_by_name["mean"]]]))


@case
def aggregated_nothing(tf, t):
    tf.contrib.metrics.aggregate_metrics()
