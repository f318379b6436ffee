"""The losses that `tf.losses` took the place of: predictions come before labels, and sums are over present elements."""

from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops import cross_entropy, elementwise
from reflow.ops.accumulation import add_n
from reflow.ops.activations import relu
from reflow.ops.arithmetic import div, div_no_nan, multiply, squared_difference, subtract
from reflow.ops.casting import cast
from reflow.ops.comparison import equal, not_equal
from reflow.ops.constant import ones, ones_like, zeros_like
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import reshape, shape, size, squeeze
from reflow.ops.slicing import slice_
from reflow.platform.deprecation import deprecated, deprecated_argument_lookup

_DATE = "2016-12-30"


def _published(name, note=""):
    """A decorator: a public loss that says what to use instead."""

    def decorate(function):
        return export(f"contrib.losses.{name}")(deprecated(_DATE, f"Use tf.losses.{name} instead.{note}")(function))

    return decorate


_SWAPPED = " Note that the order of the predictions and labels arguments has been changed."
_SWAPPED_LOGITS = " Note that the order of the logits and labels arguments has been changed."


# --- sums ---------------------------------------------------------------------------------------------------------


def _scale_losses(losses, weights):
    """The weighted sum: the weights stand for the first axes."""
    axes = list(range(max(0, weights.get_shape().ndims), losses.get_shape().ndims))
    return reduce_sum(multiply(reduce_sum(losses, axis=axes), weights))


def _num_present(losses, weights, per_batch=False):
    """How many elements have a weight other than 0, in all or in each example."""
    if weights.get_shape().ndims == 0:
        batch_size = reshape(slice_(shape(losses), [0], [1]), [])
        each = div(cast(size(losses), dtypes.float32), cast(batch_size, dtypes.float32))
        each = where(equal(weights, 0), 0.0, each)
        each = multiply(ones(reshape(batch_size, [1])), each)
    else:
        rank = weights.get_shape().ndims
        nonzero = reduce_sum(cast(not_equal(weights, 0), dtypes.float32), axis=list(range(1, rank)))
        others = slice_(shape(losses), [rank], [-1])
        each = multiply(nonzero, cast(reduce_prod(others), dtypes.float32))
    return each if per_batch else reduce_sum(each)


@_published("compute_weighted_loss")
def compute_weighted_loss(losses, weights=1.0, scope=None):
    """The weighted mean of losses over the elements whose weight is not 0; collection LOSSES gains it.

    Args:
      losses: a tensor [batch, ...].
      weights: a scalar, [batch], or of the shape of the first axes of `losses`.
      scope: a name scope.

    Returns:
      A scalar.

    Raises:
      ValueError: if a rank is not known.
    """
    with name_scope(scope, "weighted_loss", [losses, weights]):
        losses = to_tensor(losses)
        input_dtype = losses.dtype
        losses, weights = cast(losses, dtypes.float32), cast(to_tensor(weights), dtypes.float32)
        _check_ranks(losses=losses, weights=weights)
        if weights.shape.ndims > 1 and weights.shape[-1].is_compatible_with(1):
            weights = squeeze(weights, [-1])
        total = _scale_losses(losses, weights)
        present = _num_present(losses, weights)
        mean = cast(div_no_nan(reduce_sum(total), present, name="value"), input_dtype)
        add_loss(mean)
        return mean


def _check_ranks(**tensors):
    for name, tensor in tensors.items():
        if tensor.get_shape().ndims is None:
            raise ValueError(f"{name}.get_shape().ndims cannot be None")


def _converted(predictions, labels):
    """Predictions and labels as float32, their shapes checked."""
    predictions.get_shape().assert_is_compatible_with(labels.get_shape())
    return cast(predictions, dtypes.float32), cast(labels, dtypes.float32)


# --- collections --------------------------------------------------------------------------------------------------


@_published("add_loss")
@add_arg_scope
def add_loss(loss, loss_collection=GraphKeys.LOSSES):
    """Add a loss to a collection, or to none for None.

    Args:
      loss_collection: the collection.
    """
    if loss_collection:
        get_default_graph().add_to_collection(loss_collection, loss)


@_published("get_losses")
def get_losses(scope=None, loss_collection=GraphKeys.LOSSES):
    """The losses of a collection whose names begin with `scope`, as a list.

    Args:
      loss_collection: the collection.
    """
    return get_default_graph().get_collection(loss_collection, scope)


