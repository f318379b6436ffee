"""Quantized images in another size: QuantizedResizeBilinear."""

import torch

from reflow.graph.convert import constant_value
from reflow.graph.registry import define_op
from reflow.ops.bilinear import neighbours, resized
from reflow.ops.quantized_arithmetic import check_scalars
from reflow.ops.quantized_numbers import real, real_scalar
from reflow.ops.shape_rules import merge_size, with_rank
from reflow.ops.sparse_coordinates import in_brackets, invalid

# Integers are interpolated in fixed point: so many steps from one pixel to the next.
_STEPS = {torch.uint8: 1 << 7, torch.int32: 1 << 30}


def _resized_integers(images, size, align_corners, half_pixel_centers):
    steps = _STEPS[images.dtype]
    rows = neighbours(images.shape[1], size[0], align_corners, half_pixel_centers)
    columns = neighbours(images.shape[2], size[1], align_corners, half_pixel_centers)
    across = (columns[2].double() * steps).long()[:, None]
    down = (rows[2].double() * steps).long()[:, None, None]
    # By way of float32, which rounds 32-bit integers, as TensorFlow does.
    wide = images.float().long()
    left, right = wide.index_select(2, columns[0]), wide.index_select(2, columns[1])
    lines = left * steps + (right - left) * across
    upper, lower = lines.index_select(1, rows[0]), lines.index_select(1, rows[1])
    exact = upper + torch.div(lower - upper, steps, rounding_mode="trunc") * down
    return torch.div(exact + steps // 2, steps, rounding_mode="trunc").to(images.dtype)


def _resize(images, size, low, high, align_corners, half_pixel_centers):
    if images.dim() != 4:
        raise invalid(f"input must be 4-dimensional{in_brackets(images.shape)}")
    if not isinstance(size, list) or len(size) != 2:
        raise invalid("shape_t must have two elements")
    if min(size) < 1:
        raise invalid("output dimensions must be positive")
    if list(images.shape[1:3]) == size:
        # Fixed point would round integers below 0 up even where nothing is interpolated.
        return images, real_scalar(real(low)), real_scalar(real(high))
    function = resized if images.is_floating_point() else _resized_integers
    return function(images, size, align_corners, half_pixel_centers), real_scalar(real(low)), real_scalar(real(high))


def _resize_shape(op):
    dims = with_rank(op._inputs[0].dims, 4)
    merge_size(with_rank(op._inputs[1].dims, 1)[0], 2)
    check_scalars(op, 2, 3)
    size = constant_value(op._inputs[1])
    # A size that cannot be is told when the op runs.
    height, width = (None, None) if size is None else [None if n < 0 else n for n in size.tolist()]
    return [(dims[0], height, width, dims[3]), (), ()]


define_op(
    "QuantizedResizeBilinear",
    "images: T, size: int32, min: float, max: float -> resized_images: T, out_min: float, out_max: float",
    "T: type in quint8|qint32|float, align_corners: bool = false, half_pixel_centers: bool = false",
    shape=_resize_shape, kernel=_resize, host="size min max",
)  # fmt: skip
