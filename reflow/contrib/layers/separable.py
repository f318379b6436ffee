"""Separable convolution layers: each channel is convolved by itself, then the channels are mixed at each place."""

from reflow.contrib.framework import variables
from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.layers import layer_parts
from reflow.contrib.layers.convolution import documented
from reflow.contrib.layers.dimensions import channel_dimension, two_element_tuple
from reflow.contrib.layers.initializers import xavier_initializer
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.layers.separable import SeparableConv2D
from reflow.ops.activations import relu
from reflow.ops.bias import bias_add
from reflow.ops.separable import depthwise_conv2d
from reflow.variables.initializers import Zeros
from reflow.variables.variable_scope import variable_scope

_RENAMED = {
    "bias": "biases", "depthwise_kernel": "depthwise_weights", "pointwise_kernel": "pointwise_weights"
}  # fmt: skip


@export("contrib.layers.separable_convolution2d", "contrib.layers.separable_conv2d")
@add_arg_scope
@documented
def separable_convolution2d(inputs, num_outputs, kernel_size, depth_multiplier=1, stride=1, padding="SAME",
                            data_format="NHWC", rate=1, activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=xavier_initializer(), pointwise_initializer=None,  # noqa: B008
                            weights_regularizer=None, biases_initializer=Zeros(), biases_regularizer=None,  # noqa: B008
                            reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                            scope=None):  # fmt: skip
    """A convolution of each channel of images by itself, then of all channels at each place.

    Args:
      inputs: a floating tensor [batch, height, width, channels] (by `data_format`).
      num_outputs: the number of output channels; None to leave out the second step.
      kernel_size: the size of the window, an int or a pair.
      depth_multiplier: how many outputs the first step has for each channel.
      stride: the step of the window, an int or a pair.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      rate: the distance between the window's elements, an int or a pair; not with strides above 1.
      pointwise_initializer: what initializes the weights of the second step; as for the first if None.
    """
    layer_parts.check_data_format(data_format, "NCHW", "NHWC")
    getter = layer_parts.renaming_getter(_RENAMED)
    with variable_scope(scope, "SeparableConv2d", [inputs], reuse=reuse, custom_getter=getter) as sc:
        inputs = to_tensor(inputs)
        if num_outputs is None:
            outputs = _depthwise_only(
                inputs, kernel_size, depth_multiplier, stride, padding, data_format, rate, weights_initializer,
                weights_regularizer, None if normalizer_fn else biases_initializer, biases_regularizer,
                variables_collections, trainable,
            )  # fmt: skip
            return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn,
                                      normalizer_params)  # fmt: skip
        layer = SeparableConv2D(
            num_outputs, kernel_size, strides=stride, padding=padding,
            data_format=layer_parts.core_data_format(data_format), dilation_rate=two_element_tuple(rate),
            depth_multiplier=depth_multiplier, use_bias=not normalizer_fn and biases_initializer,
            depthwise_initializer=weights_initializer,
            pointwise_initializer=weights_initializer if pointwise_initializer is None else pointwise_initializer,
            bias_initializer=biases_initializer, depthwise_regularizer=weights_regularizer,
            pointwise_regularizer=weights_regularizer, bias_regularizer=biases_regularizer, trainable=trainable,
            name=sc.name, dtype=inputs.dtype.base_dtype, _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer(inputs)
        kernels = [layer.depthwise_kernel, layer.pointwise_kernel]
        return layer_parts.finish_core_layer(layer, kernels, outputs, variables_collections, activation_fn,
                                             outputs_collections, sc.name, normalizer_fn,
                                             normalizer_params)  # fmt: skip


def _depthwise_only(inputs, kernel_size, depth_multiplier, stride, padding, data_format, rate, weights_initializer,
                    weights_regularizer, biases_initializer, biases_regularizer, variables_collections,
                    trainable):  # fmt: skip
    """The first step alone, with biases unless there is no initializer for them."""
    dtype = inputs.dtype.base_dtype
    strides = two_element_tuple(stride)
    channels = channel_dimension(inputs.get_shape(), layer_parts.core_data_format(data_format), min_rank=4)
    weights = variables.model_variable(
        "depthwise_weights", shape=[*two_element_tuple(kernel_size), channels, depth_multiplier], dtype=dtype,
        initializer=weights_initializer, regularizer=weights_regularizer, trainable=trainable,
        collections=layer_parts.get_variable_collections(variables_collections, "weights"),
    )  # fmt: skip
    strides = [1, 1, *strides] if data_format.startswith("NC") else [1, *strides, 1]
    outputs = depthwise_conv2d(inputs, weights, strides, padding, rate=two_element_tuple(rate),
                               data_format=data_format)  # fmt: skip
    if biases_initializer is None:
        return outputs
    biases = variables.model_variable(
        "biases", shape=[depth_multiplier * channels], dtype=dtype, initializer=biases_initializer,
        regularizer=biases_regularizer, trainable=trainable,
        collections=layer_parts.get_variable_collections(variables_collections, "biases"),
    )  # fmt: skip
    return bias_add(outputs, biases, data_format=data_format)