@_published("get_regularization_losses")
def get_regularization_losses(scope=None):
    """The losses of collection REGULARIZATION_LOSSES whose names begin with `scope`, as a list."""
    return get_default_graph().get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


@_published("get_total_loss")
def get_total_loss(add_regularization_losses=True, name="total_loss"):
    """The sum of all losses.

    Args:
      add_regularization_losses: whether those of collection REGULARIZATION_LOSSES count.
      name: a name for the operation.

    Returns:
      A scalar.
    """
    return add_n(get_losses() + (get_regularization_losses() if add_regularization_losses else []), name=name)


# --- losses -------------------------------------------------------------------------------------------------------


@_published("absolute_difference")
def absolute_difference(predictions, labels=None, weights=1.0, scope=None):
    """The mean of |prediction - label|.

    Args:
      predictions: a tensor.
      labels: a tensor of that shape.
      weights: a scalar, [batch], or of the shape of the first axes.
      scope: a name scope.

    Returns:
      A scalar, which collection LOSSES gains.

    Raises:
      ValueError: if the shapes differ.
    """
    with name_scope(scope, "absolute_difference", [predictions, labels, weights]) as scope:
        predictions, labels = _converted(predictions, labels)
        return compute_weighted_loss(elementwise.abs(subtract(predictions, labels)), weights, scope=scope)


@_published("sigmoid_cross_entropy", _SWAPPED)
def sigmoid_cross_entropy(logits, multi_class_labels, weights=1.0, label_smoothing=0, scope=None):
    """The mean cross entropy of independent classes.

    Args:
      logits: [batch, classes] tensor.
      multi_class_labels: [batch, classes] tensor of 0 and 1.
      weights: a scalar, [batch], or of the shape of the logits.
      label_smoothing: how far the labels move toward 1/2, from 0 to 1.
      scope: a name scope.

    Returns:
      A scalar, which collection LOSSES gains.

    Raises:
      ValueError: if the shapes differ.
    """
    with name_scope(scope, "sigmoid_cross_entropy_loss", [logits, multi_class_labels, weights]) as scope:
        logits.get_shape().assert_is_compatible_with(multi_class_labels.get_shape())
        labels = cast(multi_class_labels, logits.dtype)
        if label_smoothing > 0:
            labels = labels * (1 - label_smoothing) + 0.5 * label_smoothing
        losses = cross_entropy.sigmoid_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=scope)


@_published("softmax_cross_entropy", _SWAPPED_LOGITS)
def softmax_cross_entropy(logits, onehot_labels, weights=1.0, label_smoothing=0, scope=None):
    """The mean cross entropy of classes that exclude each other.

    Args:
      logits: [batch, classes] tensor.
      onehot_labels: [batch, classes] tensor.
      weights: a scalar or [batch].
      label_smoothing: how far the labels move toward 1/classes, from 0 to 1.
      scope: a name scope.

    Returns:
      A scalar, which collection LOSSES gains.

    Raises:
      ValueError: if the shapes differ.
    """
    with name_scope(scope, "softmax_cross_entropy_loss", [logits, onehot_labels, weights]) as scope:
        logits.get_shape().assert_is_compatible_with(onehot_labels.get_shape())
        labels = cast(onehot_labels, logits.dtype)
        if label_smoothing > 0:
            classes = cast(shape(labels)[1], logits.dtype)
            negatives = label_smoothing / classes
            labels = labels * (1.0 - label_smoothing) + negatives
        losses = cross_entropy.softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=scope)


@_published("sparse_softmax_cross_entropy", _SWAPPED_LOGITS)
def sparse_softmax_cross_entropy(logits, labels, weights=1.0, scope=None):
    """The mean cross entropy of classes that exclude each other.

    Args:
      logits: [batch, classes] tensor.
      labels: integer tensor [batch] or [batch, 1] of classes.
      weights: a scalar or [batch].
      scope: a name scope.

    Returns:
      A scalar, which collection LOSSES gains.
    """
    with name_scope(scope, "sparse_softmax_cross_entropy_loss", [logits, labels, weights]) as scope:
        labels = reshape(labels, shape=[shape(labels)[0]])
        losses = cross_entropy.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits, name="xentropy")
        return compute_weighted_loss(losses, weights, scope=scope)


