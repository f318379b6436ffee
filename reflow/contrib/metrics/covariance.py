"""Covariance and correlation of predictions and labels, batch after batch.

Chan, Golub, LeVeque, "Algorithms for computing the sample variance", 1983: how comoments of two parts combine.
"""

from reflow.graph.context import control_dependencies
from reflow.graph.dtypes import float32
from reflow.graph.export import export
from reflow.metrics.state import collect, matched, metric_variable
from reflow.ops import state
from reflow.ops.arithmetic import div_no_nan, multiply, truediv
from reflow.ops.casting import cast
from reflow.ops.comparison import less_equal
from reflow.ops.elementwise import sqrt
from reflow.ops.reduction import reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import size
from reflow.ops.weights_broadcast import broadcast_weights
from reflow.variables.variable_scope import variable_scope


@export("contrib.metrics.streaming_covariance")
def streaming_covariance(predictions, labels, weights=None, metrics_collections=None, updates_collections=None,
                         name=None):  # fmt: skip
    """The covariance of predictions and labels, without bias.

    Args:
      predictions: a floating tensor.
      labels: a tensor of that shape.
      weights: how often each pair counts, of a shape that broadcasts; None for once.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (covariance, update operation); NaN before there are two pairs.
    """
    with variable_scope(name, "covariance", (predictions, labels, weights)):
        predictions, labels, weights = matched(predictions, labels, weights)
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
        count = metric_variable([], float32, name="count")
        mean_prediction = metric_variable([], float32, name="mean_prediction")
        mean_label = metric_variable([], float32, name="mean_label")
        comoment = metric_variable([], float32, name="comoment")
        if weights is None:
            batch_count = cast(size(labels), float32)
            weighted_predictions, weighted_labels = predictions, labels
        else:
            weights = broadcast_weights(weights, labels)
            batch_count = reduce_sum(weights)
            weighted_predictions, weighted_labels = multiply(predictions, weights), multiply(labels, weights)
        new_count = state.assign_add(count, batch_count)
        old_count = new_count - batch_count
        batch_prediction, old_prediction = _moved_mean(mean_prediction, weighted_predictions, batch_count, new_count)
        batch_label, old_label = _moved_mean(mean_label, weighted_labels, batch_count, new_count)
        products = (predictions - batch_prediction) * (labels - batch_label)
        batch_comoment = reduce_sum(products if weights is None else products * weights)
        between = (old_prediction - batch_prediction) * (old_label - batch_label)
        delta = batch_comoment + between * (old_count * batch_count / new_count)
        update = state.assign_add(comoment, delta)
        value = _covariance(comoment, count, "covariance")
        with control_dependencies([update]):
            update_op = _covariance(comoment, count, "update_op")
    return collect(metrics_collections, value), collect(updates_collections, update_op)


def _moved_mean(mean, weighted, batch_count, new_count):
    """(mean of the batch, mean before it); the running mean is moved on."""
    batch_mean = div_no_nan(reduce_sum(weighted), batch_count)
    delta = div_no_nan((batch_mean - mean) * batch_count, new_count)
    return batch_mean, state.assign_add(mean, delta) - delta


def _covariance(comoment, count, name):
    return where(less_equal(count, 1.0), float("nan"), truediv(comoment, count - 1), name=name)


@export("contrib.metrics.streaming_pearson_correlation")
def streaming_pearson_correlation(predictions, labels, weights=None, metrics_collections=None,
                                  updates_collections=None, name=None):  # fmt: skip
    """Pearson's correlation of predictions and labels; the arguments are those of `streaming_covariance`.

    Returns:
      (correlation, update operation); NaN before there are two pairs.
    """
    with variable_scope(name, "pearson_r", (predictions, labels, weights)):
        predictions, labels, weights = matched(predictions, labels, weights)
        predictions.get_shape().assert_is_compatible_with(labels.get_shape())
        if weights is not None:
            weights = broadcast_weights(weights, labels)
        both = streaming_covariance(predictions, labels, weights=weights, name="covariance")
        first = streaming_covariance(predictions, predictions, weights=weights, name="variance_predictions")
        second = streaming_covariance(labels, labels, weights=weights, name="variance_labels")
        value = truediv(both[0], multiply(sqrt(first[0]), sqrt(second[0])), name="pearson_r")
        update = truediv(both[1], multiply(sqrt(first[1]), sqrt(second[1])), name="update_op")
    return collect(metrics_collections, value), collect(updates_collections, update)
