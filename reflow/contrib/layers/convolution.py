"""Convolution layers, plain and transposed."""

from reflow.contrib.framework import variables
from reflow.contrib.framework.arg_scope import add_arg_scope
from reflow.contrib.layers import layer_parts
from reflow.contrib.layers.dimensions import last_dimension, two_element_tuple
from reflow.contrib.layers.initializers import xavier_initializer
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.layers import convolutional, transposed
from reflow.ops.activations import relu
from reflow.ops.bias import bias_add
from reflow.ops.padding import tile
from reflow.ops.separable import depthwise_conv2d
from reflow.variables.initializers import Zeros
from reflow.variables.variable_scope import variable_scope

_CLASSES = {3: convolutional.Conv1D, 4: convolutional.Conv2D, 5: convolutional.Conv3D}

# The arguments that all layers here share; see `document`.
_SHARED = """
      activation_fn: a function of the output; None for a linear layer.
      normalizer_fn: a function such as `batch_norm` that takes the place of the biases.
      normalizer_params: its further arguments, a dict.
      weights_initializer: what initializes the weights.
      weights_regularizer: a function from the weights to a scalar loss.
      biases_initializer: what initializes the biases [num_outputs]; None for a layer without.
      biases_regularizer: a function from the biases to a scalar loss.
      reuse: True to find the variables of an earlier layer in `scope`.
      variables_collections: a list of collections for the variables, or a dict of lists by "weights" and "biases".
      outputs_collections: collections for the output.
      trainable: whether the variables are trained.
      scope: a variable scope or its name; one of the layer's own, made unique, if None.

    Returns:
      The output: the spatial sizes follow from stride and padding.

    Raises:
      ValueError: if the number of channels is not known, or an argument is malformed.
    """


def documented(function):
    """Give a layer the texts of the arguments that all layers here share."""
    function.__doc__ = function.__doc__.rstrip() + _SHARED
    return function


