"""Means over batches: of values, of errors, of right answers."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.export import export
from reflow.metrics.state import collect, full_weights, matched, metric_variable
from reflow.ops.arithmetic import div, div_no_nan
from reflow.ops.casting import cast
from reflow.ops.confusion_matrix import remove_squeezable_dimensions
from reflow.ops.constant import ones_like, zeros_like
from reflow.ops.elementwise import abs as abs_
from reflow.ops.reduction import reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import size
from reflow.ops.state import assign_add
from reflow.variables.variable_scope import variable_scope

# --- means of values ----------------------------------------------------------------------------------------------


def _quotient(total, count, name):
    return div_no_nan(total, call("Maximum", count, 0), name=name)


@export("metrics.mean")
def mean(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The (weighted) mean of values: total / count, in the variables `total` and `count`.

    Args:
      values: a numeric tensor.
      weights: a tensor that broadcasts to `values`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (mean, update_op), float32 scalars.

    Raises:
      ValueError: if the weights do not fit.
    """
    with variable_scope(name, "mean", [values, weights]):
        values = cast(values, dtypes.float32)
        total = metric_variable([], dtypes.float32, name="total")
        count = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            number = cast(size(values), dtypes.float32)
        else:
            values, _, weights = matched(values, None, weights)
            weights = full_weights(weights, values)
            values = call("Mul", values, weights)
            number = reduce_sum(weights)
        return _mean_of(total, count, reduce_sum(values), number, values, metrics_collections, updates_collections)


def _mean_of(total, count, total_of_batch, count_of_batch, values, metrics_collections, updates_collections):
    new_total = assign_add(total, total_of_batch)
    with control_dependencies([values]):
        new_count = assign_add(count, count_of_batch)
    value = collect(metrics_collections, _quotient(total, count, "value"))
    return value, collect(updates_collections, _quotient(new_total, new_count, "update_op"))


@export("metrics.mean_tensor")
def mean_tensor(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The (weighted) mean of tensors, elementwise, in the variables `total_tensor` and `count_tensor`.

    Args:
      values: a numeric tensor of known shape.
      weights: a tensor that broadcasts to `values`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (mean, update_op), float32 tensors like `values`.

    Raises:
      ValueError: if the weights do not fit.
    """
    with variable_scope(name, "mean", [values, weights]):
        values = cast(values, dtypes.float32)
        total = metric_variable(values.shape, dtypes.float32, name="total_tensor")
        count = metric_variable(values.shape, dtypes.float32, name="count_tensor")
        number = ones_like(values)
        if weights is not None:
            values, _, weights = matched(values, None, weights)
            weights = full_weights(weights, values)
            values, number = call("Mul", values, weights), call("Mul", number, weights)
        return _mean_of(total, count, values, number, values, metrics_collections, updates_collections)


@export("metrics.percentage_below")
def percentage_below(values, threshold, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The (weighted) share of values below a threshold.

    Args:
      values: a numeric tensor.
      threshold: a scalar.
      weights: a tensor that broadcasts to `values`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (share, update_op), float32 scalars in [0, 1].
    """
    is_below = cast(call("Less", values, threshold), dtypes.float32)
    return mean(is_below, weights, metrics_collections, updates_collections, name or "percentage_below_threshold")


# --- means of errors ----------------------------------------------------------------------------------------------


@export("metrics.accuracy")
def accuracy(labels, predictions, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """The (weighted) share of predictions that equal the labels.

    Args:
      labels: a tensor.
      predictions: a tensor of the shape of `labels`.
      weights: a tensor that broadcasts to `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (accuracy, update_op), float32 scalars.

    Raises:
      ValueError: if the shapes do not fit.
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    if labels.dtype.base_dtype is not predictions.dtype.base_dtype:
        predictions = cast(predictions, labels.dtype.base_dtype)
    is_correct = cast(call("Equal", predictions, labels), dtypes.float32)
    return mean(is_correct, weights, metrics_collections, updates_collections, name or "accuracy")


@export("metrics.mean_absolute_error")
def mean_absolute_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                        name=None):  # fmt: skip
    """The (weighted) mean of |predictions - labels|.

    Args:
      labels: a numeric tensor.
      predictions: a tensor of the shape and type of `labels`.
      weights: a tensor that broadcasts to `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (error, update_op), float32 scalars.
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    errors = abs_(predictions - labels)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_absolute_error")


@export("metrics.mean_squared_error")
def mean_squared_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                       name=None):  # fmt: skip
    """The (weighted) mean of (predictions - labels) ** 2.

    Args:
      labels: a numeric tensor.
      predictions: a tensor of the shape and type of `labels`.
      weights: a tensor that broadcasts to `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (error, update_op), float32 scalars.
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    errors = call("SquaredDifference", labels, predictions)
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_squared_error")


@export("metrics.root_mean_squared_error")
def root_mean_squared_error(labels, predictions, weights=None, metrics_collections=None, updates_collections=None,
                            name=None):  # fmt: skip
    """The square root of the (weighted) mean of (predictions - labels) ** 2.

    Args:
      labels: a numeric tensor.
      predictions: a tensor of the shape and type of `labels`.
      weights: a tensor that broadcasts to `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (error, update_op), float32 scalars.
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    square, new_square = mean_squared_error(labels, predictions, weights, None, None, name or "root_mean_squared_error")
    value = collect(metrics_collections, call("Sqrt", square))
    return value, collect(updates_collections, call("Sqrt", new_square))


@export("metrics.mean_relative_error")
def mean_relative_error(labels, predictions, normalizer, weights=None, metrics_collections=None,
                        updates_collections=None, name=None):  # fmt: skip
    """The (weighted) mean of |labels - predictions| / normalizer, 0 where the normalizer is 0.

    Args:
      labels: a numeric tensor.
      predictions: a tensor of the shape and type of `labels`.
      normalizer: a tensor of the shape and type of `labels`.
      weights: a tensor that broadcasts to `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (error, update_op), float32 scalars.
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    predictions, normalizer = remove_squeezable_dimensions(predictions, normalizer)
    predictions.shape.assert_is_compatible_with(normalizer.shape)
    is_zero = call("Equal", normalizer, 0.0)
    errors = where(is_zero, zeros_like(labels), div(abs_(labels - predictions), normalizer))
    return mean(errors, weights, metrics_collections, updates_collections, name or "mean_relative_error")


@export("metrics.mean_cosine_distance")
def mean_cosine_distance(labels, predictions, dim, weights=None, metrics_collections=None, updates_collections=None,
                         name=None):  # fmt: skip
    """1 - the (weighted) mean of the dot products of unit vectors.

    Args:
      labels: a tensor of unit vectors.
      predictions: a tensor of the shape of `labels`.
      dim: the dimension of the vectors.
      weights: a tensor that broadcasts to the distances; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (distance, update_op), float32 scalars.
    """
    predictions, labels, weights = matched(predictions, labels, weights)
    products = reduce_sum(call("Mul", predictions, labels), axis=[dim], keepdims=True)
    value, update = mean(products, weights, None, None, name or "mean_cosine_distance")
    distance, new_distance = call("Sub", 1.0, value), call("Sub", 1.0, update)
    return collect(metrics_collections, distance), collect(updates_collections, new_distance)
