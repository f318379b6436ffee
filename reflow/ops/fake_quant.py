"""Quantization rehearsed in training: the FakeQuant ops round to what small integers could represent."""

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.shape_rules import merge, merge_size, same_shape, unchanged_shape, with_rank, with_rank_at_least

_BITS = "num_bits: int = 8, narrow_range: bool = false"


# --- kernels ------------------------------------------------------------------------------------------------------


def _nudged(low, high, num_bits, narrow_range):
    """(low, high, step) of the range, moved so that 0 is exactly one of the integers; tensors or float32 scalars."""
    least, most = (1.0 if narrow_range else 0.0), float((1 << num_bits) - 1)
    step = (high - low) / (most - least)
    zero = torch.floor((least - low / step).clamp(least, most) + 0.5)
    return (least - zero) * step, (most - zero) * step, step


def _quantized(inputs, low, high, num_bits, narrow_range):
    first, last, step = _nudged(low, high, num_bits, narrow_range)
    shifted = torch.minimum(torch.maximum(inputs, first), last) - first
    rounded = torch.floor(shifted * (1.0 / step) + 0.5) * step + first
    # A range of nothing but 0 represents 0 only.
    return torch.where((low == 0) & (high == 0), torch.zeros(()), rounded)


def _gradients(gradients, inputs, low, high, num_bits, narrow_range):
    """The gradients of the inputs, the lower and the upper end, not yet summed."""
    first, last, _ = _nudged(low, high, num_bits, narrow_range)
    nothing, is_empty = torch.zeros(()), (low == 0) & (high == 0)
    inside = (inputs >= first) & (inputs <= last) | is_empty
    below, above = (inputs < first) & ~is_empty, (inputs > last) & ~is_empty
    return tuple(torch.where(where, gradients, nothing) for where in (inside, below, above))


def _scalars(low, high) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.tensor(np.float32(low)), torch.tensor(np.float32(high))


def _with_args(inputs, min, max, num_bits, narrow_range):
    return _quantized(inputs, *_scalars(min, max), num_bits, narrow_range)


def _with_args_gradient(gradients, inputs, min, max, num_bits, narrow_range):
    return _gradients(gradients, inputs, *_scalars(min, max), num_bits, narrow_range)[0]


def _with_vars(inputs, min, max, num_bits, narrow_range):
    return _quantized(inputs, min, max, num_bits, narrow_range)


def _with_vars_gradient(gradients, inputs, min, max, num_bits, narrow_range):
    to_inputs, to_low, to_high = _gradients(gradients, inputs, min, max, num_bits, narrow_range)
    return to_inputs, to_low.sum(), to_high.sum()


def _per_channel_gradient(gradients, inputs, min, max, num_bits, narrow_range):
    to_inputs, to_low, to_high = _gradients(gradients, inputs, min, max, num_bits, narrow_range)
    axes = list(range(inputs.dim() - 1))
    return (to_inputs, *(t.sum(axes) if axes else t for t in (to_low, to_high)))


# --- shape rules --------------------------------------------------------------------------------------------------


def _vars_shape(op):
    for tensor in op._inputs[-2:]:
        with_rank(tensor.dims, 0)
    return unchanged_shape(op)


def _vars_gradient_shape(op):
    for tensor in op._inputs[-2:]:
        with_rank(tensor.dims, 0)
    return [merge(op._inputs[0].dims, op._inputs[1].dims), (), ()]


def _channels(op, dims):
    """The number of channels: the last size of the inputs, and the length of both range vectors."""
    size = None if dims is None else dims[-1]
    for tensor in op._inputs[-2:]:
        size = merge_size(size, with_rank(tensor.dims, 1)[0])
    return size


def _per_channel_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    size = _channels(op, dims)
    return [None if dims is None else (*dims[:-1], size)]


