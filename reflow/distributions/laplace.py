"""The Laplace distribution."""

import math

import numpy as np

from reflow.distributions.events import LocationScale
from reflow.distributions.special import log_laplace_cdf
from reflow.graph.export import export
from reflow.ops.constant import zeros_like
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import exp, log, log1p, sign
from reflow.ops.joining import concat
from reflow.ops.random import random_uniform


@export("distributions.Laplace")
class Laplace(LocationScale):
    """Laplace distributions: exponential on both sides of `loc`.

    Args:
      loc: floating point tensor: the means.
      scale: floating point tensor of positive scales; both broadcast.
      validate_args: whether parameters are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.

    Raises:
      TypeError: if the parameters differ in type.
    """

    def __init__(self, loc, scale, validate_args=False, allow_nan_stats=True, name="Laplace"):
        parameters = dict(loc=loc, scale=scale, validate_args=validate_args, allow_nan_stats=allow_nan_stats, name=name)
        super().__init__(loc, scale, validate_args, allow_nan_stats, parameters, name)

    def _sample_n(self, n, seed=None):
        number = self.dtype.as_numpy_dtype
        above_minus_one = np.nextafter(number(-1.0), number(0.0))
        sample_shape = concat([[n], self.batch_shape_tensor()], 0)
        uniform = random_uniform(sample_shape, above_minus_one, 1.0, self.dtype, seed)
        return self.loc - self.scale * sign(uniform) * log1p(-abs_(uniform))

    def _log_prob(self, x):
        return -abs_(self._standardized(x)) - (math.log(2.0) + log(self.scale))

    def _prob(self, x):
        return exp(self._log_prob(x))

    def _log_cdf(self, x):
        return log_laplace_cdf(self._standardized(x))

    def _log_survival_function(self, x):
        return log_laplace_cdf(-self._standardized(x))

    def _cdf(self, x):
        z = self._standardized(x)
        return 0.5 + 0.5 * sign(z) * (1.0 - exp(-abs_(z)))

    def _entropy(self):
        scale = self.scale + zeros_like(self.loc)
        return math.log(2.0) + 1.0 + log(scale)

    def _mean(self):
        return self.loc + zeros_like(self.scale)

    def _stddev(self):
        return math.sqrt(2.0) * self.scale + zeros_like(self.loc)

    def _mode(self):
        return self._mean()

    def _standardized(self, x):
        return (x - self.loc) / self.scale
