"""Max and average pooling over space (two and three dimensions) and their gradients, as ops.

Public functions over them are in pooling.py. Padding never takes part: not in a maximum, not in an average.
"""

from typing import NamedTuple

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.errors import InvalidArgumentError, UnimplementedError
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dims
from reflow.ops import windows
from reflow.ops.conv import shape_from_sizes
from reflow.ops.movement import as_signed
from reflow.ops.native import max_pool as native_pool
from reflow.ops.shape_rules import merge, with_rank
from reflow.ops.torch_types import to_torch
from reflow.ops.windows import DATA_FORMATS_2D, DATA_FORMATS_3D, Window

_PADDING = "padding: string in SAME|VALID"
_ATTRS = f"ksize: list(int) >= 4, strides: list(int) >= 4, {_PADDING}"
_ATTRS_3D = f"ksize: list(int) >= 5, strides: list(int) >= 5, {_PADDING}, {DATA_FORMATS_3D}"
_aten = torch.ops.aten


# --- shapes -------------------------------------------------------------------------------------------------------


def _pooled_dims(dims, ksize, strides, padding):
    if not len(ksize) == len(strides) == len(dims):
        raise ValueError(f"Pooling requires ksize and strides of {len(dims)} values, but got {len(ksize)} and "
                         f"{len(strides)}")  # fmt: skip
    windows.check_positive(strides, "Stride must be > 0")
    frames = [Window(k, s, 1, padding) for k, s in zip(ksize, strides, strict=True)]
    return windows.output_sizes(frames, dims)


def _pool_shape(op):
    dims = with_rank(op._inputs[0].dims, 5 if "3D" in op.type else 4)
    return [_pooled_dims(dims, op.attrs["ksize"], op.attrs["strides"], op.attrs["padding"])]


def _pool_v2_shape(op):
    dims = with_rank(op._inputs[0].dims, 4)
    ksize, strides = (constant_value(t) for t in op._inputs[-2:])
    if ksize is None or strides is None:
        return [(None,) * 4]
    return [_pooled_dims(dims, ksize.tolist(), strides.tolist(), op.attrs["padding"])]


def _argmax_shape(op):
    return _pool_shape(op) * 2


def _input_shape(op):
    return [with_rank(op._inputs[0].dims, 5 if "3D" in op.type else 4)]


def _second_gradient_shape(op):
    pooled = _pool_shape(op) if "ksize" in op.attrs else _pool_v2_shape(op)
    return [merge(op._inputs[1].dims, pooled[0])]


# --- geometry -----------------------------------------------------------------------------------------------------


def _check(ksize, strides, data_format):
    if ksize[0] != 1 or strides[0] != 1:
        raise UnimplementedError(None, None, "Pooling is not yet supported on the batch dimension.")
    if windows.channels(ksize, data_format) != 1 or windows.channels(strides, data_format) != 1:
        raise UnimplementedError(None, None, "Pooling is not yet supported on the depth dimension.")


class _Frame(NamedTuple):
    """The arguments of ATen's poolings, and how many places (0 or 1) to skip at the beginning of each dimension."""

    kernel: list[int]
    stride: list[int]
    padding: list[int]
    round_up: bool
    skip: list[int]


def _frame(sizes, ksize, strides, padding, data_format):
    """TensorFlow's frame as one of ATen's, which pads alike before and behind.

    Where TensorFlow pads one more behind, rounding the number of places up makes the last window reach as far. With
    stride 1 there is nothing to round: pad by the longer side, and skip the first place.
    """
    kernel, stride = windows.spatial(ksize, data_format), windows.spatial(strides, data_format)
    pads = [Window(k, s, 1, padding).pads(size) for k, s, size in zip(kernel, stride, sizes, strict=True)]
    skip = [int(s == 1 and before != after) for s, (before, after) in zip(stride, pads, strict=True)]
    round_up = any(s > 1 and before != after for s, (before, after) in zip(stride, pads, strict=True))
    return _Frame(kernel, stride, [pair[n] for pair, n in zip(pads, skip, strict=True)], round_up, skip)


