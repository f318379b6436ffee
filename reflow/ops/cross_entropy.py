"""Cross entropies between labels and logits: softmax, sparse softmax, logistic, weighted, and the Poisson loss."""

import math

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import broadcast_dims, dims_compatible, dims_to_str, num_elements
from reflow.ops.casting import cast
from reflow.ops.constant import constant, ones_like, zeros_like
from reflow.ops.identity import prevent_gradient, stop_gradient
from reflow.ops.joining import concat
from reflow.ops.matmul import matmul
from reflow.ops.native import cross_entropy as cross_entropy_native
from reflow.ops.ranges import range as range_
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape, squeeze
from reflow.ops.shape_rules import merge, merge_size, with_rank
from reflow.ops.slicing import slice_
from reflow.ops.softmax import log_softmax, softmax

# --- SoftmaxCrossEntropyWithLogits --------------------------------------------------------------------------------


def _xent_shape(op):
    features, labels = op._inputs[0].dims, op._inputs[1].dims
    # Shapes that may be equal are taken to be: what is known of one holds of both, as it does not of broadcast ones.
    if dims_compatible(features, (None, None)) and dims_compatible(features or (None, None), labels):
        dims = merge(features or (None, None), labels)
    else:
        dims = with_rank(broadcast_dims(features, labels), 2)
    return [dims[:1], dims]


def _softmax_cross_entropy(features, labels):
    """-sum(labels * log softmax(features)) a row, and its gradient by the features."""
    logarithms = torch.log_softmax(features, 1)
    return -(labels * logarithms).sum(1), logarithms.exp() - labels


define_op(
    "SoftmaxCrossEntropyWithLogits", "features: T, labels: T -> loss: T, backprop: T", "T: type in floating",
    shape=_xent_shape, kernel=_softmax_cross_entropy, native=cross_entropy_native.rule(_softmax_cross_entropy),
)  # fmt: skip


@gradient("SoftmaxCrossEntropyWithLogits")
def _xent_gradient(op, grad_loss, grad_backprop):
    """The op makes its gradient itself; the gradient of that one is softmax's."""
    logits = op._inputs[0]
    grad = expand_dims(grad_loss, -1) * op.outputs[1]
    if grad_backprop is not None and not _is_zero(grad_backprop):
        probabilities = softmax(logits)
        inner = matmul(expand_dims(grad_backprop, 1), expand_dims(probabilities, 2))
        grad = grad + (grad_backprop - squeeze(inner, axis=1)) * probabilities
    return grad, expand_dims(grad_loss, -1) * -log_softmax(logits)


def _is_zero(tensor: Tensor) -> bool:
    if tensor.op.type in ("ZerosLike", "Zeros"):
        return True
    value = constant_value(tensor)
    return value is not None and not value.any()


@export("nn.softmax_cross_entropy_with_logits_v2")
def softmax_cross_entropy_with_logits_v2(labels, logits, axis=None, name=None, dim=None):
    """-sum(labels * log(softmax(logits, axis)), axis): the cross entropy, in nats.

    Gradients flow into the labels too; stop them with tf.stop_gradient.

    Args:
      labels: tensor like `logits`: along `axis` a probability distribution.
      logits: tensor of half, bfloat16, float32 or float64: unscaled log probabilities.
      axis: the dimension of the classes, -1 (the last) if None.
      name: a name for the operation.
      dim: the older name of `axis`.

    Returns:
      A tensor like `logits`, without the dimension `axis`.
    """
    axis = renamed_argument("axis", axis, "dim", dim)
    axis = -1 if axis is None else axis
    with name_scope(name, "softmax_cross_entropy_with_logits", [logits, labels]) as scope:
        logits, labels = to_tensor(logits, name="logits"), to_tensor(labels, name="labels")
        is_half = logits.dtype.base_dtype in (dtypes.float16, dtypes.bfloat16)
        precise = cast(logits, dtypes.float32) if is_half else logits
        labels = cast(labels, precise.dtype)
        logits_rank = rank(precise)
        if axis != -1:
            precise, labels = (_move_to_end(t, axis, logits_rank) for t in (precise, labels))
        logits_shape = shape(precise)
        precise, labels = _flatten_outer_dims(precise), _flatten_outer_dims(labels)
        cost, _ = call("SoftmaxCrossEntropyWithLogits", precise, labels, name=scope)
        cost = reshape(cost, slice_(logits_shape, [0], [call("Sub", logits_rank, 1)]))
        if logits.dims is not None:
            dims = list(logits.dims)
            del dims[axis]
            cost.set_shape(dims)
        return cast(cost, logits.dtype) if is_half else cost