def _per_channel_gradient_shape(op):
    dims = with_rank_at_least(merge(op._inputs[0].dims, op._inputs[1].dims), 1)
    size = _channels(op, dims)
    return [None if dims is None else (*dims[:-1], size), (size,), (size,)]


# --- ops ----------------------------------------------------------------------------------------------------------

_ARGS = f"min: float = -6, max: float = 6, {_BITS}"
_VARS_GRADIENT = ("gradients: float, inputs: float, min: float, max: float -> "
                  "backprops_wrt_input: float, backprop_wrt_min: float, backprop_wrt_max: float")  # fmt: skip

define_op("FakeQuantWithMinMaxArgs", "inputs: float -> outputs: float", _ARGS, shape=unchanged_shape, kernel=_with_args)
define_op("FakeQuantWithMinMaxArgsGradient", "gradients: float, inputs: float -> backprops: float", _ARGS,
          shape=same_shape, kernel=_with_args_gradient)  # fmt: skip
define_op("FakeQuantWithMinMaxVars", "inputs: float, min: float, max: float -> outputs: float", _BITS,
          shape=_vars_shape, kernel=_with_vars)  # fmt: skip
define_op("FakeQuantWithMinMaxVarsGradient", _VARS_GRADIENT, _BITS, shape=_vars_gradient_shape,
          kernel=_with_vars_gradient)  # fmt: skip
define_op("FakeQuantWithMinMaxVarsPerChannel", "inputs: float, min: float, max: float -> outputs: float", _BITS,
          shape=_per_channel_shape, kernel=_with_vars)  # fmt: skip
define_op("FakeQuantWithMinMaxVarsPerChannelGradient", _VARS_GRADIENT, _BITS, shape=_per_channel_gradient_shape,
          kernel=_per_channel_gradient)  # fmt: skip


def _bits_of(op):
    return {"num_bits": op.attrs["num_bits"], "narrow_range": op.attrs["narrow_range"]}


@gradient("FakeQuantWithMinMaxArgs")
def _args_gradient(op, grad):
    return fake_quant_with_min_max_args_gradient(grad, op._inputs[0], min=op.attrs["min"], max=op.attrs["max"],
                                                 **_bits_of(op))  # fmt: skip


@gradient("FakeQuantWithMinMaxVars")
def _vars_gradient(op, grad):
    return fake_quant_with_min_max_vars_gradient(grad, *op._inputs, **_bits_of(op))


@gradient("FakeQuantWithMinMaxVarsPerChannel")
def _vars_per_channel_gradient(op, grad):
    return fake_quant_with_min_max_vars_per_channel_gradient(grad, *op._inputs, **_bits_of(op))


# --- public functions ---------------------------------------------------------------------------------------------


@export("fake_quant_with_min_max_args", "quantization.fake_quant_with_min_max_args")
def fake_quant_with_min_max_args(inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None):
    """A tensor rounded to the 2^num_bits reals that integers over a fixed range stand for.

    Args:
      inputs: float32 tensor.
      min: float, the lower end of the range, below 0.
      max: float, the upper end of the range, above 0.
      num_bits: how many bits the integers have, 2 to 16.
      narrow_range: leave out the least integer.
      name: the node's name.

    Returns:
      A Tensor like `inputs`.
    """
    return call("FakeQuantWithMinMaxArgs", inputs, min=min, max=max, num_bits=num_bits, narrow_range=narrow_range,
                name=name)  # fmt: skip


@export("fake_quant_with_min_max_args_gradient", "quantization.fake_quant_with_min_max_args_gradient")
def fake_quant_with_min_max_args_gradient(gradients, inputs, min=-6, max=6, num_bits=8, narrow_range=False, name=None):
    """The gradient of `fake_quant_with_min_max_args` by its inputs: 0 outside of the range.

    Args:
      gradients: float32 tensor, the gradient of the result.
      inputs: float32 tensor, the inputs.
      min: float, the lower end of the range.
      max: float, the upper end of the range.
      num_bits: how many bits the integers have.
      narrow_range: leave out the least integer.
      name: the node's name.

    Returns:
      A Tensor like `inputs`.
    """
    return call("FakeQuantWithMinMaxArgsGradient", gradients, inputs, min=min, max=max, num_bits=num_bits,
                narrow_range=narrow_range, name=name)  # fmt: skip


