"""What distributions over the same kind of events share: single numbers, or vectors with an element a class."""

from reflow.distributions.distribution import FULLY_REPARAMETERIZED, Distribution
from reflow.distributions.parameters import same_shape_for
from reflow.graph import dtypes
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape
from reflow.ops.checks import assert_positive, assert_same_float_dtype
from reflow.ops.constant import constant
from reflow.ops.identity import identity
from reflow.ops.padding import broadcast_dynamic_shape, broadcast_static_shape
from reflow.ops.shape_ops import shape


class OverNumbers(Distribution):
    """A distribution over single numbers."""

    def _event_shape_tensor(self):
        return constant([], dtype=dtypes.int32)

    def _event_shape(self):
        return TensorShape([])


class LocationScale(OverNumbers):
    """A distribution that is moved by `loc` and stretched by a positive `scale`.

    Args:
      loc, scale, validate_args, allow_nan_stats: the arguments of the subclass.
      parameters: all arguments of the subclass by name.
      name: the prefix of the operations' names.
    """

    def __init__(self, loc, scale, validate_args, allow_nan_stats, parameters, name):
        with (
            name_scope(name, values=[loc, scale]) as name,
            control_dependencies([assert_positive(scale)] if validate_args else []),
        ):
            self._loc = identity(loc, name="loc")
            self._scale = identity(scale, name="scale")
            assert_same_float_dtype([self._loc, self._scale])
        super().__init__(self._scale.dtype, FULLY_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._loc, self._scale], name)  # fmt: skip

    @staticmethod
    def _param_shapes(sample_shape):
        return same_shape_for(sample_shape, "loc", "scale")

    @property
    def loc(self):
        """The means."""
        return self._loc

    @property
    def scale(self):
        """How far the distribution is stretched; a normal one's standard deviations."""
        return self._scale

    def _batch_shape_tensor(self):
        return broadcast_dynamic_shape(shape(self.loc), shape(self.scale))

    def _batch_shape(self):
        return broadcast_static_shape(self.loc.shape, self.scale.shape)


class Concentrated(Distribution):
    """A distribution over vectors whose elements have the weights `concentration` [..., k].

    The constructor of a subclass sets `_concentration`, and `_total_concentration`: its sums along the last axis.
    """

    _concentration: Tensor
    _total_concentration: Tensor

    @property
    def concentration(self):
        """The weights of the elements."""
        return self._concentration

    @property
    def total_concentration(self):
        """The sums of the weights."""
        return self._total_concentration

    def _batch_shape_tensor(self):
        return shape(self.total_concentration)

    def _batch_shape(self):
        return self.total_concentration.shape

    def _event_shape_tensor(self):
        return shape(self.concentration)[-1:]

    def _event_shape(self):
        return self.concentration.shape.with_rank_at_least(1)[-1:]
