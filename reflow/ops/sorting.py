"""Order: the greatest and the n-th elements, sorting."""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_tensor, constant_value, to_tensor
from reflow.graph.dtypes import int32, int64
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.casting import cast
from reflow.ops.constant import zeros
from reflow.ops.gathering import gather
from reflow.ops.joining import concat, stack
from reflow.ops.native import reduction as reduction_native
from reflow.ops.permute import transpose
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.shape_ops import expand_dims, rank, reshape, shape, size
from reflow.ops.shape_rules import constant_int, with_rank, with_rank_at_least
from reflow.ops.torch_types import array_of, tensor_of

_UNSIGNED = (torch.uint16, torch.uint32, torch.uint64)

# --- TopK ---------------------------------------------------------------------------------------------------------


def _top_k(input, k):
    """The k greatest along the last axis, of equal ones the first ones first, where ATen's topk takes any of them."""
    if k < 0:
        raise errors.InvalidArgumentError(None, None, f"Need k >= 0, got {k}")
    if not input.ndim:
        raise errors.InvalidArgumentError(None, None, "input must be >= 1-D, got shape []")
    if input.shape[-1] < k:
        raise errors.InvalidArgumentError(
            None, None, f"input must have at least k columns. Had {input.shape[-1]}, needed {k}"
        )
    if input.dtype in _UNSIGNED:
        order = tensor_of(np.argsort(~array_of(input), axis=-1, kind="stable")[..., :k])
        return tensor_of(np.take_along_axis(array_of(input), order.numpy(), -1)), order.to(torch.int32)
    if input.is_floating_point() or not k:
        values, order = torch.topk(input, k)
        if k:
            _put_first_ones_first(input, values, order)
        return values, order.to(torch.int32)
    values, order = torch.sort(input, dim=-1, descending=True, stable=True)
    return values[..., :k].contiguous(), order[..., :k].to(torch.int32)


def _put_first_ones_first(input, values, order):
    """Sort again those rows of which two of the values are equal, or the last of them and one that was left out."""
    is_descending = (values[..., 1:] < values[..., :-1]).all(-1)
    # Compared into the numbers' own type: that is vectorized.
    greatest = torch.ge(input, values[..., -1:], out=torch.empty_like(input))
    exact = torch.float32 if input.shape[-1] < 1 << 24 else torch.float64
    has_ties = ~is_descending | (greatest.sum(-1, dtype=exact) != values.shape[-1])
    if has_ties.any():
        sorted_values, places = torch.sort(input[has_ties], dim=-1, descending=True, stable=True)
        values[has_ties] = sorted_values[..., : values.shape[-1]]
        order[has_ties] = places[..., : values.shape[-1]]


def _top_k_shape_for(dims, k):
    dims = with_rank_at_least(dims, 1)
    if dims is None:
        return [None, None]
    if k is not None and dims[-1] is not None and dims[-1] < k:
        raise ValueError(f"input must have last dimension >= k = {k} but is {dims[-1]}")
    return [(*dims[:-1], k)] * 2


def _top_k_v2_shape(op):
    with_rank(op._inputs[1].dims, 0)
    k = constant_int(op._inputs[1])
    if k is not None and k < 0:
        raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {k}")
    return _top_k_shape_for(op._inputs[0].dims, k)


define_op(
    "TopK", "input: T -> values: T, indices: int32", "k: int >= 0, sorted: bool = true, T: type in real",
    shape=lambda op: _top_k_shape_for(op._inputs[0].dims, op.attrs["k"]), kernel=_top_k,
    native=reduction_native.top_k(_top_k),
)  # fmt: skip
define_op(
    "TopKV2", "input: T, k: int32 -> values: T, indices: int32", "sorted: bool = true, T: type in real",
    shape=_top_k_v2_shape, kernel=_top_k, native=reduction_native.top_k(_top_k), host="k",
)  # fmt: skip


@gradient("TopK", "TopKV2")
def _top_k_gradient(op, grad, _):
    """Scatters the gradients to where the values came from; the indices have none."""
    in_shape, ind_shape = shape(op._inputs[0]), shape(op.outputs[1])
    taken = gather(cast(ind_shape, int64), size(ind_shape) - 1)
    rows = reshape(op.outputs[1], stack([-1, taken]))
    length = gather(cast(in_shape, int64), size(in_shape) - 1)
    row_count = shape(rows)[0]
    starts = range_(0, cast(row_count, int64) * length, length)
    positions = reshape(rows + cast(expand_dims(starts, -1), int32), [-1])
    scattered = call("ScatterNd", expand_dims(positions, -1), reshape(grad, [-1]), [reduce_prod(in_shape)])
    by_input = reshape(scattered, in_shape)
    return [by_input, zeros([], dtype=int32)][: len(op._inputs)]


@export("nn.top_k", "math.top_k")
def top_k(input, k=1, sorted=True, name=None):
    """The greatest numbers along the last axis, and where they stand.

    Args:
      input: a tensor [..., n] of a real type.
      k: an int32 scalar, how many to find; at most n.
      sorted: the result is in descending order either way.
      name: a name for the operation.

    Returns:
      A named tuple: values [..., k], of the type of `input`, and indices [..., k], int32. Of equal numbers the first
      one comes first.

    Raises:
      ValueError: if n is known to be less than `k`.
    """
    return call("TopKV2", input, k, name=name, sorted=sorted)


