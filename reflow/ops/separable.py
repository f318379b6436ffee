"""Depthwise and separable convolutions as public functions."""

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.convolution import conv2d
from reflow.ops.renamed_arguments import either_argument
from reflow.ops.shape_ops import shape
from reflow.ops.space_to_batch import with_space_to_batch

_ONES = [1, 1, 1, 1]


def _attrs(strides, padding, data_format, dilations=_ONES):
    attrs = {"strides": strides, "padding": padding, "dilations": dilations}
    return attrs if data_format is None else {**attrs, "data_format": data_format}


@export("nn.depthwise_conv2d_native")
def depthwise_conv2d_native(input, filter, strides, padding, data_format="NHWC", dilations=_ONES, name=None):
    """Convolution of each channel with filters of its own.

    Args:
      input: [batch, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      filter: [height, width, channels, multiplier] tensor of the same type.
      strides: four ints: how far the window moves.
      padding: "SAME" or "VALID".
      data_format: "NHWC" or "NCHW".
      dilations: four ints: the distance between the elements of the window.
      name: a name for the operation.

    Returns:
      [batch, height', width', channels * multiplier] (by `data_format`): output c * multiplier + m is channel c with
      its filter m.
    """
    return call("DepthwiseConv2dNative", input, filter, name=name, **_attrs(strides, padding, data_format, dilations))


@export("nn.depthwise_conv2d_backprop_input", "nn.depthwise_conv2d_native_backprop_input")
def depthwise_conv2d_native_backprop_input(input_sizes, filter, out_backprop, strides, padding, data_format="NHWC",
                                           dilations=_ONES, name=None):  # fmt: skip
    """The gradient of a depthwise convolution with respect to its input.

    Args:
      input_sizes: int32 vector, the shape of the input.
      filter: [height, width, channels, multiplier] tensor.
      out_backprop: the gradient of the convolution's output.
      strides, padding, data_format, dilations, name: as in `depthwise_conv2d_native`.

    Returns:
      A tensor of the shape `input_sizes`.
    """
    return call("DepthwiseConv2dNativeBackpropInput", input_sizes, filter, out_backprop, name=name,
                **_attrs(strides, padding, data_format, dilations))  # fmt: skip


@export("nn.depthwise_conv2d_backprop_filter", "nn.depthwise_conv2d_native_backprop_filter")
def depthwise_conv2d_native_backprop_filter(input, filter_sizes, out_backprop, strides, padding, data_format="NHWC",
                                            dilations=_ONES, name=None):  # fmt: skip
    """The gradient of a depthwise convolution with respect to its filter.

    Args:
      input: [batch, height, width, channels] tensor (by `data_format`).
      filter_sizes: int32 vector, the shape of the filter.
      out_backprop: the gradient of the convolution's output.
      strides, padding, data_format, dilations, name: as in `depthwise_conv2d_native`.

    Returns:
      A tensor of the shape `filter_sizes`.
    """
    return call("DepthwiseConv2dNativeBackpropFilter", input, filter_sizes, out_backprop, name=name,
                **_attrs(strides, padding, data_format, dilations))  # fmt: skip


@export("nn.depthwise_conv2d")
def depthwise_conv2d(input, filter, strides, padding, rate=None, name=None, data_format=None, dilations=None):
    """`depthwise_conv2d_native`, also dilated.

    Args:
      input: [batch, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      filter: [height, width, channels, multiplier] tensor of the same type.
      strides: four ints: how far the window moves; 1 with a rate above 1.
      padding: "SAME" or "VALID".
      rate: two ints: the distance between the elements of the window; 1 if None.
      name: a name scope.
      data_format: "NHWC" (if None) or "NCHW".
      dilations: the newer name of `rate`.

    Returns:
      [batch, height', width', channels * multiplier] (by `data_format`).
    """
    rate = either_argument("dilations", dilations, "rate", rate)
    with name_scope(name, "depthwise", [input, filter]) as scope:
        input, filter = to_tensor(input, name="tensor_in"), to_tensor(filter, name="filter_in")
        return _depthwise(input, filter, strides, padding, rate, data_format, scope)


def _depthwise(input, filter, strides, padding, rate, data_format, name):
    def plain(pieces, _, padding):
        return call("DepthwiseConv2dNative", pieces, filter, name=name, **_attrs(strides, padding, data_format))

    return with_space_to_batch(
        input, [1, 1] if rate is None else rate, padding, plain, filter_shape=shape(filter), data_format=data_format
    )  # fmt: skip


@export("nn.separable_conv2d")
def separable_conv2d(input, depthwise_filter, pointwise_filter, strides, padding, rate=None, name=None,
                     data_format=None, dilations=None):  # fmt: skip
    """A depthwise convolution, and a convolution of one pixel that mixes its channels.

    Args:
      input: [batch, height, width, channels] tensor of half, bfloat16, float32 or float64 (by `data_format`).
      depthwise_filter: [height, width, channels, multiplier] tensor of the same type.
      pointwise_filter: [1, 1, channels * multiplier, out_channels] tensor of the same type.
      strides: four ints: how far the depthwise window moves; 1 with a rate above 1.
      padding: "SAME" or "VALID".
      rate: two ints: the distance between the elements of the depthwise window; 1 if None.
      name: a name scope.
      data_format: "NHWC" (if None) or "NCHW".
      dilations: the newer name of `rate`.

    Returns:
      [batch, height', width', out_channels] (by `data_format`).

    Raises:
      ValueError: if the pointwise filter is larger than a pixel, or the shapes do not fit.
    """
    rate = either_argument("dilations", dilations, "rate", rate)
    with name_scope(name, "separable_conv2d", [input, depthwise_filter, pointwise_filter]) as scope:
        input = to_tensor(input, name="tensor_in")
        depthwise_filter = to_tensor(depthwise_filter, name="depthwise_filter")
        pointwise_filter = to_tensor(pointwise_filter, name="pointwise_filter")
        for size in pointwise_filter.shape.with_rank(4).dims[:2]:
            size.assert_is_compatible_with(1)
        depthwise = _depthwise(input, depthwise_filter, strides, padding, rate, data_format, "depthwise")
        return conv2d(depthwise, pointwise_filter, [1, 1, 1, 1], padding="VALID", data_format=data_format, name=scope)
