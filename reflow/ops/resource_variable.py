"""Resource variables: handles, reading, assignment and gathering. Their scatter ops stand in scatter_state.py."""

import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import Dims, dims_in_brackets
from reflow.ops.resources import VariableState, handle_resource
from reflow.ops.scatter_state import check_rows
from reflow.ops.shape_rules import merge, no_outputs, scalar, with_rank
from reflow.ops.state import count_up, is_initialized, own_copy, signed_view

# Ops that pass a handle on unchanged: through them the handle's VarHandleOp is found.
_PASSES_ON = {"Switch", "RefSwitch", "Enter", "RefEnter", "Exit", "Identity", "NextIteration", "Merge", "LoopCond"}


def handle_shape_and_type(handle: Tensor):
    """(raw dims, DType) of the variable that `handle` stands for, or (None, None) where construction cannot tell."""
    operation = handle.op
    while operation.type in _PASSES_ON and operation._inputs:
        handle = operation._inputs[handle.value_index if operation.type == "IdentityN" else 0]
        operation = handle.op
    if operation.type == "VarHandleOp":
        return operation.attrs["shape"], operation.attrs["dtype"]
    return getattr(handle, "_handle_shape_and_type", (None, None))


def _handle_dims(op, position: int = 0) -> Dims:
    """The shape of the variable behind an input; checks that the op's `dtype` is the variable's."""
    dims, dtype = handle_shape_and_type(op._inputs[position])
    wanted = op.attrs.get("dtype")
    if None not in (dtype, wanted) and dtype is not wanted:
        raise ValueError(f"Trying to read variable with wrong dtype. Expected {wanted.name} got {dtype.name}")
    return dims


define_op("VarHandleOp", "-> resource: resource",
          'container: string = "", shared_name: string = "", dtype: type, shape: shape', shape=scalar,
          resource=handle_resource, is_stateful=True)  # fmt: skip


# --- reading ------------------------------------------------------------------------------------------------------


def _read_shape(op):
    return [_handle_dims(op)]


def _lower_read(call):
    """The scheduler sets `copy` where the variable changes in place while the value read is still wanted."""
    if not call.attrs.get("copy"):
        return None
    return f"{call.args[0]}.read().{'copy' if call.attrs['dtype'] is dtypes.string else 'clone'}()"


define_op("ReadVariableOp", "resource: resource -> value: dtype", "dtype: type", shape=_read_shape,
          kernel="{resource}.read()", lower=_lower_read, aliases=(0,), is_stateful=True)  # fmt: skip
define_op("VarIsInitializedOp", "resource: resource -> is_initialized: bool", shape=scalar, kernel=is_initialized,
          is_stateful=True, gradient=None)  # fmt: skip


@gradient("ReadVariableOp")
def _read_gradient(op, grad):
    return grad


def _variable_shape_shape(op):
    dims = _handle_dims(op)
    return [(None if dims is None else len(dims),)]


def _variable_shape(state: VariableState, out_type) -> torch.Tensor:
    return torch.tensor(state.current().shape, dtype=out_type)


define_op("VariableShape", "input: resource -> output: out_type", "out_type: type in index = int32",
          shape=_variable_shape_shape, kernel=_variable_shape, is_stateful=True, gradient=None,
          value_dims=lambda op: _handle_dims(op))  # fmt: skip


def _gather_shape(op):
    dims, indices = _handle_dims(op), op._inputs[1].dims
    if dims is None or indices is None:
        return [None]
    if not dims:
        raise ValueError("Shape must be at least rank 1 but is rank 0")
    batch = op.attrs["batch_dims"]
    return [dims[:batch] + indices[batch:] + dims[batch + 1:]]


def _gather(state: VariableState, indices, batch_dims):
    value = state.current()
    if value.ndim < 1:
        raise errors.InvalidArgumentError(None, None, "params must be at least 1 dimensional")
    check_rows(indices, value.shape[batch_dims])
    if batch_dims:
        flat = value.flatten(0, batch_dims - 1)
        rows = indices.reshape(flat.shape[0], -1).long()
        picked = torch.stack([part[row] for part, row in zip(flat, rows, strict=True)])
        return picked.reshape([*indices.shape, *value.shape[batch_dims + 1:]])
    if not isinstance(value, torch.Tensor):
        return value[indices.numpy()]
    if indices.ndim == 1:
        return signed_view(value).index_select(0, indices).view(value.dtype)
    picked = signed_view(value).index_select(0, indices.reshape(-1)).view(value.dtype)
    return picked.reshape([*indices.shape, *value.shape[1:]])


define_op("ResourceGather", "resource: resource, indices: Tindices -> output: dtype",
          "batch_dims: int = 0, validate_indices: bool = true, dtype: type, Tindices: type in index",
          shape=_gather_shape, kernel=_gather, is_stateful=True)  # fmt: skip


@gradient("ResourceGather")
def _gather_gradient(op, grad):
    from reflow.ops.joining import concat
    from reflow.ops.shape_ops import expand_dims, reshape, size

    handle, indices = op.inputs
    shape = variable_shape(handle)
    count = expand_dims(size(indices), 0)
    values = reshape(grad, concat([count, shape[1:]], 0))
    return IndexedSlices(values, reshape(indices, count), shape), None


