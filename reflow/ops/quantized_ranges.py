"""Wide quantized sums made narrow again: RequantizationRange, Requantize, QuantizeDownAndShrinkRange.

A product of 8-bit integers has 32 bits, most of which it does not use: its numbers are spread over the range that they
really fill, or over one that the program knows.
"""

import torch

from reflow.graph.registry import define_op
from reflow.ops.quantized_numbers import QUANTIZED, real, real_scalar, reals_of, requantize
from reflow.ops.shape_rules import scalar, unchanged_shape, with_rank
from reflow.ops.sparse_coordinates import invalid

_OUTPUTS = "output: out_type, output_min: float, output_max: float"


def _used_range(q, low, high):
    """The range of the reals that a tensor holds; 0 is in it, so that a convolution can pad with it."""
    if q.numel():
        ends = torch.stack([q.amin(), q.amax()])
    else:
        # TensorFlow's answer for no elements: the extremes of the type, the wrong way round.
        info = torch.iinfo(q.dtype)
        ends = torch.tensor([info.max, info.min], dtype=q.dtype)
    least, most = reals_of(ends, low, high).numpy()
    return min(real(0), least), most


def _requantization_range(input, input_min, input_max):
    return tuple(map(real_scalar, _used_range(input, real(input_min), real(input_max))))


def _shrink(input, input_min, input_max, out_type):
    old = real(input_min), real(input_max)
    new = _used_range(input, *old)
    return requantize(input, old, new, out_type), *map(real_scalar, new)


def _requantize(input, input_min, input_max, requested_output_min, requested_output_max, out_type):
    old, new = (real(input_min), real(input_max)), (real(requested_output_min), real(requested_output_max))
    if new[0] > 0:
        raise invalid(f"requested_output_min must be <= 0, but got {new[0]:g}")
    if new[1] < new[0]:
        raise invalid(f"requested_output_max must be >= requested_output_min, but got {new[1]:g} and {new[0]:g}")
    return requantize(input, old, new, out_type), *map(real_scalar, new)


def _range_shape(op):
    for tensor in op._inputs[1:]:
        with_rank(tensor.dims, 0)
    return scalar(op)


def _requantized_shape(op):
    _range_shape(op)
    return [*unchanged_shape(op), (), ()]


define_op(
    "RequantizationRange", "input: Tinput, input_min: float, input_max: float -> output_min: float, output_max: float",
    f"Tinput: type in {QUANTIZED}", shape=_range_shape, kernel=_requantization_range, host="input_min input_max",
)  # fmt: skip
define_op(
    "QuantizeDownAndShrinkRange", f"input: Tinput, input_min: float, input_max: float -> {_OUTPUTS}",
    f"Tinput: type in {QUANTIZED}, out_type: type in {QUANTIZED}", shape=_requantized_shape, kernel=_shrink,
    host="input_min input_max",
)  # fmt: skip
define_op(
    "Requantize",
    "input: Tinput, input_min: float, input_max: float, requested_output_min: float, requested_output_max: float -> "
    f"{_OUTPUTS}",
    f"Tinput: type in {QUANTIZED}, out_type: type in {QUANTIZED}", shape=_requantized_shape, kernel=_requantize,
    host="input_min input_max requested_output_min requested_output_max",
)  # fmt: skip
