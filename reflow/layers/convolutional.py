"""Convolution layers in one, two and three dimensions."""

from collections.abc import Callable

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.layers import arguments, identifiers
from reflow.layers.functional import functional_form
from reflow.layers.input_spec import InputSpec
from reflow.layers.layer import Layer
from reflow.ops.bias import bias_add
from reflow.ops.convolution import check_positive
from reflow.ops.convolution import conv1d as conv1d_op
from reflow.ops.shape_ops import reshape
from reflow.ops.space_to_batch import with_space_to_batch
from reflow.variables.initializers import Zeros

_PLAIN = ("filters", "kernel_size", "strides", "padding", "data_format", "dilation_rate", "use_bias")
_PARTS = ("activation", "kernel_initializer", "bias_initializer", "kernel_regularizer", "bias_regularizer",
          "activity_regularizer", "kernel_constraint", "bias_constraint")  # fmt: skip


class Conv(Layer):
    """A convolution in `rank` dimensions; the other arguments are those of the public layers."""

    activation: Callable

    def __init__(self, rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                 kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
                 kernel_constraint, bias_constraint, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(trainable=trainable, name=name,
                         activity_regularizer=identifiers.regularizer(activity_regularizer), **kwargs)  # fmt: skip
        self.rank = rank
        self.filters = filters
        self.kernel_size = arguments.normalize_tuple(kernel_size, rank, "kernel_size")
        self.strides = arguments.normalize_tuple(strides, rank, "strides")
        self.padding = arguments.normalize_padding(padding)
        if self.padding == "causal" and rank > 1:
            raise ValueError("Causal padding is only supported for `Conv1D`and ``SeparableConv1D`.")
        self.data_format = arguments.normalize_data_format(data_format)
        self.dilation_rate = arguments.normalize_tuple(dilation_rate, rank, "dilation_rate")
        self.use_bias = use_bias
        identifiers.set_parts(
            self, activation=activation, kernel_initializer=kernel_initializer, bias_initializer=bias_initializer,
            kernel_regularizer=kernel_regularizer, bias_regularizer=bias_regularizer,
            kernel_constraint=kernel_constraint, bias_constraint=bias_constraint,
        )  # fmt: skip
        self.input_spec = InputSpec(ndim=rank + 2)

    @property
    def _channel_axis(self):
        return 1 if self.data_format == "channels_first" else -1

    def _channels_of(self, input_shape):
        channels = TensorShape(input_shape)[self._channel_axis].value
        if channels is None:
            raise ValueError("The channel dimension of the inputs should be defined. Found `None`.")
        self.input_spec = InputSpec(ndim=self.rank + 2, axes={self._channel_axis: channels})
        return channels

    def _add_part(self, name, shape):
        """A trained variable with the initializer, regularizer and constraint that are called after it."""
        return self.add_weight(
            name=name, shape=shape, trainable=True, dtype=self.dtype, initializer=getattr(self, f"{name}_initializer"),
            regularizer=getattr(self, f"{name}_regularizer"), constraint=getattr(self, f"{name}_constraint"),
        )  # fmt: skip

    def _add_bias(self):
        self.bias = self._add_part("bias", (self.filters,)) if self.use_bias else None

    def build(self, input_shape):
        """Make kernel and bias."""
        self.kernel = self._add_part("kernel", (*self.kernel_size, self._channels_of(input_shape), self.filters))
        self._add_bias()
        check_positive(np.array(self.strides), np.array(self.dilation_rate))
        self._rate = to_tensor(self.dilation_rate, dtypes.int32, "dilation_rate")
        self.built = True

    def call(self, inputs):
        """The output; see the class for the shapes."""
        first = 2 if self.data_format == "channels_first" else 1
        padding = "VALID" if self.padding == "causal" else self.padding.upper()
        outputs = with_space_to_batch(
            inputs, self._rate, padding, self._convolve, filter_shape=self.kernel.shape,
            spatial_dims=range(first, first + self.rank), data_format=self._op_format(self.rank + 2),
        )  # fmt: skip
        if self.use_bias:
            outputs = self._with_bias(outputs)
        return self.activation(outputs)

    def _op_format(self, ndim):
        return arguments.convert_data_format(self.data_format, ndim)

    def _convolve(self, inputs, _, padding):
        """The convolution without dilation."""
        data_format = self._op_format(self.rank + 2)
        if self.rank == 1:
            return conv1d_op(inputs, self.kernel, self.strides[0], padding=padding, data_format=data_format)
        strides = [1, 1, *self.strides] if self.data_format == "channels_first" else [1, *self.strides, 1]
        return call(f"Conv{self.rank}D", inputs, self.kernel, strides=strides, padding=padding, data_format=data_format)

    def _with_bias(self, outputs):
        if self.rank == 1 and self.data_format == "channels_first":
            return outputs + reshape(self.bias, (1, self.filters, 1))
        return bias_add(outputs, self.bias, data_format=self._op_format(4))

    def compute_output_shape(self, input_shape):
        """The output's shape for an input of that shape."""
        sizes = TensorShape(input_shape).as_list()
        is_first = self.data_format == "channels_first"
        space = sizes[2:] if is_first else sizes[1:-1]
        space = [self._output_length(size, i) for i, size in enumerate(space)]
        return TensorShape([sizes[0], self.filters, *space] if is_first else [sizes[0], *space, self.filters])

    def _output_length(self, size, i):
        return arguments.conv_output_length(size, self.kernel_size[i], self.padding, self.strides[i],
                                            self.dilation_rate[i])  # fmt: skip

    def get_config(self):
        """The arguments that make an equal layer."""
        return {**super().get_config(), **identifiers.configuration(self, _PLAIN, _PARTS)}


_ARGUMENTS = """

    Args:
      filters: the number of output channels.
      kernel_size: the size of the window, {of_each}.
      strides: the step of the window, {of_each}.
      padding: "valid" or "same".
      data_format: "channels_last" or "channels_first".
{dilation}      activation: a function of the output, or its name; none if None.
      use_bias: whether there is a bias.
{initializers}
      bias_initializer: what initializes the bias [filters].
{regularizers}
      bias_regularizer: a function from the bias to a scalar loss.
      activity_regularizer: a function from the output to a scalar loss.
{constraints}
      bias_constraint: a function that optimizers apply to the bias after an update.
      trainable: whether the variables are trained.
      name: the layer's name.

    Raises:
      ValueError: if the number of channels of the inputs is not known, or an argument is malformed.
    """

_DILATION = "      dilation_rate: the distance between the window's elements, {of_each}; not with strides above 1.\n"


def document(summary, shapes, rank, kernels=("kernel",), dilation=True, depth_multiplier=False):
    """The docstring of a convolution layer.

    Args:
      summary: its first line.
      shapes: a sentence on the shapes of inputs and outputs.
      rank: the number of dimensions of the space.
      kernels: the names of its kernels.
      dilation: whether it takes `dilation_rate`.
      depth_multiplier: whether it takes `depth_multiplier`.
    """
    of_each = "an int" if rank == 1 else f"an int or a tuple of {rank}"
    options = _DILATION.format(of_each=of_each) if dilation else ""
    if depth_multiplier:
        options += "      depth_multiplier: how many outputs the first step has for each input channel.\n"
    texts = {
        "initializers": "what initializes the {}; the variable scope's, then Glorot's uniform numbers, if None.",
        "regularizers": "a function from the {} to a scalar loss.",
        "constraints": "a function that optimizers apply to the {} after an update.",
    }
    lines = {
        kind: "\n".join(f"      {k}_{kind[:-1]}: {text.format(k.replace('_', ' '))}" for k in kernels)
        for kind, text in texts.items()
    }
    return f"{summary}\n\n    {shapes}" + _ARGUMENTS.format(of_each=of_each, dilation=options, **lines)


@export("layers.Conv1D")
class Conv1D(Conv):
    __doc__ = document(
        "A convolution of sequences.", "[batch, steps, channels] to [batch, steps', filters] (by `data_format`).", 1
    )  # fmt: skip

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
                 activation=None, use_bias=True, kernel_initializer=None, bias_initializer=Zeros(),  # noqa: B008
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(1, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip

    def call(self, inputs):
        """The output [batch, steps', filters]."""
        if self.padding == "causal":
            inputs = pad_causally(self, inputs)
        return super().call(inputs)


def pad_causally(layer, inputs):
    """Inputs with zeros before them, so that no output sees a later input."""
    from reflow.ops.padding import pad

    before = [layer.dilation_rate[0] * (layer.kernel_size[0] - 1), 0]
    return pad(inputs, [[0, 0], before, [0, 0]] if layer.data_format == "channels_last" else [[0, 0], [0, 0], before])


@export("layers.Conv2D")
class Conv2D(Conv):
    __doc__ = document(
        "A convolution of images.",
        "[batch, height, width, channels] to [batch, height', width', filters] (by `data_format`).",
        2,
    )

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
                 dilation_rate=(1, 1), activation=None, use_bias=True, kernel_initializer=None,
                 bias_initializer=Zeros(), kernel_regularizer=None, bias_regularizer=None,  # noqa: B008
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(2, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip


@export("layers.Conv3D")
class Conv3D(Conv):
    __doc__ = document(
        "A convolution of volumes.",
        "[batch, depth, height, width, channels] to [batch, depth', height', width', filters] (by `data_format`).",
        3,
    )

    def __init__(self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
                 dilation_rate=(1, 1, 1), activation=None, use_bias=True, kernel_initializer=None,
                 bias_initializer=Zeros(), kernel_regularizer=None, bias_regularizer=None,  # noqa: B008
                 activity_regularizer=None, kernel_constraint=None, bias_constraint=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(3, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip


conv1d = functional_form("layers.conv1d", Conv1D, reuse="name")
conv2d = functional_form("layers.conv2d", Conv2D, reuse="name")
conv3d = functional_form("layers.conv3d", Conv3D, reuse="name")
