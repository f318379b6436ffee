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
    if None in (*dims[1:3], *filter_dims[:2]):
        return [(dims[0], None, None, filter_dims[2])]
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


def _reach(input, frames):
    """The image as far as the windows reach, and where the image itself begins in it; -infinity around a floating one.

    Of integers, whose sums wrap around, nothing can stand for "outside": there `_inside` says it.
    """
    pads = []
    for axis, frame in enumerate(frames, 1):
        size = input.shape[axis]
        before, _ = frame.pads(size)
        pads.append((before, (frame.output_size(size) - 1) * frame.stride + frame.extent - size - before))
    outside = -torch.inf if input.is_floating_point() else 0
    return torch.nn.functional.pad(input, [0, 0, *windows.flat_pads(pads)], value=outside), pads


def _places(frames, dims, i, j):
    """What element (i, j) of a filter meets, as slices of the rows and columns of what `_reach` returns."""
    return tuple(
        slice(k * frame.dilation, k * frame.dilation + (count - 1) * frame.stride + 1, frame.stride)
        for frame, count, k in zip(frames, dims, (i, j), strict=True)
    )


def _terms(input, filter, frames):
    """For each element of the filter, row by row: (what it meets, the sums, where that is inside or None)."""
    whole, pads = _reach(input, frames)
    counts = windows.output_sizes(frames, input.shape[1:3])
    inside = None
    if not input.is_floating_point():
        inside, _ = _reach(torch.ones_like(input[:1, :, :, :1]), frames)
    for i in range(frames[0].size):
        for j in range(frames[1].size):
            rows, columns = _places(frames, counts, i, j)
            yield (
                (rows, columns),
                whole[:, rows, columns] + filter[i, j],
                None if inside is None else inside[:, rows, columns].bool(),
            )


def _start(input, frames):
    """The least number, for each place of the windows."""
    info = torch.finfo(input.dtype) if input.is_floating_point() else torch.iinfo(input.dtype)
    return input.new_full((input.shape[0], *windows.output_sizes(frames, input.shape[1:3]), input.shape[3]), info.min)


def _dilation(input, filter, strides, rates, padding):
    frames = _checked_frames(input, filter, strides, rates, padding)
    wide = _WIDER.get(input.dtype, input.dtype)
    image, kernel = input.to(wide), filter.to(wide)
    best = _start(image, frames)
    if best.numel():
        for _, sums, inside in _terms(image, kernel, frames):
            # NaN never is the greatest.
            best = torch.fmax(best, sums) if inside is None else torch.where(inside & (sums > best), sums, best)
    return best.to(input.dtype)


def _winners(input, filter, frames):
    """Which element of the filter (row times width plus column) makes the greatest sum, the first of equal ones.

    -1 where none is greater than the least number: all elements are outside, NaN or -infinity.
    """
    best = _start(input, frames)
    winner = torch.full(best.shape, -1, dtype=torch.int16 if filter[..., 0].numel() < 1 << 15 else torch.int32)
    for number, (_, sums, inside) in enumerate(_terms(input, filter, frames)):
        better = sums > best if inside is None else inside & (sums > best)
        best = torch.where(better, sums, best)
        winner.masked_fill_(better, number)
    return winner


def _prepared(input, filter, out_backprop, strides, rates, padding):
    """(frames, image, filter, gradient, winners), all in types that ATen computes with."""
    frames = _checked_frames(input, filter, strides, rates, padding)
    wanted = (input.shape[0], *windows.output_sizes(frames, input.shape[1:3]), input.shape[3])
    if out_backprop.shape != wanted:
        raise invalid("out_backprop has incompatible size.")
    wide = _WIDER.get(input.dtype, input.dtype)
    input, filter, out_backprop = (tensor.to(wide) for tensor in (input, filter, out_backprop))
    return frames, input, filter, out_backprop, _winners(input, filter, frames)


def _input_gradient(input, filter, out_backprop, strides, rates, padding):
    if not input.numel() or not out_backprop.numel():
        return torch.zeros_like(input)
    frames, image, kernel, grad, winner = _prepared(input, filter, out_backprop, strides, rates, padding)
    whole, pads = _reach(torch.zeros_like(image), frames)
    whole.zero_()
    for number, (places, _, _) in enumerate(_terms(image, kernel, frames)):
        whole[(slice(None), *places)] += torch.where(winner == number, grad, 0)
    result = torch.nn.functional.pad(whole, [0, 0, *windows.flat_pads([(-a, -b) for a, b in pads])])
    nobody = (winner == -1).nonzero()
    if len(nobody):
        # TensorFlow gives it to the window's first element, or the first one inside.
        example, y, x, channel = nobody.unbind(1)
        y, x = (
            (place * frame.stride - before).clamp(min=0)
            for place, frame, (before, _) in zip((y, x), frames, pads, strict=True)
        )
        result.index_put_((example, y, x, channel), grad[tuple(nobody.unbind(1))], accumulate=True)
    return result.to(input.dtype)


def _filter_gradient(input, filter, out_backprop, strides, rates, padding):
    if not input.numel() or not out_backprop.numel():
        return torch.zeros_like(filter)
    _, image, kernel, grad, winner = _prepared(input, filter, out_backprop, strides, rates, padding)
    winner.clamp_(min=0)
    sums = [torch.where(winner == n, grad, 0).sum((0, 1, 2), dtype=grad.dtype) for n in range(filter[..., 0].numel())]
    return torch.stack(sums).reshape(filter.shape).to(filter.dtype)


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