@_published("log_loss", _SWAPPED)
def log_loss(predictions, labels=None, weights=1.0, epsilon=1e-7, scope=None):
    """The mean of -label * log(prediction) - (1 - label) * log(1 - prediction).

    Args:
      predictions: a tensor of probabilities.
      labels: a tensor of that shape.
      weights: a scalar, [batch], or of the shape of the first axes.
      epsilon: added to probabilities.
      scope: a name scope.

    Returns:
      A scalar, which collection LOSSES gains.

    Raises:
      ValueError: if the shapes differ.
    """
    with name_scope(scope, "log_loss", [predictions, labels, weights]) as scope:
        predictions, labels = _converted(predictions, labels)
        positive = -multiply(labels, elementwise.log(predictions + epsilon))
        losses = positive - multiply(1 - labels, elementwise.log(1 - predictions + epsilon))
        return compute_weighted_loss(losses, weights, scope=scope)


@_published("hinge_loss", f"{_SWAPPED_LOGITS[:-1]}, and to stay unweighted, reduction=Reduction.NONE")
def hinge_loss(logits, labels=None, scope=None):
    """max(0, 1 - logit) for labels of 1, max(0, 1 + logit) for labels of 0; no mean, and in no collection.

    Args:
      logits: a tensor.
      labels: a tensor of that shape.
      scope: a name scope.

    Returns:
      A tensor of that shape.

    Raises:
      ValueError: if the shapes differ.
    """
    with name_scope(scope, "hinge_loss", [logits, labels]) as scope:
        logits.get_shape().assert_is_compatible_with(labels.get_shape())
        labels = cast(labels, dtypes.float32)
        one = ones_like(labels)
        signs = subtract(2 * labels, one)
        return relu(subtract(one, multiply(signs, logits)))


@_published("mean_squared_error")
def mean_squared_error(predictions, labels=None, weights=1.0, scope=None):
    """The mean of (prediction - label)²; the arguments are those of `absolute_difference`."""
    with name_scope(scope, "mean_squared_error", [predictions, labels, weights]) as scope:
        predictions, labels = _converted(predictions, labels)
        return compute_weighted_loss(squared_difference(predictions, labels), weights, scope=scope)


@_published("mean_pairwise_squared_error", _SWAPPED)
def mean_pairwise_squared_error(predictions, labels=None, weights=1.0, scope=None):
    """The mean over pairs of elements of one example of ((prediction - prediction') - (label - label'))².

    Args:
      predictions: a tensor [batch, ...].
      labels: a tensor of that shape.
      weights: a scalar, [batch], or of the shape of the first axes.
      scope: a name scope.

    Returns:
      A scalar, which collection LOSSES gains.

    Raises:
      ValueError: if the shapes differ, or a rank is not known.
    """
    with name_scope(scope, "mean_pairwise_squared_error", [predictions, labels, weights]) as scope:
        predictions, labels = _converted(predictions, labels)
        weights = cast(to_tensor(weights), dtypes.float32)
        diffs = subtract(predictions, labels)
        _check_ranks(diffs=diffs, weights=weights)
        axes = list(range(1, diffs.get_shape().ndims))
        squares = reduce_sum(elementwise.square(diffs), axis=axes)
        present = _num_present(diffs, weights, per_batch=True)
        term1 = 2.0 * div_no_nan(squares, present, name="value")
        total = reduce_sum(diffs, axis=axes)
        term2 = 2.0 * div_no_nan(elementwise.square(total), elementwise.square(present), name="value")
        loss = _scale_losses(term1 - term2, weights)
        mean = where(reduce_sum(present) > 0, loss, zeros_like(loss), name="value")
        add_loss(mean)
        return mean


@_published("cosine_distance")
def cosine_distance(predictions, labels=None, axis=None, weights=1.0, scope=None, dim=None):
    """The mean of 1 - cos of the angle between predictions and labels, both of unit length.

    Args:
      predictions: a tensor.
      labels: a tensor of that shape.
      axis: the axis of the vectors.
      weights: a scalar, [batch], or of the shape of the first axes.
      scope: a name scope.
      dim: the old name of `axis`.

    Returns:
      A scalar, which collection LOSSES gains.

    Raises:
      ValueError: if the shapes differ, or without `axis`.
    """
    axis = deprecated_argument_lookup("axis", axis, "dim", dim)
    if axis is None:
        raise ValueError("You must specify 'axis'.")
    with name_scope(scope, "cosine_distance_loss", [predictions, labels, weights]) as scope:
        predictions, labels = _converted(predictions, labels)
        losses = 1 - reduce_sum(multiply(predictions, labels), axis=[axis])
        return compute_weighted_loss(losses, weights, scope=scope)
