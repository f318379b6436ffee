"""Convolutions of images that are mirrored at their borders, or resized before: FusedPadConv2D and its like."""

from reflow.graph.convert import constant_value
from reflow.graph.registry import OPS, define_op
from reflow.ops.bilinear import resized
from reflow.ops.conv import conv_with_bias
from reflow.ops.shape_rules import merge_size, shape_from_input, with_rank
from reflow.ops.sparse_coordinates import invalid
from reflow.ops.windows import Window, check_attr_length, output_sizes

_ATTRS = ("T: type in half|float|double{}, mode: string in REFLECT|SYMMETRIC, strides: list(int), "
          "padding: string in SAME|VALID")  # fmt: skip


def _pad_conv(input, paddings, filter, mode, strides, padding):
    if input.dim() != 4:
        raise invalid(f"input must be 4-dimensional{list(input.shape)}")
    if filter.dim() != 4:
        raise invalid(f"filter must be 4-dimensional: {list(filter.shape)}")
    if any(paddings[0]) or any(paddings[3]):
        raise invalid("paddings of the batch and of the channels have to be 0")
    if input.shape[3] != filter.shape[2]:
        raise invalid(f"input and filter must have the same depth: {input.shape[3]} vs {filter.shape[2]}")
    padded = OPS["MirrorPad"].kernel(input, paddings, mode)
    return conv_with_bias(padded, filter, None, strides, padding, b"NHWC", [1, 1, 1, 1])


def _resize_pad_conv(input, size, paddings, filter, resize_align_corners, mode, strides, padding):
    if input.dim() != 4:
        raise invalid(f"input must be 4-dimensional{list(input.shape)}")
    if not isinstance(size, list) or len(size) != 2 or min(size) < 1:
        raise invalid(f"size must have two positive elements: {size}")
    return _pad_conv(resized(input, size, resize_align_corners), paddings, filter, mode, strides, padding)


def _fused_shape(op):
    dims = with_rank(op._inputs[0].dims, 4)
    if len(op._inputs) == 4:
        size = with_rank(shape_from_input(op, 1), 2)
        dims = (dims[0], *size, dims[3])
    paddings, filter_dims = constant_value(op._inputs[-2]), with_rank(op._inputs[-1].dims, 4)
    with_rank(op._inputs[-2].dims, 2)
    check_attr_length(op, "strides", 4)
    if paddings is None:
        dims = (None,) * 4
    else:
        dims = [None if d is None else d + int(pair.sum()) for d, pair in zip(dims, paddings, strict=True)]
    merge_size(dims[3], filter_dims[2])
    frames = [Window(size, stride, 1, op.attrs["padding"])
              for size, stride in zip(filter_dims[:2], op.attrs["strides"][1:3], strict=True)]  # fmt: skip
    return [(dims[0], *output_sizes(frames, dims[1:3]), filter_dims[3])]


define_op("FusedPadConv2D", "input: T, paddings: int32, filter: T -> output: T", _ATTRS.format(""), shape=_fused_shape,
          kernel=_pad_conv, host="paddings")  # fmt: skip
define_op(
    "FusedResizeAndPadConv2D", "input: T, size: int32, paddings: int32, filter: T -> output: T",
    _ATTRS.format(", resize_align_corners: bool = false"), shape=_fused_shape, kernel=_resize_pad_conv,
    host="size paddings",
)  # fmt: skip
