"""Elements by their numbers: Gather, GatherNd, and their gradients."""

import math

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import colocate_with, name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.movement import moves_elements
from reflow.ops.native import indexing as indexing_native
from reflow.ops.shape_rules import axis_within, constant_int, merge, with_rank, with_rank_at_least

_INT32_MAX = 2**31 - 1

# --- Gather -------------------------------------------------------------------------------------------------------


def _gather_shape(op):
    params, indices = with_rank_at_least(op._inputs[0].dims, 1), op._inputs[1].dims
    return [None if params is None or indices is None else indices + params[1:]]


def _gather_v2_shape(op):
    params, indices = op._inputs[0].dims, op._inputs[1].dims
    with_rank(op._inputs[2].dims, 0)
    axis, batch_dims = constant_int(op._inputs[2]), op.attrs["batch_dims"]
    if indices is not None and batch_dims < 0:
        batch_dims += len(indices)
    if axis is None:
        known = params is not None and indices is not None
        return [(None,) * (len(params) + len(indices) - 1 - batch_dims) if known else None]
    with_rank_at_least(params, axis + 1 if axis >= 0 else -axis)
    if params is None or indices is None:
        return [None]
    axis = axis_within(axis, len(params))
    if axis < batch_dims:
        raise ValueError(f"axis ({axis}) must be greater than or equal to batch_dims ({batch_dims})")
    batch = merge(params[:batch_dims], indices[:batch_dims])
    return [batch + params[batch_dims:axis] + indices[batch_dims:] + params[axis + 1:]]


@moves_elements
def _gather_along(params, indices, axis=0):
    try:
        if indices.dim() == 1:
            return params.index_select(axis, indices)
        taken = params.index_select(axis, indices.reshape(-1))
    except (IndexError, RuntimeError):
        _check_indices(indices, params.shape[axis])
        raise
    return taken.reshape(params.shape[:axis] + indices.shape + params.shape[axis + 1:])


def _check_indices(indices, size):
    """Raise InvalidArgumentError for the first index that is out of range."""
    for place in torch.nonzero((indices < 0) | (indices >= size)).tolist():
        where = f"[{','.join(map(str, place))}]" if place else ""
        index = int(indices[tuple(place)])
        raise errors.InvalidArgumentError(None, None, f"indices{where} = {index} is not in [0, {size})")


@moves_elements
def _gather_in_batches(params, indices, axis, batch_dims):
    """One gather for each index of the leading `batch_dims` axes."""
    _check_indices(indices, params.shape[axis])
    outer = params.shape[:batch_dims]
    if outer != indices.shape[:batch_dims]:
        raise ValueError(f"params.shape[{batch_dims - 1}] should be equal to indices.shape[{batch_dims - 1}]")
    between, after = params.shape[batch_dims:axis], params.shape[axis + 1:]
    flat = params.reshape(math.prod(outer), math.prod(between), params.shape[axis], math.prod(after))
    chosen = indices.reshape(math.prod(outer), -1).long()
    batch = torch.arange(flat.shape[0], device=params.device)[:, None]
    taken = flat.transpose(1, 2)[batch, chosen].transpose(1, 2)
    return taken.reshape(outer + between + indices.shape[batch_dims:] + after)


def _gather_v2(params, indices, axis, batch_dims, Tparams):
    rank = len(params.shape)
    if rank < 1 or not -rank <= axis < rank:
        raise ValueError(f"Shape must be at least rank {max(axis + 1, -axis, 1)} but is rank {rank}")
    axis %= rank
    if batch_dims:
        return _gather_in_batches(params, indices, axis, batch_dims + indices.dim() if batch_dims < 0 else batch_dims)
    taken = _gather_along(params, indices, axis)
    # One handle of a resource is the state itself.
    return taken.item() if Tparams is dtypes.resource and not taken.ndim else taken


def _gather(params, indices):
    if not params.shape:
        raise ValueError("params must be at least 1 dimensional")
    return _gather_along(params, indices)


def _gather_v2_value(op):
    params, indices, axis = map(constant_value, op._inputs)
    if params is None or indices is None or axis is None or op.attrs["batch_dims"]:
        return None
    rows = params.shape[int(axis)]
    if not ((indices >= 0) & (indices < rows)).all():
        # The kernel reports what is out of range, when it runs.
        return None
    return np.take(params, indices, int(axis))


define_op(
    "Gather", "params: Tparams, indices: Tindices -> output: Tparams",
    "validate_indices: bool = true, Tparams: type, Tindices: type in index",
    shape=_gather_shape, kernel=_gather, native=indexing_native.gather(_gather),
)  # fmt: skip

