"""Transposed convolution layers ("deconvolutions"): from the shape of a convolution's output to that of its input."""

from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.layers import arguments
from reflow.layers.convolutional import Conv, document
from reflow.layers.functional import functional_form
from reflow.layers.input_spec import InputSpec
from reflow.ops import convolution
from reflow.ops.bias import bias_add
from reflow.ops.joining import stack
from reflow.ops.permute import transpose
from reflow.ops.shape_ops import shape
from reflow.variables.initializers import Zeros


class ConvTranspose(Conv):
    """A transposed convolution in `rank` dimensions; the kernel is [*kernel_size, filters, channels]."""

    def __init__(self, rank, filters, kernel_size, strides, padding, data_format, activation, use_bias,
                 kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer, activity_regularizer,
                 kernel_constraint, bias_constraint, trainable, name, **kwargs):  # fmt: skip
        super().__init__(rank, filters, kernel_size, strides, padding, data_format, 1, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip
        self.input_spec = InputSpec(ndim=rank + 2)

    def build(self, input_shape):
        """Make kernel and bias."""
        input_shape = TensorShape(input_shape)
        if input_shape.ndims != self.rank + 2:
            raise ValueError(f"Inputs should have rank {self.rank + 2}. Received input shape: {input_shape}")
        self.kernel = self._add_part("kernel", (*self.kernel_size, self.filters, self._channels_of(input_shape)))
        self._add_bias()
        self.built = True

    def call(self, inputs):
        """The output; see the class for the shapes."""
        is_first = self.data_format == "channels_first"
        sizes = shape(inputs)
        batch, *space = [sizes[0]] + [sizes[axis + (2 if is_first else 1)] for axis in range(self.rank)]
        space = [self._output_length(size, i) for i, size in enumerate(space)]
        output_shape = stack([batch, self.filters, *space] if is_first else [batch, *space, self.filters])
        outputs = self._convolve_transposed(inputs, output_shape)
        outputs.set_shape(self.compute_output_shape(inputs.shape))
        if self.use_bias:
            outputs = bias_add(outputs, self.bias, data_format=self._op_format(4))
        return self.activation(outputs)

    def _convolve_transposed(self, inputs, output_shape):
        """The transposed convolution itself, without a bias."""
        raise NotImplementedError

    def _output_length(self, size, i):
        return arguments.deconv_output_length(size, self.kernel_size[i], self.padding, stride=self.strides[i])

    def get_config(self):
        """The arguments that make an equal layer."""
        config = super().get_config()
        del config["dilation_rate"]
        return config


@export("layers.Conv2DTranspose")
class Conv2DTranspose(ConvTranspose):
    __doc__ = document(
        "A transposed convolution of images.",
        "[batch, height, width, channels] to [batch, height', width', filters] (by `data_format`).",
        2, dilation=False,
    )  # fmt: skip

    def __init__(self, filters, kernel_size, strides=(1, 1), padding="valid", data_format="channels_last",
                 activation=None, use_bias=True, kernel_initializer=None, bias_initializer=Zeros(),  # noqa: B008
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(2, filters, kernel_size, strides, padding, data_format, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip

    def _convolve_transposed(self, inputs, output_shape):
        """Channels stand last for the operation, as on every CPU."""
        is_first = self.data_format == "channels_first"
        if is_first:
            inputs = transpose(inputs, (0, 2, 3, 1))
            output_shape = stack([output_shape[i] for i in (0, 2, 3, 1)])
        else:
            # Not needed: TensorFlow's layer looks at the batch size, and a graph is to have the same nodes.
            _ = output_shape[0]
        outputs = convolution.conv2d_transpose(inputs, self.kernel, output_shape, [1, *self.strides, 1],
                                               padding=self.padding.upper(), data_format="NHWC")  # fmt: skip
        return transpose(outputs, (0, 3, 1, 2)) if is_first else outputs


@export("layers.Conv3DTranspose")
class Conv3DTranspose(ConvTranspose):
    __doc__ = document(
        "A transposed convolution of volumes.",
        "[batch, depth, height, width, channels] to [batch, depth', height', width', filters] (by `data_format`).",
        3, dilation=False,
    )  # fmt: skip

    def __init__(self, filters, kernel_size, strides=(1, 1, 1), padding="valid", data_format="channels_last",
                 activation=None, use_bias=True, kernel_initializer=None, bias_initializer=Zeros(),  # noqa: B008
                 kernel_regularizer=None, bias_regularizer=None, activity_regularizer=None, kernel_constraint=None,
                 bias_constraint=None, trainable=True, name=None, **kwargs):  # fmt: skip
        super().__init__(3, filters, kernel_size, strides, padding, data_format, activation, use_bias,
                         kernel_initializer, bias_initializer, kernel_regularizer, bias_regularizer,
                         activity_regularizer, kernel_constraint, bias_constraint, trainable, name,
                         **kwargs)  # fmt: skip

    def _convolve_transposed(self, inputs, output_shape):
        strides = [1, 1, *self.strides] if self.data_format == "channels_first" else [1, *self.strides, 1]
        return convolution.conv3d_transpose(inputs, self.kernel, output_shape, strides, padding=self.padding.upper(),
                                            data_format=self._op_format(5))  # fmt: skip


conv2d_transpose = functional_form("layers.conv2d_transpose", Conv2DTranspose, reuse="name")
conv3d_transpose = functional_form("layers.conv3d_transpose", Conv3DTranspose, reuse="name")
