"""The exponential distribution."""

import numpy as np

from reflow.distributions.gamma import Gamma
from reflow.distributions.parameters import same_shape_for
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.constant import ones
from reflow.ops.elementwise import log
from reflow.ops.joining import concat
from reflow.ops.random import random_uniform
from reflow.ops.shape_ops import shape


@export("distributions.Exponential")
class Exponential(Gamma):
    """Exponential distributions: the waiting time for an event that happens at a `rate`.

    Args:
      rate: floating point tensor of positive numbers.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: whether modes that are not defined are NaN; if not they raise.
      name: the prefix of the operations' names.
    """

    def __init__(self, rate, validate_args=False, allow_nan_stats=True, name="Exponential"):
        parameters = dict(rate=rate, validate_args=validate_args, allow_nan_stats=allow_nan_stats, name=name)
        with name_scope(name, values=[rate]) as name:
            self._rate = to_tensor(rate, name="rate")
        super().__init__(ones([], dtype=self._rate.dtype), self._rate, validate_args, allow_nan_stats, name)
        self._parameters = parameters
        self._graph_parents += [self._rate]

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "rate")

    def _log_survival_function(self, value):
        return self._log_prob(value) - log(self._rate)

    def _sample_n(self, n, seed=None):
        sample_shape = concat([[n], shape(self._rate)], 0)
        above_zero = np.finfo(self.dtype.as_numpy_dtype).tiny
        sampled = random_uniform(sample_shape, above_zero, 1.0, self.dtype, seed)
        return -log(sampled) / self._rate
