"""Grayscale dilation and erosion of images: Dilation2D with its gradients, tf.nn.erosion2d.

With a filter f, dilation is out[y, x] = max over (i, j) of in[y s + i r, x s + j r] + f[i, j], what lies outside of the
image left out; erosion is its counterpart with a minimum and a difference. Each channel has a filter of its own.
"""

import torch

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.errors import UnimplementedError
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops import windows
from reflow.ops.elementwise import negative
from reflow.ops.permute import reverse_v2
from reflow.ops.renamed_arguments import either_argument
from reflow.ops.shape_rules import merge_size, unchanged, with_rank
from reflow.ops.sparse_coordinates import invalid
from reflow.ops.windows import Window

_ATTRS = "T: type in real, strides: list(int) >= 4, rates: list(int) >= 4, padding: string in SAME|VALID"


# --- shapes -------------------------------------------------------------------------------------------------------


def _frames(filter_sizes, strides, rates, padding) -> list[Window]:
    return [Window(*each, padding) for each in zip(filter_sizes, strides[1:3], rates[1:3], strict=True)]


def _dilation_shape(op):
    strides, rates = op.attrs["strides"], op.attrs["rates"]
    for name, values in (("stride", strides), ("rates", rates)):
        if len(values) != 4:
            raise ValueError(f"Dilation2D requires the {name} attribute to contain 4 values, but got: {len(values)}")
    dims, filter_dims = with_rank(op._inputs[0].dims, 4), with_rank(op._inputs[1].dims, 3)
    merge_size(dims[3], filter_dims[2])
    frames = _frames(filter_dims[:2], strides, rates, op.attrs["padding"])
    return [(dims[0], *windows.output_sizes(frames, dims[1:3]), filter_dims[2])]


# --- kernels ------------------------------------------------------------------------------------------------------

# What ATen does not compare or add, and a type that holds it.
_WIDER = {torch.uint16: torch.int32, torch.uint32: torch.int64, torch.uint64: torch.int64}


def _checked_frames(input, filter, strides, rates, padding):
    for values, what in ((strides, "Stride"), (rates, "Rate")):
        if values[0] != 1 or values[3] != 1:
            raise UnimplementedError(None, None, f"{what} is only supported across spatial dimensions.")
    if filter.shape[2] != input.shape[3]:
        raise invalid(f"input and filter must have the same depth: {input.shape[3]} vs {filter.shape[2]}")
    return _frames(filter.shape[:2], strides, rates, padding)


def _places(input, frame, axis):
    """(the first element of each window, possibly outside; the elements of each window [places, window])."""
    size = input.shape[axis]
    before, _ = frame.pads(size)
    first = torch.arange(frame.output_size(size)) * frame.stride - before
    return first, first[:, None] + torch.arange(frame.size) * frame.dilation


def _best(input, filter, frames):
    """The greatest sums and where they were: (values, row of the filter, column of the filter).

    Of equal sums the first counts; where no element of a window is inside, the least number and (0, 0).
    """
    (_, rows), (_, columns) = (_places(input, frame, axis) for axis, frame in enumerate(frames, 1))
    shape = (input.shape[0], len(rows), len(columns), input.shape[3])
    info = torch.finfo(input.dtype) if input.is_floating_point() else torch.iinfo(input.dtype)
    best = input.new_full(shape, info.min)
    row, column = torch.zeros(shape, dtype=torch.int64), torch.zeros(shape, dtype=torch.int64)
    for i in range(rows.shape[1]):
        inside_y = (rows[:, i] >= 0) & (rows[:, i] < input.shape[1])
        line = input[:, rows[:, i].clamp(0, input.shape[1] - 1)]
        for j in range(columns.shape[1]):
            inside = inside_y[:, None] & (columns[:, j] >= 0) & (columns[:, j] < input.shape[2])
            sums = line[:, :, columns[:, j].clamp(0, input.shape[2] - 1)] + filter[i, j]
            better = (sums > best) & inside[None, :, :, None]
            best = torch.where(better, sums, best)
            row.masked_fill_(better, i)
            column.masked_fill_(better, j)
    return best, row, column


def _dilation(input, filter, strides, rates, padding):
    frames = _checked_frames(input, filter, strides, rates, padding)
    wide = _WIDER.get(input.dtype, input.dtype)
    if not input.numel():
        return input.new_zeros(input.shape[0], *windows.output_sizes(frames, input.shape[1:3]), input.shape[3])
    return _best(input.to(wide), filter.to(wide), frames)[0].to(input.dtype)