def _from_first_place(x, skip):
    """A result with channels first, without the places to skip."""
    return x[(..., *[slice(n, None) for n in skip])] if any(skip) else x


def _with_skipped_places(grad, skip):
    """A gradient with channels first, with zeros for the places that were skipped."""
    return torch.nn.functional.pad(grad, windows.flat_pads([(n, 0) for n in skip])) if any(skip) else grad


def _lower_pool(template):
    """The ATen call itself where the spatial sizes are known."""

    def lower(node):
        attrs, dims = node.attrs, node.dims(0)
        data_format = attrs["data_format"]
        if dims is None or None in dims[1:] or 0 in dims or to_torch(node.dtype(0)) in _NARROW:
            return None
        try:
            _check(attrs["ksize"], attrs["strides"], data_format)
        except UnimplementedError:
            return None
        sizes = windows.spatial(dims, data_format)
        frame = _frame(sizes, attrs["ksize"], attrs["strides"], attrs["padding"], data_format)
        x, last = node.args[0], ""
        if any(frame.skip):
            last = "[:, :, {}:, {}:]".format(*frame.skip)
        if not windows.is_channels_first(data_format):
            x, last = f"{x}.permute(0, 3, 1, 2)", f"{last}.permute(0, 2, 3, 1)"
        return f"{template.format(x=x, **frame._asdict())}{last}.contiguous()"

    return lower


# --- kernels: maximum ---------------------------------------------------------------------------------------------

# ATen does not pool these, or not if there are more positions than the type has numbers. float32 holds them all.
_NARROW = frozenset((torch.uint8, torch.int8, torch.int16, torch.uint16))
_MAX = {4: torch.max_pool2d, 5: torch.max_pool3d}
_MAX_WITH_INDICES = {4: _aten.max_pool2d_with_indices, 5: _aten.max_pool3d_with_indices}
_MAX_BACKWARD = {4: _aten.max_pool2d_with_indices_backward, 5: _aten.max_pool3d_with_indices_backward}


def _max_pool(input, ksize, strides, padding, data_format):
    if input.dtype in _NARROW:
        return _max_pool(input.float(), ksize, strides, padding, data_format).to(input.dtype)
    if windows.channels(ksize, data_format) != 1:
        return _max_pool_over_depth(input, ksize, strides, data_format)
    _check(ksize, strides, data_format)
    x = windows.channels_first(input, data_format)
    if 0 in x.shape:
        return input.new_empty(_pooled_dims(input.shape, ksize, strides, padding))
    kernel, stride, pad, round_up, skip = _frame(x.shape[2:], ksize, strides, padding, data_format)
    result = _MAX[x.dim()](x, kernel, stride, pad, 1, round_up)
    return windows.in_layout(_from_first_place(result, skip), data_format)


def _native_max_pool(call):
    attrs = call.attrs
    fits = native_pool.fits(to_torch(call.dtype(0)), attrs["ksize"], attrs["strides"], attrs["data_format"])
    return native_pool.max_pool if fits else None


def _max_pool_over_depth(input, ksize, strides, data_format):
    """Maxima over groups of adjacent channels."""
    axis = 1 if windows.is_channels_first(data_format) else input.dim() - 1
    group = ksize[axis]
    if any(k != 1 for i, k in enumerate(ksize) if i != axis):
        raise UnimplementedError(None, None, "MaxPooling supports exactly one of pooling across depth or pooling "
                                 "across width/height.")  # fmt: skip
    if input.shape[axis] % group or group != strides[axis]:
        raise UnimplementedError(None, None, "Depthwise max pooling requires the depth window to evenly divide the "
                                 "input depth and to equal the depth stride.")  # fmt: skip
    return input.unflatten(axis, (-1, group)).amax(axis + 1)


