"""What the debugger computes of a tensor that it watches: DebugNanCount, DebugNumericSummary."""

import math

import torch

from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unknown, vector
from reflow.ops.torch_types import FROM_TORCH

_WATCHED = 'device_name: string = "", tensor_name: string = "", debug_urls: list(string) = []'


def _check_real(op_type, tensor):
    if not isinstance(tensor, torch.Tensor) or tensor.is_complex():
        raise ValueError(f"No OpKernel was registered to support Op '{op_type}' with this type of tensor")


def _nan_count(input):
    _check_real("DebugNanCount", input)
    return torch.isnan(input).sum().reshape(1)


def _numeric_summary(input, lower_bound, upper_bound):
    """[initialized, elements, NaN, too low, below 0, 0, above 0, too high, min, max, mean, variance, type, rank, sizes]

    The last four statistics leave out NaN and infinities; bounds other than infinities count as too low, too high.
    """
    _check_real("DebugNumericSummary", input)
    x = input.double()
    is_low = x <= lower_bound
    is_high = (x >= upper_bound) & ~is_low
    inside = ~(is_low | is_high)
    counts = [torch.isnan(x), is_low, inside & (x < 0), inside & (x == 0), inside & (x > 0), is_high]
    finite = x[torch.isfinite(x)]
    statistics = [math.inf, -math.inf, math.nan, math.nan]
    if finite.numel():
        statistics = [finite.min(), finite.max(), finite.mean(), finite.var(correction=0)]
    numbers = [1, x.numel(), *[c.sum() for c in counts], *statistics, int(FROM_TORCH[input.dtype]), x.dim(), *x.shape]
    return torch.tensor([float(n) for n in numbers], dtype=torch.float64)


define_op(
    "DebugNanCount", "input: T -> output: int64", f"T: type, {_WATCHED}, gated_grpc: bool = false", shape=vector(1),
    kernel=_nan_count, allows_uninitialized_input=True,
)  # fmt: skip
define_op(
    "DebugNumericSummary", "input: T -> output: double",
    f"T: type, {_WATCHED}, lower_bound: float = -inf, upper_bound: float = inf, mute_if_healthy: bool = false, "
    "gated_grpc: bool = false",
    shape=unknown, kernel=_numeric_summary, allows_uninitialized_input=True,
)  # fmt: skip
