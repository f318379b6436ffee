"""Measures of probabilities: counts at thresholds, and the curves that they make."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.metrics.state import COLLECTIONS_DOC, collect, full_weights, matched, metric_variable
from reflow.ops.arithmetic import div, div_no_nan
from reflow.ops.casting import cast
from reflow.ops.checks import assert_greater_equal, assert_less_equal
from reflow.ops.constant import constant, ones_like
from reflow.ops.elementwise import abs as abs_
from reflow.ops.identity import identity
from reflow.ops.joining import stack
from reflow.ops.padding import tile
from reflow.ops.permute import transpose
from reflow.ops.reduction import argmax, argmin, reduce_min, reduce_sum
from reflow.ops.scan import cumsum
from reflow.ops.select import where
from reflow.ops.shape_ops import expand_dims, reshape, shape
from reflow.ops.state import assign_add
from reflow.platform import logging
from reflow.variables.variable_scope import variable_scope

# Moves the first and the last threshold out of [0, 1].
_EPSILON = 1e-7

# --- counts at thresholds -----------------------------------------------------------------------------------------

_NAMES = {"tp": "true_positives", "fn": "false_negatives", "tn": "true_negatives", "fp": "false_positives"}


def _counts(labels, predictions, thresholds, weights=None, includes=("tp", "fn", "tn", "fp")):
    """Variables [thresholds] of counts, and what updates them: two dicts by "tp", "fn", "tn" and "fp"."""
    within = "predictions must be in [0, 1]"
    with control_dependencies([
        assert_greater_equal(predictions, cast(0.0, predictions.dtype), message=within),
        assert_less_equal(predictions, cast(1.0, predictions.dtype), message=within),
    ]):  # fmt: skip
        predictions, labels, weights = matched(
            cast(predictions, dtypes.float32), cast(labels, dtypes.bool_), weights
        )  # fmt: skip
    count = len(thresholds)
    column, row = reshape(predictions, [-1, 1]), reshape(cast(labels, dtypes.bool_), [1, -1])
    number = column.dims[0] if column.dims[0] is not None else shape(column)[0]
    tiled = tile(expand_dims(constant(thresholds), [1]), stack([1, number]))
    is_above = {"p": call("Greater", tile(transpose(column), [count, 1]), tiled)}
    if "fn" in includes or "tn" in includes:
        is_above["n"] = call("LogicalNot", is_above["p"])
    is_true = {"p": tile(row, [count, 1])}
    if "fp" in includes or "tn" in includes:
        is_true["n"] = call("LogicalNot", is_true["p"])
    if weights is not None:
        weights = tile(reshape(full_weights(weights, predictions), [1, -1]), [count, 1])
        tiled.shape.assert_is_compatible_with(weights.shape)
    values, updates = {}, {}
    for key in (k for k in _NAMES if k in includes):
        # tp and tn are right: the label is as the prediction says.
        label = key[1] if key[0] == "t" else {"p": "n", "n": "p"}[key[1]]
        values[key] = metric_variable([count], dtypes.float32, name=_NAMES[key])
        counted = cast(call("LogicalAnd", is_true[label], is_above[key[1]]), dtypes.float32)
        if weights is not None:
            counted *= weights
        updates[key] = assign_add(values[key], reduce_sum(counted, 1))
    return values, updates


def _counting_function(key, summary):
    """The exported function that counts at thresholds."""
    scope_name = _NAMES[key]

    def function(labels, predictions, thresholds, weights=None, metrics_collections=None, updates_collections=None,
                 name=None):  # fmt: skip
        with variable_scope(name, scope_name, [predictions, labels, weights]):
            values, updates = _counts(labels, predictions, thresholds, weights, includes=(key,))
            value = collect(metrics_collections, identity(values[key]))
            return value, collect(updates_collections, updates[key])

    function.__name__ = function.__qualname__ = f"{scope_name}_at_thresholds"
    function.__doc__ = f"""{summary}, for each of several thresholds.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: probabilities in [0, 1], of the shape of `labels`; one above the threshold counts as true.
      thresholds: a list of floats.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      {COLLECTIONS_DOC}

    Returns:
      (counts, update_op), float32 vectors.

    Raises:
      ValueError: if the shapes do not fit.
    """
    return export(f"metrics.{scope_name}_at_thresholds")(function)


true_positives_at_thresholds = _counting_function("tp", "How often a prediction is true, and rightly so")
true_negatives_at_thresholds = _counting_function("tn", "How often a prediction is false, and rightly so")
false_positives_at_thresholds = _counting_function("fp", "How often a prediction is true, and wrongly so")
false_negatives_at_thresholds = _counting_function("fn", "How often a prediction is false, and wrongly so")


# --- precision and recall at thresholds ---------------------------------------------------------------------------


def _ratio_at_thresholds(what, error, labels, predictions, thresholds, weights, collections, name):
    with variable_scope(name, f"{what}_at_thresholds", [predictions, labels, weights]):
        values, updates = _counts(labels, predictions, thresholds, weights, includes=("tp", error))

        def ratio(counts, suffix):
            return div(counts["tp"], _EPSILON + counts["tp"] + counts[error], name=f"{what}_{suffix}")

        value = collect(collections[0], ratio(values, "value"))
        return value, collect(collections[1], ratio(updates, "update_op"))


@export("metrics.precision_at_thresholds")
def precision_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                            updates_collections=None, name=None):  # fmt: skip
    """true positives / (true positives + false positives), for each of several thresholds.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: probabilities in [0, 1], of the shape of `labels`; one above the threshold counts as true.
      thresholds: a list of floats.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (precisions, update_op), float32 vectors.
    """
    return _ratio_at_thresholds("precision", "fp", labels, predictions, thresholds, weights,
                                (metrics_collections, updates_collections), name)  # fmt: skip


@export("metrics.recall_at_thresholds")
def recall_at_thresholds(labels, predictions, thresholds, weights=None, metrics_collections=None,
                         updates_collections=None, name=None):  # fmt: skip
    """true positives / (true positives + false negatives), for each of several thresholds.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: probabilities in [0, 1], of the shape of `labels`; one above the threshold counts as true.
      thresholds: a list of floats.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (recalls, update_op), float32 vectors.
    """
    return _ratio_at_thresholds("recall", "fn", labels, predictions, thresholds, weights,
                                (metrics_collections, updates_collections), name)  # fmt: skip


# --- area under a curve -------------------------------------------------------------------------------------------


def _inner_thresholds(count):
    return [(i + 1) * 1.0 / (count - 1) for i in range(count - 2)]


@export("metrics.auc")
def auc(labels, predictions, weights=None, num_thresholds=200, metrics_collections=None, updates_collections=None,
        curve="ROC", name=None, summation_method="trapezoidal", thresholds=None):  # fmt: skip
    """The area under a curve of true positives over false positives, or of precision over recall, by a Riemann sum.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: probabilities in [0, 1], of the shape of `labels`.
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      num_thresholds: how many points of the curve to use.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      curve: "ROC" or "PR".
      name: the name of the variable scope.
      summation_method: "trapezoidal", "careful_interpolation" (for PR; Davis and Goadrich 2006), "minoring" or
        "majoring".
      thresholds: a list of floats in (0, 1) to use instead of evenly spaced ones.

    Returns:
      (area, update_op), float32 scalars.

    Raises:
      ValueError: for another curve or method, or shapes that do not fit.
    """
    with variable_scope(name, "auc", [labels, predictions, weights]):
        if curve not in ("ROC", "PR"):
            raise ValueError(f"curve must be either ROC or PR, {curve} unknown")
        inner = _inner_thresholds(num_thresholds) if thresholds is None else sorted(thresholds)
        points = [0.0 - _EPSILON, *inner, 1.0 + _EPSILON]
        values, updates = _counts(labels, predictions, points, weights)
        value = collect(metrics_collections, _area(values, curve, summation_method, "value"))
        return value, collect(updates_collections, _area(updates, curve, summation_method, "update_op"))


def _area(counts, curve, summation_method, name):
    tp, fn, tn, fp = (counts[key] for key in ("tp", "fn", "tn", "fp"))
    if curve == "PR" and summation_method == "careful_interpolation":
        return _interpolated_area(tp, fp, fn)
    if curve == "PR" and summation_method == "trapezoidal":
        logging.warning('Trapezoidal rule is known to produce incorrect PR-AUCs; please switch to '
                        '"careful_interpolation" instead.')  # fmt: skip
    epsilon = 1.0e-6
    recall = div(tp + epsilon, tp + fn + epsilon)
    if curve == "ROC":
        x, y = div(fp, fp + tn + epsilon), recall
    else:
        x, y = recall, div(tp + epsilon, tp + fp + epsilon)
    last = tp.shape[0].value - 1
    widths = x[:last] - x[1:]
    if summation_method in ("trapezoidal", "careful_interpolation"):
        heights = (y[:last] + y[1:]) / 2.0
    elif summation_method in ("minoring", "majoring"):
        heights = call("Minimum" if summation_method == "minoring" else "Maximum", y[:last], y[1:])
    else:
        raise ValueError(f"Invalid summation_method: {summation_method}")
    return reduce_sum(call("Mul", widths, heights), name=name)


def _interpolated_area(tp, fp, fn):
    """Between two thresholds true positives are linear in all positives: the integral of their quotient over recall."""
    last = tp.shape[0].value - 1
    tp_steps = tp[:last] - tp[1:]
    positives = tp + fp
    slope = div_no_nan(tp_steps, call("Maximum", positives[:last] - positives[1:], 0), name="prec_slope")
    intercept = tp[1:] - call("Mul", slope, positives[1:])
    are_there = call("LogicalAnd", positives[:last] > 0, positives[1:] > 0)
    ratio = div_no_nan(positives[:last], call("Maximum", positives[1:], 0), name="recall_relative_ratio")
    ratio = where(are_there, ratio, ones_like(positives[1:]))
    areas = slope * (tp_steps + intercept * call("Log", ratio))
    increments = div_no_nan(areas, call("Maximum", tp[1:] + fn[1:], 0), name="pr_auc_increment")
    return reduce_sum(increments, name="interpolate_pr_auc")


# --- points of the curve ------------------------------------------------------------------------------------------


@export("metrics.sensitivity_at_specificity")
def sensitivity_at_specificity(labels, predictions, specificity, weights=None, num_thresholds=200,
                               metrics_collections=None, updates_collections=None, name=None):  # fmt: skip
    """The sensitivity (recall) at the threshold whose specificity is nearest to a given one.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: probabilities in [0, 1], of the shape of `labels`.
      specificity: in [0, 1].
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      num_thresholds: how many thresholds to try.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (sensitivity, update_op), float32 scalars.

    Raises:
      ValueError: if `specificity` is out of range.
    """
    if not 0 <= specificity <= 1:
        raise ValueError("`specificity` must be in the range [0, 1].")

    def sensitivity(counts, name):
        tp, fn = counts["tp"], counts["fn"]
        specificities = div(counts["tn"], counts["tn"] + counts["fp"] + _EPSILON)
        place = cast(argmin(abs_(specificities - specificity), 0), dtypes.int32)
        return div(tp[place], tp[place] + fn[place] + _EPSILON, name)

    with variable_scope(name, "sensitivity_at_specificity", [predictions, labels, weights]):
        points = [0.0 - _EPSILON, *_inner_thresholds(num_thresholds), 1.0 + _EPSILON]
        values, updates = _counts(labels, predictions, points, weights)
        value = collect(metrics_collections, sensitivity(values, "value"))
        return value, collect(updates_collections, sensitivity(updates, "update_op"))


@export("metrics.specificity_at_sensitivity")
def specificity_at_sensitivity(labels, predictions, sensitivity, weights=None, num_thresholds=200,
                               metrics_collections=None, updates_collections=None, name=None):  # fmt: skip
    """The specificity at the (highest) threshold whose sensitivity (recall) is nearest to a given one.

    Args:
      labels: the truth, a tensor that is cast to bool.
      predictions: probabilities in [0, 1], of the shape of `labels`.
      sensitivity: in [0, 1].
      weights: a scalar, or a tensor of the rank of `labels`; 1 if None.
      num_thresholds: how many thresholds to try.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (specificity, update_op), float32 scalars.

    Raises:
      ValueError: if `sensitivity` is out of range.
    """
    if not 0 <= sensitivity <= 1:
        raise ValueError("`sensitivity` must be in the range [0, 1].")

    def specificity(counts, name):
        tn, fp = counts["tn"], counts["fp"]
        sensitivities = div(counts["tp"], counts["tp"] + counts["fn"] + _EPSILON)
        least = reduce_min(abs_(sensitivities - sensitivity))
        is_nearest = call("Equal", abs_(sensitivities - sensitivity), least)
        # The running count becomes greatest at the last of the nearest.
        place = cast(argmax(cumsum(cast(is_nearest, dtypes.int64)), 0), dtypes.int32)
        return div(tn[place], tn[place] + fp[place] + _EPSILON, name)

    with variable_scope(name, "specificity_at_sensitivity", [predictions, labels, weights]):
        points = [0.0 - _EPSILON, *_inner_thresholds(num_thresholds), 1.0 - _EPSILON]
        values, updates = _counts(labels, predictions, points, weights)
        value = collect(metrics_collections, specificity(values, "value"))
        return value, collect(updates_collections, specificity(updates, "update_op"))