def _indices(input, ksize, strides, padding, data_format):
    """Input, maxima and their positions, all with channels first, and the frame; no places are skipped."""
    _check(ksize, strides, data_format)
    x = windows.channels_first(input, data_format)
    if x.dtype in _NARROW:
        x = x.float()
    frame = _frame(x.shape[2:], ksize, strides, padding, data_format)
    values, indices = _MAX_WITH_INDICES[x.dim()](x, *frame[:3], [1] * len(frame.kernel), frame.round_up)
    return x, values, indices, frame


def _max_pool_grad(orig_input, orig_output, grad, ksize, strides, padding, data_format):
    if 0 in orig_input.shape:
        return torch.zeros_like(orig_input, dtype=grad.dtype)
    x, _, indices, frame = _indices(orig_input, ksize, strides, padding, data_format)
    grad = _with_skipped_places(windows.channels_first(grad, data_format), frame.skip)
    if not grad.is_floating_point():
        return windows.in_layout(_scattered(grad, indices, x.shape), data_format)
    kernel, stride, pad, round_up, _ = frame
    result = _MAX_BACKWARD[x.dim()](grad, x.to(grad.dtype), kernel, stride, pad, [1] * len(kernel), round_up, indices)
    return windows.in_layout(result, data_format)


def _scattered(grad, indices, shape):
    dtype = grad.dtype
    wide = grad.int() if dtype is torch.uint16 else grad
    flat = wide.new_zeros(*shape[:2], shape[2:].numel())
    return flat.scatter_add_(2, indices.flatten(2), wide.flatten(2)).view(shape).to(dtype)


def _max_pool_grad_grad(orig_input, orig_output, grad, ksize, strides, padding, data_format):
    if 0 in orig_output.shape:
        return torch.zeros_like(orig_output)
    _, _, indices, frame = _indices(orig_input, ksize, strides, padding, data_format)
    indices = _from_first_place(indices, frame.skip)
    grad = windows.channels_first(as_signed(grad), data_format)
    picked = grad.flatten(2).gather(2, indices.flatten(2)).view(indices.shape)
    return windows.in_layout(picked, data_format).view(orig_output.dtype)


_MAX_TYPES = "T: type in half|bfloat16|float|double|int32|int64|uint8|int16|int8|uint16|qint8 = float"
_MAX_FORMATS = "data_format: string in NHWC|NCHW|NCHW_VECT_C = NHWC"
define_op(
    "MaxPool", "input: T -> output: T", f"{_MAX_TYPES}, {_ATTRS}, {_MAX_FORMATS}", shape=_pool_shape, kernel=_max_pool,
    native=_native_max_pool,
    lower=_lower_pool("torch.max_pool2d({x}, {kernel}, {stride}, {padding}, 1, {round_up})"),
)  # fmt: skip
define_op(
    "MaxPoolV2", "input: T, ksize: int32, strides: int32 -> output: T", f"{_MAX_TYPES}, {_PADDING}, {_MAX_FORMATS}",
    shape=_pool_v2_shape, kernel=_max_pool, host="ksize strides",
)  # fmt: skip
define_op(
    "MaxPool3D", "input: T -> output: T", f"{_ATTRS_3D}, T: type in half|bfloat16|float", shape=_pool_shape,
    kernel=_max_pool,
)  # fmt: skip

