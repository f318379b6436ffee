"""Weights of losses and metrics: of the rank of what they weigh, with each dimension 1 or as large as there."""

from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.ops.checks import Assert
from reflow.ops.conditional import cond
from reflow.ops.constant import ones_like
from reflow.ops.control import no_op
from reflow.ops.joining import concat
from reflow.ops.set_ops import set_difference
from reflow.ops.shape_ops import expand_dims, rank, shape, size

_PREFIX = "weights can not be broadcast to values."


def assert_broadcastable(weights, values):
    """An operation that fails unless `weights` is a scalar, or of the rank of `values` with dimensions 1 or as large.

    Args:
      weights: a numeric tensor.
      values: the tensor that they weigh.

    Returns:
      An operation; one that does nothing if the static shapes settle it.

    Raises:
      ValueError: if the static shapes do not fit.
    """
    with name_scope(None, "assert_broadcastable", [weights, values]) as scope:
        with name_scope(None, "weights", [weights]) as weights_scope:
            weights = to_tensor(weights, name=weights_scope)
            weights_shape, weights_rank = shape(weights, name="shape"), rank(weights, name="rank")
        with name_scope(None, "values", [values]) as values_scope:
            values = to_tensor(values, name=values_scope)
            values_shape, values_rank = shape(values, name="shape"), rank(values, name="rank")
        settled = _static_check(weights, values, weights_shape, values_shape)
        if settled is not None:
            return settled
        is_scalar = call("Equal", 0, weights_rank, name="is_scalar")
        is_valid = cond(is_scalar, lambda: is_scalar,
                        lambda: _fits(weights_shape, weights_rank, values_shape, values_rank),
                        name="is_valid_shape")  # fmt: skip
        data = [_PREFIX, "weights.shape=", weights.name, weights_shape, "values.shape=", values.name, values_shape,
                "is_scalar=", is_scalar]  # fmt: skip
        return Assert(is_valid, data, name=scope)


def _static_check(weights, values, weights_shape, values_shape):
    """An operation that does nothing if the static shapes fit, None if they are not known."""
    if weights.dims is None or values.dims is None:
        return None
    if not weights.dims:
        return no_op(name="static_scalar_check_success")
    if len(weights.dims) != len(values.dims):
        raise ValueError(f"{_PREFIX} values.rank={len(values.dims)}. weights.rank={len(weights.dims)}. "
                         f"values.shape={values.shape}. weights.shape={weights.shape}.")  # fmt: skip
    ours, theirs = constant_value(weights_shape), constant_value(values_shape)
    if ours is None or theirs is None:
        return None
    for i, (given, wanted) in enumerate(zip(ours, theirs, strict=True)):
        if given not in (1, wanted):
            raise ValueError(f"{_PREFIX} Mismatch at dim {i}. values.shape={theirs} weights.shape={ours}.")
    return no_op(name="static_dims_check_success")


def _fits(weights_shape, weights_rank, values_shape, values_rank):
    """Same rank, and each of the weights' dimensions 1 or as large."""
    inputs = (weights_rank, weights_shape, values_rank, values_shape)
    with name_scope(None, "has_valid_nonscalar_shape", inputs) as scope:
        is_same_rank = call("Equal", values_rank, weights_rank, name="is_same_rank")
        return cond(is_same_rank, lambda: _each_fits(weights_shape, values_shape), lambda: is_same_rank, name=scope)


def _each_fits(weights_shape, values_shape):
    with name_scope(None, "has_invalid_dims", (weights_shape, values_shape)) as scope:
        values_column = expand_dims(values_shape, -1)
        valid = concat((values_column, ones_like(values_column)), axis=1)
        invalid = set_difference(expand_dims(weights_shape, -1), valid)
        return call("Equal", 0, size(invalid.values, name="num_invalid_dims"), name=scope)


def broadcast_weights(weights, values):
    """The weights, broadcast to the shape of `values`.

    Args:
      weights: a tensor as `assert_broadcastable` wants it.
      values: the tensor that they weigh.

    Returns:
      A tensor like `values`.
    """
    with name_scope(None, "broadcast_weights", [weights, values]) as scope:
        values = to_tensor(values, name="values")
        weights = to_tensor(weights, values.dtype.base_dtype, "weights")
        if weights.shape.is_fully_defined() and values.dims == weights.dims:
            return weights
        with control_dependencies([assert_broadcastable(weights, values)]):
            return call("Mul", weights, ones_like(values), name=scope)
