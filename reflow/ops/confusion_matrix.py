"""The confusion matrix of a classifier."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.arithmetic import maximum
from reflow.ops.casting import cast
from reflow.ops.checks import assert_less, assert_non_negative
from reflow.ops.conditional import cond
from reflow.ops.constant import ones_like, zeros
from reflow.ops.control import with_dependencies
from reflow.ops.joining import stack
from reflow.ops.reduction import reduce_max
from reflow.ops.shape_ops import rank


def remove_squeezable_dimensions(labels, predictions, expected_rank_diff=0, name=None):
    """Labels and predictions, one of them without its last axis of size 1 if it has one axis too many.

    Args:
      labels: a tensor.
      predictions: a tensor.
      expected_rank_diff: rank(predictions) - rank(labels), as it should be.
      name: a name scope for the operations.

    Returns:
      (labels, predictions).
    """
    with name_scope(name, "remove_squeezable_dimensions", [labels, predictions]):
        predictions, labels = to_tensor(predictions), to_tensor(labels)
        if labels.dims is not None and predictions.dims is not None:
            difference = len(predictions.dims) - len(labels.dims)
            if difference == expected_rank_diff + 1:
                predictions = _squeeze_last(predictions)
            elif difference == expected_rank_diff - 1:
                labels = _squeeze_last(labels)
            return labels, predictions
        return _squeeze_when_run(labels, predictions, expected_rank_diff)


def _squeeze_last(tensor):
    return call("Squeeze", tensor, squeeze_dims=[-1])


def _squeeze_when_run(labels, predictions, expected_rank_diff):
    """Of unknown ranks: which one to squeeze turns out when the graph runs."""
    difference = rank(predictions) - rank(labels)
    if predictions.dims is None or predictions.dims[-1] in (None, 1):
        predictions = squeeze_last_if(call("Equal", expected_rank_diff + 1, difference), predictions)
    if labels.dims is None or labels.dims[-1] in (None, 1):
        labels = squeeze_last_if(call("Equal", expected_rank_diff - 1, difference), labels)
    return labels, predictions


def squeeze_last_if(condition, tensor):
    """A tensor whose last axis, of size 1, goes if the scalar `condition` is true."""
    return cond(condition, lambda: _squeeze_last(tensor), lambda: tensor)


@export("confusion_matrix", "math.confusion_matrix", "train.confusion_matrix")
def confusion_matrix(labels, predictions, num_classes=None, dtype=dtypes.int32, name=None, weights=None):
    """How often a label got a prediction: row i, column j counts the label i that was predicted to be j.

    Args:
      labels: an integer vector [n] of classes.
      predictions: an integer vector [n] of classes.
      num_classes: how many classes there are; one more than the greatest that occurs if None.
      dtype: the type of the matrix.
      name: a name scope for the operations.
      weights: a vector [n]: counts that much for each, instead of 1.

    Returns:
      A matrix [num_classes, num_classes] of `dtype`.

    Raises:
      ValueError: if labels, predictions and weights have shapes that do not fit.
      InvalidArgumentError: when it runs, if a class is negative or not less than `num_classes`.
    """
    with name_scope(name, "confusion_matrix", [predictions, labels, num_classes, weights]):
        labels, predictions = remove_squeezable_dimensions(
            to_tensor(labels, name="labels"), to_tensor(predictions, name="predictions")
        )
        predictions, labels = cast(predictions, dtypes.int64), cast(labels, dtypes.int64)
        check = assert_non_negative(labels, message="`labels` contains negative values")
        labels = with_dependencies([check], labels)
        check = assert_non_negative(predictions, message="`predictions` contains negative values")
        predictions = with_dependencies([check], predictions)
        if num_classes is None:
            num_classes = maximum(reduce_max(predictions), reduce_max(labels)) + 1
        else:
            bound = cast(num_classes, dtypes.int64)
            labels = with_dependencies([assert_less(labels, bound, message="`labels` out of bound")], labels)
            check = assert_less(predictions, bound, message="`predictions` out of bound")
            predictions = with_dependencies([check], predictions)
        return _count_pairs(labels, predictions, num_classes, dtype, weights)


def _count_pairs(labels, predictions, num_classes, dtype, weights):
    if weights is not None:
        weights = to_tensor(weights, name="weights")
        predictions.get_shape().assert_is_compatible_with(weights.get_shape())
        weights = cast(weights, dtype)
    matrix_shape = stack([num_classes, num_classes])
    indices = stack([labels, predictions], axis=1)
    values = ones_like(predictions, dtype) if weights is None else weights
    counts = SparseTensor(indices, values, cast(matrix_shape, dtypes.int64))
    nothing = zeros(cast(matrix_shape, dtypes.int32), dtype)
    return call("SparseTensorDenseAdd", counts.indices, counts.values, counts.dense_shape, nothing)
