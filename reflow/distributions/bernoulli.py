"""The Bernoulli distribution."""

from reflow.distributions.distribution import NOT_REPARAMETERIZED
from reflow.distributions.divergence import RegisterKL
from reflow.distributions.events import OverNumbers
from reflow.distributions.parameters import checked_integers, logits_and_probs, same_shape_for
from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.ops.activations import sigmoid, softplus
from reflow.ops.casting import cast
from reflow.ops.constant import ones_like
from reflow.ops.cross_entropy import sigmoid_cross_entropy_with_logits
from reflow.ops.identity import identity
from reflow.ops.joining import concat
from reflow.ops.random import random_uniform
from reflow.ops.shape_ops import shape


@export("distributions.Bernoulli")
class Bernoulli(OverNumbers):
    """Bernoulli distributions: 1 with a probability, else 0.

    Args:
      logits: floating point tensor: logarithms of the odds of a 1; or
      probs: floating point tensor: probabilities of a 1.
      dtype: the type of the samples.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.

    Raises:
      ValueError: if both `logits` and `probs` or neither are given.
    """

    def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
                 name="Bernoulli"):  # fmt: skip
        parameters = dict(logits=logits, probs=probs, dtype=dtype, validate_args=validate_args,
                          allow_nan_stats=allow_nan_stats, name=name)  # fmt: skip
        with name_scope(name) as name:
            self._logits, self._probs = logits_and_probs(logits, probs, validate_args, name)
        super().__init__(as_dtype(dtype), NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._logits, self._probs], name)  # fmt: skip

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "logits")

    @property
    def logits(self):
        """Logarithms of the odds of a 1."""
        return self._logits

    @property
    def probs(self):
        """Probabilities of a 1."""
        return self._probs

    def _batch_shape_tensor(self):
        return shape(self._logits)

    def _batch_shape(self):
        return self._logits.shape

    def _sample_n(self, n, seed=None):
        sample_shape = concat([[n], self.batch_shape_tensor()], 0)
        uniform = random_uniform(sample_shape, seed=seed, dtype=self.probs.dtype)
        return cast(uniform < self.probs, self.dtype)

    def _log_prob(self, event):
        if self.validate_args:
            event = checked_integers(event, dtypes.bool_)
        logits = self.logits
        event = cast(event, logits.dtype)
        if not (event.shape.is_fully_defined() and logits.shape.is_fully_defined() and event.shape == logits.shape):
            logits, event = ones_like(event) * logits, ones_like(logits) * event
        return -sigmoid_cross_entropy_with_logits(labels=event, logits=logits)

    def _entropy(self):
        return -self.logits * (sigmoid(self.logits) - 1) + softplus(-self.logits)

    def _mean(self):
        return identity(self.probs)

    def _variance(self):
        return self._mean() * (1.0 - self.probs)

    def _mode(self):
        return cast(self.probs > 0.5, self.dtype)


@RegisterKL(Bernoulli, Bernoulli)
def _divergence(a, b, name=None):
    with name_scope(name, "kl_bernoulli_bernoulli", values=[a.logits, b.logits]):
        of_zero = softplus(-b.logits) - softplus(-a.logits)
        of_one = softplus(b.logits) - softplus(a.logits)
        return sigmoid(a.logits) * of_zero + sigmoid(-a.logits) * of_one
