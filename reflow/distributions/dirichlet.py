"""The Dirichlet distribution."""

from reflow.distributions.distribution import FULLY_REPARAMETERIZED
from reflow.distributions.divergence import RegisterKL
from reflow.distributions.events import Concentrated
from reflow.distributions.parameters import nan_unless
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.arithmetic import xlogy
from reflow.ops.casting import cast
from reflow.ops.checks import assert_less, assert_near, assert_positive
from reflow.ops.constant import ones
from reflow.ops.control import with_dependencies
from reflow.ops.diagonal import matrix_set_diag
from reflow.ops.elementwise import exp, rsqrt
from reflow.ops.matmul import matmul
from reflow.ops.random import random_gamma
from reflow.ops.reduction import reduce_all, reduce_sum
from reflow.ops.shape_checks import assert_rank_at_least
from reflow.ops.shape_ops import shape
from reflow.ops.special import digamma, lbeta


@export("distributions.Dirichlet")
class Dirichlet(Concentrated):
    """Dirichlet distributions over vectors of positive numbers that add up to 1.

    Args:
      concentration: floating point tensor [..., k] of positive numbers.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: whether modes that are not defined are NaN; if not they raise.
      name: the prefix of the operations' names.
    """

    def __init__(self, concentration, validate_args=False, allow_nan_stats=True, name="Dirichlet"):
        parameters = dict(concentration=concentration, validate_args=validate_args, allow_nan_stats=allow_nan_stats,
                          name=name)  # fmt: skip
        with name_scope(name, values=[concentration]) as name:
            self._concentration = _checked(to_tensor(concentration, name="concentration"), validate_args)
            self._total_concentration = reduce_sum(self._concentration, -1)
        super().__init__(self._concentration.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._concentration, self._total_concentration], name)  # fmt: skip

    def _sample_n(self, n, seed=None):
        sampled = random_gamma([n], self.concentration, dtype=self.dtype, seed=seed)
        return sampled / reduce_sum(sampled, -1, keepdims=True)

    def _log_prob(self, x):
        return self._log_unnormalized_prob(x) - self._log_normalization()

    def _prob(self, x):
        return exp(self._log_prob(x))

    def _log_unnormalized_prob(self, x):
        x = self._checked_sample(x)
        return reduce_sum(xlogy(self.concentration - 1.0, x), -1)

    def _log_normalization(self):
        return lbeta(self.concentration)

    def _event_size(self):
        return cast(self.event_shape_tensor()[0], self.dtype)

    def _entropy(self):
        k = self._event_size()
        total = (self.total_concentration - k) * digamma(self.total_concentration)
        of_parts = reduce_sum((self.concentration - 1.0) * digamma(self.concentration), axis=-1)
        return self._log_normalization() + total - of_parts

    def _mean(self):
        return self.concentration / self.total_concentration[..., None]

    def _covariance(self):
        x = self._variance_scale() * self._mean()
        return matrix_set_diag(-matmul(x[..., None], x[..., None, :]), self._variance())

    def _variance(self):
        scale = self._variance_scale()
        x = scale * self._mean()
        return x * (scale - x)

    def _variance_scale(self):
        return rsqrt(1.0 + self.total_concentration[..., None])

    def _mode(self):
        k = self._event_size()
        mode = (self.concentration - 1.0) / (self.total_concentration[..., None] - k)
        if self.allow_nan_stats:
            return nan_unless(reduce_all(self.concentration > 1.0, axis=-1), mode, shape(mode))
        message = "Mode undefined when any concentration <= 1"
        return with_dependencies([assert_less(ones([], self.dtype), self.concentration, message=message)], mode)

    def _checked_sample(self, x):
        if not self.validate_args:
            return x
        return with_dependencies(
            [assert_positive(x, message="samples must be positive"),
             assert_near(ones([], dtype=self.dtype), reduce_sum(x, -1),
                         message="sample last-dimension must sum to `1`")],
            x,
        )  # fmt: skip


def _checked(concentration, validate_args):
    if not validate_args:
        return concentration
    name = "Concentration parameter must"
    return with_dependencies(
        [assert_positive(concentration, message=f"{name} be positive."),
         assert_rank_at_least(concentration, 1, message=f"{name} have >=1 dimensions."),
         assert_less(1, shape(concentration)[-1], message=f"{name} have event_size >= 2.")],
        concentration,
    )  # fmt: skip


@RegisterKL(Dirichlet, Dirichlet)
def _divergence(a, b, name=None):
    with name_scope(name, "kl_dirichlet_dirichlet", values=[a.concentration, b.concentration]):
        of_sum = digamma(reduce_sum(a.concentration, axis=-1, keepdims=True))
        logarithms = digamma(a.concentration) - of_sum
        difference = a.concentration - b.concentration
        return reduce_sum(difference * logarithms, axis=-1) - lbeta(a.concentration) + lbeta(b.concentration)
