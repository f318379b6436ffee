"""The multinomial distribution."""

from reflow.distributions.distribution import NOT_REPARAMETERIZED, Distribution
from reflow.distributions.parameters import checked_counts, log_combinations, logits_and_probs
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.checks import assert_equal
from reflow.ops.constant import ones_like
from reflow.ops.control import with_dependencies
from reflow.ops.diagonal import matrix_set_diag
from reflow.ops.identity import identity
from reflow.ops.matmul import matmul
from reflow.ops.reduction import reduce_sum
from reflow.ops.shape_ops import shape
from reflow.ops.softmax import log_softmax


@export("distributions.Multinomial")
class Multinomial(Distribution):
    """Distributions of how often each of k classes is drawn.

    Args:
      total_count: floating point tensor: the number of draws.
      logits: floating point tensor [..., k]: logarithms of unnormalized probabilities; or
      probs: floating point tensor [..., k]: probabilities.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.

    Raises:
      ValueError: if both `logits` and `probs` or neither are given.
    """

    def __init__(self, total_count, logits=None, probs=None, validate_args=False, allow_nan_stats=True,
                 name="Multinomial"):  # fmt: skip
        parameters = dict(total_count=total_count, logits=logits, probs=probs, validate_args=validate_args,
                          allow_nan_stats=allow_nan_stats, name=name)  # fmt: skip
        with name_scope(name, values=[total_count, logits, probs]) as name:
            self._total_count = to_tensor(total_count, name="total_count")
            if validate_args:
                self._total_count = checked_counts(self._total_count)
            self._logits, self._probs = logits_and_probs(logits, probs, validate_args, name, over_classes=True)
            self._mean_counts = self._total_count[..., None] * self._probs
        super().__init__(self._probs.dtype, NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._total_count, self._logits, self._probs], name)  # fmt: skip

    @property
    def total_count(self):
        """The number of draws."""
        return self._total_count

    @property
    def logits(self):
        """Logarithms of unnormalized probabilities."""
        return self._logits

    @property
    def probs(self):
        """Probabilities."""
        return self._probs

    def _batch_shape_tensor(self):
        return shape(self._mean_counts)[:-1]

    def _batch_shape(self):
        return self._mean_counts.shape.with_rank_at_least(1)[:-1]

    def _event_shape_tensor(self):
        return shape(self._mean_counts)[-1:]

    def _event_shape(self):
        return self._mean_counts.shape.with_rank_at_least(1)[-1:]

    def _log_prob(self, counts):
        counts = self._checked_sample(counts)
        unnormalized = reduce_sum(counts * log_softmax(self.logits), -1)
        counts = self._checked_sample(counts)
        return unnormalized - -log_combinations(self.total_count, counts)

    def _mean(self):
        return identity(self._mean_counts)

    def _covariance(self):
        p = self.probs * ones_like(self.total_count)[..., None]
        return matrix_set_diag(-matmul(self._mean_counts[..., None], p[..., None, :]), self._variance())

    def _variance(self):
        p = self.probs * ones_like(self.total_count)[..., None]
        return self._mean_counts - self._mean_counts * p

    def _checked_sample(self, counts):
        if not self.validate_args:
            return counts
        counts = checked_counts(counts)
        message = "counts must sum to `self.total_count`"
        return with_dependencies([assert_equal(self.total_count, reduce_sum(counts, -1), message=message)], counts)
