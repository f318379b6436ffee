"""Measures a class: the mean of the classes' accuracies, and of their intersections over unions."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.metrics.state import collect, metric_variable
from reflow.ops.arithmetic import div, div_no_nan
from reflow.ops.casting import cast
from reflow.ops.confusion_matrix import confusion_matrix
from reflow.ops.constant import ones, ones_like
from reflow.ops.diagonal import diag_part
from reflow.ops.reduction import reduce_mean, reduce_sum
from reflow.ops.scatter_state import scatter_add
from reflow.ops.select import where
from reflow.ops.shape_ops import reshape, size
from reflow.ops.state import assign_add
from reflow.variables.variable_scope import variable_scope


def _flat(tensor):
    return reshape(tensor, [-1]) if tensor.shape.ndims > 1 else tensor


@export("metrics.mean_per_class_accuracy")
def mean_per_class_accuracy(labels, predictions, num_classes, weights=None, metrics_collections=None,
                            updates_collections=None, name=None):  # fmt: skip
    """The mean of the classes' accuracies.

    Args:
      labels: integer tensor of known rank: the true classes, below `num_classes`.
      predictions: a tensor of the shape of `labels`.
      num_classes: the number of classes.
      weights: a tensor of the shape of `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (mean accuracy, update_op): a float32 scalar; the update gives the accuracy of each class.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "mean_accuracy", [predictions, labels, weights]):
        labels = _flat(cast(labels, dtypes.int64))
        predictions = _flat(predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
        total = metric_variable([num_classes], dtypes.float32, name="total")
        count = metric_variable([num_classes], dtypes.float32, name="count")
        number = ones([size(labels)], dtypes.float32)
        if predictions.dtype.base_dtype is not labels.dtype.base_dtype:
            predictions = cast(predictions, labels.dtype)
        is_correct = cast(call("Equal", predictions, labels), dtypes.float32)
        if weights is not None:
            weights = cast(_flat(weights), dtypes.float32)
            is_correct *= weights
            number *= weights
        new_total, new_count = scatter_add(total, labels, number), scatter_add(count, labels, is_correct)
        accuracies = div_no_nan(count, call("Maximum", total, 0))
        value = collect(metrics_collections, reduce_mean(accuracies, name="mean_accuracy"))
        update = div_no_nan(new_count, call("Maximum", new_total, 0), name="update_op")
        return value, collect(updates_collections, update)


@export("metrics.mean_iou")
def mean_iou(labels, predictions, num_classes, weights=None, metrics_collections=None, updates_collections=None,
             name=None):  # fmt: skip
    """The mean over the classes of true positives / (true positives + false positives + false negatives).

    Args:
      labels: integer tensor of known rank: the true classes, below `num_classes`.
      predictions: a tensor of the shape of `labels`.
      num_classes: the number of classes.
      weights: a tensor of the shape of `labels`; 1 if None.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (mean intersection over union, update_op): a float32 scalar, over the classes that occurred; the update gives the
      float64 confusion matrix.

    Raises:
      ValueError: if the shapes do not fit.
    """
    with variable_scope(name, "mean_iou", [predictions, labels, weights]):
        predictions.shape.assert_is_compatible_with(labels.shape)
        matrix, update = _streaming_confusion_matrix(labels, predictions, num_classes, weights)
        value = collect(metrics_collections, _mean_iou_of(matrix))
        return value, collect(updates_collections, update)


def _streaming_confusion_matrix(labels, predictions, num_classes, weights):
    matrix = metric_variable([num_classes, num_classes], dtypes.float64, name="total_confusion_matrix")
    predictions, labels = cast(predictions, dtypes.int64), cast(labels, dtypes.int64)
    num_classes = cast(num_classes, dtypes.int64)
    predictions, labels = _flat(predictions), _flat(labels)
    weights = None if weights is None else _flat(weights)
    batch = confusion_matrix(labels, predictions, num_classes, weights=weights, dtype=dtypes.float64)
    return matrix, assign_add(matrix, batch)


def _mean_iou_of(matrix):
    predicted, actual = cast(reduce_sum(matrix, 0), dtypes.float32), cast(reduce_sum(matrix, 1), dtypes.float32)
    both = cast(diag_part(matrix), dtypes.float32)
    either = predicted + actual - both
    occurred = reduce_sum(cast(call("NotEqual", either, 0), dtypes.float32))
    either = where(call("Greater", either, 0), either, ones_like(either))
    total = reduce_sum(div(both, either), name="mean_iou")
    return where(call("Greater", occurred, 0), total / occurred, 0)