define_op(
    "GatherV2", "params: Tparams, indices: Tindices, axis: Taxis -> output: Tparams",
    "batch_dims: int = 0, Tparams: type, Tindices: type in index, Taxis: type in index",
    shape=_gather_v2_shape, kernel=_gather_v2, native=indexing_native.gather(_gather_v2), host="axis",
    value=_gather_v2_value,
)  # fmt: skip


def _params_shape(params):
    """The shape of what was gathered from, computed where it is: 64 bits cast to 32."""
    from reflow.ops.shape_ops import shape

    with colocate_with(params):
        return call("Cast", shape(params, out_type=dtypes.int64), DstT=dtypes.int32)


def _rows_gradient(grad, indices, params_shape):
    """The gradient of a gather of rows: the gradients of the rows, and which they are."""
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import expand_dims, reshape, size

    count = expand_dims(size(indices), 0)
    values = reshape(grad, concat([count, params_shape[1:]], 0))
    return IndexedSlices(values, reshape(indices, count), params_shape)


@gradient("Gather")
def _gather_gradient(op, grad):
    params, indices = op._inputs
    return [_rows_gradient(grad, indices, _params_shape(params)), None]


@gradient("GatherV2")
def _gather_v2_gradient(op, grad):
    from reflow.ops.shape_ops import expand_dims, size

    params, indices, axis = op._inputs
    params_shape = _params_shape(params)
    batch_dims = op.attrs["batch_dims"]
    if batch_dims < 0:
        batch_dims += len(indices.shape)
    if constant_int(axis) == 0:
        return [_rows_gradient(grad, indices, params_shape), None, None]
    indices_size = expand_dims(size(indices), 0)
    return [_axis_gradient(grad, indices, indices_size, params_shape, axis, batch_dims), None, None]


def _axis_gradient(grad, indices, indices_size, params_shape, axis, batch_dims):
    """The gathered axis is moved to the first place after the batch axes, summed over there, and moved back."""
    from reflow.ops.joining import concat
    from reflow.ops.permute import transpose
    from reflow.ops.shape_ops import reshape, size

    outer_shape, inner_shape = params_shape[:axis], params_shape[axis:][1:]
    values_shape = concat([outer_shape, [-1], inner_shape], 0)
    values_rank, axis_place = size(values_shape), size(outer_shape)
    batch_axes = call("Range", 0, batch_dims, 1)
    between_axes = call("Range", batch_dims, axis_place, 1)
    inner_axes = call("Range", axis_place + 1, values_rank, 1)
    values = reshape(grad, values_shape)
    values = transpose(values, concat([batch_axes, [axis_place], between_axes, inner_axes], 0))
    result = _summed_over_indices(params_shape, values, indices, indices_size, batch_dims, params_shape[axis])
    return transpose(result, concat([batch_axes, between_axes + 1, [batch_dims], inner_axes], 0))


def _summed_over_indices(params_shape, values, indices, indices_size, batch_dims, size_of_axis):
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import reshape, shape

    if not batch_dims:
        return call("UnsortedSegmentSum", values, reshape(indices, indices_size), size_of_axis)
    values_shape = shape(values)
    outer_shape, inner_shape = values_shape[:batch_dims], values_shape[batch_dims:][1:]
    batches = call("Prod", outer_shape, [0], keep_dims=False)
    flat_shape = concat([[-1], inner_shape], 0)
    if params_shape.dtype is not indices.dtype:
        params_shape = call("Cast", params_shape, DstT=indices.dtype)
    indices = _with_batch_offsets(params_shape, indices, batch_dims)
    values = reshape(values, flat_shape)
    summed = call("UnsortedSegmentSum", values, reshape(indices, indices_size), size_of_axis * batches)
    return reshape(summed, concat([outer_shape, flat_shape], 0))


def _with_batch_offsets(sizes, indices, batch_dims):
    """The indices into a tensor of shape `sizes` with its batch axes and the next one flattened into one."""
    from reflow.ops.constant import ones, zeros
    from reflow.ops.joining import stack
    from reflow.ops.shape_ops import reshape

    index_type = indices.dtype.base_dtype
    rank = len(indices.shape)
    stride, result = ones((), index_type), indices
    for axis in range(batch_dims, 0, -1):
        count = sizes[axis - 1]
        stride *= sizes[axis]
        start = zeros((), index_type)
        step = ones((), index_type)
        offsets = call("Range", start, count, step)
        offsets *= stride
        result += reshape(offsets, stack([1] * (axis - 1) + [count] + [1] * (rank - axis), axis=0))
    return result


