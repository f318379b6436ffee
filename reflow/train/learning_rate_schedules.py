"""Learning rate schedules: objects that make the tensor of a rate from that of the step."""

import math
from functools import partial

from reflow.graph.context import name_scope
from reflow.graph.convert import convert_n_to_tensor, to_tensor
from reflow.graph.export import export
from reflow.ops import arithmetic, elementwise, trigonometry
from reflow.ops.casting import cast
from reflow.ops.comparison import equal
from reflow.ops.constant import constant
from reflow.ops.random import random_normal


@export("keras.optimizers.schedules.LearningRateSchedule")
class LearningRateSchedule:
    """A function of the step. Subclasses define `__call__(step)` and `get_config()`."""

    def __call__(self, step):
        """The rate at a step: a scalar tensor."""
        raise NotImplementedError("Learning rate schedule must override __call__")

    def get_config(self):
        """The arguments that make an equal schedule, as a dict."""
        raise NotImplementedError("Learning rate schedule must override get_config")

    @classmethod
    def from_config(cls, config):
        """The schedule with these arguments, as `get_config` returns them."""
        return cls(**config)


class _Schedule(LearningRateSchedule):
    """A schedule whose configuration is some of its attributes, by their names in the constructor."""

    _config: dict[str, str] = {}

    def get_config(self):
        """The arguments of an equal schedule."""
        return {key: getattr(self, attribute) for key, attribute in self._config.items()}


def _same(*names):
    return {name: name for name in names}


def _initial(rate):
    return to_tensor(rate, name="initial_learning_rate")


def _half_cosine(fraction):
    """1 + cos(pi * fraction)."""
    return 1.0 + trigonometry.cos(constant(math.pi) * fraction)


