"""Elements put in their places: ScatterNd and the TensorScatter ops, which return new tensors."""

import math

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.gathering import check_rows, flat_rows
from reflow.ops.native import indexing as indexing_native
from reflow.ops.shape_rules import merge, shape_from_input, with_rank_at_least
from reflow.ops.torch_types import array_of, tensor_of

# What ATen's scatters lack.
_NUMPY_TYPES = frozenset((torch.uint16, torch.uint32, torch.uint64))


def _checked_dims(target, indices, updates):
    """`target`, once the shapes of the three are known to fit."""
    indices = with_rank_at_least(indices, 1)
    if target is None or indices is None:
        return target
    depth = indices[-1]
    if depth is None or depth > len(target):
        return target
    if updates is not None:
        outer = len(indices) - 1
        if len(updates) != outer + len(target) - depth:
            raise ValueError(f"The rank of updates must be {outer + len(target) - depth} but is {len(updates)}")
        _merge_parts("outer", (indices, indices[:-1]), (updates, updates[:outer]), "indices")
        _merge_parts("inner", (target, target[depth:]), (updates, updates[outer:]), "output")
    return target


def _merge_parts(which, whole_and_part, updates_and_part, name):
    """Raise ValueError if the outer or inner sizes of a shape are not those of `updates`."""
    (whole, part), (updates, updated) = whole_and_part, updates_and_part
    try:
        merge(part, updated)
    except ValueError as error:
        raise ValueError(f"The {which} {len(part)} dimensions of {name}.shape={dims_in_brackets(whole)} must match the "
                         f"{which} {len(updated)} dimensions of updates.shape={dims_in_brackets(updates)}: {error}"
                         ) from None  # fmt: skip


# --- kernels ------------------------------------------------------------------------------------------------------


def _combined(tensor, indices, updates, how):
    """A copy of `tensor`, with `updates` added ("add"), subtracted ("sub") or put ("put") at the rows of `indices`."""
    depth = indices.shape[-1]
    if depth > len(tensor.shape):
        raise ValueError(f"The last dimension of indices ({depth}) must be at most the rank {len(tensor.shape)}")
    expected = indices.shape[:-1] + tensor.shape[depth:]
    if tuple(updates.shape) != tuple(expected):
        raise ValueError(f"Must have updates.shape = indices.shape[:-1] + params_shape[{depth}:], got updates.shape: "
                         f"{list(updates.shape)}, indices.shape: {list(indices.shape)}, params_shape: "
                         f"{list(tensor.shape)}")  # fmt: skip
    outer, inner = tensor.shape[:depth], tensor.shape[depth:]
    if indices.numel() == 0 and depth:
        return tensor.clone() if isinstance(tensor, torch.Tensor) else tensor.copy()
    check_rows(indices, outer, "indices{place} = {row} does not index into shape " + f"{list(tensor.shape)}")
    rows = flat_rows(indices, outer).long() if depth else indices.new_zeros(math.prod(indices.shape[:-1])).long()
    # ATen is quicker with vectors than with columns.
    width = [math.prod(inner)] if inner else []
    flat_updates = updates.reshape([rows.shape[0], *width])
    if isinstance(tensor, torch.Tensor) and tensor.dtype not in _NUMPY_TYPES:
        flat = tensor.reshape([math.prod(outer), *width]).clone(memory_format=torch.contiguous_format)
        return _TORCH_WAYS[how](flat, rows, flat_updates).reshape(tensor.shape)
    flat = np.array(array_of(tensor)).reshape([math.prod(outer), *width])
    _numpy_way(how, flat, rows.numpy(), array_of(flat_updates))
    return tensor_of(flat.reshape(tuple(tensor.shape)))


def _put(flat, rows, updates):
    # index_copy_ leaves open which of several updates of one row wins: TensorFlow takes the last.
    places = torch.arange(rows.shape[0], device=rows.device)
    last = rows.new_zeros(flat.shape[0]).scatter_reduce(0, rows, places, "amax", include_self=False)
    return flat.index_copy_(0, rows, updates[last[rows]])


_TORCH_WAYS = {
    "put": _put,
    "add": lambda flat, rows, updates: flat.index_add_(0, rows, updates),
    "sub": lambda flat, rows, updates: flat.index_add_(0, rows, updates, alpha=-1),
}


def _numpy_way(how, flat, rows, updates):
    if how == "put" or flat.dtype == object:
        flat[rows] = updates
    else:
        {"add": np.add, "sub": np.subtract}[how].at(flat, rows, updates)


def _scatter_nd(indices, updates, shape):
    if isinstance(updates, torch.Tensor):
        zeros = updates.new_zeros(shape)
    else:
        zeros = np.full(shape, b"", object)
    return _combined(zeros, indices, updates, "add")


def _tensor_scatter_update(tensor, indices, updates):
    return _combined(tensor, indices, updates, "put")


def _tensor_scatter_add(tensor, indices, updates):
    return _combined(tensor, indices, updates, "add")


def _tensor_scatter_sub(tensor, indices, updates):
    return _combined(tensor, indices, updates, "sub")


# --- ScatterNd ----------------------------------------------------------------------------------------------------


def _scatter_nd_shape(op):
    indices, updates, _ = op._inputs
    return [_checked_dims(shape_from_input(op, 2), indices.dims, updates.dims)]


define_op(
    "ScatterNd", "indices: Tindices, updates: T, shape: Tindices -> output: T", "T: type, Tindices: type in index",
    shape=_scatter_nd_shape, kernel=_scatter_nd, native=indexing_native.scatter_nd(_scatter_nd), host="shape",
)  # fmt: skip


