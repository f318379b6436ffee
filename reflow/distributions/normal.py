"""The normal distribution."""

import math

from reflow.distributions.divergence import RegisterKL
from reflow.distributions.events import LocationScale
from reflow.distributions.special import log_normal_cdf, normal_cdf, normal_quantile
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.ops.arithmetic import squared_difference
from reflow.ops.constant import constant, ones_like
from reflow.ops.elementwise import log, square
from reflow.ops.joining import concat
from reflow.ops.random import random_normal


@export("distributions.Normal")
class Normal(LocationScale):
    """Normal distributions.

    Args:
      loc: floating point tensor: the means.
      scale: floating point tensor of positive standard deviations; both broadcast.
      validate_args: whether parameters are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.

    Raises:
      TypeError: if the parameters differ in type.
    """

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Normal"):
        parameters = dict(loc=loc, scale=scale, validate_args=validate_args, allow_nan_stats=allow_nan_stats, name=name)
        super().__init__(loc, scale, validate_args, allow_nan_stats, parameters, name)

    def _sample_n(self, n, seed=None):
        sampled = random_normal(concat([[n], self.batch_shape_tensor()], 0), 0.0, 1.0, self.loc.dtype, seed)
        return sampled * self.scale + self.loc

    def _log_prob(self, x):
        return -0.5 * square(self._standardized(x)) - (0.5 * math.log(2.0 * math.pi) + log(self.scale))

    def _log_cdf(self, x):
        return log_normal_cdf(self._standardized(x))

    def _cdf(self, x):
        return normal_cdf(self._standardized(x))

    def _log_survival_function(self, x):
        return log_normal_cdf(-self._standardized(x))

    def _survival_function(self, x):
        return normal_cdf(-self._standardized(x))

    def _entropy(self):
        scale = self.scale * ones_like(self.loc)
        return 0.5 * math.log(2.0 * math.pi * math.e) + log(scale)

    def _mean(self):
        return self.loc * ones_like(self.scale)

    def _quantile(self, p):
        z = normal_quantile(p)
        with name_scope("reconstruct", values=[z]):
            return z * self.scale + self.loc

    def _stddev(self):
        return self.scale * ones_like(self.loc)

    def _mode(self):
        return self._mean()

    def _standardized(self, x):
        with name_scope("standardize", values=[x]):
            return (x - self.loc) / self.scale


@RegisterKL(Normal, Normal)
def _divergence(a, b, name=None):
    with name_scope(name, "kl_normal_normal", [a.loc, b.loc]):
        one, two, half = (constant(value, dtype=a.dtype) for value in (1, 2, 0.5))
        variance_a, variance_b = square(a.scale), square(b.scale)
        ratio = variance_a / variance_b
        return squared_difference(a.loc, b.loc) / (two * variance_b) + half * (ratio - one - log(ratio))
