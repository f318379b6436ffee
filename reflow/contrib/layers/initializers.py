"""Initializers whose scale follows from the number of inputs or outputs of a unit.

Glorot and Bengio, http://proceedings.mlr.press/v9/glorot10a.html; He et al., https://arxiv.org/abs/1502.01852.
"""

import math

from reflow.graph.dtypes import float32
from reflow.graph.export import export
from reflow.ops.random import random_uniform, truncated_normal

_MODES = ["FAN_IN", "FAN_OUT", "FAN_AVG"]


@export("contrib.layers.xavier_initializer", "contrib.layers.xavier_initializer_conv2d")
def xavier_initializer(uniform=True, seed=None, dtype=float32):
    """An initializer that keeps the scale of gradients about the same in all layers: Glorot and Bengio's.

    Args:
      uniform: True for uniform numbers in ±sqrt(6 / (in + out)), False for truncated normal numbers.
      seed: a seed for the random numbers.
      dtype: the type where a call does not give one.

    Returns:
      A function `(shape, dtype, partition_info) -> tensor`.
    """
    return variance_scaling_initializer(factor=1.0, mode="FAN_AVG", uniform=uniform, seed=seed, dtype=dtype)


@export("contrib.layers.variance_scaling_initializer")
def variance_scaling_initializer(factor=2.0, mode="FAN_IN", uniform=False, seed=None, dtype=float32):
    """An initializer of random numbers with variance factor / n.

    The defaults are those of He et al. for rectified linear units.

    Args:
      factor: the factor.
      mode: what n is: "FAN_IN" (the inputs of a unit), "FAN_OUT" (its outputs) or "FAN_AVG" (their mean).
      uniform: True for uniform numbers, False for normal ones truncated at two deviations.
      seed: a seed for the random numbers.
      dtype: the type where a call does not give one.

    Returns:
      A function `(shape, dtype, partition_info) -> tensor`.

    Raises:
      TypeError: for a type that is not floating, or an unknown mode.
    """
    if not dtype.is_floating:
        raise TypeError("Cannot create initializer for non-floating point type.")
    if mode not in _MODES:
        raise TypeError("Unknown mode %s [FAN_IN, FAN_OUT, FAN_AVG]", mode)

    def initializer(shape, dtype=dtype, partition_info=None):
        if not dtype.is_floating:
            raise TypeError("Cannot create initializer for non-floating point type.")
        fan_in, fan_out = _fans(shape)
        n = {"FAN_IN": fan_in, "FAN_OUT": fan_out, "FAN_AVG": (fan_in + fan_out) / 2}[mode]
        if uniform:
            limit = math.sqrt(3.0 * factor / n)
            return random_uniform(shape, -limit, limit, dtype, seed=seed)
        # Truncation takes from the variance: 1.3 makes up for it.
        return truncated_normal(shape, 0.0, math.sqrt(1.3 * factor / n), dtype, seed=seed)

    return initializer


def _fans(shape):
    """(inputs, outputs) of a unit whose weights are [*window, inputs, outputs]."""
    if not shape:
        return 1.0, 1.0
    window = math.prod(float(size) for size in shape[:-2])
    return window * float(shape[-2] if len(shape) > 1 else shape[-1]), window * float(shape[-1])