def _winners(input, filter, out_backprop, strides, rates, padding):
    """(frames, filter row, filter column) of the sums that `out_backprop` belongs to."""
    frames = _checked_frames(input, filter, strides, rates, padding)
    wanted = (input.shape[0], *windows.output_sizes(frames, input.shape[1:3]), input.shape[3])
    if out_backprop.shape != wanted:
        raise invalid("out_backprop has incompatible size.")
    wide = _WIDER.get(input.dtype, input.dtype)
    _, row, column = _best(input.to(wide), filter.to(wide), frames)
    return frames, row, column


def _summed(out_backprop, positions, count):
    """A vector of `count` sums of the gradients that belong to each position."""
    wide = _WIDER.get(out_backprop.dtype, out_backprop.dtype)
    sums = torch.zeros(count, dtype=wide).index_add_(0, positions.reshape(-1), out_backprop.to(wide).reshape(-1))
    return sums.to(out_backprop.dtype)


def _input_gradient(input, filter, out_backprop, strides, rates, padding):
    if not input.numel() or not out_backprop.numel():
        return torch.zeros_like(input)
    frames, row, column = _winners(input, filter, out_backprop, strides, rates, padding)
    (first_y, _), (first_x, _) = (_places(input, frame, axis) for axis, frame in enumerate(frames, 1))
    batch, height, width, depth = input.shape
    # Below 0 only where no element of the window is inside.
    y = (first_y[:, None, None] + row * frames[0].dilation).clamp(min=0)
    x = (first_x[:, None] + column * frames[1].dilation).clamp(min=0)
    example = torch.arange(batch)[:, None, None, None]
    positions = ((example * height + y) * width + x) * depth + torch.arange(depth)
    return _summed(out_backprop, positions, input.numel()).reshape(input.shape)


def _filter_gradient(input, filter, out_backprop, strides, rates, padding):
    if not input.numel() or not out_backprop.numel():
        return torch.zeros_like(filter)
    _, row, column = _winners(input, filter, out_backprop, strides, rates, padding)
    _, width, depth = filter.shape
    positions = (row * width + column) * depth + torch.arange(depth)
    return _summed(out_backprop, positions, filter.numel()).reshape(filter.shape)


define_op("Dilation2D", "input: T, filter: T -> output: T", _ATTRS, shape=_dilation_shape, kernel=_dilation)
define_op("Dilation2DBackpropInput", "input: T, filter: T, out_backprop: T -> in_backprop: T", _ATTRS,
          shape=unchanged(0), kernel=_input_gradient)  # fmt: skip
define_op("Dilation2DBackpropFilter", "input: T, filter: T, out_backprop: T -> filter_backprop: T", _ATTRS,
          shape=unchanged(1), kernel=_filter_gradient)  # fmt: skip


@gradient("Dilation2D")
def _dilation_gradient(op, grad):
    attrs = {name: op.attrs[name] for name in ("strides", "rates", "padding")}
    input, filter = op.inputs
    return [call(f"Dilation2DBackprop{which}", input, filter, grad, **attrs) for which in ("Input", "Filter")]


# --- public functions ---------------------------------------------------------------------------------------------


@export("nn.dilation2d")
def dilation2d(input, filter=None, strides=None, rates=None, padding=None, name=None, filters=None, dilations=None):
    """Grayscale dilation: the greatest sum of a window of an image and a filter.

    Args:
      input: real [batch, height, width, channels].
      filter: of the same type, [height, width, channels].
      strides: four ints, 1 for batch and channels.
      rates: four ints, 1 for batch and channels: the distance of the elements that a window takes.
      padding: "SAME" or "VALID".
      name: the node's name.
      filters: another name of `filter`.
      dilations: another name of `rates`.

    Returns:
      A Tensor of the same type, [batch, out height, out width, channels].

    Raises:
      ValueError: for shapes that do not fit, or an argument given under both names.
    """
    filter = either_argument("filters", filters, "filter", filter)
    rates = either_argument("dilations", dilations, "rates", rates)
    return call("Dilation2D", input, filter, strides=strides, rates=rates, padding=padding, name=name)


@export("nn.erosion2d")
def erosion2d(value, kernel, strides, rates, padding, name=None):
    """Grayscale erosion: the least difference of a window of an image and a kernel.

    Computed as the dilation of `-value` by the reflected kernel, with the sign turned back.

    Args:
      value: real [batch, height, width, channels].
      kernel: of the same type, [height, width, channels].
      strides: four ints, 1 for batch and channels.
      rates: four ints, 1 for batch and channels: the distance of the elements that a window takes.
      padding: "SAME" or "VALID".
      name: a name for the operations.

    Returns:
      A Tensor of the same type, [batch, out height, out width, channels].

    Raises:
      ValueError: for shapes that do not fit.
    """
    with name_scope(name, "erosion2d", [value, kernel]) as scope:
        turned, kernel = negative(value), reverse_v2(kernel, [0, 1])
        return negative(call("Dilation2D", turned, kernel, strides=strides, rates=rates, padding=padding, name=scope))
