"""Rows handed out and put together by number: DynamicPartition, DynamicStitch."""

import math

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.registry import define_op, gradient
from reflow.ops.movement import moves_elements
from reflow.ops.shape_rules import merge, merge_prefix
from reflow.ops.torch_types import array_of, tensor_of

# --- DynamicPartition ---------------------------------------------------------------------------------------------


def _partition_shape(op):
    data, partitions = op._inputs[0].dims, op._inputs[1].dims
    if partitions is None or data is None:
        return [None] * op.attrs["num_partitions"]
    data, partitions = merge_prefix(data, partitions)
    return [(None, *data[len(partitions):])] * op.attrs["num_partitions"]


@moves_elements
def _dynamic_partition(data, partitions, num_partitions):
    if partitions.shape != data.shape[: partitions.dim()]:
        raise ValueError(f"data.shape must start with partitions.shape, got data.shape = {list(data.shape)}, "
                         f"partitions.shape = {list(partitions.shape)}")  # fmt: skip
    outside = (partitions < 0) | (partitions >= num_partitions)
    if bool(outside.any()):
        place = torch.nonzero(outside)[0].tolist()
        where = str(place).replace(" ", "") if place else ""
        raise errors.InvalidArgumentError(None, None, f"partitions{where} = {int(partitions[tuple(place)])} is not in "
                                          f"[0, {num_partitions})")  # fmt: skip
    return [data[partitions == i] for i in range(num_partitions)]


define_op(
    "DynamicPartition", "data: T, partitions: int32 -> outputs: num_partitions*T", "num_partitions: int >= 1, T: type",
    shape=_partition_shape, kernel=_dynamic_partition,
)  # fmt: skip


@gradient("DynamicPartition")
def _dynamic_partition_gradient(op, *grads):
    """The gradients of the parts, stitched together again."""
    from reflow.ops.ranges import range as range_
    from reflow.ops.reduction import reduce_prod
    from reflow.ops.shape_ops import reshape, shape

    data, partitions = op._inputs
    prefix = shape(partitions)
    places = reshape(range_(reduce_prod(prefix)), prefix)
    parts = dynamic_partition(places, partitions, op.attrs["num_partitions"])
    whole = call("ParallelDynamicStitch", parts, list(grads))
    return [reshape(whole, shape(data)), None]


@export("dynamic_partition")
def dynamic_partition(data, partitions, num_partitions, name=None):
    """A tensor's rows, handed out to several tensors.

    Args:
      data: a tensor whose shape begins with that of `partitions`.
      partitions: int32 tensor: for each row, the number of the tensor that gets it.
      num_partitions: int, how many tensors.
      name: the node's name.

    Returns:
      A list of `num_partitions` Tensors [rows of that number, ...].

    Raises:
      InvalidArgumentError: when it runs, for a number that is out of range.
    """
    return call("DynamicPartition", data, partitions, num_partitions=num_partitions, name=name)


# --- DynamicStitch ------------------------------------------------------------------------------------------------


def _stitch_shape(op):
    count = op.attrs["N"]
    rest, largest, known = None, -1, True
    for indices, data in zip(op._inputs[:count], op._inputs[count:], strict=True):
        if indices.dims is not None:
            dims, _ = merge_prefix(data.dims, indices.dims)
            rest = merge(rest, None if dims is None else dims[len(indices.dims):])
        value = constant_value(indices)
        known = known and value is not None
        largest = max(largest, int(value.max())) if value is not None and value.size else largest
    return [None if rest is None else (largest + 1 if known else None, *rest)]


def _stitched(indices, data):
    """Rows of `data` at the places `indices`; of several for one place the last counts."""
    numbers = torch.cat([i.reshape(-1) for i in indices]).long()
    inner = tuple(data[0].shape[indices[0].dim():])
    for i, d in zip(indices, data, strict=True):
        if tuple(d.shape) != (*i.shape, *inner):
            raise ValueError(f"Need data.shape = indices.shape + {list(inner)}, got data.shape = {list(d.shape)}, "
                             f"indices.shape = {list(i.shape)}")  # fmt: skip
    if bool((numbers < 0).any()):
        raise ValueError(f"indices are out of range: {int(numbers.min())}")
    size = int(numbers.max()) + 1 if numbers.numel() else 0
    flat = [d.reshape(math.prod(i.shape), math.prod(inner)) for i, d in zip(indices, data, strict=True)]
    # The place in `rows` of the last row for each number; numbers without a row keep their zeros.
    places = torch.arange(numbers.numel(), device=numbers.device)
    last = numbers.new_full((size,), -1).scatter_reduce(0, numbers, places, "amax")
    found = last >= 0
    if not isinstance(data[0], torch.Tensor):
        result = np.full((size, math.prod(inner)), b"", object)
        result[found.numpy()] = np.concatenate(flat)[last[found].numpy()]
    else:
        result = _rows_at_places(torch.cat(flat), last, found)
    return result.reshape((size, *inner))


@moves_elements
def _rows_at_places(rows, last, found):
    result = rows.new_zeros((last.shape[0], rows.shape[1]))
    result[found] = rows[last[found]]
    return result


def _stitch_value(op):
    count = op.attrs["N"]
    arrays = [constant_value(t) for t in op._inputs]
    if any(a is None for a in arrays) or op.attrs["T"] is dtypes.string:
        return None
    tensors = [tensor_of(a) for a in arrays]
    return array_of(_stitched(tensors[:count], tensors[count:]))


for _name in ("DynamicStitch", "ParallelDynamicStitch"):
    define_op(
        _name, "indices: N*int32, data: N*T -> merged: T", "N: int >= 1, T: type",
        shape=_stitch_shape, kernel=_stitched, value=_stitch_value,
    )  # fmt: skip


@gradient("DynamicStitch", "ParallelDynamicStitch")
def _stitch_gradient(op, grad):
    from reflow.ops.gathering import gather
    from reflow.ops.shape_ops import shape

    count = op.attrs["N"]
    if isinstance(grad, IndexedSlices):
        rows = shape(op.outputs[0])[0]
        grad = call("UnsortedSegmentSum", grad.values, grad.indices, rows)
    return [None] * count + [gather(grad, indices) for indices in op._inputs[:count]]


@export("dynamic_stitch")
def dynamic_stitch(indices, data, name=None):
    """Rows of several tensors put together: row `indices[m][i]` of the result is `data[m][i]`.

    Args:
      indices: a list of int32 tensors.
      data: a list of tensors of one type; the shape of each begins with that of its indices.
      name: the node's name.

    Returns:
      A Tensor [largest index + 1, ...]. Of several rows for one index the last counts.
    """
    return call("DynamicStitch", indices, data, name=name)
