"""Convolutions in one, two and three dimensions as ops: Conv2D, Conv3D and their gradients.

Public functions over them are in convolution.py. A filter stands as [*window, in_channels, out_channels].
"""

from typing import NamedTuple

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value_as_dims
from reflow.graph.errors import InvalidArgumentError
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dims, num_elements
from reflow.ops import native, windows
from reflow.ops.native import direct_conv, shallow_conv, winograd
from reflow.ops.native.ending import Ending, split
from reflow.ops.output_activations import activated
from reflow.ops.shape_rules import merge_size, with_rank
from reflow.ops.windows import DATA_FORMATS_2D, DATA_FORMATS_3D

_ATTRS_2D = (
    "T: type in floating, strides: list(int), use_cudnn_on_gpu: bool = true, "
    "padding: string in SAME|VALID|EXPLICIT, explicit_paddings: list(int) = [], "
    f"{DATA_FORMATS_2D}, dilations: list(int) = [1, 1, 1, 1]"
)
_ATTRS_3D = (
    f"strides: list(int) >= 5, padding: string in SAME|VALID, {DATA_FORMATS_3D}, dilations: list(int) = [1, 1, 1, 1, 1]"
)


# --- shapes -------------------------------------------------------------------------------------------------------


def _conv_shape(op):
    attrs = op.attrs
    rank = 4 if op.type == "Conv2D" else 5
    windows.check_attr_length(op, "strides", rank)
    windows.check_attr_length(op, "dilations", rank)
    _check_explicit_paddings(op)
    data_format = attrs["data_format"]
    dims, filter_dims = with_rank(op._inputs[0].dims, rank), with_rank(op._inputs[1].dims, rank)
    depth, filter_depth = windows.channels(dims, data_format), filter_dims[-2]
    if depth is not None and filter_depth and depth % filter_depth:
        raise ValueError(f"Depth of input ({depth}) is not a multiple of input depth of filter ({filter_depth})")
    groups = depth // filter_depth if depth and filter_depth else 1
    if filter_dims[-1] is not None and filter_dims[-1] % groups:
        raise ValueError(f"Depth of output ({filter_dims[-1]}) is not a multiple of the number of groups ({groups})")
    sizes = windows.spatial(dims, data_format)
    places = windows.output_sizes(windows.windows_of(attrs, filter_dims[:-2], data_format), sizes)
    return [windows.with_layout(dims[0], places, filter_dims[-1], data_format)]


def _check_explicit_paddings(op):
    values = op.attrs.get("explicit_paddings", [])
    if op.attrs["padding"] != b"EXPLICIT":
        if values:
            raise ValueError("explicit_paddings attribute must be empty if the padding attribute is not EXPLICIT")
        return
    if len(values) != 8:
        raise ValueError(f"explicit_paddings attribute must contain 8 values, but got: {len(values)}")
    if min(values) < 0:
        raise ValueError("All elements of explicit_paddings must be nonnegative")
    pairs = list(zip(values[::2], values[1::2], strict=True))
    if any(pairs[0]) or any(windows.channels(pairs, op.attrs["data_format"])):
        raise ValueError("Nonzero explicit padding in the batch or depth dimensions is not supported")


def shape_from_sizes(tensor, rank: int) -> Dims:
    """The raw dims that an input vector of sizes spells."""
    return with_rank(constant_value_as_dims(tensor), rank)


def _input_gradient_shape(op):
    rank = 4 if op.type == "Conv2DBackpropInput" else 5
    dims = shape_from_sizes(op._inputs[0], rank)
    grad_dims = with_rank(op._inputs[2].dims, rank)
    return [(merge_size(dims[0], grad_dims[0]), *dims[1:])]


def _filter_gradient_shape(op):
    return [shape_from_sizes(op._inputs[1], 4 if op.type == "Conv2DBackpropFilter" else 5)]


# --- kernels ------------------------------------------------------------------------------------------------------

_FUNCTIONS = {4: torch.conv2d, 5: torch.conv3d}


