"""Dropout (Srivastava et al. 2014)."""

import numbers

from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_shape
from reflow.ops.casting import cast
from reflow.ops.random import random_uniform
from reflow.ops.renamed_arguments import renamed_argument
from reflow.ops.shape_ops import shape
from reflow.platform import logging

# How often to warn of a large rate: it may have been meant as the probability to keep.
_warnings_left = [5]


@export("nn.dropout")
def dropout(x, keep_prob=None, noise_shape=None, seed=None, name=None, rate=None):
    """Sets elements of `x` to 0 at random, each with probability `rate`, and scales the others by 1 / (1 - rate).

    Args:
      x: a tensor of half, bfloat16, float32 or float64.
      keep_prob: 1 - rate, the older argument: a number in (0, 1] or a scalar tensor.
      noise_shape: the shape of the random choices, which broadcast to that of `x`: a dimension of 1 is kept or dropped
        as a whole. None in it stands for the size of `x`.
      seed: the operation's random seed.
      name: a name for the operation.
      rate: a number in [0, 1) or a scalar tensor.

    Returns:
      A tensor like `x`; `x` itself for a constant rate of 0.

    Raises:
      ValueError: if neither or both of `rate` and `keep_prob` are given, the rate is out of range, or `x` is not of a
        floating type.
    """
    try:
        from_keep_prob = 1.0 - keep_prob if keep_prob is not None else None
    except TypeError:
        raise ValueError(f"keep_prob must be a floating point number or Tensor (got {keep_prob!r})") from None
    rate = renamed_argument("rate", rate, "keep_prob", from_keep_prob)
    if rate is None:
        raise ValueError("You must provide a rate to dropout.")
    with name_scope(name, "dropout", [x]):
        x = to_tensor(x, name="x")
        if not x.dtype.is_floating:
            raise ValueError("x has to be a floating point tensor since it's going to be scaled. Got a "
                             f"{x.dtype} tensor instead.")  # fmt: skip
        rate = _checked_rate(rate, x)
        return x if rate is None else _drop(x, rate, noise_shape, seed)


def _checked_rate(rate, x) -> Tensor | None:
    """The rate as a scalar tensor; None if it is known to be 0."""
    if isinstance(rate, numbers.Real):
        if not 0 <= rate < 1:
            raise ValueError(f"rate must be a scalar tensor or a float in the range [0, 1), got {rate:g}")
        if rate == 0:
            return None
        if rate > 0.5 and _warnings_left[0]:
            _warnings_left[0] -= 1
            logging.warning(f"Large dropout rate: {rate:g} (>0.5). In TensorFlow 2.x, dropout() uses dropout rate "
                            "instead of keep_prob. Please ensure that this is intended.")  # fmt: skip
    rate = to_tensor(rate, x.dtype.base_dtype, "rate")
    rate.shape.assert_has_rank(0)
    value = constant_value(rate)
    return None if value is not None and value == 0 else rate


def _drop(x, rate, noise_shape, seed):
    noise = random_uniform(_noise_shape(x, noise_shape), seed=seed, dtype=x.dtype.base_dtype)
    scale = 1 / (1 - rate)
    is_kept = noise >= rate
    result = x * scale * cast(is_kept, x.dtype.base_dtype)
    result.set_shape(x.dims)
    return result


def _noise_shape(x, noise_shape):
    """`noise_shape` with what is None in it taken from `x`."""
    if noise_shape is None:
        return shape(x)
    try:
        given = as_shape(noise_shape)
    except (TypeError, ValueError):
        return noise_shape
    if x.dims is None or given.ndims != len(x.dims):
        return noise_shape
    return TensorShape([own if wanted is None else wanted for own, wanted in zip(x.dims, given.as_list(), strict=True)])
