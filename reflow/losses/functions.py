"""Loss functions: each makes losses elementwise, weighs them, reduces them to a scalar and collects it."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.losses.collection import add_loss
from reflow.ops.arithmetic import div_no_nan
from reflow.ops.casting import cast
from reflow.ops.confusion_matrix import remove_squeezable_dimensions, squeeze_last_if
from reflow.ops.constant import ones_like, zeros_like
from reflow.ops.cross_entropy import (
    sigmoid_cross_entropy_with_logits,
    softmax_cross_entropy_with_logits_v2,
    sparse_softmax_cross_entropy_with_logits,
)
from reflow.ops.identity import stop_gradient
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_sum
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.select import where
from reflow.ops.shape_ops import rank, shape, size, squeeze
from reflow.ops.weights_broadcast import assert_broadcastable, broadcast_weights

# --- weighing and reducing ----------------------------------------------------------------------------------------


@export("losses.Reduction")
class Reduction:
    """How weighted losses are reduced.

    Attributes:
      NONE: not at all.
      SUM: their sum.
      MEAN: their sum over the sum of the weights.
      SUM_OVER_BATCH_SIZE: their sum over the number of losses.
      SUM_BY_NONZERO_WEIGHTS: their sum over the number of weights that are not 0.
      SUM_OVER_NONZERO_WEIGHTS: the older name of the one before.
    """

    NONE = "none"
    SUM = "weighted_sum"
    SUM_OVER_BATCH_SIZE = "weighted_sum_over_batch_size"
    MEAN = "weighted_mean"
    SUM_BY_NONZERO_WEIGHTS = "weighted_sum_by_nonzero_weights"
    SUM_OVER_NONZERO_WEIGHTS = SUM_BY_NONZERO_WEIGHTS

    @classmethod
    def all(cls):
        """All ways to reduce, as a tuple."""
        return (cls.NONE, cls.SUM, cls.MEAN, cls.SUM_OVER_BATCH_SIZE, cls.SUM_OVER_NONZERO_WEIGHTS,
                cls.SUM_BY_NONZERO_WEIGHTS)  # fmt: skip

    @classmethod
    def validate(cls, key):
        """Raises ValueError unless `key` is one of them."""
        if key not in cls.all():
            raise ValueError(f"Invalid Reduction Key {key}.")


def _safe_mean(losses, count):
    return div_no_nan(reduce_sum(losses), count, name="value")


def _count_present(losses, weights, per_batch=False):
    """How many losses have a weight other than 0: in all, or for each row of the batch."""
    with name_scope(None, "num_present", [losses, weights]) as scope:
        weights = cast(weights, dtypes.float32)
        present = where(call("Equal", weights, 0.0), zeros_like(weights), ones_like(weights))
        present = broadcast_weights(present, losses)
        if per_batch:
            return reduce_sum(present, axis=range_(1, rank(present)), keepdims=True, name=scope)
        return reduce_sum(present, name=scope)


def _count_all(losses):
    with name_scope(None, "num_elements", [losses]) as scope:
        return cast(size(losses, name=scope), losses.dtype.base_dtype)


@export("losses.compute_weighted_loss")
def compute_weighted_loss(losses, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
                          reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """Losses weighed, reduced and collected.

    Args:
      losses: tensor [batch, d1, ..., dk].
      weights: a number, or a tensor of the rank of `losses` whose dimensions are 1 or as large.
      scope: a name scope.
      loss_collection: the collection to add the result to; None for none.
      reduction: a `Reduction`.

    Returns:
      A scalar of the type of `losses`; a tensor like `losses` for `Reduction.NONE`.

    Raises:
      ValueError: for another reduction, or weights that do not fit.
    """
    Reduction.validate(reduction)
    with (
        name_scope(scope, "weighted_loss", [losses, weights]),
        control_dependencies([assert_broadcastable(weights, losses)]),
    ):
        losses = to_tensor(losses)
        input_dtype = losses.dtype.base_dtype
        losses, weights = cast(losses, dtypes.float32), cast(weights, dtypes.float32)
        loss = _reduced(losses, weights, call("Mul", losses, weights), reduction)
        loss = cast(loss, input_dtype)
        add_loss(loss, loss_collection)
        return loss


def _reduced(losses, weights, weighted, reduction):
    if reduction == Reduction.NONE:
        return weighted
    total = reduce_sum(weighted)
    if reduction == Reduction.MEAN:
        return _safe_mean(total, reduce_sum(ones_like(losses) * weights))
    if reduction == Reduction.SUM_BY_NONZERO_WEIGHTS:
        return _safe_mean(total, _count_present(losses, weights))
    if reduction == Reduction.SUM_OVER_BATCH_SIZE:
        return _safe_mean(total, _count_all(losses))
    return total


def _given(**arguments):
    for name, value in arguments.items():
        if value is None:
            raise ValueError(f"{name} must not be None.")


def _as_floats(first, second):
    """Both as float32, of compatible shapes."""
    first, second = cast(first, dtypes.float32), cast(second, dtypes.float32)
    first.shape.assert_is_compatible_with(second.shape)
    return first, second


def _logits_and_labels(logits, labels):
    """Both as tensors of the type of the logits, of compatible shapes."""
    logits = to_tensor(logits)
    labels = cast(labels, logits.dtype.base_dtype)
    logits.shape.assert_is_compatible_with(labels.shape)
    return logits, labels


# --- regression ---------------------------------------------------------------------------------------------------


@export("losses.absolute_difference")
def absolute_difference(labels, predictions, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
                        reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """|predictions - labels|.

    Args:
      labels: the true values.
      predictions: a tensor of the shape of `labels`.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.

    Returns:
      A float32 scalar; a tensor like `labels` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "absolute_difference", [predictions, labels, weights]) as scope:
        predictions, labels = _as_floats(predictions, labels)
        losses = call("Abs", call("Sub", predictions, labels))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.mean_squared_error")