@export("contrib.layers.convolution")
@add_arg_scope
@documented
def convolution(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
                activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                biases_initializer=Zeros(), biases_regularizer=None, reuse=None, variables_collections=None,  # noqa: B008
                outputs_collections=None, trainable=True, scope=None, conv_dims=None):  # fmt: skip
    """A convolution in one to three dimensions: activation(inputs * weights + biases).

    Args:
      inputs: a floating tensor [batch, *space, channels] (by `data_format`).
      num_outputs: the number of output channels.
      kernel_size: the size of the window, an int or one a dimension.
      stride: the step of the window, an int or one a dimension.
      padding: "SAME" or "VALID".
      data_format: "N...C" (if None) or "NC...".
      rate: the distance between the window's elements, an int or one a dimension; not with strides above 1.
      conv_dims: the number of dimensions that is expected, or None.
    """
    if data_format not in (None, "NWC", "NCW", "NHWC", "NCHW", "NDHWC", "NCDHW"):
        raise ValueError(f"Invalid data_format: {data_format!r}")
    getter = layer_parts.renaming_getter(layer_parts.WEIGHTS_AND_BIASES)
    with variable_scope(scope, "Conv", [inputs], reuse=reuse, custom_getter=getter) as sc:
        inputs = to_tensor(inputs)
        layer = _class_for(inputs, conv_dims)(
            num_outputs, kernel_size, strides=stride, padding=padding,
            data_format=layer_parts.core_data_format(data_format), dilation_rate=rate,
            use_bias=not normalizer_fn and biases_initializer, kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype,
            _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer(inputs)
        return layer_parts.finish_core_layer(layer, [layer.kernel], outputs, variables_collections, activation_fn,
                                             outputs_collections, sc.name, normalizer_fn,
                                             normalizer_params)  # fmt: skip


def _class_for(inputs, conv_dims):
    rank = inputs.get_shape().ndims
    if conv_dims is not None and conv_dims + 2 != rank:
        raise ValueError(f"Convolution expects input with rank {conv_dims + 2}, got {rank}")
    if rank not in _CLASSES:
        raise ValueError("Convolution not supported for input with rank", rank)
    return _CLASSES[rank]


@export("contrib.layers.convolution1d", "contrib.layers.conv1d")
@add_arg_scope
@documented
def convolution1d(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
                  activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                  weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                  biases_initializer=Zeros(), biases_regularizer=None, reuse=None,  # noqa: B008
                  variables_collections=None, outputs_collections=None, trainable=True, scope=None):  # fmt: skip
    """A convolution of sequences.

    Args:
      inputs: a floating tensor [batch, steps, channels] (by `data_format`).
      num_outputs: the number of output channels.
      kernel_size: the size of the window.
      stride: the step of the window.
      padding: "SAME" or "VALID".
      data_format: "NWC" (if None) or "NCW".
      rate: the distance between the window's elements; not with strides above 1.
    """
    return convolution(
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn,
        normalizer_params, weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
        variables_collections, outputs_collections, trainable, scope, conv_dims=1,
    )  # fmt: skip


@export("contrib.layers.convolution2d", "contrib.layers.conv2d")
@add_arg_scope
@documented
def convolution2d(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
                  activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                  weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                  biases_initializer=Zeros(), biases_regularizer=None, reuse=None,  # noqa: B008
                  variables_collections=None, outputs_collections=None, trainable=True, scope=None):  # fmt: skip
    """A convolution of images.

    Args:
      inputs: a floating tensor [batch, height, width, channels] (by `data_format`).
      num_outputs: the number of output channels.
      kernel_size: the size of the window, an int or a pair.
      stride: the step of the window, an int or a pair.
      padding: "SAME" or "VALID".
      data_format: "NHWC" (if None) or "NCHW".
      rate: the distance between the window's elements, an int or a pair; not with strides above 1.
    """
    return convolution(
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn,
        normalizer_params, weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
        variables_collections, outputs_collections, trainable, scope, conv_dims=2,
    )  # fmt: skip


@export("contrib.layers.convolution3d", "contrib.layers.conv3d")
@add_arg_scope
@documented
def convolution3d(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format=None, rate=1,
                  activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                  weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                  biases_initializer=Zeros(), biases_regularizer=None, reuse=None,  # noqa: B008
                  variables_collections=None, outputs_collections=None, trainable=True, scope=None):  # fmt: skip
    """A convolution of volumes.

    Args:
      inputs: a floating tensor [batch, depth, height, width, channels] (by `data_format`).
      num_outputs: the number of output channels.
      kernel_size: the size of the window, an int or three of them.
      stride: the step of the window, an int or three of them.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" (if None) or "NCDHW".
      rate: the distance between the window's elements, an int or three of them; not with strides above 1.
    """
    return convolution(
        inputs, num_outputs, kernel_size, stride, padding, data_format, rate, activation_fn, normalizer_fn,
        normalizer_params, weights_initializer, weights_regularizer, biases_initializer, biases_regularizer, reuse,
        variables_collections, outputs_collections, trainable, scope, conv_dims=3,
    )  # fmt: skip


@export("contrib.layers.convolution2d_in_plane", "contrib.layers.conv2d_in_plane")
@add_arg_scope
@documented
def convolution2d_in_plane(inputs, kernel_size, stride=1, padding="SAME", activation_fn=relu, normalizer_fn=None,
                           normalizer_params=None, weights_initializer=xavier_initializer(),  # noqa: B008
                           weights_regularizer=None, biases_initializer=Zeros(), biases_regularizer=None,  # noqa: B008
                           reuse=None, variables_collections=None, outputs_collections=None, trainable=True,
                           scope=None):  # fmt: skip
    """A convolution of each channel of images by itself, all with the same weights.

    Args:
      inputs: a floating tensor [batch, height, width, channels].
      kernel_size: the size of the window, an int or a pair.
      stride: the step of the window, an int or a pair.
      padding: "SAME" or "VALID".
    """
    with variable_scope(scope, "ConvInPlane", [inputs], reuse=reuse) as sc:
        dtype = inputs.dtype.base_dtype
        kernel_size, strides = two_element_tuple(kernel_size), two_element_tuple(stride)
        channels = last_dimension(inputs.get_shape(), min_rank=4)
        weights = variables.model_variable(
            "weights", shape=[*kernel_size, 1, 1], dtype=dtype, initializer=weights_initializer,
            regularizer=weights_regularizer, trainable=trainable,
            collections=layer_parts.get_variable_collections(variables_collections, "weights"),
        )  # fmt: skip
        outputs = depthwise_conv2d(inputs, tile(weights, [1, 1, channels, 1]), [1, *strides, 1], padding)
        if normalizer_fn is None and biases_initializer is not None:
            biases = variables.model_variable(
                "biases", shape=[channels], dtype=dtype, initializer=biases_initializer,
                regularizer=biases_regularizer, trainable=trainable,
                collections=layer_parts.get_variable_collections(variables_collections, "biases"),
            )  # fmt: skip
            outputs = bias_add(outputs, biases)
        return layer_parts.finish(outputs, activation_fn, outputs_collections, sc.name, normalizer_fn,
                                  normalizer_params)  # fmt: skip


# --- transposed ---------------------------------------------------------------------------------------------------


def _transposed(layer_class, default_name, formats, inputs, num_outputs, kernel_size, stride, padding, data_format,
                activation_fn, normalizer_fn, normalizer_params, weights_initializer, weights_regularizer,
                biases_initializer, biases_regularizer, reuse, variables_collections, outputs_collections, trainable,
                scope):  # fmt: skip
    getter = layer_parts.renaming_getter(layer_parts.WEIGHTS_AND_BIASES)
    with variable_scope(scope, default_name, [inputs], reuse=reuse, custom_getter=getter) as sc:
        layer_parts.check_data_format(data_format, *formats)
        inputs = to_tensor(inputs)
        layer = layer_class(
            num_outputs, kernel_size, strides=stride, padding=padding,
            data_format=layer_parts.core_data_format(data_format),
            use_bias=not normalizer_fn and biases_initializer, kernel_initializer=weights_initializer,
            bias_initializer=biases_initializer, kernel_regularizer=weights_regularizer,
            bias_regularizer=biases_regularizer, trainable=trainable, name=sc.name, dtype=inputs.dtype.base_dtype,
            _scope=sc, _reuse=reuse,
        )  # fmt: skip
        outputs = layer(inputs)
        return layer_parts.finish_core_layer(layer, [layer.kernel], outputs, variables_collections, activation_fn,
                                             outputs_collections, sc.name, normalizer_fn,
                                             normalizer_params)  # fmt: skip


@export("contrib.layers.convolution2d_transpose", "contrib.layers.conv2d_transpose")
@add_arg_scope
@documented
def convolution2d_transpose(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format="NHWC",
                            activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                            biases_initializer=Zeros(), biases_regularizer=None, reuse=None,  # noqa: B008
                            variables_collections=None, outputs_collections=None, trainable=True,
                            scope=None):  # fmt: skip
    """A transposed convolution ("deconvolution") of images.

    Args:
      inputs: a floating tensor [batch, height, width, channels] (by `data_format`).
      num_outputs: the number of output channels.
      kernel_size: the size of the window, an int or a pair.
      stride: by how much the output is larger, an int or a pair.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
    """
    return _transposed(
        transposed.Conv2DTranspose, "Conv2d_transpose", ("NCHW", "NHWC"), inputs, num_outputs, kernel_size, stride,
        padding, data_format, activation_fn, normalizer_fn, normalizer_params, weights_initializer,
        weights_regularizer, biases_initializer, biases_regularizer, reuse, variables_collections,
        outputs_collections, trainable, scope,
    )  # fmt: skip


@export("contrib.layers.convolution3d_transpose", "contrib.layers.conv3d_transpose")
@add_arg_scope
@documented
def convolution3d_transpose(inputs, num_outputs, kernel_size, stride=1, padding="SAME", data_format="NDHWC",
                            activation_fn=relu, normalizer_fn=None, normalizer_params=None,
                            weights_initializer=xavier_initializer(), weights_regularizer=None,  # noqa: B008
                            biases_initializer=Zeros(), biases_regularizer=None, reuse=None,  # noqa: B008
                            variables_collections=None, outputs_collections=None, trainable=True,
                            scope=None):  # fmt: skip
    """A transposed convolution ("deconvolution") of volumes.

    Args:
      inputs: a floating tensor [batch, depth, height, width, channels] (by `data_format`).
      num_outputs: the number of output channels.
      kernel_size: the size of the window, an int or three of them.
      stride: by how much the output is larger, an int or three of them.
      padding: "SAME" or "VALID".
      data_format: "NDHWC" or "NCDHW".
    """
    return _transposed(
        transposed.Conv3DTranspose, "Conv3d_transpose", ("NCDHW", "NDHWC"), inputs, num_outputs, kernel_size, stride,
        padding, data_format, activation_fn, normalizer_fn, normalizer_params, weights_initializer,
        weights_regularizer, biases_initializer, biases_regularizer, reuse, variables_collections,
        outputs_collections, trainable, scope,
    )  # fmt: skip