def _prepare(sizes, filter_sizes, attrs):
    """Paddings, what to pad beforehand, strides and dilations, for spatial sizes of input and filter."""
    data_format = attrs["data_format"]
    for name in ("strides", "dilations"):
        windows.check_only_spatial(attrs[name], data_format, name)
    frames = windows.windows_of(attrs, filter_sizes, data_format)
    padding, extra = windows.split_pads([w.pads(s) for w, s in zip(frames, sizes, strict=True)])
    return padding, extra, [w.stride for w in frames], [w.dilation for w in frames]


def _filter_first(filter):
    """[*window, in, out] as ATen's [out, in, *window]: a view."""
    rank = filter.dim()
    return filter.permute(rank - 1, rank - 2, *range(rank - 2))


def _filter_last(filter):
    """ATen's [out, in, *window] as [*window, in, out]."""
    return filter.permute(*range(2, filter.dim()), 1, 0).contiguous()


def _groups(depth, filter_depth):
    if filter_depth == 0 or depth % filter_depth:
        raise InvalidArgumentError(None, None, f"input depth must be evenly divisible by filter depth: {depth} vs "
                                   f"{filter_depth}")  # fmt: skip
    return depth // filter_depth


def _conv(input, filter, strides, padding, data_format, dilations, explicit_paddings=()):
    return conv_with_bias(input, filter, None, strides, padding, data_format, dilations, explicit_paddings)


def conv_with_bias(
    input, filter, bias, strides, padding, data_format, dilations, explicit_paddings=(), activation="", residual=None
):  # fmt: skip
    """The kernel of a convolution and of what follows it.

    `bias`, a vector or None, is added to the channels, `residual` or None to all of the result, which then goes through
    an activation, one of `output_activations` or "".
    """
    attrs = {"strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations,
             "explicit_paddings": explicit_paddings}  # fmt: skip
    x, w = windows.channels_first(input, data_format), _filter_first(filter)
    pad, extra, stride, dilation = _prepare(x.shape[2:], filter.shape[:-2], attrs)
    if 0 in x.shape:
        return _empty_result(x, filter, attrs)
    at_once, later = split(activation)
    outputs = native_conv(input, filter, Ending(bias, at_once, residual=residual), attrs)
    if outputs is not None:
        return activated(outputs[0], later)
    if extra is not None:
        x = torch.nn.functional.pad(x, extra)
    result = _FUNCTIONS[x.dim()](x, w, bias, stride, pad, dilation, _groups(x.shape[1], w.shape[1]))
    result = windows.in_layout(result, data_format)
    return activated(result if residual is None else result.add_(residual), activation)


def _is_plain(attrs, dims, filter_dims) -> bool:
    """Whether a convolution is of images, channels last, whose filter takes all of the channels."""
    channels_last = len(dims) == 4 and not windows.is_channels_first(attrs["data_format"])
    return channels_last and dims[3] == filter_dims[2]


def _pads_before(frames, dims) -> list[int]:
    """The padding above and left of the images."""
    return [w.pads(size)[0] for w, size in zip(frames, dims[1:3], strict=True)]


def shallow_frame(attrs, dims, filter_dims, for_gradient=False) -> shallow_conv.Frame | None:
    """Where the windows stand, where a convolution of few channels is quicker in C; or None.

    Args:
      attrs: of the convolution.
      dims: of the images; the batch may be None, for a size that is not known and taken for large.
      filter_dims: of the filter.
      for_gradient: whether that by the filter is asked for.
    """
    if not _is_plain(attrs, dims, filter_dims):
        return None
    if not shallow_conv.suits(attrs["dilations"][1:3], *filter_dims[2:]):
        return None
    frames = windows.windows_of(attrs, filter_dims[:2], attrs["data_format"])
    sizes = windows.output_sizes(frames, dims[1:3])
    numbers = float("inf") if dims[0] is None else num_elements((dims[0], *sizes, filter_dims[3]))
    if not (for_gradient or shallow_conv.pays(num_elements(filter_dims[:3]), numbers)) or shallow_conv.load() is None:
        return None
    pads = _pads_before(frames, dims)
    return shallow_conv.Frame(attrs["strides"][1:3], pads, sizes)


