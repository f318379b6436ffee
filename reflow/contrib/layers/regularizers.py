"""Regularizers: functions from weights to a scalar loss."""

import numbers

from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.accumulation import add_n
from reflow.ops.arithmetic import multiply
from reflow.ops.constant import constant
from reflow.ops.elementwise import abs
from reflow.ops.normalization import l2_loss
from reflow.ops.reduction import reduce_sum
from reflow.platform import logging


def _norm_regularizer(scale, scope, name, norm):
    """A regularizer `scale * norm(weights)`; one that returns None for a scale of 0."""
    if isinstance(scale, numbers.Integral):
        raise ValueError(f"scale cannot be an integer: {scale}")
    if isinstance(scale, numbers.Real):
        if scale < 0.0:
            raise ValueError(f"Setting a scale less than 0 on a regularizer: {scale:g}")
        if scale == 0.0:
            logging.info("Scale of 0 disables regularizer.")
            return lambda _: None

    def regularizer(weights):
        with name_scope(scope, name, [weights]) as entered:
            factor = to_tensor(scale, dtype=weights.dtype.base_dtype, name="scale")
            return multiply(factor, norm(weights), name=entered)

    return regularizer


@export("contrib.layers.l1_regularizer")
def l1_regularizer(scale, scope=None):
    """A regularizer `scale * sum(|w|)`.

    Args:
      scale: a float, or a scalar tensor; 0.0 for none.
      scope: a name scope.

    Returns:
      A function from weights to a scalar (None for a scale of 0.0).

    Raises:
      ValueError: for a negative or integer scale.
    """
    return _norm_regularizer(scale, scope, "l1_regularizer", lambda weights: reduce_sum(abs(weights)))


@export("contrib.layers.l2_regularizer")
def l2_regularizer(scale, scope=None):
    """A regularizer `scale * sum(w²) / 2`; the arguments are those of `l1_regularizer`."""
    return _norm_regularizer(scale, scope, "l2_regularizer", l2_loss)


@export("contrib.layers.l1_l2_regularizer")
def l1_l2_regularizer(scale_l1=1.0, scale_l2=1.0, scope=None):
    """The sum of an l1 and an l2 regularizer.

    Args:
      scale_l1, scale_l2: their scales, as for `l1_regularizer`.
      scope: a name scope.

    Returns:
      A function from weights to a scalar.

    Raises:
      ValueError: for a negative or integer scale.
    """
    for argument, scale in (("scale_l1", scale_l1), ("scale_l2", scale_l2)):
        if isinstance(scale, numbers.Integral):
            raise ValueError(f"{argument} cannot be an integer: {scale}")
    scope = scope or "l1_l2_regularizer"
    if scale_l1 == 0.0:
        return l2_regularizer(scale_l2, scope)
    if scale_l2 == 0.0:
        return l1_regularizer(scale_l1, scope)
    return sum_regularizer([l1_regularizer(scale_l1), l2_regularizer(scale_l2)], scope=scope)


@export("contrib.layers.sum_regularizer")
def sum_regularizer(regularizer_list, scope=None):
    """The sum of several regularizers.

    Args:
      regularizer_list: a list of regularizers; None in it is left out.
      scope: a name scope.

    Returns:
      A function from weights to a scalar, or None if there is none in the list.
    """
    regularizers = [r for r in regularizer_list if r is not None]
    if not regularizers:
        return None

    def regularizer(weights):
        with name_scope(scope, "sum_regularizer", [weights]) as entered:
            losses = [loss for loss in (r(weights) for r in regularizers) if loss is not None]
            return add_n(losses, name=entered) if losses else None

    return regularizer


@export("contrib.layers.apply_regularization")
def apply_regularization(regularizer, weights_list=None):
    """The loss of a regularizer on several weights, which collection REGULARIZATION_LOSSES gains.

    Args:
      regularizer: a function from weights to a scalar or None.
      weights_list: a list of weights; collection WEIGHTS if it is None or empty.

    Returns:
      The sum, a scalar.

    Raises:
      ValueError: if there are no weights, or the regularizer returns something else.
    """
    graph = get_default_graph()
    weights_list = weights_list or graph.get_collection(GraphKeys.WEIGHTS)
    if not weights_list:
        raise ValueError("No weights to regularize.")
    with name_scope("get_regularization_penalty", values=weights_list) as scope:
        penalties = [regularizer(weights) for weights in weights_list]
        penalties = [constant(0.0) if penalty is None else penalty for penalty in penalties]
        for penalty in penalties:
            if penalty.get_shape().ndims != 0:
                raise ValueError("regularizer must return a scalar Tensor instead of a Tensor with rank "
                                 f"{penalty.get_shape().ndims}.")  # fmt: skip
        total = add_n(penalties, name=scope)
    graph.add_to_collection(GraphKeys.REGULARIZATION_LOSSES, total)
    return total
