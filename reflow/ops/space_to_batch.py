"""Dilated windows over space as plain windows over interleaved pieces of it (space_to_batch)."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.ops.batch_space import batch_to_space_nd, required_space_to_batch_paddings, space_to_batch_nd
from reflow.ops.joining import concat, stack
from reflow.ops.shape_ops import shape


@export("nn.with_space_to_batch")
def with_space_to_batch(input, dilation_rate, padding, op, filter_shape=None, spatial_dims=None, data_format=None):
    """Apply `op` to the input in pieces of every dilation_rate-th element, so that its windows come out dilated.

    Args:
      input: a tensor of more dimensions than the last of `spatial_dims`.
      dilation_rate: int32 vector: the dilation of each spatial dimension.
      padding: "SAME" or "VALID".
      op: takes (tensor, number of spatial dimensions, padding) and returns a tensor.
      filter_shape: int32 vector: the shape of the window that `op` moves, for SAME padding.
      spatial_dims: the dimensions to dilate, in increasing order; the first after the batch (and the channels) if None.
      data_format: "N...C" or "NC...".

    Returns:
      What `op` returns, with the pieces put together again; `op` of the input itself for a constant rate of 1.

    Raises:
      ValueError: if an argument is malformed.
    """
    input = to_tensor(input, name="input")
    rate = to_tensor(dilation_rate, dtypes.int32, "dilation_rate")
    if rate.shape.ndims not in (None, 1):
        raise ValueError("rate must be rank 1")
    if not rate.shape.is_fully_defined():
        raise ValueError("rate must have known shape")
    count = rate.shape[0].value
    is_first = data_format is not None and data_format.startswith("NC")
    spatial_dims = _checked_dims(spatial_dims, count, is_first)
    if input.shape.ndims is not None and input.shape.ndims < spatial_dims[-1] + (0 if is_first else 1):
        raise ValueError(f"input tensor must have rank {spatial_dims[-1] + (0 if is_first else 1)} at least")
    known_rate = constant_value(rate)
    if known_rate is not None:
        if np.any(known_rate < 1):
            raise ValueError("dilation_rate must be positive")
        if np.all(known_rate == 1):
            return op(input, count, padding)
    base_paddings = _base_paddings(padding, filter_shape, count, rate if known_rate is None else known_rate)
    return _in_pieces(input, rate, base_paddings, spatial_dims, lambda pieces: op(pieces, count, "VALID"))


def _checked_dims(spatial_dims, count, is_first):
    given = list(range(2, count + 2) if is_first else range(1, count + 1)) if spatial_dims is None else spatial_dims
    given = list(given)
    in_order = sorted({int(d) for d in given})
    if in_order != given or any(d < 1 for d in in_order):
        raise ValueError("spatial_dims must be a montonically increasing sequence of positive integers")
    return in_order


def _base_paddings(padding, filter_shape, count, rate):
    """The padding that SAME asks for with the dilated window; none for VALID."""
    if padding == "VALID":
        return np.zeros([count, 2], np.int32)
    if padding != "SAME":
        raise ValueError(f"Invalid padding method {padding!r}")
    if filter_shape is None:
        raise ValueError("filter_shape must be specified for SAME padding")
    filter_shape = to_tensor(filter_shape, name="filter_shape")
    known = constant_value(filter_shape)
    window = (filter_shape if known is None else known)[:count]
    total = window + (window - 1) * (rate - 1) - 1
    before = total // 2
    after = total - before
    return stack([[before[i], after[i]] for i in range(count)])


def _in_pieces(input, rate, base_paddings, spatial_dims, op):
    sizes = None if input.dims is None else [input.dims[d] for d in spatial_dims]
    if sizes is None or None in sizes:
        input_shape = shape(input)
        sizes = stack([input_shape[d] for d in spatial_dims])
    paddings, crops = required_space_to_batch_paddings(
        input_shape=sizes, base_paddings=base_paddings, block_shape=rate
    )  # fmt: skip
    blocks = _with_gaps(rate, 1, spatial_dims)
    paddings, crops = _with_gaps(paddings, 0, spatial_dims), _with_gaps(crops, 0, spatial_dims)
    pieces = space_to_batch_nd(input, blocks, paddings)
    return batch_to_space_nd(op(pieces), blocks, crops)


def _with_gaps(tensor, fill, spatial_dims):
    """Rows for all dimensions from 1 to the last spatial one: those of the tensor, and `fill` for the others."""
    known = constant_value(tensor)
    rows = tensor if known is None else known
    row_shape, dtype = tensor.shape.as_list()[1:], tensor.dtype.as_numpy_dtype
    parts, last, taken = [], 0, 0
    while taken < len(spatial_dims):
        start = taken
        if spatial_dims[start] > 1:
            gap = spatial_dims[start] - 1 - last
            parts.append(np.full([gap, *row_shape], fill, dtype=dtype))
        while taken + 1 < len(spatial_dims) and spatial_dims[taken + 1] == spatial_dims[taken] + 1:
            taken += 1
        parts.append(rows[start : taken + 1])
        last = spatial_dims[taken]
        taken += 1
    return concat(parts, 0) if known is None else np.concatenate(parts)
