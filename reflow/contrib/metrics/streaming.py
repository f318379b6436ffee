"""Metrics under the names that they had before `tf.metrics`: predictions come before labels."""

import inspect

from reflow.graph.export import EXPORTS, export
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
    ("true_negatives", "true_negatives", _PAIR), ("true_positives", "true_positives", _PAIR),
]  # fmt: skip
# The arguments that some have besides; `num_thresholds` stands behind `weights`, `curve` before the name.
_EXTRA = {
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
    function.__signature__ = signature
    function.__doc__ = f"""The old name of `tf.metrics.{metric}`, with the arguments in the order {", ".join(required)}.

    Returns:
      (value, update operation), as of the metric.
    """
    note = f"Please switch to tf.metrics.{metric}."
    if required[:2] == _PAIR:
        note += " Note that the order of the labels and predictions arguments has been switched."
    export(f"contrib.metrics.streaming_{name}")(deprecated(None, note)(function))


for _name, _metric, _required in _METRICS:
    _streaming(_name, _metric, _required)