@export("gather")
def gather(params, indices, validate_indices=None, name=None, axis=None, batch_dims=0):
    """The slices of a tensor with given numbers along one axis.

    Args:
      params: a tensor of rank 1 or more.
      indices: int32 or int64 tensor of any shape.
      validate_indices: accepted and not used: indices are always checked.
      name: the node's name.
      axis: int scalar, the axis of `params` that is indexed; `batch_dims` if None.
      batch_dims: how many leading axes `params` and `indices` share, index for index.

    Returns:
      A Tensor of shape params.shape[:axis] + indices.shape[batch_dims:] + params.shape[axis + 1:].

    Raises:
      InvalidArgumentError: when it runs, if an index is out of range.
    """
    if axis is None:
        axis = batch_dims
    static = constant_value(axis) if isinstance(axis, Tensor) else axis
    if static is None or static != 0:
        return call("GatherV2", params, indices, axis, batch_dims=batch_dims, name=name)
    try:
        return params.sparse_read(indices, name=name)
    except AttributeError:
        return call("GatherV2", params, indices, axis, name=name)


@export("batch_gather")
def batch_gather(params, indices, name=None):
    """`gather` along the last axis of `indices`, all axes before it being batch axes.

    Args:
      params: a tensor of shape [b1, ..., bn, m, ...].
      indices: int32 or int64 tensor of shape [b1, ..., bn, k].
      name: the node's name.

    Returns:
      A Tensor of shape [b1, ..., bn, k, ...].

    Raises:
      ValueError: if the rank of `indices` is not known.
    """
    with name_scope(name, "BatchGather", [params, indices]):
        indices = to_tensor(indices, name="indices")
        params = to_tensor(params, name="params")
        if indices.dims is None:
            raise ValueError("batch_gather does not allow indices with unknown shape.")
        return _batch_gather(params, indices, len(indices.dims) - 1)


def _batch_gather(params, indices, batch_dims):
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import reshape, shape

    if params.dims is not None and batch_dims >= len(params.dims):
        raise ValueError(f"batch_dims = {batch_dims} must be less than rank(params) = {len(params.dims)}")
    indices_shape, params_shape = shape(indices), shape(params)
    sizes = call("Cast", params_shape, DstT=indices.dtype.base_dtype)
    flat_indices = reshape(_with_batch_offsets(sizes, indices, batch_dims), [-1])
    outer_shape = params_shape[batch_dims + 1:]
    flat_size = call("Prod", params_shape[:batch_dims + 1], [0], keep_dims=False)
    flat_params = reshape(params, concat([[flat_size], outer_shape], axis=0))
    taken = gather(flat_params, flat_indices)
    result = reshape(taken, concat([indices_shape, outer_shape], axis=0))
    batch = indices.shape[:batch_dims].merge_with(params.shape[:batch_dims])
    result.set_shape(batch.concatenate(indices.shape[batch_dims:]).concatenate(params.shape[batch_dims + 1:]))
    return result


# --- GatherNd -----------------------------------------------------------------------------------------------------


def _gather_nd_shape(op):
    params, indices = op._inputs[0].dims, with_rank_at_least(op._inputs[1].dims, 1)
    if params is None or indices is None or indices[-1] is None:
        return [None]
    depth = indices[-1]
    if depth > len(params):
        raise ValueError(f"indices.shape[-1] must be <= params.rank, but saw indices shape: {list(indices)} and params "
                         f"shape: {list(params)}")  # fmt: skip
    return [indices[:-1] + params[depth:]]


@moves_elements
def _gather_nd(params, indices):
    depth = indices.shape[-1]
    if depth > params.dim():
        raise ValueError(f"index innermost dimension length must be <= params rank; saw: {depth} vs. {params.dim()}")
    if depth == 0:
        return params.expand(indices.shape[:-1] + params.shape)
    outer = params.shape[:depth]
    check_rows(indices, outer)
    inner = params.shape[depth:]
    taken = params.reshape(math.prod(outer), *inner).index_select(0, flat_rows(indices, outer))
    return taken.reshape(indices.shape[:-1] + inner)


def flat_rows(indices, dims):
    """The row-major numbers, a vector, of the places in `dims` that the rows of `indices` name."""
    if math.prod(dims) > _INT32_MAX:
        indices = indices.long()
    rows, *columns = indices.reshape(-1, len(dims)).unbind(-1)
    for column, size in zip(columns, dims[1:], strict=True):
        rows = torch.add(column, rows, alpha=size)
    return rows


