"""Real numbers as small integers: QuantizeV2, Dequantize, QuantizeAndDequantize, and quantized tensors joined.

A quantized tensor runs as the plain integers that hold it; which reals they stand for is in a range, two scalars beside
it. All arithmetic is in float32, as TensorFlow's.
"""

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.joining import concat_dims
from reflow.ops.quantized_numbers import QUANTIZED, limits, real_scalar, requantize, round_away
from reflow.ops.quantized_numbers import dequantize as dequantize_first
from reflow.ops.quantized_numbers import quantize as quantize_first
from reflow.ops.shape_ops import reshape_dims
from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.sparse_coordinates import invalid

_float = np.float32


# --- the three modes ----------------------------------------------------------------------------------------------


def _minimum_range(low, high):
    """The range widened to hold 0 and to be no narrower than a hundredth of its largest number (or of 1)."""
    if high < low:
        raise ValueError("input_max_range must be larger than input_min_range.")
    least = max(_float(1), abs(low), abs(high)) / _float(100)
    minimum = min(_float(0), low)
    return minimum, max(_float(0), high, minimum + least)


def _quantize_combined(x, low, high, dtype):
    lowest, highest = limits(dtype)
    scale = _float((float(highest) - float(lowest)) / float(high - low))
    scaled = (x.clamp(float(low), float(high)) - float(low)) * float(scale)
    if lowest < 0:
        half = _float((highest - lowest + 1) // 2)
        return round_away(scaled - float(half)).clamp(lowest, highest)
    return torch.floor(scaled + 0.5)


def _scaled_range(low, high, lowest, highest):
    """(scale, low, high) of mode SCALED: as large a scale as fits, and 0 stays 0."""
    from_low = lowest / low if lowest * low > 0 else np.finfo(np.float32).max
    from_high = highest / high if highest * high > 0 else np.finfo(np.float32).max
    scale = _float(min(from_low, from_high))
    return scale, _float(lowest) / scale, _float(highest) / scale


def _quantize_v2(input, min_range, max_range, T, mode, round_mode):
    low, high = _minimum_range(_float(min_range), _float(max_range))
    if mode == b"MIN_COMBINED":
        result = _quantize_combined(input, low, high, T)
    elif mode == b"MIN_FIRST":
        result = quantize_first(input, low, high, T)
    else:
        scale, low, high = _scaled_range(low, high, *limits(T))
        scaled = input.clamp(float(low), float(high)) * float(scale)
        result = torch.round(scaled) if round_mode == b"HALF_TO_EVEN" else round_away(scaled)
    return result.to(torch.int64).clamp(*limits(T)).to(T), real_scalar(low), real_scalar(high)


def _dequantize(input, min_range, max_range, mode):
    low, high = _float(min_range), _float(max_range)
    lowest, highest = limits(input.dtype)
    if mode == b"MIN_FIRST":
        return dequantize_first(input, low, high)
    if mode == b"MIN_COMBINED":
        half = (highest - lowest + 1) // 2 if lowest < 0 else 0
        scale = (high - low) / (_float(highest) - _float(lowest))
        return (input.float() + float(half)) * float(scale) + float(low)
    scale = max(low / _float(lowest), high / _float(highest)) if lowest else high / _float(highest)
    return input.float() * float(scale)


def _range_shapes(op):
    return [op._inputs[0].dims, (), ()]


define_op(
    "QuantizeV2", "input: float, min_range: float, max_range: float -> output: T, output_min: float, output_max: float",
    f"T: type in {QUANTIZED}, mode: string in MIN_COMBINED|MIN_FIRST|SCALED = MIN_COMBINED, "
    "round_mode: string in HALF_AWAY_FROM_ZERO|HALF_TO_EVEN = HALF_AWAY_FROM_ZERO",
    shape=_range_shapes, kernel=_quantize_v2, host="min_range max_range",
)  # fmt: skip

define_op(
    "Dequantize", "input: T, min_range: float, max_range: float -> output: float",
    f"T: type in {QUANTIZED}, mode: string in MIN_COMBINED|MIN_FIRST|SCALED = MIN_COMBINED",
    shape=unchanged_shape, kernel=_dequantize, host="min_range max_range",
)  # fmt: skip


@export("quantization.quantize", "quantize")
def quantize(input, min_range, max_range, T, mode="MIN_COMBINED", round_mode="HALF_AWAY_FROM_ZERO", name=None):
    """Reals as quantized integers.

    Args:
      input: float32 tensor.
      min_range: float32 scalar: the least real to represent.
      max_range: float32 scalar: the greatest real to represent.
      T: the quantized type.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED" (which keeps 0 at 0).
      round_mode: "HALF_AWAY_FROM_ZERO" or "HALF_TO_EVEN"; for mode "SCALED".
      name: the node's name.

    Returns:
      (output of type `T`, output_min, output_max): the integers, and the range that they really stand for.
    """
    return call("QuantizeV2", input, min_range, max_range, T=as_dtype(T), mode=mode, round_mode=round_mode, name=name)


@export("quantize_v2")
def quantize_v2(input, min_range, max_range, T, mode="MIN_COMBINED", name=None, round_mode="HALF_AWAY_FROM_ZERO"):
    """`quantization.quantize` under its older name, with the arguments in another order.

    Args:
      input: float32 tensor.
      min_range: float32 scalar.
      max_range: float32 scalar.
      T: the quantized type.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
      name: the node's name.
      round_mode: "HALF_AWAY_FROM_ZERO" or "HALF_TO_EVEN".

    Returns:
      (output, output_min, output_max).
    """
    return quantize(input, min_range, max_range, T, mode, round_mode, name)


@export("quantization.dequantize", "dequantize")
def dequantize(input, min_range, max_range, mode="MIN_COMBINED", name=None):
    """Quantized integers as reals.

    Args:
      input: quantized tensor.
      min_range: float32 scalar: the real that the least integer stands for.
      max_range: float32 scalar: the real that the greatest integer stands for.
      mode: "MIN_COMBINED", "MIN_FIRST" or "SCALED".
      name: the node's name.

    Returns:
      A float32 Tensor in the shape of `input`.
    """
    return call("Dequantize", input, min_range, max_range, mode=mode, name=name)


# --- QuantizeAndDequantize: the rounding error of quantization ----------------------------------------------------


def _rounded(x, low, high, signed, bits, range_given, half_up, narrow):
    """The reals that the nearest integers of `bits` bits stand for."""
    if not range_given:
        if not x.numel():
            return x
        low, high = float(x.min()), float(x.max())
    if low > high:
        raise ValueError(f"Invalid range: input_min {low} > input_max {high}")
    real = np.float64 if x.dtype is torch.float64 else np.float32
    low, high = real(low), real(high)
    least = (-(1 << (bits - 1)) + (1 if narrow else 0)) if signed else 0
    most = (1 << (bits - 1)) - 1 if signed else (1 << bits) - 1
    largest = np.finfo(real).max
    from_low = real(least) / low if least * low > 0 else largest
    from_high = real(most) / high if most * high > 0 else largest
    if from_low < from_high:
        scale, inverse = from_low, low / real(least)
        high = real(most) * inverse
    else:
        scale, inverse = from_high, high / real(most)
        low = real(least) * inverse
    if range_given:
        x = x.clamp(float(low), float(high))
    scaled = x * float(scale)
    return (torch.floor(scaled + 0.5) if half_up else torch.round(scaled)) * float(inverse)


def _quantize_and_dequantize(input, signed_input, num_bits, range_given, input_min, input_max):
    return _rounded(input, input_min, input_max, signed_input, num_bits, range_given, False, False)


def _quantize_and_dequantize_v2(input, input_min, input_max, signed_input, num_bits, range_given, round_mode,
                                narrow_range):  # fmt: skip
    return _rounded(input, input_min, input_max, signed_input, num_bits, range_given, round_mode == b"HALF_UP",
                    narrow_range)  # fmt: skip


def _quantize_and_dequantize_v3(input, input_min, input_max, num_bits, signed_input, range_given, narrow_range):
    if not 0 < num_bits < (62 if signed_input else 63):
        raise ValueError(f"num_bits is out of range: {num_bits} with signed_input_ {signed_input}")
    return _rounded(input, input_min, input_max, signed_input, num_bits, range_given, False, narrow_range)


define_op(
    "QuantizeAndDequantize", "input: T -> output: T",
    "signed_input: bool = true, num_bits: int = 8, range_given: bool = false, input_min: float = 0, "
    "input_max: float = 0, T: type in floating", shape=unchanged_shape, kernel=_quantize_and_dequantize,
)  # fmt: skip

define_op(
    "QuantizeAndDequantizeV2", "input: T, input_min: T, input_max: T -> output: T",
    "signed_input: bool = true, num_bits: int = 8, range_given: bool = false, T: type in floating, "
    "round_mode: string in HALF_TO_EVEN|HALF_UP = HALF_TO_EVEN, narrow_range: bool = false",
    shape=unchanged_shape, kernel=_quantize_and_dequantize_v2, host="input_min input_max",
)  # fmt: skip

define_op(
    "QuantizeAndDequantizeV3", "input: T, input_min: T, input_max: T, num_bits: int32 -> output: T",
    "signed_input: bool = true, range_given: bool = true, T: type in floating, narrow_range: bool = false",
    shape=unchanged_shape, kernel=_quantize_and_dequantize_v3, host="input_min input_max num_bits",
)  # fmt: skip


@gradient("QuantizeAndDequantize", "QuantizeAndDequantizeV2", "QuantizeAndDequantizeV3")
def _quantize_and_dequantize_gradient(op, grad):
    """Rounding is passed over: the gradient goes straight through."""
    return [grad] + [None] * (len(op._inputs) - 1)


@export("quantization.quantize_and_dequantize")
def quantize_and_dequantize(input, input_min, input_max, signed_input=True, num_bits=8, range_given=False,
                            round_mode="HALF_TO_EVEN", name=None, narrow_range=False):  # fmt: skip
    """A tensor with the rounding error that quantization would give it.

    Args:
      input: floating tensor.
      input_min: scalar of the same type: the least number to represent, if `range_given`.
      input_max: scalar of the same type: the greatest number to represent, if `range_given`.
      signed_input: quantize to signed integers.
      num_bits: how many bits they have.
      range_given: use `input_min` and `input_max`; else the least and greatest element.
      round_mode: "HALF_TO_EVEN" or "HALF_UP".
      name: the node's name.
      narrow_range: leave out the least signed integer.

    Returns:
      A Tensor like `input`.
    """
    return call("QuantizeAndDequantizeV2", input, input_min, input_max, signed_input=signed_input, num_bits=num_bits,
                range_given=range_given, round_mode=round_mode, narrow_range=narrow_range, name=name)  # fmt: skip


# --- joining and reshaping ----------------------------------------------------------------------------------------


def _quantized_concat(concat_dim, values, input_mins, input_maxes):
    rank = values[0].dim()
    if not 0 <= concat_dim < rank:
        raise invalid(f"Expected concatenating dimensions in the range [0, {rank}), but got {concat_dim}")
    ranges = [(_float(low), _float(high)) for low, high in zip(input_mins, input_maxes, strict=True)]
    low, high = min(low for low, _ in ranges), max(high for _, high in ranges)
    if limits(values[0].dtype)[0] < 0:
        high = max(abs(low), abs(high))
        low = -high
    filled = [q for q in values if q.numel()]
    # TensorFlow leaves empty tensors out, but not their ranges: what follows them is read with the range of another.
    parts = [q if each == (low, high) else requantize(q, each, (low, high), q.dtype)
             for q, each in zip(filled, ranges, strict=False)]  # fmt: skip
    if not parts:
        return torch.cat(values, concat_dim), real_scalar(low), real_scalar(high)
    return torch.cat(parts, concat_dim), real_scalar(low), real_scalar(high)


define_op(
    "QuantizedConcat",
    "concat_dim: int32, values: N*T, input_mins: N*float, input_maxes: N*float -> "
    "output: T, output_min: float, output_max: float", "N: int >= 2, T: type",
    shape=lambda op: [concat_dims(op._inputs[1:1 + op.attrs["N"]], op._inputs[0]), (), ()],
    kernel=_quantized_concat, host="concat_dim input_mins input_maxes",
)  # fmt: skip


@export("quantized_concat", "quantization.quantized_concat")
def quantized_concat(concat_dim, values, input_mins, input_maxes, name=None):
    """Quantized tensors joined along an axis, over a range that holds those of all.

    Args:
      concat_dim: int32 scalar, the axis.
      values: a list of quantized tensors of one type.
      input_mins: a list of float32 scalars: the least real of each.
      input_maxes: a list of float32 scalars: the greatest real of each.
      name: the node's name.

    Returns:
      (output, output_min, output_max).
    """
    return call("QuantizedConcat", concat_dim, values, input_mins, input_maxes, name=name)


define_op(
    "QuantizedReshape",
    "tensor: T, shape: Tshape, input_min: float, input_max: float -> output: T, output_min: float, output_max: float",
    "T: type, Tshape: type in index = int32", shape=lambda op: [*reshape_dims(op), (), ()],
    kernel=lambda tensor, shape, input_min, input_max: (tensor.reshape(shape), input_min, input_max),
    host="shape", aliases=(0, 2, 3),
)  # fmt: skip