@export("fake_quant_with_min_max_vars", "quantization.fake_quant_with_min_max_vars")
def fake_quant_with_min_max_vars(inputs, min, max, num_bits=8, narrow_range=False, name=None):
    """A tensor rounded to the 2^num_bits reals that integers over a range stand for.

    Args:
      inputs: float32 tensor.
      min: float32 scalar, the lower end of the range.
      max: float32 scalar, the upper end of the range.
      num_bits: how many bits the integers have, 2 to 16.
      narrow_range: leave out the least integer.
      name: the node's name.

    Returns:
      A Tensor like `inputs`.
    """
    return call("FakeQuantWithMinMaxVars", inputs, min, max, num_bits=num_bits, narrow_range=narrow_range, name=name)


@export("fake_quant_with_min_max_vars_gradient", "quantization.fake_quant_with_min_max_vars_gradient")
def fake_quant_with_min_max_vars_gradient(gradients, inputs, min, max, num_bits=8, narrow_range=False, name=None):
    """The gradients of `fake_quant_with_min_max_vars`.

    Args:
      gradients: float32 tensor, the gradient of the result.
      inputs: float32 tensor, the inputs.
      min: float32 scalar, the lower end of the range.
      max: float32 scalar, the upper end of the range.
      num_bits: how many bits the integers have.
      narrow_range: leave out the least integer.
      name: the node's name.

    Returns:
      A named tuple of the gradients by `inputs`, `min` and `max`: inputs outside of the range count for its end.
    """
    return call("FakeQuantWithMinMaxVarsGradient", gradients, inputs, min, max, num_bits=num_bits,
                narrow_range=narrow_range, name=name)  # fmt: skip


@export("fake_quant_with_min_max_vars_per_channel", "quantization.fake_quant_with_min_max_vars_per_channel")
def fake_quant_with_min_max_vars_per_channel(inputs, min, max, num_bits=8, narrow_range=False, name=None):
    """`fake_quant_with_min_max_vars` with a range for each channel.

    Args:
      inputs: float32 tensor [..., d].
      min: float32 vector [d], the lower ends of the ranges.
      max: float32 vector [d], the upper ends of the ranges.
      num_bits: how many bits the integers have, 2 to 16.
      narrow_range: leave out the least integer.
      name: the node's name.

    Returns:
      A Tensor like `inputs`.
    """
    return call("FakeQuantWithMinMaxVarsPerChannel", inputs, min, max, num_bits=num_bits, narrow_range=narrow_range,
                name=name)  # fmt: skip


@export("fake_quant_with_min_max_vars_per_channel_gradient",
        "quantization.fake_quant_with_min_max_vars_per_channel_gradient")  # fmt: skip
def fake_quant_with_min_max_vars_per_channel_gradient(gradients, inputs, min, max, num_bits=8, narrow_range=False,
                                                      name=None):  # fmt: skip
    """The gradients of `fake_quant_with_min_max_vars_per_channel`.

    Args:
      gradients: float32 tensor [..., d], the gradient of the result.
      inputs: float32 tensor [..., d], the inputs.
      min: float32 vector [d], the lower ends of the ranges.
      max: float32 vector [d], the upper ends of the ranges.
      num_bits: how many bits the integers have.
      narrow_range: leave out the least integer.
      name: the node's name.

    Returns:
      A named tuple of the gradients by `inputs`, `min` and `max`.
    """
    return call("FakeQuantWithMinMaxVarsPerChannelGradient", gradients, inputs, min, max, num_bits=num_bits,
                narrow_range=narrow_range, name=name)  # fmt: skip
