"""Pooling layers: the greatest value, or the mean, of a window that moves over space."""

from collections.abc import Callable

from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.layers import arguments
from reflow.layers.functional import functional_form
from reflow.layers.input_spec import InputSpec
from reflow.layers.layer import Layer
from reflow.ops import pooling as ops
from reflow.ops.permute import transpose
from reflow.ops.shape_ops import expand_dims, squeeze

# To channels last, and back, by rank of the space.
_TO_LAST = {2: (0, 2, 3, 1), 3: (0, 2, 3, 4, 1)}
_TO_FIRST = {2: (0, 3, 1, 2), 3: (0, 4, 1, 2, 3)}


class Pooling(Layer):
    """Pooling in `rank` dimensions by an operation, both set by the public layers."""

    rank = 0
    pool_function: Callable

    def __init__(self, pool_size, strides, padding="valid", data_format="channels_last", name=None, **kwargs):
        if strides is None:
            raise ValueError("Argument `strides` must not be None.")
        super().__init__(name=name, **kwargs)
        self.pool_size = arguments.normalize_tuple(pool_size, self.rank, "pool_size")
        self.strides = arguments.normalize_tuple(strides, self.rank, "strides")
        self.padding = arguments.normalize_padding(padding)
        self.data_format = arguments.normalize_data_format(data_format)
        self.input_spec = InputSpec(ndim=self.rank + 2)

    def _pool_channels_last(self, inputs, pool_size, strides):
        """Pool with the channels last for the operation, as on every CPU."""
        is_first, rank = self.data_format == "channels_first", len(pool_size)
        if is_first:
            inputs = transpose(inputs, _TO_LAST[rank])
        outputs = type(self).pool_function(inputs, [1, *pool_size, 1], [1, *strides, 1], padding=self.padding.upper())
        return transpose(outputs, _TO_FIRST[rank]) if is_first else outputs

    def compute_output_shape(self, input_shape):
        """The output's shape for an input of that shape."""
        sizes = TensorShape(input_shape).as_list()
        first = 2 if self.data_format == "channels_first" else 1
        for i in range(self.rank):
            sizes[first + i] = arguments.conv_output_length(sizes[first + i], self.pool_size[i], self.padding,
                                                            self.strides[i])  # fmt: skip
        return TensorShape(sizes)

    def get_config(self):
        """The arguments that make an equal layer."""
        own = {key: getattr(self, key) for key in ("pool_size", "strides", "padding", "data_format")}
        return {**super().get_config(), **own}


class Pooling1D(Pooling):
    """Pooling of sequences: that of images of width 1."""

    rank = 1

    def call(self, inputs):
        """The pooled sequences."""
        axis = 3 if self.data_format == "channels_first" else 2
        outputs = self._pool_channels_last(expand_dims(inputs, axis), (*self.pool_size, 1), (*self.strides, 1))
        return squeeze(outputs, axis)


class Pooling2D(Pooling):
    """Pooling of images."""

    rank = 2

    def call(self, inputs):
        """The pooled images."""
        is_first = self.data_format == "channels_first"
        ksize = [1, 1, *self.pool_size] if is_first else [1, *self.pool_size, 1]
        strides = [1, 1, *self.strides] if is_first else [1, *self.strides, 1]
        data_format = arguments.convert_data_format(self.data_format, 4)
        return type(self).pool_function(inputs, ksize, strides, padding=self.padding.upper(), data_format=data_format)


class Pooling3D(Pooling):
    """Pooling of volumes."""

    rank = 3

    def call(self, inputs):
        """The pooled volumes."""
        return self._pool_channels_last(inputs, self.pool_size, self.strides)


_ARGUMENTS = """

    Args:
      pool_size: the size of the window, {of_each}.
      strides: the step of the window, {of_each}.
      padding: "valid" or "same".
      data_format: "channels_last" or "channels_first".
      name: the layer's name.

    Raises:
      ValueError: if an argument is malformed.
    """

_SHAPES = {
    1: ("sequences", "[batch, steps, channels] to [batch, steps', channels]"),
    2: ("images", "[batch, height, width, channels] to [batch, height', width', channels]"),
    3: ("volumes", "[batch, depth, height, width, channels] to [batch, depth', height', width', channels]"),
}


def _document(what, rank):
    of_what, shapes = _SHAPES[rank]
    of_each = "an int" if rank == 1 else f"an int or a tuple of {rank}"
    return (f"{what} of a window that moves over {of_what}.\n\n    {shapes} (by `data_format`)."
            + _ARGUMENTS.format(of_each=of_each))  # fmt: skip


@export("layers.MaxPooling1D")
class MaxPooling1D(Pooling1D):
    __doc__ = _document("The greatest value", 1)
    pool_function = staticmethod(ops.max_pool)


@export("layers.MaxPooling2D")
class MaxPooling2D(Pooling2D):
    __doc__ = _document("The greatest value", 2)
    pool_function = staticmethod(ops.max_pool)


@export("layers.MaxPooling3D")
class MaxPooling3D(Pooling3D):
    __doc__ = _document("The greatest value", 3)
    pool_function = staticmethod(ops.max_pool3d)


@export("layers.AveragePooling1D")
class AveragePooling1D(Pooling1D):
    __doc__ = _document("The mean", 1)
    pool_function = staticmethod(ops.avg_pool)


@export("layers.AveragePooling2D")
class AveragePooling2D(Pooling2D):
    __doc__ = _document("The mean", 2)
    pool_function = staticmethod(ops.avg_pool)


@export("layers.AveragePooling3D")
class AveragePooling3D(Pooling3D):
    __doc__ = _document("The mean", 3)
    pool_function = staticmethod(ops.avg_pool3d)


max_pooling1d = functional_form("layers.max_pooling1d", MaxPooling1D)
max_pooling2d = functional_form("layers.max_pooling2d", MaxPooling2D)
max_pooling3d = functional_form("layers.max_pooling3d", MaxPooling3D)
average_pooling1d = functional_form("layers.average_pooling1d", AveragePooling1D)
average_pooling2d = functional_form("layers.average_pooling2d", AveragePooling2D)
average_pooling3d = functional_form("layers.average_pooling3d", AveragePooling3D)