def direct_frame(attrs, dims, filter_dims, is_packed=False) -> shallow_conv.Frame | None:
    """Where the windows stand, where a convolution by `direct_conv` can be had and pays; or None.

    Args:
      attrs: of the convolution.
      dims: of the images; the batch may be None, for a size that is not known and taken for large.
      filter_dims: of the filter.
      is_packed: whether the filter is packed beforehand; others are packed only if the window is 1x1, with stride 1.
    """
    if not _is_plain(attrs, dims, filter_dims):
        return None
    frames = windows.windows_of(attrs, filter_dims[:2], attrs["data_format"])
    sizes = windows.output_sizes(frames, dims[1:3])
    if not is_packed and (max(*filter_dims[:2], *attrs["strides"][1:3]) > 1 or tuple(sizes) != tuple(dims[1:3])):
        return None
    if not direct_conv.suits(attrs["dilations"][1:3], dims[0], sizes) or direct_conv.load() is None:
        return None
    pads = _pads_before(frames, dims)
    return shallow_conv.Frame(attrs["strides"][1:3], pads, sizes)


def winograd_frame(attrs, dims, filter_dims, is_transformed=False) -> tuple[list[int], tuple] | None:
    """Padding above and left of the images, and the result's height and width, where Winograd's way pays; or None.

    Args:
      attrs: of the convolution.
      dims: of the images; the batch may be None, for a size that is not known and taken for large.
      filter_dims: of the filter.
      is_transformed: whether the filter is transformed beforehand.
    """
    if not _is_plain(attrs, dims, filter_dims):
        return None
    strides, dilations = attrs["strides"][1:3], attrs["dilations"][1:3]
    if not winograd.suits(filter_dims[:2], strides, dilations, *filter_dims[2:]):
        return None
    frames = windows.windows_of(attrs, filter_dims[:2], attrs["data_format"])
    sizes = windows.output_sizes(frames, dims[1:3])
    if dims[0] is not None and not winograd.pays(dims[0], *sizes, filter_dims[0], is_transformed):
        return None
    if winograd.load() is None:
        return None
    return _pads_before(frames, dims), sizes


def _empty_result(x, filter, attrs):
    """What ATen does not take: a convolution over no elements (zeros, if SAME padding makes places for it)."""
    data_format = attrs["data_format"]
    frames = windows.windows_of(attrs, filter.shape[:-2], data_format)
    places = windows.output_sizes(frames, x.shape[2:])
    return x.new_zeros(windows.with_layout(x.shape[0], places, filter.shape[-1], data_format))


def native_conv(input, filter, ending, attrs):
    """The convolution in C: what `ending` makes of the sums, and the places of maxima or None; or None."""
    if not native.takes(input, filter, *(tensor for tensor in (ending.bias, ending.residual) if tensor is not None)):
        return None
    if (frame := winograd_frame(attrs, input.shape, filter.shape)) is not None:
        return winograd.convolve(input, filter, ending, *frame)
    if ending.residual is None and (places := shallow_frame(attrs, input.shape, filter.shape)) is not None:
        return shallow_conv.convolve(input, filter, ending, places)
    if not ending.pool and (places := direct_frame(attrs, input.shape, filter.shape)) is not None:
        return direct_conv.convolve_plain(input, filter, ending, places), None
    return None


def _lower_conv(node):
    return lower_conv(node)


def lower_conv(node, bias: str = "None") -> str | None:
    """The ATen call itself where the sizes that its arguments depend on are known.

    Args:
      node: the `Call` of a convolution whose first two inputs are the image and the filter.
      bias: the expression of a vector to add to the channels.
    """
    frame = conv_frame(node)
    if frame is None or _goes_without_aten(node):
        return None
    rank = len(node.dims(0))
    w = f"{node.args[1]}.permute({rank - 1}, {rank - 2}, {_numbers(0, rank - 2)})"
    arguments = f"{frame.stride}, {frame.padding}, {frame.dilation}, {frame.groups}"
    return f"torch.conv{rank - 2}d({frame.x}, {w}, {bias}, {arguments}){frame.last}.contiguous()"