_GRAD_INPUTS = "orig_input: T, orig_output: T, grad: T"
define_op(
    "MaxPoolGrad", f"{_GRAD_INPUTS} -> output: T", f"{_ATTRS}, {DATA_FORMATS_2D}, T: type in real = float",
    shape=_input_shape, kernel=_max_pool_grad,
)  # fmt: skip
define_op(
    "MaxPoolGradGrad", f"{_GRAD_INPUTS} -> output: T", f"{_ATTRS}, {DATA_FORMATS_2D}, T: type in real",
    shape=_second_gradient_shape, kernel=_max_pool_grad_grad,
)  # fmt: skip
define_op(
    "MaxPoolGradV2", f"{_GRAD_INPUTS}, ksize: int32, strides: int32 -> output: T",
    f"{_PADDING}, {DATA_FORMATS_2D}, T: type in real = float", shape=_input_shape, kernel=_max_pool_grad,
    host="ksize strides",
)  # fmt: skip
define_op(
    "MaxPoolGradGradV2", f"{_GRAD_INPUTS}, ksize: int32, strides: int32 -> output: T",
    f"{_PADDING}, {DATA_FORMATS_2D}, T: type in real", shape=_second_gradient_shape, kernel=_max_pool_grad_grad,
    host="ksize strides",
)  # fmt: skip
define_op(
    "MaxPool3DGrad", "orig_input: TInput, orig_output: TInput, grad: T -> output: T",
    f"{_ATTRS_3D}, T: type in half|bfloat16|float = float, TInput: type in half|bfloat16|float = float",
    shape=_input_shape, kernel=_max_pool_grad,
)  # fmt: skip
define_op(
    "MaxPool3DGradGrad", f"{_GRAD_INPUTS} -> output: T", f"{_ATTRS_3D}, T: type in real",
    shape=_second_gradient_shape, kernel=_max_pool_grad_grad,
)  # fmt: skip


# --- maximum in plans: the places of the maxima serve the gradient, too -----------------------------------------------


def _max_pool_with_places(input, ksize, strides, padding, data_format, Tplaces):
    if Tplaces is torch.uint8:
        return native_pool.max_pool_with_places(input, ksize, strides, padding)
    _, values, places, frame = _indices(input, ksize, strides, padding, data_format)
    return windows.in_layout(_from_first_place(values, frame.skip), data_format).to(input.dtype), places


def _max_pool_grad_from_places(grad, places, sizes, ksize, strides, padding, data_format):
    """Of the image that was pooled only the sizes count."""
    if places.dtype is torch.uint8:
        return native_pool.max_pool_gradient(grad, places, sizes, ksize, strides, padding)
    image = windows.empty_channels_first(sizes, data_format, grad)
    kernel, stride, pad, round_up, skip = _frame(image.shape[2:], ksize, strides, padding, data_format)
    grad = _with_skipped_places(windows.channels_first(grad, data_format), skip)
    result = _MAX_BACKWARD[4](grad, image, kernel, stride, pad, [1, 1], round_up, places)
    return windows.in_layout(result, data_format)


def places_dims(op) -> Dims:
    """Raw dims of the places: bytes as the maxima stand, ATen's with channels first and with what is skipped."""
    (pooled,) = _pool_shape(op)
    if op.attrs["Tplaces"] is dtypes.uint8:
        return pooled
    dims, data_format = op._inputs[0].dims, op.attrs["data_format"]
    skip = _frame(windows.spatial(dims, data_format), *(op.attrs[a] for a in ("ksize", "strides", "padding")),
                  data_format).skip  # fmt: skip
    sizes = [size + n for size, n in zip(windows.spatial(pooled, data_format), skip, strict=True)]
    return (pooled[0], windows.channels(pooled, data_format), *sizes)


_PLACES = "T: type, Tplaces: type in uint8|int64"
define_op(
    "_MaxPoolWithPlaces", "input: T -> output: T, places: Tplaces", f"{_ATTRS}, {DATA_FORMATS_2D}, {_PLACES}",
    shape=lambda op: [*_pool_shape(op), places_dims(op)], kernel=_max_pool_with_places, gradient=None,
)  # fmt: skip
define_op(
    "_MaxPoolGradFromPlaces", "grad: T, places: Tplaces -> output: T",
    f"sizes: list(int), {_ATTRS}, {DATA_FORMATS_2D}, {_PLACES}", shape=lambda op: [tuple(op.attrs["sizes"])],
    kernel=_max_pool_grad_from_places, gradient=None,
)  # fmt: skip


# --- kernels: maximum with its position ---------------------------------------------------------------------------


