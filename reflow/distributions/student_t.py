"""Student's t distribution."""

import numpy as np

from reflow.distributions.distribution import FULLY_REPARAMETERIZED
from reflow.distributions.events import OverNumbers
from reflow.distributions.parameters import new_seed, same_shape_for
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.ops.checks import assert_less, assert_positive, assert_same_float_dtype
from reflow.ops.constant import fill, ones, ones_like
from reflow.ops.control import with_dependencies
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import log, log1p, rsqrt, square
from reflow.ops.identity import identity
from reflow.ops.joining import concat
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape
from reflow.ops.random import random_gamma, random_normal
from reflow.ops.select import where_v2
from reflow.ops.shape_ops import shape
from reflow.ops.special import betainc, digamma, lbeta, lgamma


@export("distributions.StudentT")
class StudentT(OverNumbers):
    """Student's t distributions.

    Args:
      df: floating point tensor of positive degrees of freedom.
      loc: floating point tensor: the middles.
      scale: floating point tensor of scales; all three broadcast.
      validate_args: whether parameters are checked while the graph runs.
      allow_nan_stats: whether means and variances that are not defined are NaN; if not they raise.
      name: the prefix of the operations' names.

    Raises:
      TypeError: if the parameters differ in type.
    """

    def __init__(self, df, loc, scale, validate_args=False, allow_nan_stats=True, name="StudentT"):
        parameters = dict(df=df, loc=loc, scale=scale, validate_args=validate_args, allow_nan_stats=allow_nan_stats,
                          name=name)  # fmt: skip
        with (
            name_scope(name, values=[df, loc, scale]) as name,
            control_dependencies([assert_positive(df)] if validate_args else []),
        ):
            self._df = identity(df, name="df")
            self._loc = identity(loc, name="loc")
            self._scale = identity(scale, name="scale")
            assert_same_float_dtype((self._df, self._loc, self._scale))
        super().__init__(self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._df, self._loc, self._scale], name)  # fmt: skip

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "df", "loc", "scale")

    @property
    def df(self):
        """The degrees of freedom."""
        return self._df

    @property
    def loc(self):
        """The middles."""
        return self._loc

    @property
    def scale(self):
        """The scales."""
        return self._scale

    def _batch_shape_tensor(self):
        return broadcast_dynamic_shape(shape(self.df), broadcast_dynamic_shape(shape(self.loc), shape(self.scale)))

    def _batch_shape(self):
        return broadcast_static_shape(broadcast_static_shape(self.df.shape, self.loc.shape), self.scale.shape)

    def _sample_n(self, n, seed=None):
        # A standard normal variable over the root of the mean of df squares of others.
        sample_shape = concat([[n], self.batch_shape_tensor()], 0)
        normal = random_normal(sample_shape, dtype=self.dtype, seed=seed)
        df = self.df * ones(self.batch_shape_tensor(), dtype=self.dtype)
        squares = random_gamma([n], 0.5 * df, 0.5, self.dtype, new_seed(seed, "student_t"))
        samples = normal * rsqrt(squares / df)
        return samples * self.scale + self.loc

    def _log_prob(self, x):
        y = (x - self.loc) / self.scale
        return -0.5 * (self.df + 1.0) * log1p(y**2.0 / self.df) - self._log_normalization()

    def _log_normalization(self):
        scales = log(abs_(self.scale)) + 0.5 * log(self.df) + 0.5 * np.log(np.pi)
        return scales + lgamma(0.5 * self.df) - lgamma(0.5 * (self.df + 1.0))

    def _cdf(self, x):
        y = (x - self.loc) / abs_(self.scale)
        x_t = self.df / (y**2.0 + self.df)
        lower = 0.5 * betainc(0.5 * self.df, 0.5, x_t)
        return where_v2(y < 0.0, lower, 1.0 - lower)

    def _entropy(self):
        v = ones(self.batch_shape_tensor(), dtype=self.dtype)[..., None]
        u = v * self.df[..., None]
        beta_arguments = concat([u, v], -1) / 2.0
        scales = log(abs_(self.scale)) + 0.5 * log(self.df) + lbeta(beta_arguments)
        return scales + 0.5 * (self.df + 1.0) * (digamma(0.5 * (self.df + 1.0)) - digamma(0.5 * self.df))

    def _mean(self):
        mean = self.loc * ones(self.batch_shape_tensor(), dtype=self.dtype)
        return self._where_defined(mean, "mean")

    def _where_defined(self, value, what):
        """`value` where there is more than one degree of freedom."""
        if self.allow_nan_stats:
            nan = np.array(np.nan, dtype=self.dtype.as_numpy_dtype)
            is_defined = self.df > ones(self.batch_shape_tensor(), dtype=self.dtype)
            return where_v2(is_defined, value, fill(self.batch_shape_tensor(), nan, name="nan"))
        message = f"{what} not defined for components of df <= 1"
        return with_dependencies([assert_less(ones([], dtype=self.dtype), self.df, message=message)], value)

    def _variance(self):
        # The choice of the denominator keeps the gradient finite where the variance is not.
        denominator = where_v2(self.df > 2.0, self.df - 2.0, ones_like(self.df))
        variance = ones(self.batch_shape_tensor(), dtype=self.dtype) * square(self.scale) * self.df / denominator
        infinity = np.array(np.inf, dtype=self.dtype.as_numpy_dtype)
        is_finite = self.df > fill(self.batch_shape_tensor(), np.array(2.0, self.dtype.as_numpy_dtype))
        infinite = fill(self.batch_shape_tensor(), infinity, name="inf")
        return self._where_defined(where_v2(is_finite, variance, infinite), "variance")

    def _mode(self):
        return identity(self.loc)
