"""The uniform distribution."""

import math

from reflow.distributions.distribution import FULLY_REPARAMETERIZED
from reflow.distributions.events import OverNumbers
from reflow.distributions.parameters import same_shape_for
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.ops.checks import assert_less, assert_same_float_dtype
from reflow.ops.constant import ones, ones_like, zeros, zeros_like
from reflow.ops.elementwise import is_nan, log, square
from reflow.ops.identity import identity
from reflow.ops.joining import concat
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape
from reflow.ops.random import random_uniform
from reflow.ops.select import where_v2
from reflow.ops.shape_ops import shape


@export("distributions.Uniform")
class Uniform(OverNumbers):
    """Uniform distributions over [low, high).

    Args:
      low: floating point tensor.
      high: floating point tensor, above `low`; both broadcast.
      validate_args: whether parameters are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.

    Raises:
      TypeError: if the parameters differ in type.
    """

    def __init__(self, low=0.0, high=1.0, validate_args=False, allow_nan_stats=True, name="Uniform"):
        parameters = dict(low=low, high=high, validate_args=validate_args, allow_nan_stats=allow_nan_stats, name=name)
        with name_scope(name, values=[low, high]) as name:
            message = "uniform not defined when low >= high."
            with control_dependencies([assert_less(low, high, message=message)] if validate_args else []):
                self._low = identity(low, name="low")
                self._high = identity(high, name="high")
                assert_same_float_dtype([self._low, self._high])
        super().__init__(self._low.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._low, self._high], name)  # fmt: skip

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "low", "high")

    @property
    def low(self):
        """The lower bounds."""
        return self._low

    @property
    def high(self):
        """The upper bounds."""
        return self._high

    def range(self, name="range"):
        """high - low."""
        with self._name_scope(name):
            return self.high - self.low

    def _batch_shape_tensor(self):
        return broadcast_dynamic_shape(shape(self.low), shape(self.high))

    def _batch_shape(self):
        return broadcast_static_shape(self.low.shape, self.high.shape)

    def _sample_n(self, n, seed=None):
        sample_shape = concat([[n], self.batch_shape_tensor()], 0)
        samples = random_uniform(sample_shape, dtype=self.dtype, seed=seed)
        return self.low + self.range() * samples

    def _prob(self, x):
        x = x * ones(self.batch_shape_tensor(), dtype=x.dtype)
        undefined = is_nan(x)
        is_outside = call("LogicalOr", x < self.low, x >= self.high)
        return where_v2(undefined, x, where_v2(is_outside, zeros_like(x), ones_like(x) / self.range()))

    def _cdf(self, x):
        both_shape = broadcast_dynamic_shape(shape(x), self.batch_shape_tensor())
        none, all_ = zeros(both_shape, dtype=self.dtype), ones(both_shape, dtype=self.dtype)
        broadcast = x * all_
        unless_high = where_v2(x < self.low, none, (broadcast - self.low) / self.range())
        return where_v2(x >= self.high, all_, unless_high)

    def _entropy(self):
        return log(self.range())

    def _mean(self):
        return (self.low + self.high) / 2.0

    def _variance(self):
        return square(self.range()) / 12.0

    def _stddev(self):
        return self.range() / math.sqrt(12.0)
