"""Accuracy, confusion, counts and sets."""

from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export, export_values
from reflow.metrics.state import collect, full_weights, matched, metric_variable
from reflow.ops import confusion_matrix as confusion
from reflow.ops import set_ops, state
from reflow.ops.arithmetic import div, multiply
from reflow.ops.casting import cast
from reflow.ops.comparison import equal
from reflow.ops.constant import ones_like
from reflow.ops.identity import identity
from reflow.ops.reduction import reduce_mean, reduce_sum
from reflow.ops.shape_ops import size
from reflow.variables.variable_scope import variable_scope


@export("contrib.metrics.accuracy")
def accuracy(predictions, labels, weights=None, name=None):
    """The share of predictions that equal their labels.

    Args:
      predictions: an integer, bool or string tensor.
      labels: a tensor of that type and shape.
      weights: a float32 tensor of the shape of the first axes; None for 1.
      name: a name scope.

    Returns:
      A float32 scalar.

    Raises:
      ValueError: for other types.
    """
    if not (labels.dtype.is_integer or labels.dtype in (dtypes.bool_, dtypes.string)):
        raise ValueError(f"Labels should have bool, integer, or string dtype, not {labels.dtype!r}")
    if not labels.dtype.is_compatible_with(predictions.dtype):
        raise ValueError("Dtypes of predictions and labels should match. Given: predictions "
                         f"({predictions.dtype!r}) and labels ({labels.dtype!r})")  # fmt: skip
    with name_scope(name, "accuracy", values=[predictions, labels]):
        correct = cast(equal(predictions, labels), dtypes.float32)
        if weights is None:
            return reduce_mean(correct)
        correct = multiply(correct, weights)
        counted = multiply(weights, ones_like(correct))
        return div(reduce_sum(correct), reduce_sum(counted))


@export("contrib.metrics.confusion_matrix")
def confusion_matrix(labels, predictions, num_classes=None, dtype=dtypes.int32, name=None, weights=None):
    """`tf.math.confusion_matrix` with the arguments in another order."""
    return confusion.confusion_matrix(labels=labels, predictions=predictions, num_classes=num_classes, dtype=dtype,
                                      name=name, weights=weights)  # fmt: skip


@export("contrib.metrics.count")
def count(values, weights=None, metrics_collections=None, updates_collections=None, name=None):
    """How many values there were, or the sum of their weights.

    Args:
      values: a tensor.
      weights: of a shape that broadcasts to that of the values; None for 1.
      metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope.

    Returns:
      (count, update operation), float32 scalars.
    """
    with variable_scope(name, "count", (values, weights)):
        total = metric_variable([], dtypes.float32, name="count")
        if weights is None:
            number = cast(size(values), dtypes.float32)
        else:
            values, _, weights = matched(cast(values, dtypes.float32), None, weights)
            number = reduce_sum(full_weights(weights, values))
        with control_dependencies([values]):
            update = state.assign_add(total, number)
        value = identity(total)
    return collect(metrics_collections, value), collect(updates_collections, update)


@export("contrib.metrics.aggregate_metrics")
def aggregate_metrics(*value_update_tuples):
    """The values and the updates of several metrics, each as a list.

    Args:
      *value_update_tuples: pairs (value, update operation).

    Returns:
      (list of values, list of updates).

    Raises:
      ValueError: without pairs.
    """
    if not value_update_tuples:
        raise ValueError("Expected at least one value_tensor/update_op pair")
    values, updates = zip(*value_update_tuples, strict=True)
    return list(values), list(updates)


@export("contrib.metrics.aggregate_metric_map")
def aggregate_metric_map(names_to_tuples):
    """The values and the updates of several metrics, each as a dict by name.

    Args:
      names_to_tuples: from a name to a pair (value, update operation).

    Returns:
      (dict of values, dict of updates).
    """
    values = {name: value for name, (value, _) in names_to_tuples.items()}
    return values, {name: update for name, (_, update) in names_to_tuples.items()}


export_values({
    "contrib.metrics.set_difference": set_ops.set_difference,
    "contrib.metrics.set_intersection": set_ops.set_intersection,
    "contrib.metrics.set_size": set_ops.set_size,
    "contrib.metrics.set_union": set_ops.set_union,
})  # fmt: skip
