"""Counts of draws whose probabilities are drawn from a Dirichlet distribution."""

from reflow.distributions.distribution import NOT_REPARAMETERIZED
from reflow.distributions.events import Concentrated
from reflow.distributions.parameters import checked_classes, checked_counts, log_combinations, new_seed
from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.checks import assert_equal, assert_positive
from reflow.ops.control import with_dependencies
from reflow.ops.diagonal import matrix_set_diag
from reflow.ops.elementwise import exp, log, sqrt
from reflow.ops.joining import concat
from reflow.ops.matmul import matmul
from reflow.ops.random import multinomial, random_gamma
from reflow.ops.reduction import reduce_sum
from reflow.ops.select import one_hot
from reflow.ops.shape_ops import reshape
from reflow.ops.special import lbeta


@export("distributions.DirichletMultinomial")
class DirichletMultinomial(Concentrated):
    """Distributions of how often each of k classes is drawn, if their probabilities are Dirichlet distributed.

    Args:
      total_count: floating point tensor: the number of draws.
      concentration: floating point tensor [..., k] of positive numbers.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.
    """

    def __init__(self, total_count, concentration, validate_args=False, allow_nan_stats=True,
                 name="DirichletMultinomial"):  # fmt: skip
        parameters = dict(total_count=total_count, concentration=concentration, validate_args=validate_args,
                          allow_nan_stats=allow_nan_stats, name=name)  # fmt: skip
        with name_scope(name, values=[total_count, concentration]) as name:
            self._total_count = to_tensor(total_count, name="total_count")
            if validate_args:
                self._total_count = checked_counts(self._total_count)
            self._concentration = _checked(to_tensor(concentration, name="concentration"), validate_args)
            self._total_concentration = reduce_sum(self._concentration, -1)
        super().__init__(self._concentration.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._total_count, self._concentration], name)  # fmt: skip

    @property
    def total_count(self):
        """The number of draws."""
        return self._total_count

    def _sample_n(self, n, seed=None):
        n_draws = cast(self.total_count, dtypes.int32)
        k = self.event_shape_tensor()[0]
        weights = log(random_gamma([n], self.concentration, dtype=self.dtype, seed=seed))
        logits = reshape(weights, [-1, k])
        draws = multinomial(logits, n_draws, seed=new_seed(seed, "dirichlet_multinomial"))
        counts = reduce_sum(one_hot(draws, depth=k), -2)
        counts = reshape(counts, concat([[n], self.batch_shape_tensor(), [k]], 0))
        return cast(counts, self.dtype)

    def _log_prob(self, counts):
        counts = self._checked_sample(counts)
        in_order = lbeta(self.concentration + counts) - lbeta(self.concentration)
        return in_order + log_combinations(self.total_count, counts)

    def _prob(self, counts):
        return exp(self._log_prob(counts))

    def _mean(self):
        return self.total_count * (self.concentration / self.total_concentration[..., None])

    def _covariance(self):
        x = self._variance_scale() * self._mean()
        return matrix_set_diag(-matmul(x[..., None], x[..., None, :]), self._variance())

    def _variance(self):
        scale = self._variance_scale()
        x = scale * self._mean()
        return x * (self.total_count * scale - x)

    def _variance_scale(self):
        total = self.total_concentration[..., None]
        return sqrt((1.0 + total / self.total_count) / (1.0 + total))

    def _checked_sample(self, counts):
        if not self.validate_args:
            return counts
        counts = checked_counts(counts)
        message = "counts last-dimension must sum to `self.total_count`"
        return with_dependencies([assert_equal(self.total_count, reduce_sum(counts, -1), message=message)], counts)


def _checked(concentration, validate_args):
    if not validate_args:
        return concentration
    concentration = checked_classes(concentration)
    check = assert_positive(concentration, message="Concentration parameter must be positive.")
    return with_dependencies([check], concentration)
