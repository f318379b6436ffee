"""Counting: Bincount, HistogramFixedWidth, Bucketize, InTopK."""

import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_tensor, to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.arithmetic import maximum, minimum, truediv
from reflow.ops.casting import cast
from reflow.ops.clip import clip_by_value
from reflow.ops.elementwise import floor
from reflow.ops.reduction import reduce_max, reduce_prod
from reflow.ops.segment import unsorted_segment_sum
from reflow.ops.shape_ops import reshape, shape
from reflow.ops.shape_rules import constant_int, merge_size, unchanged_shape, with_rank

# --- Bincount -----------------------------------------------------------------------------------------------------


def _bincount(arr, size, weights):
    """How often each number below `size` occurs, or the sum of the weights where it does; others are left out."""
    if size < 0:
        raise errors.InvalidArgumentError(None, None, f"size ({size}) must be non-negative")
    arr, weights = arr.reshape(-1).long(), weights.reshape(-1)
    if bool((arr < 0).any()):
        raise errors.InvalidArgumentError(None, None, "Input arr must be non-negative!")
    bins = weights.new_zeros(size)
    is_counted = arr < size
    if not weights.numel():
        return bins + torch.bincount(arr[is_counted], minlength=size).to(weights.dtype)
    if weights.numel() != arr.numel():
        raise errors.InvalidArgumentError(
            None, None, f"Size of weights ({weights.numel()}) must be that of arr ({arr.numel()}) or 0"
        )
    return bins.index_add_(0, arr[is_counted], weights[is_counted])


def _bincount_shape(op):
    with_rank(op._inputs[1].dims, 0)
    count = constant_int(op._inputs[1])
    if count is not None and count < 0:
        raise ValueError(f"size ({count}) must be non-negative")
    return [(count,)]


define_op(
    "Bincount", "arr: int32, size: int32, weights: T -> bins: T", "T: type in int32|int64|float|double",
    shape=_bincount_shape, kernel=_bincount, host="size",
)  # fmt: skip


@export("bincount", "math.bincount")
def bincount(arr, weights=None, minlength=None, maxlength=None, dtype=dtypes.int32):
    """Counts how often each number occurs.

    Args:
      arr: an int32 tensor of numbers that are not negative.
      weights: a tensor shaped like `arr`: sums these where a number occurs, instead of counting.
      minlength: an int32 scalar, the least length of the result.
      maxlength: an int32 scalar, the greatest length of the result; numbers beyond are left out.
      dtype: the type of the counts if there are no weights.

    Returns:
      A vector of `dtype`, or of the type of the weights: element i belongs to number i.

    Raises:
      InvalidArgumentError: when it runs, if a number is negative.
    """
    with name_scope("bincount"):
        arr = to_tensor(arr, dtypes.int32, "arr")
        is_not_empty = reduce_prod(shape(arr)) > 0
        length = cast(is_not_empty, dtypes.int32) * (reduce_max(arr) + 1)
        if minlength is not None:
            length = maximum(to_tensor(minlength, dtypes.int32, "minlength"), length)
        if maxlength is not None:
            length = minimum(to_tensor(maxlength, dtypes.int32, "maxlength"), length)
        if weights is not None:
            return unsorted_segment_sum(to_tensor(weights, name="weights"), arr, length)
        return call("Bincount", arr, length, constant_tensor([], dtypes.as_dtype(dtype), "Const"))


# --- histograms ---------------------------------------------------------------------------------------------------


def _histogram_fixed_width(values, value_range, nbins, dtype):
    if nbins <= 0:
        raise errors.InvalidArgumentError(None, None, f"nbins should be a positive number, but got '{nbins}'")
    low, high = value_range.tolist()
    if not low < high:
        raise errors.InvalidArgumentError(
            None, None,
            f"value_range should satisfy value_range[0] < value_range[1], but got '[{low:g}, {high:g}]'",
        )  # fmt: skip
    step = (high - low) / nbins
    positions = (values.reshape(-1).clamp(min=value_range[0]) - value_range[0]).double() / step
    bins = positions.clamp(max=nbins - 1).long()
    return torch.bincount(bins, minlength=nbins).to(dtype)


def _histogram_shape(op):
    with_rank(op._inputs[1].dims, 1)
    merge_size(op._inputs[1].dims[0] if op._inputs[1].dims else None, 2)
    with_rank(op._inputs[2].dims, 0)
    count = constant_int(op._inputs[2])
    if count is not None and count <= 0:
        raise ValueError(f"Requires nbins > 0: {count}")
    return [(count,)]