def mean_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
                       reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """(predictions - labels) ** 2.

    Args:
      labels: the true values.
      predictions: a tensor of the shape of `labels`.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.

    Returns:
      A float32 scalar; a tensor like `labels` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as scope:
        predictions, labels = _as_floats(predictions, labels)
        losses = call("SquaredDifference", predictions, labels)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.huber_loss")
def huber_loss(labels, predictions, weights=1.0, delta=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
               reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """Huber's loss: e ** 2 / 2 for errors |e| up to `delta`, then delta * |e| - delta ** 2 / 2.

    Args:
      labels: the true values.
      predictions: a tensor of the shape of `labels`.
      delta: where the loss turns from quadratic to linear.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.

    Returns:
      A float32 scalar; a tensor like `labels` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "huber_loss", [predictions, labels, weights]) as scope:
        predictions, labels = _as_floats(predictions, labels)
        error = call("Abs", call("Sub", predictions, labels))
        quadratic = call("Minimum", error, delta)
        # As max(error - delta, 0), but with a gradient of 0 where the error is delta: the quadratic part has one there.
        linear = call("Sub", error, quadratic)
        half = to_tensor(0.5, quadratic.dtype)
        losses = call("Add", call("Mul", half, call("Mul", quadratic, quadratic)), call("Mul", delta, linear))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.cosine_distance")
def cosine_distance(labels, predictions, axis=None, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
                    reduction=Reduction.SUM_BY_NONZERO_WEIGHTS, dim=None):  # fmt: skip
    """1 - sum(predictions * labels, axis): the cosine distance of unit vectors.

    Args:
      labels: unit vectors along `axis`.
      predictions: a tensor of the shape of `labels`: unit vectors.
      axis: the dimension of the vectors.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.
      dim: the older name of `axis`.

    Returns:
      A float32 scalar; for `Reduction.NONE` a tensor like `labels` with size 1 along `axis`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    axis = renamed_argument("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as scope:
        predictions, labels = _as_floats(predictions, labels)
        losses = 1 - reduce_sum(call("Mul", predictions, labels), axis=(axis,), keepdims=True)
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.mean_pairwise_squared_error")
def mean_pairwise_squared_error(labels, predictions, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES):
    """The squared differences between the errors of each two elements of a row of the batch, averaged over the pairs.

    Args:
      labels: the true values, [batch, ...].
      predictions: a tensor of the shape of `labels`.
      weights, scope, loss_collection: as in `compute_weighted_loss`.

    Returns:
      A float32 scalar.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]) as scope:
        weights, labels = cast(weights, dtypes.float32), cast(labels, dtypes.float32)
        with control_dependencies([assert_broadcastable(weights, labels)]):
            predictions = cast(predictions, dtypes.float32)
            predictions.shape.assert_is_compatible_with(labels.shape)
            differences = call("Sub", predictions, labels)
            axes = range_(1, rank(differences))
            squares = reduce_sum(call("Square", differences), axis=axes, keepdims=True)
            count = _count_present(differences, weights, per_batch=True)
            first = 2.0 * div_no_nan(squares, call("Maximum", count - 1, 0), name="value")
            total = reduce_sum(differences, axis=axes, keepdims=True)
            pairs = call("Maximum", call("Mul", count, count - 1), 0)
            second = 2.0 * div_no_nan(call("Square", total), pairs, name="value")
            loss = reduce_sum(call("Mul", first - second, weights))
            loss = where(reduce_sum(count) > 0, loss, zeros_like(loss), name="value")
            add_loss(loss, loss_collection)
            return loss


# --- classification -----------------------------------------------------------------------------------------------