class _DecayByRate(_Schedule):
    """A schedule by `decay_rate` and how many times `decay_steps` have passed."""

    _config = _same("initial_learning_rate", "decay_steps", "decay_rate", "staircase", "name")

    def __init__(self, initial_learning_rate, decay_steps, decay_rate, staircase=False, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.decay_rate = decay_rate
        self.staircase = staircase
        self.name = name

    def _rates_and_times(self, step):
        """(the first rate, the rate of decay, how many times `decay_steps` have passed)."""
        rate = _initial(self.initial_learning_rate)
        decay_steps = cast(self.decay_steps, rate.dtype)
        decay_rate = cast(self.decay_rate, rate.dtype)
        times = cast(step, rate.dtype) / decay_steps
        return rate, decay_rate, elementwise.floor(times) if self.staircase else times


@export("keras.optimizers.schedules.ExponentialDecay")
class ExponentialDecay(_DecayByRate):
    """initial_learning_rate * decay_rate ^ (step / decay_steps).

    Args:
      initial_learning_rate: a number or tensor.
      decay_steps: a positive number of steps.
      decay_rate: the factor of so many steps.
      staircase: round the exponent down.
      name: a name scope.
    """

    def __call__(self, step):
        with name_scope(self.name or "ExponentialDecay") as name:
            rate, decay_rate, times = self._rates_and_times(step)
            return arithmetic.multiply(rate, arithmetic.pow(decay_rate, times), name=name)


@export("keras.optimizers.schedules.PiecewiseConstantDecay")
class PiecewiseConstantDecay(_Schedule):
    """values[i] between boundaries[i - 1], excluded, and boundaries[i], included.

    Args:
      boundaries: increasing numbers, of the step's type.
      values: rates, one more than there are boundaries.
      name: a name scope.

    Raises:
      ValueError: if the lengths do not fit.
    """

    _config = _same("boundaries", "values", "name")

    def __init__(self, boundaries, values, name=None):
        if len(boundaries) != len(values) - 1:
            raise ValueError("The length of boundaries should be 1 less than the length of values")
        self.boundaries = boundaries
        self.values = values
        self.name = name

    def __call__(self, step):
        from reflow.ops.conditional import case

        with name_scope(self.name or "PiecewiseConstant"):
            boundaries = convert_n_to_tensor(self.boundaries)
            values = convert_n_to_tensor(self.values)
            step = to_tensor(step)
            bounds = [cast(b, step.dtype.base_dtype) for b in boundaries]
            pairs = [(step <= bounds[0], lambda: values[0]), (step > bounds[-1], lambda: values[-1])]
            for i, (low, high) in enumerate(zip(bounds[:-1], bounds[1:], strict=True), start=1):
                pairs.append(((step > low) & (step <= high), partial(values.__getitem__, i)))
            return case(pairs, lambda: values[0], exclusive=True)


@export("keras.optimizers.schedules.PolynomialDecay")
class PolynomialDecay(_Schedule):
    """(initial - end) * (1 - step / decay_steps) ^ power + end, until decay_steps.

    Args:
      initial_learning_rate: a number or tensor.
      decay_steps: a positive number of steps.
      end_learning_rate: the last rate.
      power: the exponent.
      cycle: instead of staying at the end, begin again with twice, thrice, ... the steps.
      name: a name scope.
    """

    _config = _same("initial_learning_rate", "decay_steps", "end_learning_rate", "power", "cycle", "name")

    def __init__(self, initial_learning_rate, decay_steps, end_learning_rate=0.0001, power=1.0, cycle=False,
                 name=None):  # fmt: skip
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.end_learning_rate = end_learning_rate
        self.power = power
        self.cycle = cycle
        self.name = name

    def __call__(self, step):
        with name_scope(self.name or "PolynomialDecay") as name:
            rate = _initial(self.initial_learning_rate)
            end = cast(self.end_learning_rate, rate.dtype)
            power = cast(self.power, rate.dtype)
            step = cast(step, rate.dtype)
            decay_steps = cast(self.decay_steps, rate.dtype)
            if self.cycle:
                decay_steps = arithmetic.multiply(decay_steps, self._cycles(step))
            else:
                step = arithmetic.minimum(step, self.decay_steps)
            fraction = arithmetic.divide(step, decay_steps)
            return arithmetic.add(arithmetic.multiply(rate - end, arithmetic.pow(1 - fraction, power)), end, name=name)

    def _cycles(self, step):
        """How many times decay_steps the present cycle takes."""
        from reflow.ops.conditional import cond

        return cond(equal(step, 0), lambda: 1.0, lambda: elementwise.ceil(step / self.decay_steps))


@export("keras.optimizers.schedules.InverseTimeDecay")
class InverseTimeDecay(_DecayByRate):
    """initial_learning_rate / (1 + decay_rate * step / decay_steps).

    Args:
      initial_learning_rate: a number or tensor.
      decay_steps: how often to apply the decay.
      decay_rate: a number.
      staircase: round step / decay_steps down.
      name: a name scope.
    """

    def __call__(self, step):
        with name_scope(self.name or "InverseTimeDecay") as name:
            rate, decay_rate, times = self._rates_and_times(step)
            one = cast(constant(1), rate.dtype)
            return arithmetic.divide(rate, arithmetic.add(one, arithmetic.multiply(decay_rate, times)), name=name)


@export("keras.experimental.CosineDecay")
class CosineDecay(_Schedule):
    """initial_learning_rate * ((1 - alpha) * (1 + cos(pi * step / decay_steps)) / 2 + alpha), until decay_steps.

    Source: Loshchilov, Hutter, "SGDR: stochastic gradient descent with warm restarts", arXiv:1608.03983.

    Args:
      initial_learning_rate: a number or tensor.
      decay_steps: a positive number of steps.
      alpha: the last rate as a fraction of the first.
      name: a name scope.
    """

    _config = _same("initial_learning_rate", "decay_steps", "alpha", "name")

    def __init__(self, initial_learning_rate, decay_steps, alpha=0.0, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        with name_scope(self.name or "CosineDecay"):
            rate = _initial(self.initial_learning_rate)
            decay_steps = cast(self.decay_steps, rate.dtype)
            step = arithmetic.minimum(cast(step, rate.dtype), decay_steps)
            cosine = 0.5 * _half_cosine(step / decay_steps)
            return arithmetic.multiply(rate, (1 - self.alpha) * cosine + self.alpha)


@export("keras.experimental.CosineDecayRestarts")
class CosineDecayRestarts(_Schedule):
    """Cosine decay that begins again, each time for `t_mul` times as many steps and at `m_mul` times the rate.

    Source: as of `CosineDecay`.

    Args:
      initial_learning_rate: a number or tensor.
      first_decay_steps: the steps of the first decay.
      t_mul: the factor of the steps.
      m_mul: the factor of the rate.
      alpha: the last rate of a decay as a fraction of the first.
      name: a name scope.
    """

    _config = {**_same("initial_learning_rate", "first_decay_steps"), "t_mul": "_t_mul", "m_mul": "_m_mul",
               **_same("alpha", "name")}  # fmt: skip

    def __init__(self, initial_learning_rate, first_decay_steps, t_mul=2.0, m_mul=1.0, alpha=0.0, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.first_decay_steps = first_decay_steps
        self._t_mul = t_mul
        self._m_mul = m_mul
        self.alpha = alpha
        self.name = name

    def __call__(self, step):
        from reflow.ops.conditional import cond

        with name_scope(self.name or "SGDRDecay") as name:
            rate = _initial(self.initial_learning_rate)
            first_decay_steps = cast(self.first_decay_steps, rate.dtype)
            alpha = cast(self.alpha, rate.dtype)
            t_mul = cast(self._t_mul, rate.dtype)
            m_mul = cast(self._m_mul, rate.dtype)
            fraction = cast(step, rate.dtype) / first_decay_steps
            restarts, fraction = cond(equal(t_mul, 1.0), lambda: _equal_periods(fraction),
                                      lambda: _growing_periods(fraction, t_mul))  # fmt: skip
            factor = m_mul**restarts
            cosine = 0.5 * factor * _half_cosine(fraction)
            return arithmetic.multiply(rate, (1 - alpha) * cosine + alpha, name=name)


def _equal_periods(fraction):
    """(how many restarts were there, how far is the present period)."""
    restarts = elementwise.floor(fraction)
    return restarts, fraction - restarts


def _growing_periods(fraction, t_mul):
    restarts = elementwise.floor(elementwise.log(1.0 - fraction * (1.0 - t_mul)) / elementwise.log(t_mul))
    before = (1.0 - t_mul**restarts) / (1.0 - t_mul)
    return restarts, (fraction - before) / t_mul**restarts


@export("keras.experimental.LinearCosineDecay")
class LinearCosineDecay(_Schedule):
    """initial_learning_rate * ((alpha + linear) * cosine + beta): linear decay times cosine waves, until decay_steps.

    Source: Bello, Zoph, Vasudevan, Le, "Neural optimizer search with reinforcement learning", ICML 2017.

    Args:
      initial_learning_rate: a number or tensor.
      decay_steps: a positive number of steps.
      num_periods: the number of cosine periods.
      alpha, beta: numbers.
      name: a name scope.
    """

    _config = _same("initial_learning_rate", "decay_steps", "num_periods", "alpha", "beta", "name")

    def __init__(self, initial_learning_rate, decay_steps, num_periods=0.5, alpha=0.0, beta=0.001, name=None):
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.num_periods = num_periods
        self.alpha = alpha
        self.beta = beta
        self.name = name

    def __call__(self, step):
        with name_scope(self.name or "LinearCosineDecay") as name:
            rate = _initial(self.initial_learning_rate)
            decay_steps, num_periods, alpha, beta = (
                cast(x, rate.dtype) for x in (self.decay_steps, self.num_periods, self.alpha, self.beta))
            step = arithmetic.minimum(cast(step, rate.dtype), decay_steps)
            linear = (decay_steps - step) / decay_steps
            cosine = 0.5 * _half_cosine(2.0 * num_periods * (step / decay_steps))
            return arithmetic.multiply(rate, (alpha + linear) * cosine + beta, name=name)


@export("keras.experimental.NoisyLinearCosineDecay")
class NoisyLinearCosineDecay(_Schedule):
    """As `LinearCosineDecay`, with normal noise of variance initial_variance / (1 + step) ^ variance_decay on `linear`.

    Args:
      initial_learning_rate: a number or tensor.
      decay_steps: a positive number of steps.
      initial_variance: the first variance.
      variance_decay: its exponent.
      num_periods: the number of cosine periods.
      alpha, beta: numbers.
      name: a name scope.
    """

    _config = _same("initial_learning_rate", "decay_steps", "initial_variance", "variance_decay", "num_periods",
                    "alpha", "beta", "name")  # fmt: skip

    def __init__(self, initial_learning_rate, decay_steps, initial_variance=1.0, variance_decay=0.55, num_periods=0.5,
                 alpha=0.0, beta=0.001, name=None):  # fmt: skip
        self.initial_learning_rate = initial_learning_rate
        self.decay_steps = decay_steps
        self.initial_variance = initial_variance
        self.variance_decay = variance_decay
        self.num_periods = num_periods
        self.alpha = alpha
        self.beta = beta
        self.name = name

    def __call__(self, step):
        with name_scope(self.name or "NoisyLinearCosineDecay") as name:
            rate = _initial(self.initial_learning_rate)
            numbers = (self.decay_steps, self.initial_variance, self.variance_decay, self.num_periods, self.alpha,
                       self.beta)  # fmt: skip
            decay_steps, variance, variance_decay, num_periods, alpha, beta = (cast(x, rate.dtype) for x in numbers)
            step = arithmetic.minimum(cast(step, rate.dtype), decay_steps)
            linear = (decay_steps - step) / decay_steps
            deviation = elementwise.sqrt(variance / arithmetic.pow(1.0 + step, variance_decay))
            noisy = linear + random_normal(linear.shape, stddev=deviation)
            cosine = 0.5 * _half_cosine(2.0 * num_periods * (step / decay_steps))
            return arithmetic.multiply(rate, (alpha + noisy) * cosine + beta, name=name)


_BY_NAME = {c.__name__: c for c in (ExponentialDecay, PiecewiseConstantDecay, PolynomialDecay, InverseTimeDecay,
                                    CosineDecay, CosineDecayRestarts, LinearCosineDecay,
                                    NoisyLinearCosineDecay)}  # fmt: skip


@export("keras.optimizers.schedules.serialize")
def serialize(learning_rate_schedule):
    """The schedule `learning_rate_schedule` as {"class_name": ..., "config": ...}."""
    return {"class_name": type(learning_rate_schedule).__name__, "config": learning_rate_schedule.get_config()}


@export("keras.optimizers.schedules.deserialize")
def deserialize(config, custom_objects=None):
    """The schedule that `serialize` made `config` of.

    Args:
      config: a dict with "class_name" and "config".
      custom_objects: a dict from the names of other schedules to their classes.

    Raises:
      ValueError: for a name that is not known.
    """
    name = config["class_name"]
    kind = (custom_objects or {}).get(name) or _BY_NAME.get(name)
    if kind is None:
        raise ValueError(f"Unknown decay: {name}")
    return kind.from_config(config["config"])
