"""Losses of single examples, weighted and averaged over all batches of a step."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.checks import assert_greater_equal
from reflow.ops.conditional import cond
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import expand_dims, rank, shape, squeeze
from reflow.ops.weights_broadcast import broadcast_weights


def fitted_weights(weights, values):
    """Weights without (or with) a last dimension of 1 where that gives them the rank of the values; scalars stay.

    Args:
      weights: a tensor.
      values: the tensor that they weigh.

    Returns:
      A tensor.
    """
    if weights.dims == ():
        return weights
    if weights.dims is not None and values.dims is not None:
        difference = len(weights.dims) - len(values.dims)
        if difference == 1:
            return squeeze(weights, [-1])
        return expand_dims(weights, [-1]) if difference == -1 else weights
    weights_rank = rank(weights)
    more = weights_rank - rank(values)

    def expanded():
        return cond(call("Equal", more, -1), lambda: expand_dims(weights, [-1]), lambda: weights)

    def fitted():
        return cond(call("Equal", more, 1), lambda: squeeze(weights, [-1]), expanded)

    return cond(call("Equal", weights_rank, 0), lambda: weights, fitted)


def weighted_by_sample(losses, sample_weight):
    """Losses times weights, as float32.

    Args:
      losses: a numeric tensor [examples, ...].
      sample_weight: a scalar, or a tensor whose dimensions are 1 or those of the losses, but for a last one of 1 that
        may be missing or too many.

    Returns:
      A float32 tensor of the shape of the losses.
    """
    losses, weights = cast(losses, dtypes.float32), cast(sample_weight, dtypes.float32)
    weights = fitted_weights(weights, losses)
    return call("Mul", losses, broadcast_weights(weights, losses))


@export("nn.compute_average_loss")
def compute_average_loss(per_example_loss, sample_weight=None, global_batch_size=None):
    """The sum of the losses of examples over the number of examples.

    Args:
      per_example_loss: a tensor [examples, ...].
      sample_weight: weights of the examples, or None.
      global_batch_size: the number of examples; the first dimension of the losses if None.

    Returns:
      A scalar.

    Raises:
      ValueError: if the losses are a scalar.
    """
    losses = to_tensor(per_example_loss)
    dtype = losses.dtype
    message = "Invalid value passed for `per_example_loss`. Expected a tensor with at least rank 1"
    if losses.shape.ndims == 0:
        raise ValueError(f"{message}, received: {losses}")
    checks = []
    if losses.shape.ndims is None:
        checks = [assert_greater_equal(rank(losses), cast(1, dtypes.int32), message=f"{message}.")]
    with control_dependencies(checks):
        if sample_weight is not None:
            losses = weighted_by_sample(losses, sample_weight)
        losses = cast(losses, dtype)
        if global_batch_size is None:
            replicas = 1
            global_batch_size = cast(shape(losses)[0] * replicas, dtype)
        return reduce_sum(losses) / global_batch_size


@export("nn.scale_regularization_loss")
def scale_regularization_loss(regularization_loss):
    """The sum of a regularization loss over the number of replicas, which is 1.

    Args:
      regularization_loss: a tensor.

    Returns:
      A scalar.
    """
    return reduce_sum(regularization_loss) / 1
