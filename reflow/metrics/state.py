"""What the metrics share: their variables, weights that fit, and the collections of their results."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import add_to_collections
from reflow.graph.convert import to_tensor
from reflow.ops.casting import cast
from reflow.ops.conditional import cond
from reflow.ops.confusion_matrix import remove_squeezable_dimensions
from reflow.ops.constant import zeros
from reflow.ops.shape_ops import expand_dims, rank, squeeze
from reflow.ops.weights_broadcast import broadcast_weights
from reflow.variables.synchronization import VariableAggregation, VariableSynchronization
from reflow.variables.variable import Variable

# What a metric's docstring says of the arguments that all of them have.
COLLECTIONS_DOC = """metrics_collections: collections to add the value to.
      updates_collections: collections to add the update operation to.
      name: the name of the variable scope."""


def metric_variable(shape, dtype, validate_shape=True, name=None):
    """A local variable that a metric adds up in, 0 to begin with.

    Args:
      shape: its shape.
      dtype: its type.
      validate_shape: False for a variable whose shape may change.
      name: its name.

    Returns:
      A Variable in the collections LOCAL_VARIABLES and METRIC_VARIABLES.
    """
    return Variable(
        lambda: zeros(shape, dtype), trainable=False,
        collections=[GraphKeys.LOCAL_VARIABLES, GraphKeys.METRIC_VARIABLES], validate_shape=validate_shape, name=name,
        synchronization=VariableSynchronization.ON_READ, aggregation=VariableAggregation.SUM,
    )  # fmt: skip


def collect(collections, value):
    """Add a result to collections, if there are any, and return it."""
    if collections:
        add_to_collections(collections, value)
    return value


def matched(predictions, labels, weights):
    """Predictions, labels and weights, without (or with) a last dimension of 1 where that makes them fit.

    Args:
      predictions: a tensor.
      labels: a tensor of the same shape, but for a last dimension of 1; None for none.
      weights: a tensor of the rank of the predictions, one more or one less, or a scalar; None for none.

    Returns:
      (predictions, labels, weights).
    """
    predictions = to_tensor(predictions)
    if labels is not None:
        labels, predictions = remove_squeezable_dimensions(labels, predictions)
        predictions.shape.assert_is_compatible_with(labels.shape)
    if weights is None:
        return predictions, labels, None
    weights = to_tensor(weights)
    if weights.dims is None or predictions.dims is None:
        return predictions, labels, weights if weights.dims == () else _fitted_when_run(weights, predictions)
    if weights.dims and len(weights.dims) == len(predictions.dims) + 1:
        weights = squeeze(weights, [-1])
    elif weights.dims and len(weights.dims) == len(predictions.dims) - 1:
        weights = expand_dims(weights, [-1])
    return predictions, labels, weights


def _fitted_when_run(weights, predictions):
    """Weights of an unknown rank: drop or add a last dimension of 1 when that turns out to be needed."""
    weights_rank = rank(weights)
    difference = weights_rank - rank(predictions)
    may_squeeze = weights.dims is None or weights.dims[-1] in (None, 1)

    def expanded():
        return cond(call("Equal", difference, -1), lambda: expand_dims(weights, [-1]), lambda: weights)

    def fitted():
        return cond(call("Equal", difference, 1), lambda: squeeze(weights, [-1]) if may_squeeze else weights, expanded)

    return cond(call("Equal", weights_rank, 0), lambda: weights, fitted)


def full_weights(weights, values):
    """Weights as float32, broadcast to the shape of `values`."""
    return broadcast_weights(cast(weights, dtypes.float32), values)