# --- NthElement ---------------------------------------------------------------------------------------------------


def _nth_element(input, n, reverse):
    if n < 0:
        raise errors.InvalidArgumentError(None, None, f"Need n >= 0, got {n}")
    if not input.ndim:
        raise errors.InvalidArgumentError(None, None, "Input must be >= 1-D, got shape []")
    length = input.shape[-1]
    if length <= n:
        raise errors.InvalidArgumentError(None, None, "Input must have at least n+1 columns")
    position = length - 1 - n if reverse else n
    if input.dtype in _UNSIGNED:
        return tensor_of(np.asarray(np.partition(array_of(input), position, axis=-1)[..., position]))
    return torch.kthvalue(input, position + 1, dim=-1).values


def _nth_element_shape(op):
    with_rank(op._inputs[1].dims, 0)
    dims, n = with_rank_at_least(op._inputs[0].dims, 1), constant_int(op._inputs[1])
    if n is not None and n < 0:
        raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {n}")
    if dims is None:
        return [None]
    if n is not None and dims[-1] is not None and dims[-1] <= n:
        raise ValueError(f"Input must have last dimension > n = {n} but is {dims[-1]}")
    return [dims[:-1]]


define_op(
    "NthElement", "input: T, n: int32 -> values: T", "reverse: bool = false, T: type in real",
    shape=_nth_element_shape, kernel=_nth_element, host="n",
)  # fmt: skip


@gradient("NthElement")
def _nth_element_gradient(op, grad):
    """The gradient goes to the element, in equal parts if several are equal to it."""
    x, y = op._inputs[0], op.outputs[0]
    indicators = cast(call("Equal", expand_dims(y, -1), x), grad.dtype)
    grad = expand_dims(grad, -1)
    occurrences = expand_dims(reduce_sum(indicators, -1), -1)
    return [call("RealDiv", indicators, occurrences, name="div") * grad, None]


@export("contrib.nn.nth_element")
def nth_element(input, n, reverse=False, name=None):
    """The n-th least number along the last axis, counted from 0.

    Args:
      input: a tensor [..., m] of a real type.
      n: an int32 scalar, less than m.
      reverse: find the n-th greatest number instead.
      name: a name for the operation.

    Returns:
      A tensor [...] of the same type.

    Raises:
      ValueError: if m is known to be not greater than `n`.
    """
    return call("NthElement", input, n, name=name, reverse=reverse)


# --- sort ---------------------------------------------------------------------------------------------------------


@export("sort")
def sort(values, axis=-1, direction="ASCENDING", name=None):
    """The numbers along an axis, in order.

    Args:
      values: a tensor of a float or signed integer type.
      axis: a constant int.
      direction: "ASCENDING" or "DESCENDING".
      name: a name scope for the operations.

    Returns:
      A tensor of the same type and shape.

    Raises:
      ValueError: for another direction, or an axis that is no constant scalar.
    """
    with name_scope(name, "sort"):
        return _ordered(values, axis, direction, False)


@export("argsort")
def argsort(values, axis=-1, direction="ASCENDING", stable=False, name=None):
    """The positions of the numbers along an axis, in their order.

    Args:
      values: a tensor of a float or signed integer type.
      axis: a constant int.
      direction: "ASCENDING" or "DESCENDING".
      stable: accepted; the order of equal numbers always stays.
      name: a name scope for the operations.

    Returns:
      An int32 tensor of the same shape.

    Raises:
      ValueError: for another direction, or an axis that is no constant scalar.
    """
    with name_scope(name, "argsort"):
        return _ordered(values, axis, direction, True)


def _ordered(values, axis, direction, return_positions):
    if direction not in ("ASCENDING", "DESCENDING"):
        raise ValueError(f"{direction} should be one of ASCENDING, DESCENDING")
    axis = to_tensor(axis, name="axis")
    static_axis = constant_value(axis)
    if axis.dims != () or static_axis is None:
        raise ValueError("axis must be a constant scalar")
    values = to_tensor(values, name="values")
    if direction == "DESCENDING":
        return _descending(values, int(static_axis), return_positions)
    result = _descending(-values, int(static_axis), return_positions)
    return result if return_positions else -result


def _descending(values, axis, return_positions):
    count = shape(values)[axis]
    value_rank = rank(values)
    known_rank = None if values.dims is None else len(values.dims)
    if axis == -1 or axis + 1 == known_rank:
        return top_k(values, count)[return_positions]
    swap = _swap_with_last(axis, known_rank, value_rank)
    return transpose(top_k(transpose(values, swap), count)[return_positions], swap)


def _swap_with_last(axis, known_rank, value_rank):
    """The permutation that exchanges an axis with the last one."""
    if known_rank is None:
        axis = axis + value_rank if axis < 0 else axis
        parts = [range_(axis), [value_rank - 1], range_(axis + 1, value_rank - 1), [axis]]
        return concat(parts, axis=0)
    order = list(range(known_rank))
    order[axis], order[-1] = order[-1], order[axis]
    return constant_tensor(np.array(order), None, "transposition")
