"""The gamma distribution."""

from reflow.distributions.distribution import FULLY_REPARAMETERIZED
from reflow.distributions.divergence import RegisterKL
from reflow.distributions.events import OverNumbers
from reflow.distributions.parameters import nan_unless, same_shape_for
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.ops.arithmetic import xlogy
from reflow.ops.checks import assert_less, assert_positive, assert_same_float_dtype
from reflow.ops.constant import ones
from reflow.ops.control import with_dependencies
from reflow.ops.elementwise import log, sqrt, square
from reflow.ops.identity import identity
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape
from reflow.ops.random import random_gamma
from reflow.ops.shape_ops import shape
from reflow.ops.special import digamma, igamma, lgamma


@export("distributions.Gamma")
class Gamma(OverNumbers):
    """Gamma distributions: the waiting time for `concentration` events that happen at a `rate`.

    Args:
      concentration: floating point tensor of positive numbers.
      rate: floating point tensor of positive numbers; both broadcast.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: whether modes that are not defined are NaN; if not they raise.
      name: the prefix of the operations' names.

    Raises:
      TypeError: if the parameters differ in type.
    """

    def __init__(self, concentration, rate, validate_args=False, allow_nan_stats=True, name="Gamma"):
        parameters = dict(concentration=concentration, rate=rate, validate_args=validate_args,
                          allow_nan_stats=allow_nan_stats, name=name)  # fmt: skip
        with (
            name_scope(name, values=[concentration, rate]) as name,
            control_dependencies([assert_positive(concentration), assert_positive(rate)] if validate_args else []),
        ):
            self._concentration = identity(concentration, name="concentration")
            self._rate = identity(rate, name="rate")
            assert_same_float_dtype([self._concentration, self._rate])
        super().__init__(self._concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._concentration, self._rate], name)  # fmt: skip

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "concentration", "rate")

    @property
    def concentration(self):
        """The numbers of events."""
        return self._concentration

    @property
    def rate(self):
        """The rates."""
        return self._rate

    def _batch_shape_tensor(self):
        return broadcast_dynamic_shape(shape(self.concentration), shape(self.rate))

    def _batch_shape(self):
        return broadcast_static_shape(self.concentration.shape, self.rate.shape)

    def _sample_n(self, n, seed=None):
        return random_gamma([n], self.concentration, self.rate, self.dtype, seed)

    def _log_prob(self, x):
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _cdf(self, x):
        x = self._checked_sample(x)
        return igamma(self.concentration, self.rate * x)

    def _log_unnormalized_prob(self, x):
        x = self._checked_sample(x)
        return xlogy(self.concentration - 1.0, x) - self.rate * x

    def _log_normalization(self):
        return lgamma(self.concentration) - self.concentration * log(self.rate)

    def _entropy(self):
        from_shape = self.concentration - log(self.rate) + lgamma(self.concentration)
        return from_shape + (1.0 - self.concentration) * digamma(self.concentration)

    def _mean(self):
        return self.concentration / self.rate

    def _variance(self):
        return self.concentration / square(self.rate)

    def _stddev(self):
        return sqrt(self.concentration) / self.rate

    def _mode(self):
        mode = (self.concentration - 1.0) / self.rate
        if self.allow_nan_stats:
            return nan_unless(self.concentration > 1.0, mode, self.batch_shape_tensor())
        message = "mode not defined when any concentration <= 1"
        return with_dependencies([assert_less(ones([], self.dtype), self.concentration, message=message)], mode)

    def _checked_sample(self, x):
        assert_same_float_dtype(tensors=[x], dtype=self.dtype)
        return with_dependencies([assert_positive(x)], x) if self.validate_args else x


@RegisterKL(Gamma, Gamma)
def _divergence(a, b, name=None):
    with name_scope(name, "kl_gamma_gamma", values=[a.concentration, a.rate, b.concentration, b.rate]):
        of_shapes = (a.concentration - b.concentration) * digamma(a.concentration)
        of_shapes = of_shapes + lgamma(b.concentration) - lgamma(a.concentration)
        of_rates = of_shapes + b.concentration * log(a.rate) - b.concentration * log(b.rate)
        return of_rates + a.concentration * (b.rate / a.rate - 1.0)