define_op(
    "HistogramFixedWidth", "values: T, value_range: T, nbins: int32 -> out: dtype",
    "T: type in int32|int64|float|double, dtype: type in index = int32",
    shape=_histogram_shape, kernel=_histogram_fixed_width, host="nbins",
)  # fmt: skip


@export("histogram_fixed_width")
def histogram_fixed_width(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
    """Counts how many values fall into each of equally wide bins; what is out of range counts for the outermost bins.

    Args:
      values: a tensor of int32, int64, float32 or float64.
      value_range: a vector of two numbers of the same type: where the first bin begins and the last one ends.
      nbins: an int32 scalar, how many bins there are.
      dtype: the type of the counts, int32 or int64.
      name: a name for the operation.

    Returns:
      A vector of `nbins` counts.

    Raises:
      InvalidArgumentError: when it runs, if the range is empty or there are no bins.
    """
    with name_scope(name, "histogram_fixed_width", [values, value_range, nbins]) as scope:
        return call("HistogramFixedWidth", values, value_range, nbins, dtype=dtype, name=scope)


@export("histogram_fixed_width_bins")
def histogram_fixed_width_bins(values, value_range, nbins=100, dtype=dtypes.int32, name=None):
    """The bins that values fall into, of equally wide bins; what is out of range belongs to the outermost bins.

    Args:
      values: a tensor of a float type.
      value_range: a vector of two numbers of the same type: where the first bin begins and the last one ends.
      nbins: an int32 scalar, how many bins there are.
      dtype: accepted; the result is int32.
      name: a name scope for the operations.

    Returns:
      An int32 tensor shaped like `values`.
    """
    with name_scope(name, "histogram_fixed_width_bins", [values, value_range, nbins]):
        values = to_tensor(values, name="values")
        values_shape = shape(values)
        values = reshape(values, [-1])
        value_range = to_tensor(value_range, name="value_range")
        nbins = to_tensor(nbins, dtypes.int32, "nbins")
        nbins_float = cast(nbins, values.dtype)
        scaled = truediv(values - value_range[0], value_range[1] - value_range[0], name="scaled_values")
        indices = floor(nbins_float * scaled, name="indices")
        indices = cast(clip_by_value(indices, 0, nbins_float - 1), dtypes.int32)
        return reshape(indices, values_shape)


# --- Bucketize ----------------------------------------------------------------------------------------------------


def _bucketize(input, boundaries):
    if any(a > b for a, b in zip(boundaries, boundaries[1:], strict=False)):
        raise errors.InvalidArgumentError(None, None, "Expected sorted boundaries")
    edges = torch.tensor(boundaries, dtype=torch.float32, device=input.device).to(torch.float64)
    return torch.bucketize(input.to(torch.float64), edges, right=True).to(torch.int32)


define_op(
    "Bucketize", "input: T -> output: int32", "T: type in int32|int64|float|double, boundaries: list(float)",
    shape=unchanged_shape, kernel=_bucketize,
)  # fmt: skip


# --- InTopK -------------------------------------------------------------------------------------------------------


def _in_top_k(predictions, targets, k):
    """Fewer than k predictions exceed that of the target; False if the target or a prediction is no proper one."""
    classes = predictions.shape[1]
    is_class = (targets >= 0) & (targets < classes)
    columns = torch.where(is_class, targets, 0).long().unsqueeze(1)
    if not classes:
        return torch.zeros_like(is_class)
    of_target = predictions.gather(1, columns)
    is_sayable = is_class & torch.isfinite(predictions).all(1)
    return is_sayable & ((predictions > of_target).sum(1) < k)


def _in_top_k_shape(op):
    rows, _ = with_rank(op._inputs[0].dims, 2)
    (count,) = with_rank(op._inputs[1].dims, 1)
    return [(merge_size(rows, count),)]


define_op(
    "InTopK", "predictions: float, targets: T -> precision: bool", "k: int, T: type in index = int32",
    shape=_in_top_k_shape, kernel=_in_top_k,
)  # fmt: skip
define_op(
    "InTopKV2", "predictions: float, targets: T, k: T -> precision: bool", "T: type in index = int32",
    shape=_in_top_k_shape, kernel=_in_top_k, host="k",
)  # fmt: skip


@export("nn.in_top_k", "math.in_top_k")
def in_top_k(predictions, targets, k, name=None):
    """Whether the target is among the k classes of the greatest predictions; ties count for it.

    Args:
      predictions: float32 [batch, classes].
      targets: int32 or int64 [batch]: the class that is right.
      k: an integer scalar of the type of `targets`.
      name: a name for the operation.

    Returns:
      bool [batch]; False where the target is no class or a prediction is not finite.
    """
    with name_scope(name, "in_top_k"):
        return call("InTopKV2", predictions, targets, k, name=name)
