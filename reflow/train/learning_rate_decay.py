"""Learning rates that decay with the global step: the functions of `tf.train`."""

from reflow.graph import dtypes
from reflow.graph.convert import convert_n_to_tensor, to_tensor
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.elementwise import exp, negative
from reflow.train import learning_rate_schedules as schedules


@export("train.exponential_decay")
def exponential_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    """learning_rate * decay_rate ^ (global_step / decay_steps).

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      decay_steps: a positive number of steps.
      decay_rate: the factor of so many steps.
      staircase: round the exponent down.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    return schedules.ExponentialDecay(learning_rate, decay_steps, decay_rate, staircase, name)(global_step)


@export("train.piecewise_constant_decay", "train.piecewise_constant")
def piecewise_constant(x, boundaries, values, name=None):
    """values[i] where `x` is between boundaries[i - 1], excluded, and boundaries[i], included.

    Args:
      x: the step, a scalar tensor or variable.
      boundaries: increasing numbers of `x`'s type.
      values: rates of one type, one more than there are boundaries.
      name: a name scope.

    Returns:
      A scalar tensor.

    Raises:
      ValueError: if types or lengths do not fit.
    """
    boundaries = convert_n_to_tensor(boundaries)
    values = convert_n_to_tensor(values)
    wanted = to_tensor(x).dtype.base_dtype
    for i, boundary in enumerate(boundaries):
        dtype = boundary.dtype.base_dtype
        if dtype is wanted:
            continue
        # Python ints are int32, and the global step is int64.
        if dtype is not dtypes.int32 or wanted is not dtypes.int64:
            raise ValueError(f"Boundaries ({dtype}) must have the same dtype as x ({wanted}).")
        boundaries[i] = cast(boundary, wanted)
    for value in values[1:]:
        if value.dtype.base_dtype is not values[0].dtype.base_dtype:
            raise ValueError(f"Values must have elements all with the same dtype ({values[0].dtype.base_dtype} vs "
                             f"{value.dtype.base_dtype}).")  # fmt: skip
    return schedules.PiecewiseConstantDecay(boundaries, values, name)(x)


@export("train.polynomial_decay")
def polynomial_decay(learning_rate, global_step, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                     name=None):  # fmt: skip
    """(learning_rate - end) * (1 - global_step / decay_steps) ^ power + end, until decay_steps.

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      decay_steps: a positive number of steps.
      end_learning_rate: the last rate.
      power: the exponent.
      cycle: instead of staying at the end, begin again with twice, thrice, ... the steps.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    schedule = schedules.PolynomialDecay(learning_rate, decay_steps, end_learning_rate, power, cycle, name)
    return schedule(global_step)


@export("train.natural_exp_decay")
def natural_exp_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    """learning_rate * exp(-decay_rate * global_step / decay_steps); the arguments are those of `exponential_decay`."""
    factor = exp(negative(decay_rate))
    return schedules.ExponentialDecay(learning_rate, decay_steps, factor, staircase, name)(global_step)


@export("train.inverse_time_decay")
def inverse_time_decay(learning_rate, global_step, decay_steps, decay_rate, staircase=False, name=None):
    """learning_rate / (1 + decay_rate * global_step / decay_steps).

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      decay_steps: how often to apply the decay.
      decay_rate: a number.
      staircase: round global_step / decay_steps down.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    return schedules.InverseTimeDecay(learning_rate, decay_steps, decay_rate, staircase, name)(global_step)


@export("train.cosine_decay")
def cosine_decay(learning_rate, global_step, decay_steps, alpha=0.0, name=None):
    """learning_rate * ((1 - alpha) * (1 + cos(pi * global_step / decay_steps)) / 2 + alpha), until decay_steps.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      decay_steps: a positive number of steps.
      alpha: the last rate as a fraction of the first.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    return schedules.CosineDecay(learning_rate, decay_steps, alpha, name)(global_step)


@export("train.cosine_decay_restarts")
def cosine_decay_restarts(learning_rate, global_step, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None):
    """Cosine decay that begins again, each time for `t_mul` times as many steps and at `m_mul` times the rate.

    Source: as of `cosine_decay`.

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      first_decay_steps: the steps of the first decay.
      t_mul: the factor of the steps.
      m_mul: the factor of the rate.
      alpha: the last rate of a decay as a fraction of the first.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    schedule = schedules.CosineDecayRestarts(learning_rate, first_decay_steps, t_mul, m_mul, alpha, name)
    return schedule(global_step)


@export("train.linear_cosine_decay")
def linear_cosine_decay(learning_rate, global_step, decay_steps, num_periods=0.5, alpha=0.0, beta=0.001, name=None):
    """learning_rate * ((alpha + linear) * cosine + beta): linear decay times cosine waves, until decay_steps.

    Source: Bello, Zoph, Vasudevan, Le, "Neural optimizer search with reinforcement learning", ICML 2017.

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      decay_steps: a positive number of steps.
      num_periods: the number of cosine periods.
      alpha, beta: numbers.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    return schedules.LinearCosineDecay(learning_rate, decay_steps, num_periods, alpha, beta, name)(global_step)


@export("train.noisy_linear_cosine_decay")
def noisy_linear_cosine_decay(learning_rate, global_step, decay_steps, initial_variance=1.0, variance_decay=0.55,
                              num_periods=0.5, alpha=0.0, beta=0.001, name=None):  # fmt: skip
    """As `linear_cosine_decay`, with normal noise on the linear part.

    Args:
      learning_rate: the first rate, a number or tensor.
      global_step: the step, a scalar tensor or variable.
      decay_steps: a positive number of steps.
      initial_variance: the first variance of the noise.
      variance_decay: the exponent by which it falls.
      num_periods: the number of cosine periods.
      alpha, beta: numbers.
      name: a name scope.

    Returns:
      A scalar tensor of `learning_rate`'s type.
    """
    schedule = schedules.NoisyLinearCosineDecay(learning_rate, decay_steps, initial_variance, variance_decay,
                                                num_periods, alpha, beta, name)  # fmt: skip
    return schedule(global_step)
