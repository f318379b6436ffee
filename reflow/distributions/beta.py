"""The beta distribution."""

from reflow.distributions.distribution import FULLY_REPARAMETERIZED
from reflow.distributions.divergence import RegisterKL
from reflow.distributions.events import OverNumbers
from reflow.distributions.parameters import nan_unless, new_seed, same_shape_for
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.arithmetic import xlogy
from reflow.ops.checks import assert_less, assert_positive, assert_same_float_dtype
from reflow.ops.constant import ones, ones_like
from reflow.ops.control import with_dependencies
from reflow.ops.elementwise import exp, log, log1p
from reflow.ops.random import random_gamma
from reflow.ops.shape_ops import shape
from reflow.ops.special import betainc, digamma, lgamma


@export("distributions.Beta")
class Beta(OverNumbers):
    """Beta distributions over (0, 1).

    Args:
      concentration1: floating point tensor of positive numbers: the weight towards 1.
      concentration0: floating point tensor of positive numbers: the weight towards 0; both broadcast.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: whether modes that are not defined are NaN; if not they raise.
      name: the prefix of the operations' names.

    Raises:
      TypeError: if the parameters differ in type.
    """

    def __init__(self, concentration1=None, concentration0=None, validate_args=False, allow_nan_stats=True,
                 name="Beta"):  # fmt: skip
        parameters = dict(concentration1=concentration1, concentration0=concentration0, validate_args=validate_args,
                          allow_nan_stats=allow_nan_stats, name=name)  # fmt: skip
        with name_scope(name, values=[concentration1, concentration0]) as name:
            self._concentration1 = _checked(to_tensor(concentration1, name="concentration1"), validate_args)
            self._concentration0 = _checked(to_tensor(concentration0, name="concentration0"), validate_args)
            assert_same_float_dtype([self._concentration1, self._concentration0])
            self._total_concentration = self._concentration1 + self._concentration0
        parents = [self._concentration1, self._concentration0, self._total_concentration]
        super().__init__(self._total_concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats,
                         parameters, parents, name)  # fmt: skip

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "concentration1", "concentration0")

    @property
    def concentration1(self):
        """The weight towards 1."""
        return self._concentration1

    @property
    def concentration0(self):
        """The weight towards 0."""
        return self._concentration0

    @property
    def total_concentration(self):
        """The sum of both weights."""
        return self._total_concentration

    def _batch_shape_tensor(self):
        return shape(self.total_concentration)

    def _batch_shape(self):
        return self.total_concentration.shape

    def _sample_n(self, n, seed=None):
        alpha = ones_like(self.total_concentration, dtype=self.dtype) * self.concentration1
        beta = ones_like(self.total_concentration, dtype=self.dtype) * self.concentration0
        towards_1 = random_gamma([n], alpha, dtype=self.dtype, seed=seed)
        towards_0 = random_gamma([n], beta, dtype=self.dtype, seed=new_seed(seed, "beta"))
        return towards_1 / (towards_1 + towards_0)

    def _log_prob(self, x):
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _prob(self, x):
        return exp(self._log_prob(x))

    def _log_cdf(self, x):
        return log(self._cdf(x))

    def _cdf(self, x):
        return betainc(self.concentration1, self.concentration0, x)

    def _log_unnormalized_prob(self, x):
        x = self._checked_sample(x)
        return xlogy(self.concentration1 - 1.0, x) + (self.concentration0 - 1.0) * log1p(-x)

    def _log_normalization(self):
        return lgamma(self.concentration1) + lgamma(self.concentration0) - lgamma(self.total_concentration)

    def _entropy(self):
        towards_1 = self._log_normalization() - (self.concentration1 - 1.0) * digamma(self.concentration1)
        both = towards_1 - (self.concentration0 - 1.0) * digamma(self.concentration0)
        return both + (self.total_concentration - 2.0) * digamma(self.total_concentration)

    def _mean(self):
        return self._concentration1 / self._total_concentration

    def _variance(self):
        return self._mean() * (1.0 - self._mean()) / (1.0 + self.total_concentration)

    def _mode(self):
        mode = (self.concentration1 - 1.0) / (self.total_concentration - 2.0)
        if self.allow_nan_stats:
            is_defined = call("LogicalAnd", self.concentration1 > 1.0, self.concentration0 > 1.0)
            return nan_unless(is_defined, mode, self.batch_shape_tensor())
        one = ones([], dtype=self.dtype)
        return with_dependencies(
            [assert_less(one, self.concentration1, message="Mode undefined for concentration1 <= 1."),
             assert_less(one, self.concentration0, message="Mode undefined for concentration0 <= 1.")],
            mode,
        )  # fmt: skip

    def _checked_sample(self, x):
        if not self.validate_args:
            return x
        return with_dependencies(
            [assert_positive(x, message="sample must be positive"),
             assert_less(x, ones([], self.dtype), message="sample must be less than `1`.")],
            x,
        )  # fmt: skip


def _checked(concentration, validate_args):
    if not validate_args:
        return concentration
    check = assert_positive(concentration, message="Concentration parameter must be positive.")
    return with_dependencies([check], concentration)


@RegisterKL(Beta, Beta)
def _divergence(a, b, name=None):
    values = [x for d in (a, b) for x in (d.concentration1, d.concentration0, d.total_concentration)]
    with name_scope(name, "kl_beta_beta", values=values):
        result = b._log_normalization() - a._log_normalization()
        result -= digamma(a.concentration1) * (b.concentration1 - a.concentration1)
        result -= digamma(a.concentration0) * (b.concentration0 - a.concentration0)
        return result + digamma(a.total_concentration) * (b.total_concentration - a.total_concentration)