def _max_pool_with_argmax(input, ksize, strides, padding, Targmax, include_batch_in_index):
    """The maxima, and where they stand: (y * width + x) * channels + channel, the batch counted in on request."""
    x, values, indices, frame = _indices(input, ksize, strides, padding, b"NHWC")
    values, indices = _from_first_place(values, frame.skip), _from_first_place(indices, frame.skip)
    batch, depth = x.shape[:2]
    flat = indices * depth + torch.arange(depth, device=x.device).view(1, depth, 1, 1)
    if include_batch_in_index:
        flat = flat + torch.arange(batch, device=x.device).view(batch, 1, 1, 1) * x[0].numel()
    return windows.in_layout(values).to(input.dtype), windows.in_layout(flat).to(Targmax)


def _flat_places(argmax, input, include_batch_in_index):
    flat = argmax.long().flatten()
    if not include_batch_in_index:
        offsets = torch.arange(argmax.shape[0], device=argmax.device) * input[0].numel()
        flat = flat + offsets.repeat_interleave(argmax[0].numel())
    if flat.numel() and not 0 <= int(flat.min()) <= int(flat.max()) < input.numel():
        raise InvalidArgumentError(None, None, "Invalid argmax: an index is outside of the input")
    return flat


_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def _max_pool_grad_with_argmax(input, grad, argmax, include_batch_in_index):
    places = _flat_places(argmax, input, include_batch_in_index)
    # ATen has no sums of unsigned integers; those wrap around as signed ones do.
    flat = grad.view(_SIGNED.get(grad.dtype, grad.dtype)).flatten()
    return flat.new_zeros(input.numel()).index_add_(0, places, flat).view(input.dtype).view(input.shape)


def _max_pool_grad_grad_with_argmax(input, grad, argmax, include_batch_in_index):
    return grad.flatten()[_flat_places(argmax, input, include_batch_in_index)].view(argmax.shape)


_ARGMAX_ATTRS = "include_batch_in_index: bool = false, T: type in real"
define_op(
    "MaxPoolWithArgmax", "input: T -> output: T, argmax: Targmax",
    f"{_ATTRS}, Targmax: type in index = int64, {_ARGMAX_ATTRS}", shape=_argmax_shape, kernel=_max_pool_with_argmax,
)  # fmt: skip
define_op(
    "MaxPoolGradWithArgmax", "input: T, grad: T, argmax: Targmax -> output: T",
    f"{_ATTRS}, Targmax: type in index, {_ARGMAX_ATTRS}", shape=_input_shape, kernel=_max_pool_grad_with_argmax,
)  # fmt: skip
define_op(
    "MaxPoolGradGradWithArgmax", "input: T, grad: T, argmax: Targmax -> output: T",
    f"{_ATTRS}, Targmax: type in index, {_ARGMAX_ATTRS}", shape=_pool_shape, kernel=_max_pool_grad_grad_with_argmax,
)  # fmt: skip


# --- kernels: average ---------------------------------------------------------------------------------------------

_AVERAGE = {4: torch.nn.functional.avg_pool2d, 5: torch.nn.functional.avg_pool3d}
_AVERAGE_BACKWARD = {4: _aten.avg_pool2d_backward, 5: _aten.avg_pool3d_backward}


def _avg_pool(value, ksize, strides, padding, data_format):
    _check(ksize, strides, data_format)
    x = windows.channels_first(value, data_format)
    if 0 in x.shape:
        return value.new_empty(_pooled_dims(value.shape, ksize, strides, padding))
    kernel, stride, pad, round_up, skip = _frame(x.shape[2:], ksize, strides, padding, data_format)
    result = _AVERAGE[x.dim()](x, kernel, stride, pad, round_up, False)
    return windows.in_layout(_from_first_place(result, skip), data_format)


def _avg_pool_grad(orig_input_shape, grad, ksize, strides, padding, data_format):
    _check(ksize, strides, data_format)
    if 0 in orig_input_shape:
        return grad.new_zeros(orig_input_shape)
    sizes = windows.spatial(orig_input_shape, data_format)
    x = windows.empty_channels_first(orig_input_shape, data_format, grad)
    kernel, stride, pad, round_up, skip = _frame(sizes, ksize, strides, padding, data_format)
    grad = _with_skipped_places(windows.channels_first(grad, data_format), skip)
    result = _AVERAGE_BACKWARD[x.dim()](grad, x, kernel, stride, pad, round_up, False, None)
    return windows.in_layout(result, data_format)