def _move_to_end(tensor, axis, tensor_rank):
    order = concat([range_(axis), range_(axis + 1, tensor_rank), [axis]], 0)
    return call("Transpose", tensor, order, name="transpose")


def _flatten_outer_dims(tensor):
    """A matrix with the last dimension for its columns."""
    last_axis = call("Sub", rank(tensor), 1)
    last = slice_(shape(tensor), [last_axis], [1])
    matrix = reshape(tensor, concat([[-1], last], 0))
    if tensor.dims is not None and None not in tensor.dims[:-1]:
        matrix.set_shape([num_elements(tensor.dims[:-1]), tensor.dims[-1]])
    return matrix


@export("nn.softmax_cross_entropy_with_logits")
def softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, dim=-1, name=None, axis=None):
    """As `softmax_cross_entropy_with_logits_v2`, with no gradient into the labels.

    Args:
      _sentinel: guards against positional arguments.
      labels: tensor like `logits`: along `dim` a probability distribution.
      logits: tensor of half, bfloat16, float32 or float64: unscaled log probabilities.
      dim: the dimension of the classes.
      name: a name for the operation.
      axis: the newer name of `dim`.

    Returns:
      A tensor like `logits`, without the dimension `dim`.

    Raises:
      ValueError: if `labels` or `logits` is missing, or arguments are not given by name.
    """
    # As in TensorFlow: `dim` has a default, so giving `axis` as well means giving both.
    dim = renamed_argument("axis", axis, "dim", dim)
    _check_arguments("softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "softmax_cross_entropy_with_logits_sg", [logits, labels]) as scope:
        labels = stop_gradient(labels, name="labels_stop_gradient")
    return softmax_cross_entropy_with_logits_v2(labels, logits, axis=dim, name=scope)


def _check_arguments(name, sentinel, labels, logits):
    if sentinel is not None:
        raise ValueError(f"Only call `{name}` with named arguments (labels=..., logits=..., ...)")
    if labels is None or logits is None:
        raise ValueError("Both labels and logits must be provided.")


# --- SparseSoftmaxCrossEntropyWithLogits --------------------------------------------------------------------------


def _sparse_xent_shape(op):
    features, labels = with_rank(op._inputs[0].dims, 2), with_rank(op._inputs[1].dims, 1)
    batch = merge_size(features[0], labels[0])
    return [(batch,), (batch, features[1])]


def _sparse_softmax_cross_entropy(features, labels):
    """-log softmax(features) at each row's label, and its gradient by the features.

    With m a row's greatest feature, softmax(m) = exp(m - log sum exp(features)) tells the logarithm of the sum: nothing
    but the softmax has to be computed for all features.
    """
    column = label_column(features, labels)
    probabilities = torch.softmax(features, 1)
    if features.numel() and features.dtype in (torch.float32, torch.float64):
        distance = features.amax(1, True).sub_(features.gather(1, column))
        loss = distance.sub_(probabilities.amax(1, True).log_()).squeeze(1)
    else:
        loss = torch.log_softmax(features, 1).gather(1, column).squeeze(1).neg_()
    return loss, minus_one_at(column, probabilities)


def label_column(features, labels):
    """The labels as a column [batch, 1] of int64.

    Raises:
      InvalidArgumentError: if one of them is no class. (Of labels on a GPU the host would have to wait for an answer.)
    """
    classes = features.shape[1]
    if labels.numel() and labels.is_cpu:
        least, greatest = torch.aminmax(labels)
        if least.item() < 0 or greatest.item() >= classes:
            _raise_bad_label(labels, classes)
    return labels.long().unsqueeze(1)


def minus_one_at(column, probabilities):
    """The gradient of the cross entropy: the probabilities, which are overwritten, less 1 at each row's label."""
    return probabilities.scatter_(1, column, -1.0, reduce="add")


def _raise_bad_label(labels, classes):
    bad = next(v for v in labels.tolist() if not 0 <= v < classes)
    raise InvalidArgumentError(
        None, None,
        f"Received a label value of {bad} which is outside the valid range of [0, {classes}).  Label values: "
        + " ".join(map(str, labels.tolist())),
    )  # fmt: skip


define_op(
    "SparseSoftmaxCrossEntropyWithLogits", "features: T, labels: Tlabels -> loss: T, backprop: T",
    "T: type in floating, Tlabels: type in index = int64", shape=_sparse_xent_shape,
    kernel=_sparse_softmax_cross_entropy, native=cross_entropy_native.rule(_sparse_softmax_cross_entropy),
)  # fmt: skip


@gradient("SparseSoftmaxCrossEntropyWithLogits")
def _sparse_xent_gradient(op, grad_loss, _):
    backprop = prevent_gradient(
        op.outputs[1],
        message="Currently there is no way to take the second derivative of sparse_softmax_cross_entropy_with_logits "
        "due to the fused implementation's interaction with tf.gradients()",
    )
    return expand_dims(grad_loss, -1) * backprop, None


@export("nn.sparse_softmax_cross_entropy_with_logits")
def sparse_softmax_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    """-log(softmax(logits)) at the label: the cross entropy, in nats, for one right class an example.

    Args:
      _sentinel: guards against positional arguments.
      labels: int32 or int64 tensor [d0, ..., dk] of class numbers in [0, classes).
      logits: tensor [d0, ..., dk, classes] of half, bfloat16, float32 or float64: unscaled log probabilities.
      name: a name for the operation.

    Returns:
      A tensor shaped like `labels`, of the type of `logits`.

    Raises:
      ValueError: if an argument is missing or not given by name, or the shapes do not fit.
      InvalidArgumentError: when it runs, for a label that is no class.
    """
    _check_arguments("sparse_softmax_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "SparseSoftmaxCrossEntropyWithLogits", [labels, logits]):
        labels, logits = to_tensor(labels), to_tensor(logits)
        is_half = logits.dtype.base_dtype is dtypes.float16
        precise = cast(logits, dtypes.float32) if is_half else logits
        labels_shape = shape(labels)
        shapes_are_known = _check_sparse_shapes(labels.dims, logits.dims)
        if logits.dims is not None and len(logits.dims) == 2:
            cost, _ = call("SparseSoftmaxCrossEntropyWithLogits", precise, labels, name=name)
            return cast(cost, dtypes.float16) if is_half else cost
        with control_dependencies([] if shapes_are_known else [_assert_shapes_fit(labels, logits)]):
            classes = shape(logits)[rank(logits) - 1]
            cost, _ = call("SparseSoftmaxCrossEntropyWithLogits", reshape(precise, [-1, classes]),
                           reshape(labels, [-1]), name=name)  # fmt: skip
            cost = reshape(cost, labels_shape)
            cost.set_shape(labels.dims)
            return cast(cost, dtypes.float16) if is_half else cost


def _check_sparse_shapes(labels, logits) -> bool:
    """True if the shapes are known, all but the classes, and fit; ValueError if they do not."""
    if logits is not None and len(logits) == 0:
        raise ValueError("Logits cannot be scalars - received shape ().")
    if None not in (logits, labels) and len(labels) != len(logits) - 1:
        raise ValueError(f"Rank mismatch: Rank of labels (received {len(labels)}) should equal rank of logits minus 1 "
                         f"(received {len(logits)}).")  # fmt: skip
    known = None not in (logits, labels) and None not in labels and None not in logits[:-1]
    if known and labels != logits[:-1]:
        raise ValueError(f"Shape mismatch: The shape of labels (received {dims_to_str(labels)}) should equal the shape "
                         f"of logits except for the last dimension (received {dims_to_str(logits)}).")  # fmt: skip
    return known


def _assert_shapes_fit(labels, logits):
    from reflow.ops.checks import assert_equal

    return assert_equal(shape(labels), shape(logits)[:-1])


# --- logistic losses ----------------------------------------------------------------------------------------------


def _same_shape(first, second, names):
    if not dims_compatible(first.dims, second.dims):
        raise ValueError(f"{names} must have the same shape ({dims_to_str(second.dims)} vs {dims_to_str(first.dims)})")


@export("nn.sigmoid_cross_entropy_with_logits")
def sigmoid_cross_entropy_with_logits(_sentinel=None, labels=None, logits=None, name=None):
    """-labels * log(sigmoid(logits)) - (1 - labels) * log(1 - sigmoid(logits)): classes that do not exclude each other.

    Elementwise. Computed as max(x, 0) - x * z + log(1 + exp(-|x|)), which does not overflow.

    Args:
      _sentinel: guards against positional arguments.
      labels: tensor like `logits`, of numbers in [0, 1].
      logits: tensor of half, bfloat16, float32 or float64: log odds.
      name: a name for the operation.

    Returns:
      A tensor like `logits`: the losses in nats.

    Raises:
      ValueError: if an argument is missing or not given by name, or the shapes differ.
    """
    _check_arguments("sigmoid_cross_entropy_with_logits", _sentinel, labels, logits)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits, labels = to_tensor(logits, name="logits"), to_tensor(labels, name="labels")
        _same_shape(labels, logits, "logits and labels")
        # Select rather than Relu and Abs: at 0 the gradient is then the limit from the right.
        zeros = zeros_like(logits, dtype=logits.dtype)
        is_positive = logits >= zeros
        positive_part = call("Select", is_positive, logits, zeros)
        minus_absolute = call("Select", is_positive, -logits, logits)
        log_term = call("Log1p", call("Exp", minus_absolute))
        return call("Add", positive_part - logits * labels, log_term, name=scope)


@export("nn.weighted_cross_entropy_with_logits")
def weighted_cross_entropy_with_logits(labels=None, logits=None, pos_weight=None, name=None, targets=None):
    """The sigmoid cross entropy, with the loss of positive labels multiplied by `pos_weight`.

    -labels * log(sigmoid(logits)) * pos_weight - (1 - labels) * log(1 - sigmoid(logits)), in a form that does not
    overflow.

    Args:
      labels: tensor like `logits`, of numbers in [0, 1].
      logits: tensor of half, bfloat16, float32 or float64: log odds.
      pos_weight: a number, or tensor that broadcasts; above 1 for more recall, below 1 for more precision.
      name: a name for the operation.
      targets: the older name of `labels`.

    Returns:
      A tensor like `logits`: the losses in nats.

    Raises:
      ValueError: if the shapes differ.
    """
    labels = renamed_argument("labels", labels, "targets", targets)
    with name_scope(name, "logistic_loss", [logits, labels]) as scope:
        logits, labels = to_tensor(logits, name="logits"), to_tensor(labels, name="labels")
        _same_shape(labels, logits, "logits and labels")
        weight = 1 + (pos_weight - 1) * labels
        negative_loss = (1 - labels) * logits
        log_term = call("Log1p", call("Exp", -call("Abs", logits)))
        return call("Add", negative_loss, weight * (log_term + call("Relu", -logits)), name=scope)


@export("nn.log_poisson_loss")
def log_poisson_loss(targets, log_input, compute_full_loss=False, name=None):
    """exp(log_input) - log_input * targets: minus the log likelihood of Poisson counts, up to a constant.

    Args:
      targets: tensor like `log_input`: the counts.
      log_input: tensor of half, bfloat16, float32 or float64: logarithms of the expected counts.
      compute_full_loss: add Stirling's approximation of log(targets!), 0 for targets in [0, 1].
      name: a name for the operation.

    Returns:
      A tensor like `log_input`: the losses in nats.

    Raises:
      ValueError: if the shapes differ.
    """
    with name_scope(name, "log_poisson_loss", [log_input, targets]):
        log_input, targets = to_tensor(log_input, name="log_input"), to_tensor(targets, name="targets")
        _same_shape(targets, log_input, "log_input and targets")
        result = call("Exp", log_input) - log_input * targets
        if not compute_full_loss:
            return result
        half = constant(0.5, dtype=targets.dtype)
        two_pi = constant(2 * math.pi, dtype=targets.dtype)
        stirling = (targets * call("Log", targets)) - targets + (half * call("Log", two_pi * targets))
        zeros, ones = zeros_like(targets, dtype=targets.dtype), ones_like(targets, dtype=targets.dtype)
        is_small = call("LogicalAnd", targets >= zeros, targets <= ones)
        return result + call("Select", is_small, zeros, stirling)
