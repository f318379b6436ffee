"""Quantized integers and the reals that they stand for, in the arithmetic of TensorFlow's mode MIN_FIRST.

A range (low, high) of reals is spread over all integers of a type: the least stands for `low`, rounded so that 0 is
exactly one of them, the greatest for `high`. Ranges are pairs of float32 numbers. TensorFlow computes whole tensors in
float32 and single numbers in double precision; the difference shows in the last digit.
"""

import numpy as np
import torch

QUANTIZED = "qint8|quint8|qint32|qint16|quint16"
"""The quantized types, as a signature names them."""


# The least and the greatest real that integers stand for.
Range = tuple[float, float]


def limits(dtype: torch.dtype) -> tuple[int, int]:
    """(lowest, highest) value of an integer torch.dtype."""
    info = torch.iinfo(dtype)
    return info.min, info.max


def real(value) -> np.float32:
    """A kernel's input that is one float32 number: itself, or the first one of a list."""
    return np.float32(np.ravel(value)[0])


def real_scalar(value) -> torch.Tensor:
    """A float32 tensor of one number."""
    return torch.tensor(float(value), dtype=torch.float32)


def round_away(x: torch.Tensor) -> torch.Tensor:
    """The nearest integers, halves away from zero."""
    return torch.sign(x) * torch.floor(torch.abs(x) + 0.5)


def _rounded(x: float) -> int:
    """`round_away` of one number."""
    return int(np.sign(x) * np.floor(abs(x) + 0.5))


# --- whole tensors --------------------------------------------------------------------------------------------------


def quantize(x: torch.Tensor, low, high, dtype: torch.dtype) -> torch.Tensor:
    """The integers of a type nearest to float32 numbers, as float32 numbers still."""
    lowest, highest = limits(dtype)
    if low == high:
        return torch.full_like(x, lowest)
    count = 1 << torch.iinfo(dtype).bits
    scale = np.float32(count / (float(high - low) * (count / (count - 1.0))))
    first = float(np.floor(abs(low * scale) + np.float32(0.5)) * np.sign(low))
    # The greatest float32 that is no greater than `highest`.
    most = np.float32(highest) if int(np.float32(highest)) == highest else np.nextafter(np.float32(highest), 0)
    return (round_away(x * float(scale)) - (first - lowest)).clamp(lowest, float(most))


def dequantize(q: torch.Tensor, low, high) -> torch.Tensor:
    """The float32 numbers that integers stand for."""
    lowest, _ = limits(q.dtype)
    count = 1 << torch.iinfo(q.dtype).bits
    scale = np.float32(float(high - low) / (count - 1.0))
    first = low if low == high else np.float32(np.sign(low) * np.floor(abs(low / scale) + np.float32(0.5))) * scale
    return (float(first) - lowest * float(scale)) + q.float() * float(scale)


def requantize(q: torch.Tensor, old: Range, new: Range, dtype: torch.dtype) -> torch.Tensor:
    """Integers of another type over another range that stand for the same reals, as well as they can."""
    if (q.dtype, dtype) == (torch.int32, torch.uint8):
        return _narrowed(q, old, new)
    return quantize(dequantize(q, *old), *new, dtype).to(dtype)


def _narrowed(q: torch.Tensor, old: Range, new: Range) -> torch.Tensor:
    """`requantize` from 32 to 8 bits, where TensorFlow computes in fixed point with 16 bits behind the point."""
    one, (low, high) = 1 << 16, new
    old_width, width = old[1] - old[0], high - low
    if width == 0:
        return torch.zeros_like(q, dtype=torch.uint8)
    middle = np.float32((old[0] + old[1]) / 2.0)
    scale = int(255.0 * one * float(old_width) / float(width))
    offset = int(middle * np.float32(255.0 / float(width)) * np.float32(one))
    first = int(one * (float(low) * 255.0) / float(width))
    fixed = q.to(torch.int64)
    fixed.mul_(scale).bitwise_right_shift_(32).add_(offset - first + one // 2).bitwise_right_shift_(16).clamp_(0, 255)
    return fixed.to(torch.uint8)


# --- single numbers ---------------------------------------------------------------------------------------------------


def _step(low, high, dtype: torch.dtype) -> float:
    """How far apart neighbouring integers are, as reals."""
    count = 1 << torch.iinfo(dtype).bits
    return float(high - low) * (count / (count - 1.0)) / count


def integer_of(x, low, high, dtype: torch.dtype, *, clamped: bool = True) -> int:
    """The integer nearest to one real; beyond the type's limits unless `clamped`."""
    lowest, highest = limits(dtype)
    if low == high:
        return lowest
    count = 1 << torch.iinfo(dtype).bits
    scale = count / (float(high - low) * (count / (count - 1.0)))
    nearest = _rounded(float(x) * scale) - _rounded(float(low) * scale) + lowest
    return min(max(nearest, lowest), highest) if clamped else nearest


def zero_of(low, high, dtype: torch.dtype) -> int:
    """The integer that stands for 0."""
    return integer_of(0.0, low, high, dtype, clamped=False)


def reals_of(q: torch.Tensor, low, high) -> torch.Tensor:
    """The reals that integers stand for: `dequantize` as TensorFlow computes it number by number."""
    if low == high:
        return torch.full(q.shape, float(low))
    step = _step(low, high, q.dtype)
    first = _rounded(float(low / np.float32(step))) * float(np.float32(step))
    return (first + (q.double() - limits(q.dtype)[0]) * step).float()


def integers_of(x: torch.Tensor, low, high, dtype: torch.dtype) -> torch.Tensor:
    """The integers nearest to reals: `quantize` as TensorFlow computes it number by number."""
    lowest, highest = limits(dtype)
    if low == high:
        return torch.full(x.shape, lowest, dtype=dtype)
    count = 1 << torch.iinfo(dtype).bits
    scale = count / (float(high - low) * (count / (count - 1.0)))
    nearest = round_away(x.double() * scale) - _rounded(float(low) * scale) + lowest
    return nearest.clamp(lowest, highest).to(torch.int64).to(dtype)


# --- ranges of results ----------------------------------------------------------------------------------------------


def product_range(a: tuple, a_type: torch.dtype, b: tuple, b_type: torch.dtype, dtype: torch.dtype) -> tuple:
    """The range over which products of two quantized tensors' integers, less their zeros, stand for products."""
    unit = np.float32(1)
    for (low, high), each in ((a, a_type), (b, b_type)):
        lowest, highest = limits(each)
        unit = unit * (np.float32(high - low) / np.float32(highest - lowest))
    lowest, highest = limits(dtype)
    return unit * np.float32(lowest), unit * np.float32(highest)