def _gather_nd_shape(op):
    dims, indices = _handle_dims(op), op._inputs[1].dims
    if dims is None or not indices or indices[-1] is None:
        return [None]
    if indices[-1] > len(dims):
        raise ValueError("indices.shape[-1] must be <= params.rank, but saw indices shape: "
                         f"{dims_in_brackets(indices)} and params shape: {dims_in_brackets(dims)}")  # fmt: skip
    return [indices[:-1] + dims[indices[-1]:]]


def _gather_nd(state: VariableState, indices):
    value = state.current()
    columns = indices.long().unbind(-1)
    sizes = torch.tensor(value.shape[: len(columns)])
    outside = ((indices < 0) | (indices >= sizes)).any(-1).reshape(-1)
    if outside.any():
        position = int(outside.nonzero()[0])
        row = indices.reshape(-1, len(columns))[position].tolist()
        raise errors.InvalidArgumentError(
            None, None,
            f"indices[{position}] = {row} does not index into param shape {dims_in_brackets(tuple(value.shape))}",
        )  # fmt: skip
    if not isinstance(value, torch.Tensor):
        return value[tuple(c.numpy() for c in columns)]
    return value[columns] if columns else value.expand(*indices.shape[:-1], *value.shape)


define_op("ResourceGatherNd", "resource: resource, indices: Tindices -> output: dtype",
          "dtype: type, Tindices: type in index", shape=_gather_nd_shape, kernel=_gather_nd,
          is_stateful=True)  # fmt: skip


@gradient("ResourceGatherNd")
def _gather_nd_gradient(op, grad):
    from reflow.ops.shape_ops import squeeze

    handle, indices = op.inputs
    shape = variable_shape(handle, out_type=indices.dtype)
    if indices.dims is not None and len(indices.dims) == 2 and indices.dims[-1] == 1:
        return IndexedSlices(grad, squeeze(indices, axis=-1), shape), None
    return call("ScatterNd", indices, grad, shape), None


def variable_shape(handle: Tensor, out_type=dtypes.int32) -> Tensor:
    """The shape of the variable behind `handle` as a vector: a constant where construction can tell it."""
    dims, _ = handle_shape_and_type(handle)
    if dims is None or None in dims:
        return call("VariableShape", handle, out_type=out_type)
    from reflow.ops.constant import constant

    return constant(list(dims), dtype=out_type)


# --- changing -----------------------------------------------------------------------------------------------------


def _assign_variable_shape(op):
    """The value must fit what the handle declares."""
    dims, dtype = handle_shape_and_type(op._inputs[0])
    if dtype is not None and dtype is not op.attrs["dtype"]:
        raise ValueError(f"Trying to assign variable with wrong dtype. Expected {dtype.name} got "
                         f"{op.attrs['dtype'].name}")  # fmt: skip
    merge(dims, op._inputs[1].dims)
    return []


def _assign_variable(state: VariableState, value) -> None:
    state.value = own_copy(value)


def _change_in_place(name: str, change):
    """The kernel `name` that runs `change(variable's tensor, value)` on equal shapes."""

    def kernel(state: VariableState, value) -> None:
        old = state.current()
        if old.shape != value.shape:
            raise errors.InvalidArgumentError(
                None, None,
                f"Cannot update variable with shape {dims_in_brackets(tuple(old.shape))} using a Tensor with shape "
                f"{dims_in_brackets(tuple(value.shape))}, shapes must be equal.",
            )  # fmt: skip
        with state.lock:
            change(signed_view(old), signed_view(value))

    kernel.__name__ = name
    return kernel


define_op("AssignVariableOp", "resource: resource, value: dtype ->", "dtype: type", shape=_assign_variable_shape,
          kernel=_assign_variable, writes=True, is_stateful=True)  # fmt: skip
define_op("AssignAddVariableOp", "resource: resource, value: dtype ->", "dtype: type", shape=_assign_variable_shape,
          kernel=_change_in_place("assign_add_variable", torch.Tensor.add_), writes=True, is_stateful=True)  # fmt: skip
define_op("AssignSubVariableOp", "resource: resource, value: dtype ->", "dtype: type", shape=_assign_variable_shape,
          kernel=_change_in_place("assign_sub_variable", torch.Tensor.sub_), writes=True, is_stateful=True)  # fmt: skip


def _count_up_shape(op):
    dims, dtype = handle_shape_and_type(op._inputs[0])
    with_rank(dims, 0)
    if dtype is not None and dtype is not op.attrs["T"]:
        raise ValueError(f"Data type mismatch: expected {dtype.name} but got {op.attrs['T'].name}")
    return [()]


define_op("ResourceCountUpTo", "resource: resource -> output: T", "limit: int, T: type in index",
          shape=_count_up_shape, kernel=count_up, writes=True, is_stateful=True)  # fmt: skip


def _destroy(state: VariableState, ignore_lookup_error) -> None:
    if state.value is None and not ignore_lookup_error:
        state.current()
    state.value = None


define_op("DestroyResourceOp", "resource: resource ->", "ignore_lookup_error: bool = true", shape=no_outputs,
          kernel=_destroy, writes=True, is_stateful=True)  # fmt: skip
