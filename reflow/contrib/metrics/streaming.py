"""Metrics under the names that they had before `tf.metrics`: predictions come before labels."""

import inspect

from reflow.graph import dtypes
from reflow.graph.export import EXPORTS, export, with_signature
from reflow.metrics.means import mean
from reflow.metrics.state import collect, matched
from reflow.ops.arithmetic import multiply, subtract
from reflow.ops.casting import cast
from reflow.ops.counting import in_top_k
from reflow.ops.reduction import reduce_sum
from reflow.platform.deprecation import deprecated

_LAST = ("weights", "metrics_collections", "updates_collections", "name")
_PAIR = ("predictions", "labels")

# Name behind "streaming_", name in tf.metrics, the arguments before `weights`.
_METRICS = [
    ("accuracy", "accuracy", _PAIR), ("auc", "auc", _PAIR), ("false_negatives", "false_negatives", _PAIR),
    ("false_positives", "false_positives", _PAIR), ("mean", "mean", ("values",)),
    ("mean_absolute_error", "mean_absolute_error", _PAIR), ("mean_iou", "mean_iou", (*_PAIR, "num_classes")),
    ("mean_relative_error", "mean_relative_error", (*_PAIR, "normalizer")),
    ("mean_squared_error", "mean_squared_error", _PAIR), ("mean_tensor", "mean_tensor", ("values",)),
    ("percentage_less", "percentage_below", ("values", "threshold")), ("precision", "precision", _PAIR),
    ("precision_at_thresholds", "precision_at_thresholds", (*_PAIR, "thresholds")), ("recall", "recall", _PAIR),
    ("recall_at_thresholds", "recall_at_thresholds", (*_PAIR, "thresholds")),
    ("root_mean_squared_error", "root_mean_squared_error", _PAIR),
    ("sensitivity_at_specificity", "sensitivity_at_specificity", (*_PAIR, "specificity")),
    ("specificity_at_sensitivity", "specificity_at_sensitivity", (*_PAIR, "sensitivity")),
    ("sparse_average_precision_at_k", "average_precision_at_k", (*_PAIR, "k")),
    ("sparse_precision_at_k", "precision_at_k", (*_PAIR, "k")), ("sparse_recall_at_k", "recall_at_k", (*_PAIR, "k")),
    ("true_negatives", "true_negatives", _PAIR), ("true_positives", "true_positives", _PAIR),
]  # fmt: skip
# The optional arguments of those that have others besides.
_EXTRA = {
    "sparse_precision_at_k": ("class_id", *_LAST), "sparse_recall_at_k": ("class_id", *_LAST),
    "auc": ("weights", "num_thresholds", "metrics_collections", "updates_collections", "curve", "name"),
    "sensitivity_at_specificity": ("weights", "num_thresholds", *_LAST[1:]),
    "specificity_at_sensitivity": ("weights", "num_thresholds", *_LAST[1:]),
}
_DEFAULTS = {"num_thresholds": 200, "curve": "ROC"}


def _parameter(name, is_required):
    default = inspect.Parameter.empty if is_required else _DEFAULTS.get(name)
    return inspect.Parameter(name, inspect.Parameter.POSITIONAL_OR_KEYWORD, default=default)


def _streaming(name, metric, required):
    """Publish a metric under its old name."""
    target = EXPORTS[f"metrics.{metric}"]
    optional = _EXTRA.get(name, _LAST)
    signature = inspect.Signature([_parameter(n, n in required) for n in (*required, *optional)])

    def function(*args, **kwargs):
        return target(**signature.bind(*args, **kwargs).arguments)

    function.__name__ = function.__qualname__ = f"streaming_{name}"
    function.__doc__ = f"""The old name of `tf.metrics.{metric}`, with the arguments in the order {", ".join(required)}.

    Returns:
      (value, update operation), as of the metric.
    """
    note = f"Please switch to tf.metrics.{metric}."
    if required[:2] == _PAIR:
        note += " Note that the order of the labels and predictions arguments has been switched."
    export(f"contrib.metrics.streaming_{name}")(deprecated(None, note)(with_signature(function, signature)))


for _name, _metric, _required in _METRICS:
    _streaming(_name, _metric, _required)


@export("contrib.metrics.streaming_mean_cosine_distance")
def streaming_mean_cosine_distance(predictions, labels, dim, weights=None, metrics_collections=None,
                                   updates_collections=None, name=None):  # fmt: skip
    """The mean of 1 - cos of the angle between predictions and labels, both of unit length.

    Args:
      predictions: a floating tensor.
      labels: a tensor of that shape.
      dim: the axis of the vectors.
      weights: of a shape that broadcasts, with 1 along the axis; None for 1.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (value, update operation).
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    similarity = reduce_sum(multiply(predictions, labels), axis=[dim], keepdims=True)
    value, update = mean(similarity, weights, name=name or "mean_cosine_distance")
    return collect(metrics_collections, subtract(1.0, value)), collect(updates_collections, subtract(1.0, update))


@export("contrib.metrics.streaming_recall_at_k")
@deprecated(None, "Please use `streaming_sparse_recall_at_k`, and reshape labels from [batch_size] to [batch_size, 1].")
def streaming_recall_at_k(predictions, labels, k, weights=None, metrics_collections=None, updates_collections=None,
                          name=None):  # fmt: skip
    """The share of examples whose label is among the `k` classes of the greatest predictions.

    Args:
      predictions: [batch, classes] float32 tensor.
      labels: [batch] integer tensor.
      k: how many classes count.
      weights: [batch] tensor; None for 1.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (value, update operation).
    """
    found = cast(in_top_k(predictions, labels, k), dtypes.float32)
    return mean(found, weights, metrics_collections, updates_collections, name or f"recall_at_{k}")
