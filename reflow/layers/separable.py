"""Separable convolution layers: each channel is convolved by itself, then the channels are mixed at each place."""

from typing import Any

from reflow.graph.export import export
from reflow.layers import identifiers
from reflow.layers.convolutional import Conv, document, pad_causally
from reflow.layers.functional import functional_form
from reflow.ops.bias import bias_add
from reflow.ops.separable import separable_conv2d as separable_conv2d_op
from reflow.ops.shape_ops import expand_dims, squeeze
from reflow.variables.initializers import Zeros

_KERNELS = ("depthwise", "pointwise")


class SeparableConv(Conv):
    """A separable convolution in `rank` dimensions; the other arguments are those of the public layers."""

    def __init__(self, rank, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                 activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
                 depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
                 depthwise_constraint, pointwise_constraint, bias_constraint, trainable, name, **kwargs):  # fmt: skip
        super().__init__(rank, filters, kernel_size, strides, padding, data_format, dilation_rate, activation, use_bias,
                         None, bias_initializer, None, bias_regularizer, activity_regularizer, None, bias_constraint,
                         trainable, name, **kwargs)  # fmt: skip
        self.depth_multiplier = depth_multiplier
        identifiers.set_parts(
            self, depthwise_initializer=depthwise_initializer, pointwise_initializer=pointwise_initializer,
            depthwise_regularizer=depthwise_regularizer, pointwise_regularizer=pointwise_regularizer,
            depthwise_constraint=depthwise_constraint, pointwise_constraint=pointwise_constraint,
        )  # fmt: skip

    depthwise_kernel: Any
    pointwise_kernel: Any

    def build(self, input_shape):
        """Make both kernels and the bias."""
        channels = self._channels_of(input_shape)
        shapes = {
            "depthwise": (*self.kernel_size, channels, self.depth_multiplier),
            "pointwise": (*[1] * self.rank, self.depth_multiplier * channels, self.filters),
        }
        for kernel, shape in shapes.items():
            weight = self.add_weight(
                name=f"{kernel}_kernel", shape=shape, trainable=True, dtype=self.dtype,
                initializer=getattr(self, f"{kernel}_initializer"), regularizer=getattr(self, f"{kernel}_regularizer"),
                constraint=getattr(self, f"{kernel}_constraint"),
            )  # fmt: skip
            setattr(self, f"{kernel}_kernel", weight)
        self._add_bias()
        self.built = True

    def _separably(self, inputs, depthwise, pointwise, strides, rate):
        """The convolution of images with bias."""
        strides = [1, 1, *strides] if self.data_format == "channels_first" else [1, *strides, 1]
        padding = "VALID" if self.padding == "causal" else self.padding.upper()
        outputs = separable_conv2d_op(inputs, depthwise, pointwise, strides=strides, padding=padding, rate=rate,
                                      data_format=self._op_format(4))  # fmt: skip
        return bias_add(outputs, self.bias, data_format=self._op_format(4)) if self.use_bias else outputs

    def get_config(self):
        """The arguments that make an equal layer."""
        config = super().get_config()
        for part in ("initializer", "regularizer", "constraint"):
            del config[f"kernel_{part}"]
            config.update((f"{k}_{part}", identifiers.serialize(getattr(self, f"{k}_{part}"))) for k in _KERNELS)
        return {**config, "depth_multiplier": self.depth_multiplier}


@export("layers.SeparableConv1D")
class SeparableConv1D(SeparableConv):
    __doc__ = document(
        "A separable convolution of sequences: of each channel by itself, then of all channels at each step.",
        "[batch, steps, channels] to [batch, steps', filters] (by `data_format`).", 1, _KERNELS, depth_multiplier=True,
    )  # fmt: skip

    def __init__(self, filters, kernel_size, strides=1, padding="valid", data_format="channels_last", dilation_rate=1,
                 depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
                 pointwise_initializer=None, bias_initializer=Zeros(), depthwise_regularizer=None,  # noqa: B008
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(1, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                         activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
                         depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
                         depthwise_constraint, pointwise_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip

    def call(self, inputs):
        """The output [batch, steps', filters]: that of images of height 1."""
        if self.padding == "causal":
            inputs = pad_causally(self, inputs)
        axis = 2 if self.data_format == "channels_first" else 1
        outputs = self._separably(
            expand_dims(inputs, axis), expand_dims(self.depthwise_kernel, 0), expand_dims(self.pointwise_kernel, 0),
            self.strides * 2, (1, *self.dilation_rate),
        )  # fmt: skip
        return self.activation(squeeze(outputs, [axis]))


@export("layers.SeparableConv2D")
class SeparableConv2D(SeparableConv):
    __doc__ = document(
        "A separable convolution of images: of each channel by itself, then of all channels at each place.",
        "[batch, height, width, channels] to [batch, height', width', filters] (by `data_format`).",
        2, _KERNELS, depth_multiplier=True,
    )  # fmt: skip

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
                 dilation_rate=(1, 1), depth_multiplier=1, activation=None, use_bias=True, depthwise_initializer=None,
                 pointwise_initializer=None, bias_initializer=Zeros(), depthwise_regularizer=None,  # noqa: B008
                 pointwise_regularizer=None, bias_regularizer=None, activity_regularizer=None,
                 depthwise_constraint=None, pointwise_constraint=None, bias_constraint=None, trainable=True, name=None,
                 **kwargs):  # fmt: skip
        super().__init__(2, filters, kernel_size, strides, padding, data_format, dilation_rate, depth_multiplier,
                         activation, use_bias, depthwise_initializer, pointwise_initializer, bias_initializer,
                         depthwise_regularizer, pointwise_regularizer, bias_regularizer, activity_regularizer,
                         depthwise_constraint, pointwise_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip

    def call(self, inputs):
        """The output [batch, height', width', filters]."""
        kernels = self.depthwise_kernel, self.pointwise_kernel
        return self.activation(self._separably(inputs, *kernels, self.strides, self.dilation_rate))


separable_conv1d = functional_form("layers.separable_conv1d", SeparableConv1D, reuse="name")
separable_conv2d = functional_form("layers.separable_conv2d", SeparableConv2D, reuse="name")