@gradient("ScatterNd")
def _scatter_nd_gradient(op, grad):
    from reflow.ops.gathering import gather_nd

    return [None, gather_nd(grad, op._inputs[0]), None]


@export("scatter_nd", "manip.scatter_nd")
def scatter_nd(indices, updates, shape, name=None):
    """A tensor of zeros with `updates` added at the places that `indices` names.

    Args:
      indices: int32 or int64 tensor of shape [..., k].
      updates: a tensor of shape indices.shape[:-1] + shape[k:].
      shape: vector of the type of `indices`, the result's shape.
      name: the node's name.

    Returns:
      A Tensor of the type of `updates`. Updates of one place add up.

    Raises:
      ValueError: if the shapes do not fit.
      InvalidArgumentError: when it runs, if a row of `indices` is out of range.
    """
    return call("ScatterNd", indices, updates, shape, name=name)


# --- a changed copy of a tensor -----------------------------------------------------------------------------------


def _changed_shape(op):
    tensor, indices, updates = op._inputs
    return [_checked_dims(tensor.dims, indices.dims, updates.dims)]


_TENSOR_SCATTER = "tensor: T, indices: Tindices, updates: T -> output: T"
_TENSOR_SCATTER_ATTRS = "T: type, Tindices: type in index"

define_op("TensorScatterUpdate", _TENSOR_SCATTER, _TENSOR_SCATTER_ATTRS, shape=_changed_shape,
          kernel=_tensor_scatter_update)  # fmt: skip
define_op("TensorScatterAdd", _TENSOR_SCATTER, _TENSOR_SCATTER_ATTRS, shape=_changed_shape, kernel=_tensor_scatter_add)
define_op("TensorScatterSub", _TENSOR_SCATTER, _TENSOR_SCATTER_ATTRS, shape=_changed_shape, kernel=_tensor_scatter_sub)
define_op(
    "ScatterNdNonAliasingAdd", "input: T, indices: Tindices, updates: T -> output: T",
    "T: type in number|bool, Tindices: type in index", shape=_changed_shape, kernel=_tensor_scatter_add,
)  # fmt: skip


@gradient("TensorScatterUpdate")
def _tensor_scatter_update_gradient(op, grad):
    from reflow.ops.constant import zeros_like
    from reflow.ops.gathering import gather_nd
    from reflow.ops.identity import identity

    _, indices, updates = op._inputs
    grad_updates = gather_nd(grad, indices)
    grad_tensor = tensor_scatter_update(identity(grad), indices, zeros_like(updates, dtype=grad.dtype))
    return [grad_tensor, None, grad_updates]


@gradient("TensorScatterAdd")
def _tensor_scatter_add_gradient(op, grad):
    from reflow.ops.gathering import gather_nd
    from reflow.ops.identity import identity

    grad_updates = gather_nd(grad, op._inputs[1])
    return [identity(grad), None, grad_updates]


@gradient("TensorScatterSub")
def _tensor_scatter_sub_gradient(op, grad):
    from reflow.ops.gathering import gather_nd
    from reflow.ops.identity import identity

    grad_updates = gather_nd(grad, op._inputs[1])
    return [identity(grad), None, -grad_updates]


@gradient("ScatterNdNonAliasingAdd")
def _scatter_nd_non_aliasing_add_gradient(op, grad):
    from reflow.ops.gathering import gather_nd

    return [grad, None, gather_nd(grad, op._inputs[1])]


@export("tensor_scatter_update", "tensor_scatter_nd_update")
def tensor_scatter_update(tensor, indices, updates, name=None):
    """A copy of a tensor with `updates` at the places that `indices` names.

    Args:
      tensor: a tensor of rank n.
      indices: int32 or int64 tensor of shape [..., k] with k <= n.
      updates: a tensor of shape indices.shape[:-1] + tensor.shape[k:].
      name: the node's name.

    Returns:
      A Tensor like `tensor`. Of several updates of one place the last counts.

    Raises:
      InvalidArgumentError: when it runs, if a row of `indices` is out of range.
    """
    return call("TensorScatterUpdate", tensor, indices, updates, name=name)


@export("tensor_scatter_add", "tensor_scatter_nd_add")
def tensor_scatter_add(tensor, indices, updates, name=None):
    """A copy of a tensor with `updates` added at the places that `indices` names.

    Args:
      tensor: a tensor of rank n.
      indices: int32 or int64 tensor of shape [..., k] with k <= n.
      updates: a tensor of shape indices.shape[:-1] + tensor.shape[k:].
      name: the node's name.

    Returns:
      A Tensor like `tensor`. Updates of one place add up.

    Raises:
      InvalidArgumentError: when it runs, if a row of `indices` is out of range.
    """
    return call("TensorScatterAdd", tensor, indices, updates, name=name)


@export("tensor_scatter_sub", "tensor_scatter_nd_sub")
def tensor_scatter_sub(tensor, indices, updates, name=None):
    """A copy of a tensor with `updates` subtracted at the places that `indices` names.

    Args:
      tensor: a tensor of rank n.
      indices: int32 or int64 tensor of shape [..., k] with k <= n.
      updates: a tensor of shape indices.shape[:-1] + tensor.shape[k:].
      name: the node's name.

    Returns:
      A Tensor like `tensor`. Updates of one place add up.

    Raises:
      InvalidArgumentError: when it runs, if a row of `indices` is out of range.
    """
    return call("TensorScatterSub", tensor, indices, updates, name=name)