def check_rows(indices, dims, words="indices{place} = {row} does not index into param shape {dims}"):
    """Raise InvalidArgumentError for the first row of `indices` that is outside of `dims`."""
    if not indices.numel():
        return
    lowest, highest = torch.aminmax(indices.reshape(-1, len(dims)), dim=0)
    if min(lowest.tolist()) >= 0 and all(high < size for high, size in zip(highest.tolist(), dims, strict=True)):
        return
    sizes = torch.tensor(tuple(dims), dtype=indices.dtype, device=indices.device)
    outside = ((indices < 0) | (indices >= sizes)).any(-1)
    for place in torch.nonzero(outside).tolist():
        row = indices[tuple(place)].tolist()
        text = words.format(place=str(place).replace(" ", ""), row=str(row).replace(" ", ""), dims=list(dims))
        raise errors.InvalidArgumentError(None, None, text)


define_op(
    "GatherNd", "params: Tparams, indices: Tindices -> output: Tparams", "Tparams: type, Tindices: type in index",
    shape=_gather_nd_shape, kernel=_gather_nd, native=indexing_native.gather_nd(_gather_nd), aliases=(0,),
)  # fmt: skip


@gradient("GatherNd")
def _gather_nd_gradient(op, grad):
    from reflow.ops.scattering import scatter_nd
    from reflow.ops.shape_ops import shape, squeeze

    params, indices = op._inputs
    params_shape = shape(params, out_type=indices.dtype.base_dtype)
    if indices.dims is not None and len(indices.dims) == 2 and indices.dims[-1] == 1:
        return [IndexedSlices(grad, squeeze(indices, axis=-1), params_shape), None]
    return [scatter_nd(indices, grad, params_shape), None]


@export("gather_nd", "manip.gather_nd")
def gather_nd(params, indices, name=None, batch_dims=0):
    """The slices of a tensor whose multi-dimensional numbers are the rows of `indices`.

    Args:
      params: a tensor of rank n.
      indices: int32 or int64 tensor of shape [..., k] with k <= n.
      name: the node's name.
      batch_dims: how many leading axes `params` and `indices` share, index for index.

    Returns:
      A Tensor of shape indices.shape[:-1] + params.shape[batch_dims + k:].

    Raises:
      InvalidArgumentError: when it runs, if a row is out of range.
    """
    static = constant_value(batch_dims) if isinstance(batch_dims, Tensor) else batch_dims
    if static != 0:
        return batch_gather_nd(params, indices, int(static), name)
    try:
        return params.gather_nd(indices, name=name)
    except AttributeError:
        return call("GatherNd", params, indices, name=name)


def batch_gather_nd(params, indices, batch_dims, name=None):
    """`gather_nd` with `batch_dims` leading axes in common: the batch numbers are put in front of the rows."""
    with name_scope(name, "BatchGatherND", [params, indices]):
        indices = to_tensor(indices, name="indices")
        params = to_tensor(params, name="params")
        if batch_dims < 0:
            raise ValueError("tf.gather_nd does not allow negative batch_dims.")
        for what, tensor in (("indices", indices), ("params", params)):
            if tensor.dims is not None and batch_dims >= len(tensor.dims):
                raise ValueError(f"batch_dims = {batch_dims} must be less than rank({what}) = {len(tensor.dims)}")
        return _batch_gather_nd(params, indices, batch_dims)


def _batch_gather_nd(params, indices, batch_dims):
    from reflow.ops.constant import ones
    from reflow.ops.grids import meshgrid
    from reflow.ops.joining import concat, stack, unstack
    from reflow.ops.padding import tile
    from reflow.ops.permute import transpose
    from reflow.ops.shape_ops import rank, reshape, shape

    params_shape, indices_shape = shape(params), shape(indices)
    batch_shape = params_shape[:batch_dims]
    batch_size = call("Prod", batch_shape, [0])
    inner_rank = rank(indices) - batch_dims - 1
    inner_shape = indices_shape[batch_dims:-1]
    ranges = [call("Cast", call("Range", 0, count, 1), DstT=indices.dtype.base_dtype) for count in unstack(batch_shape)]
    columns = [reshape(x, (-1,)) for x in meshgrid(*ranges, indexing="ij")]
    grid = transpose(stack(columns, axis=0))
    grid_shape = shape(grid)
    grid = reshape(grid, concat([grid_shape[:1], ones(inner_rank, dtype=dtypes.int32), grid_shape[1:]], axis=0))
    grid = tile(grid, concat(((1,), inner_shape, (1,)), axis=0))
    flat_indices = reshape(indices, concat(([batch_size], indices_shape[batch_dims:]), axis=0))
    taken = call("GatherNd", params, concat((grid, flat_indices), axis=-1))
    return reshape(taken, concat((batch_shape, shape(taken)[1:]), axis=0))