def _shape_of_sizes(op):
    return [shape_from_sizes(op._inputs[0], 5 if "3D" in op.type else 4)]


define_op(
    "AvgPool", "value: T -> output: T", f"{_ATTRS}, {DATA_FORMATS_2D}, T: type in floating", shape=_pool_shape,
    kernel=_avg_pool,
    lower=_lower_pool("torch.nn.functional.avg_pool2d({x}, {kernel}, {stride}, {padding}, {round_up}, False)"),
)  # fmt: skip
define_op(
    "AvgPoolGrad", "orig_input_shape: int32, grad: T -> output: T", f"{_ATTRS}, {DATA_FORMATS_2D}, T: type in floating",
    shape=_shape_of_sizes, kernel=_avg_pool_grad, host="orig_input_shape",
)  # fmt: skip
define_op(
    "AvgPool3D", "input: T -> output: T", f"{_ATTRS_3D}, T: type in floating", shape=_pool_shape, kernel=_avg_pool
)  # fmt: skip
define_op(
    "AvgPool3DGrad", "orig_input_shape: int32, grad: T -> output: T", f"{_ATTRS_3D}, T: type in floating",
    shape=_shape_of_sizes, kernel=_avg_pool_grad, host="orig_input_shape",
)  # fmt: skip


# --- gradients ----------------------------------------------------------------------------------------------------


def _attrs_of(op):
    return {name: op.attrs[name] for name in ("ksize", "strides", "padding", "data_format") if name in op.attrs}


@gradient("MaxPool", "MaxPool3D")
def _max_pool_gradient(op, grad):
    return call(f"{op.type}Grad", op._inputs[0], op.outputs[0], grad, **_attrs_of(op))


@gradient("MaxPoolGrad", "MaxPoolGradGrad", "MaxPool3DGrad", "MaxPool3DGradGrad")
def _max_pool_grad_gradient(op, grad):
    """The ops are linear in the gradient they take, and each is the other's adjoint; where the maxima are is fixed."""
    adjoint = op.type.removesuffix("Grad") if op.type.endswith("GradGrad") else f"{op.type}Grad"
    x, y = op._inputs[:2]
    return _zeros_of(x), _zeros_of(y), call(adjoint, x, y, grad, **_attrs_of(op))


def _zeros_of(tensor):
    from reflow.ops.constant import zeros
    from reflow.ops.shape_ops import shape

    return zeros(shape(tensor), tensor.dtype.base_dtype)


@gradient("MaxPoolV2")
def _max_pool_v2_gradient(op, grad):
    x, ksize, strides = op._inputs
    return call("MaxPoolGradV2", x, op.outputs[0], grad, ksize, strides, **_attrs_of(op)), None, None


@gradient("MaxPoolGradV2")
def _max_pool_grad_v2_gradient(op, grad):
    x, y, _, ksize, strides = op._inputs
    second = call("MaxPoolGradGradV2", x, y, grad, ksize, strides, **_attrs_of(op))
    return _zeros_of(x), _zeros_of(y), second, None, None


@gradient("MaxPoolWithArgmax")
def _max_pool_with_argmax_gradient(op, grad, _):
    attrs = {name: op.attrs[name] for name in ("ksize", "strides", "padding", "include_batch_in_index")}
    return call("MaxPoolGradWithArgmax", op._inputs[0], grad, op.outputs[1], **attrs)


@gradient("AvgPool", "AvgPool3D")
def _avg_pool_gradient(op, grad):
    from reflow.ops.shape_ops import shape

    return call(f"{op.type}Grad", shape(op._inputs[0]), grad, **_attrs_of(op))


@gradient("AvgPoolGrad", "AvgPool3DGrad")
def _avg_pool_grad_gradient(op, grad):
    return call("StopGradient", op._inputs[0]), call(op.type.removesuffix("Grad"), grad, **_attrs_of(op))