def _goes_without_aten(node) -> bool:
    """Whether the kernel will take another way: then it is to be called, not ATen."""
    dims = [node.dims(0), node.dims(1)]
    if takes_pool(node.node, node.dtype(0), dims):
        return True
    is_float = node.dtype(0) is dtypes.float32 and "GPU" not in node.node.device
    return is_float and direct_frame({"explicit_paddings": (), **node.attrs}, *dims) is not None


def takes_pool(node, dtype, dims) -> bool:
    """Whether the kernel will be one that can also take the maxima of its result.

    Args:
      node: a node of a plan, a convolution.
      dtype: of the images.
      dims: of the images and the filter.
    """
    if dtype is not dtypes.float32 or "GPU" in node.device:
        return False
    attrs = {"explicit_paddings": (), **node.attrs}
    return winograd_frame(attrs, *dims[:2]) is not None or shallow_frame(attrs, *dims[:2]) is not None


class ConvFrame(NamedTuple):
    """What ATen's convolutions take: the expression of the image, and what brings the result into the layout.

    `is_padded` says that the image is padded beforehand, since it is not alike on both sides.
    """

    x: str
    last: str
    padding: list[int]
    stride: list[int]
    dilation: list[int]
    groups: int
    is_padded: bool


def conv_frame(node) -> ConvFrame | None:
    """The frame of a convolution, given as a `Call`; None if sizes that it depends on are not known, or 0."""
    attrs = node.attrs
    data_format = attrs["data_format"]
    dims, filter_dims = node.dims(0), node.dims(1)
    if dims is None or filter_dims is None or None in (*dims[1:], *filter_dims) or 0 in (*dims, *filter_dims):
        return None
    sizes = windows.spatial(dims, data_format)
    pad, extra, stride, dilation = _prepare(sizes, filter_dims[:-2], {"explicit_paddings": (), **attrs})
    rank, groups = len(dims), _groups(windows.channels(dims, data_format), filter_dims[-2])
    first, last = f".permute(0, {rank - 1}, {_numbers(1, rank - 1)})", f".permute(0, {_numbers(2, rank)}, 1)"
    if windows.is_channels_first(data_format):
        first = last = ""
    x = f"{node.args[0]}{first}"
    if extra is not None:
        x = f"torch.nn.functional.pad({x}, {extra})"
    return ConvFrame(x, last, pad, stride, dilation, groups, extra is not None)


def _numbers(start, stop):
    return ", ".join(map(str, range(start, stop)))


def _backward(grad, x, w, pad, stride, dilation, groups, wanted):
    """One of the gradients of a convolution; of the other tensor only the shape counts."""
    zeros = [0] * len(stride)
    return torch.ops.aten.convolution_backward(
        grad, x, w, None, stride, pad, dilation, False, zeros, groups, [wanted == "input", wanted == "filter", False]
    )


def _conv_input_gradient(
    input_sizes, filter, out_backprop, strides, padding, data_format, dilations, explicit_paddings=()
):
    attrs = {"strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations,
             "explicit_paddings": explicit_paddings}  # fmt: skip
    grad, w = windows.channels_first(out_backprop, data_format), _filter_first(filter)
    sizes = windows.spatial(input_sizes, data_format)
    _check_gradient(grad, sizes, filter.shape, attrs, "Input")
    if 0 in grad.shape:
        return grad.new_zeros(input_sizes)
    if native.takes(filter, out_backprop):
        if (frame := winograd_frame(attrs, input_sizes, filter.shape)) is not None:
            return winograd.input_gradient(filter, out_backprop, frame[0], tuple(sizes))
        if direct_frame(attrs, input_sizes, filter.shape) is not None:
            return direct_conv.input_gradient(filter, out_backprop)
    pad, extra, stride, dilation = _prepare(sizes, filter.shape[:-2], attrs)
    padded = windows.padded_sizes(sizes, extra)
    depth = windows.channels(input_sizes, data_format)
    x = windows.empty_channels_first(windows.with_layout(input_sizes[0], padded, depth, data_format), data_format, grad)
    result = _backward(grad, x, w, pad, stride, dilation, _groups(depth, w.shape[1]), "input")[0]
    return windows.in_layout(windows.without_padding(result, extra), data_format)


