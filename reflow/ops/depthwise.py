"""Depthwise convolution: each channel has filters of its own, together [height, width, channels, multiplier]."""

import torch

from reflow.graph.build import call
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.registry import define_op, gradient
from reflow.ops import windows
from reflow.ops.conv import shape_from_sizes
from reflow.ops.shape_rules import merge_size, with_rank
from reflow.ops.windows import DATA_FORMATS_2D

_ATTRS = (
    "T: type in floating, strides: list(int), padding: string in SAME|VALID, "
    f"{DATA_FORMATS_2D}, dilations: list(int) = [1, 1, 1, 1]"
)


# --- shapes -------------------------------------------------------------------------------------------------------


def depthwise_dims(op, data_format):
    """The shape of a depthwise convolution of the first two inputs.

    Raises:
      ValueError: for shapes that do not fit.
    """
    dims, filter_dims = with_rank(op._inputs[0].dims, 4), with_rank(op._inputs[1].dims, 4)
    windows.check_attr_length(op, "strides", 4)
    depth = merge_size(windows.channels(dims, data_format), filter_dims[2])
    out_depth = None if None in (depth, filter_dims[3]) else depth * filter_dims[3]
    frames = windows.windows_of(op.attrs, filter_dims[:2], data_format)
    places = windows.output_sizes(frames, windows.spatial(dims, data_format))
    return windows.with_layout(dims[0], places, out_depth, data_format)


def _depthwise_shape(op):
    return [depthwise_dims(op, op.attrs["data_format"])]


# --- kernels ------------------------------------------------------------------------------------------------------


def _grouped(filter):
    """[height, width, channels, multiplier] as ATen's grouped filter [channels * multiplier, 1, height, width]."""
    height, width, depth, multiplier = filter.shape
    return filter.permute(2, 3, 0, 1).reshape(depth * multiplier, 1, height, width)


def _prepare(sizes, filter_sizes, strides, padding, data_format, dilations):
    windows.check_only_spatial(strides, data_format, "strides")
    attrs = {"strides": strides, "padding": padding, "dilations": dilations}
    frames = windows.windows_of(attrs, filter_sizes[:2], data_format)
    pad, extra = windows.split_pads([w.pads(s) for w, s in zip(frames, sizes, strict=True)])
    return pad, extra, [w.stride for w in frames], [w.dilation for w in frames]


def _depthwise(input, filter, strides, padding, data_format, dilations):
    x = windows.channels_first(input, data_format)
    depth = x.shape[1]
    if filter.shape[2] != depth:
        raise InvalidArgumentError(None, None, f"input and filter must have the same depth: {depth} vs "
                                   f"{filter.shape[2]}")  # fmt: skip
    pad, extra, stride, dilation = _prepare(x.shape[2:], filter.shape, strides, padding, data_format, dilations)
    if extra is not None:
        x = torch.nn.functional.pad(x, extra)
    return windows.in_layout(torch.conv2d(x, _grouped(filter), None, stride, pad, dilation, depth), data_format)


def _depthwise_input_gradient(input_sizes, filter, out_backprop, strides, padding, data_format, dilations):
    grad = windows.channels_first(out_backprop, data_format)
    sizes, depth = windows.spatial(input_sizes, data_format), windows.channels(input_sizes, data_format)
    if 0 in grad.shape:
        return grad.new_zeros(input_sizes)
    pad, extra, stride, dilation = _prepare(sizes, filter.shape, strides, padding, data_format, dilations)
    padded = windows.padded_sizes(sizes, extra)
    x = windows.empty_channels_first(windows.with_layout(input_sizes[0], padded, depth, data_format), data_format, grad)
    result = torch.ops.aten.convolution_backward(
        grad, x, _grouped(filter), None, stride, pad, dilation, False, [0, 0], depth, [True, False, False]
    )[0]
    return windows.in_layout(windows.without_padding(result, extra), data_format)


def _depthwise_filter_gradient(input, filter_sizes, out_backprop, strides, padding, data_format, dilations):
    x, grad = windows.channels_first(input, data_format), windows.channels_first(out_backprop, data_format)
    if 0 in grad.shape or 0 in x.shape:
        return grad.new_zeros(filter_sizes)
    pad, extra, stride, dilation = _prepare(x.shape[2:], filter_sizes, strides, padding, data_format, dilations)
    if extra is not None:
        x = torch.nn.functional.pad(x, extra)
    height, width, depth, multiplier = filter_sizes
    w = x.new_empty(depth * multiplier, 1, height, width)
    result = torch.ops.aten.convolution_backward(
        grad, x, w, None, stride, pad, dilation, False, [0, 0], depth, [False, True, False]
    )[1]
    return result.reshape(depth, multiplier, height, width).permute(2, 3, 0, 1).contiguous()


# --- ops and gradients --------------------------------------------------------------------------------------------

define_op(
    "DepthwiseConv2dNative", "input: T, filter: T -> output: T", _ATTRS, shape=_depthwise_shape, kernel=_depthwise
)  # fmt: skip


def _input_gradient_shape(op):
    dims = shape_from_sizes(op._inputs[0], 4)
    return [(merge_size(dims[0], with_rank(op._inputs[2].dims, 4)[0]), *dims[1:])]


define_op(
    "DepthwiseConv2dNativeBackpropInput", "input_sizes: int32, filter: T, out_backprop: T -> output: T", _ATTRS,
    shape=_input_gradient_shape, kernel=_depthwise_input_gradient, host="input_sizes",
)  # fmt: skip
define_op(
    "DepthwiseConv2dNativeBackpropFilter", "input: T, filter_sizes: int32, out_backprop: T -> output: T", _ATTRS,
    shape=lambda op: [shape_from_sizes(op._inputs[1], 4)], kernel=_depthwise_filter_gradient, host="filter_sizes",
)  # fmt: skip


def _attrs_of(op):
    return {name: op.attrs[name] for name in ("strides", "padding", "data_format", "dilations")}


@gradient("DepthwiseConv2dNative")
def _depthwise_gradient(op, grad):
    from reflow.ops.shape_ops import shape

    x, w = op._inputs
    attrs = _attrs_of(op)
    return (
        call("DepthwiseConv2dNativeBackpropInput", shape(x), w, grad, **attrs),
        call("DepthwiseConv2dNativeBackpropFilter", x, shape(w), grad, **attrs),
    )


@gradient("DepthwiseConv2dNativeBackpropInput")
def _depthwise_input_gradient_gradient(op, grad):
    from reflow.ops.shape_ops import shape

    w, out_backprop = op._inputs[1:]
    attrs = _attrs_of(op)
    return (
        None,
        call("DepthwiseConv2dNativeBackpropFilter", grad, shape(w), out_backprop, **attrs),
        call("DepthwiseConv2dNative", grad, w, **attrs),
    )


@gradient("DepthwiseConv2dNativeBackpropFilter")
def _depthwise_filter_gradient_gradient(op, grad):
    from reflow.ops.shape_ops import shape

    x, _, out_backprop = op._inputs
    attrs = _attrs_of(op)
    return (
        call("DepthwiseConv2dNativeBackpropInput", shape(x), grad, out_backprop, **attrs),
        None,
        call("DepthwiseConv2dNative", x, grad, **attrs),
    )