@export("losses.hinge_loss")
def hinge_loss(labels, logits, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
               reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """max(0, 1 - y * logits) with y = 2 * labels - 1.

    Args:
      labels: the true classes, 0.0 or 1.0.
      logits: a tensor of the shape of `labels`: negative for class 0, positive for class 1.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.

    Returns:
      A float32 scalar; a tensor like `labels` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(labels=labels, logits=logits)
    with name_scope(scope, "hinge_loss", [logits, labels, weights]) as scope:
        logits, labels = _as_floats(logits, labels)
        ones = ones_like(labels)
        signs = call("Sub", 2 * labels, ones)
        losses = call("Relu", call("Sub", ones, call("Mul", signs, logits)))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.log_loss")
def log_loss(labels, predictions, weights=1.0, epsilon=1e-7, scope=None, loss_collection=GraphKeys.LOSSES,
             reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """-labels * log(predictions + epsilon) - (1 - labels) * log(1 - predictions + epsilon).

    Args:
      labels: the true classes or probabilities, in [0, 1].
      predictions: a tensor of the shape of `labels`: probabilities.
      epsilon: keeps the logarithm from infinity.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.

    Returns:
      A float32 scalar; a tensor like `labels` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(labels=labels, predictions=predictions)
    with name_scope(scope, "log_loss", [predictions, labels, weights]) as scope:
        predictions, labels = _as_floats(predictions, labels)
        positive = call("Mul", labels, call("Log", predictions + epsilon))
        losses = -positive - call("Mul", 1 - labels, call("Log", 1 - predictions + epsilon))
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.sigmoid_cross_entropy")
def sigmoid_cross_entropy(multi_class_labels, logits, weights=1.0, label_smoothing=0, scope=None,
                          loss_collection=GraphKeys.LOSSES,
                          reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """The sigmoid cross entropy, for classes that do not exclude each other.

    Args:
      multi_class_labels: [batch, classes] labels in {0, 1}.
      logits: a tensor of the shape of the labels: log odds.
      label_smoothing: if above 0, how far to move the labels towards 1/2.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`.

    Returns:
      A scalar of the type of `logits`; a tensor like `logits` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(multi_class_labels=multi_class_labels, logits=logits)
    with name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as scope:
        logits, labels = _logits_and_labels(logits, multi_class_labels)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.softmax_cross_entropy")
def softmax_cross_entropy(onehot_labels, logits, weights=1.0, label_smoothing=0, scope=None,
                          loss_collection=GraphKeys.LOSSES,
                          reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """The softmax cross entropy, for classes that exclude each other. No gradient flows into the labels.

    Args:
      onehot_labels: [batch, classes] probabilities.
      logits: a tensor of the shape of the labels: unscaled log probabilities.
      label_smoothing: if above 0, how far to move the labels towards 1 / classes.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`, for losses [batch].

    Returns:
      A scalar of the type of `logits`; a tensor [batch] for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes differ.
    """
    _given(onehot_labels=onehot_labels, logits=logits)
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as scope:
        logits, labels = _logits_and_labels(logits, onehot_labels)
        if label_smoothing > 0:
            classes = cast(shape(labels)[-1], logits.dtype.base_dtype)
            negatives = label_smoothing / classes
            labels = labels * (1.0 - label_smoothing) + negatives
        labels = stop_gradient(labels, name="labels_stop_gradient")
        losses = softmax_cross_entropy_with_logits_v2(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


@export("losses.sparse_softmax_cross_entropy")
def sparse_softmax_cross_entropy(labels, logits, weights=1.0, scope=None, loss_collection=GraphKeys.LOSSES,
                                 reduction=Reduction.SUM_BY_NONZERO_WEIGHTS):  # fmt: skip
    """The softmax cross entropy, for labels that are class numbers.

    Args:
      labels: int32 or int64 tensor [batch, ...] of classes; a last dimension of 1 is dropped.
      logits: tensor [batch, ..., classes]: unscaled log probabilities.
      weights, scope, loss_collection, reduction: as in `compute_weighted_loss`, for losses shaped like `labels`.

    Returns:
      A scalar of the type of `logits`; a tensor like `labels` for `Reduction.NONE`.

    Raises:
      ValueError: if an argument is None, or the shapes do not fit.
    """
    _given(labels=labels, logits=logits)
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as scope:
        labels, logits = remove_squeezable_dimensions(labels, logits, expected_rank_diff=1)
        weights = _without_extra_dimension(weights, labels)
        losses = sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope, loss_collection, reduction=reduction)


def _without_extra_dimension(weights, labels):
    """The weights without a last dimension of 1 that the labels do not have."""
    if weights is None:
        return None
    weights = to_tensor(weights)
    if None not in (labels.dims, weights.dims):
        return squeeze(weights, [-1]) if len(weights.dims) == len(labels.dims) + 1 else weights
    difference = rank(weights) - rank(labels)
    if weights.dims is None or weights.dims and weights.dims[-1] in (None, 1):
        return squeeze_last_if(call("Equal", 1, difference), weights)
    return weights