def _check_gradient(grad, sizes, filter_sizes, attrs, of):
    """Raise InvalidArgumentError unless a gradient (channels first) has the shape of the convolution's output."""
    op = f"Conv{len(sizes)}DCustomBackprop{of}"
    if grad.shape[1] != filter_sizes[-1]:
        raise InvalidArgumentError(None, None, f"{op}: filter and out_backprop must have the same out_depth")
    frames = windows.windows_of(attrs, filter_sizes[:-2], attrs["data_format"])
    first = 2 if windows.is_channels_first(attrs["data_format"]) else 1
    for axis, (frame, size, actual) in enumerate(zip(frames, sizes, grad.shape[2:], strict=True), first):
        expected = frame.output_size(size)
        if actual != expected:
            raise InvalidArgumentError(
                None, None, f"{op}: Size of out_backprop doesn't match computed: actual = {actual}, "
                f"computed = {expected} spatial_dim: {axis} input: {size} filter: {frame.size} output: {actual} "
                f"stride: {frame.stride} dilation: {frame.dilation}",
            )  # fmt: skip


def _conv_filter_gradient(
    input, filter_sizes, out_backprop, strides, padding, data_format, dilations, explicit_paddings=()
):
    attrs = {"strides": strides, "padding": padding, "data_format": data_format, "dilations": dilations,
             "explicit_paddings": explicit_paddings}  # fmt: skip
    x, grad = windows.channels_first(input, data_format), windows.channels_first(out_backprop, data_format)
    _check_gradient(grad, x.shape[2:], filter_sizes, attrs, "Filter")
    if 0 in grad.shape or 0 in x.shape:
        return grad.new_zeros(filter_sizes)
    if native.takes(input, out_backprop):
        if (frame := winograd_frame(attrs, input.shape, filter_sizes)) is not None:
            return winograd.filter_gradient(input, out_backprop, frame[0], filter_sizes[0])
        if (places := shallow_frame(attrs, input.shape, filter_sizes, for_gradient=True)) is not None:
            return shallow_conv.filter_gradient(input, out_backprop, places, filter_sizes[:2])
    pad, extra, stride, dilation = _prepare(x.shape[2:], filter_sizes[:-2], attrs)
    if extra is not None:
        x = torch.nn.functional.pad(x, extra)
    *window, depth, out_depth = filter_sizes
    w = x.new_empty(1).expand(out_depth, depth, *window)
    return _filter_last(_backward(grad, x, w, pad, stride, dilation, _groups(x.shape[1], depth), "filter")[1])


# --- ops ----------------------------------------------------------------------------------------------------------

define_op(
    "Conv2D", "input: T, filter: T -> output: T", _ATTRS_2D, shape=_conv_shape, kernel=_conv, lower=_lower_conv
)  # fmt: skip
define_op(
    "Conv2DBackpropInput", "input_sizes: int32, filter: T, out_backprop: T -> output: T", _ATTRS_2D,
    shape=_input_gradient_shape, kernel=_conv_input_gradient, host="input_sizes",
)  # fmt: skip
define_op(
    "Conv2DBackpropFilter", "input: T, filter_sizes: int32, out_backprop: T -> output: T", _ATTRS_2D,
    shape=_filter_gradient_shape, kernel=_conv_filter_gradient, host="filter_sizes",
)  # fmt: skip
define_op(
    "Conv3D", "input: T, filter: T -> output: T", f"T: type in floating, {_ATTRS_3D}", shape=_conv_shape,
    kernel=_conv, lower=_lower_conv,
)  # fmt: skip
define_op(
    "Conv3DBackpropInputV2", "input_sizes: Tshape, filter: T, out_backprop: T -> output: T",
    f"T: type in floating, {_ATTRS_3D}, Tshape: type in index = int32", shape=_input_gradient_shape,
    kernel=_conv_input_gradient, host="input_sizes",
)  # fmt: skip
define_op(
    "Conv3DBackpropFilterV2", "input: T, filter_sizes: int32, out_backprop: T -> output: T",
    f"T: type in floating, {_ATTRS_3D}", shape=_filter_gradient_shape, kernel=_conv_filter_gradient,
    host="filter_sizes",
)  # fmt: skip


def _old_conv3d_input_gradient(input, filter, out_backprop, strides, padding, dilations):
    return _conv_input_gradient(list(input.shape), filter, out_backprop, strides, padding, b"NDHWC", dilations)


def _old_conv3d_filter_gradient(input, filter, out_backprop, strides, padding, dilations):
    return _conv_filter_gradient(input, list(filter.shape), out_backprop, strides, padding, b"NDHWC", dilations)


_OLD_ATTRS_3D = (
    "T: type in half|float|double, strides: list(int) >= 5, padding: string in SAME|VALID, "
    "dilations: list(int) = [1, 1, 1, 1, 1]"
)
define_op(
    "Conv3DBackpropInput", "input: T, filter: T, out_backprop: T -> output: T", _OLD_ATTRS_3D,
    shape=lambda op: [with_rank(op._inputs[0].dims, 5)], kernel=_old_conv3d_input_gradient,
)  # fmt: skip
define_op(
    "Conv3DBackpropFilter", "input: T, filter: T, out_backprop: T -> output: T", _OLD_ATTRS_3D,
    shape=lambda op: [with_rank(op._inputs[1].dims, 5)], kernel=_old_conv3d_filter_gradient,
)  # fmt: skip


# --- gradients ----------------------------------------------------------------------------------------------------

_SHARED_ATTRS = ("strides", "padding", "explicit_paddings", "use_cudnn_on_gpu", "data_format", "dilations")
_INPUT_GRADIENT = {"Conv2D": "Conv2DBackpropInput", "Conv3D": "Conv3DBackpropInputV2"}
_FILTER_GRADIENT = {"Conv2D": "Conv2DBackpropFilter", "Conv3D": "Conv3DBackpropFilterV2"}


def _attrs_of(op):
    return {name: op.attrs[name] for name in _SHARED_ATTRS if name in op.attrs}


@gradient("Conv2D", "Conv3D")
def _conv_gradient(op, grad):
    from reflow.ops.shape_ops import shape, shape_n

    x, w = op._inputs
    x_shape, w_shape = shape_n([x, w]) if op.type == "Conv2D" else (shape(x), shape(w))
    attrs = _attrs_of(op)
    return (
        call(_INPUT_GRADIENT[op.type], x_shape, w, grad, **attrs),
        call(_FILTER_GRADIENT[op.type], x, w_shape, grad, **attrs),
    )


@gradient("Conv2DBackpropInput", "Conv3DBackpropInputV2")
def _conv_input_gradient_gradient(op, grad):
    """The op is linear in the filter and in the output's gradient; both adjoints are convolutions."""
    from reflow.ops.shape_ops import shape

    base, attrs = op.type[:6], _attrs_of(op)
    w, out_backprop = op._inputs[1:]
    return (
        None, call(_FILTER_GRADIENT[base], grad, shape(w), out_backprop, **attrs), call(base, grad, w, **attrs)
    )  # fmt: skip


@gradient("Conv2DBackpropFilter", "Conv3DBackpropFilterV2")
def _conv_filter_gradient_gradient(op, grad):
    """The op is linear in the input and in the output's gradient; both adjoints are convolutions."""
    from reflow.ops.shape_ops import shape

    base, attrs = op.type[:6], _attrs_of(op)
    x, _, out_backprop = op._inputs
    return (
        call(_INPUT_GRADIENT[base], shape(x), grad, out_backprop, **attrs), None, call(base, x, grad, **attrs)
    )  # fmt: skip
