"""The ops on TensorArrays, in the three versions that programs and files have.

The version says how the handle travels: as a `ref string`, a `string`, or a `resource`. Here it is the array itself
each time. The *flow*, a float without meaning, puts the operations on one array in order.
"""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.shape_rules import merge, merge_size, no_outputs, with_rank
from reflow.ops.tensor_array_state import TensorArrayState, empty
from reflow.ops.torch_types import FROM_TORCH, name_in_messages

_VERSIONS = {"": "ref string", "V2": "string", "V3": "resource"}
_FLOW = torch.zeros(())


def _fail(message: str):
    return errors.InvalidArgumentError(None, None, message)


def _stacked(parts: list):
    return torch.stack(parts) if isinstance(parts[0], torch.Tensor) else np.stack(parts)


def _joined(parts: list):
    return torch.cat(parts) if isinstance(parts[0], torch.Tensor) else np.concatenate(parts)


def _check_type(array: TensorArrayState, dtype, verb: str) -> None:
    if array.dtype != dtype:
        ours, theirs = (name_in_messages(FROM_TORCH.get(d, d)) for d in (array.dtype, dtype))
        raise _fail(f"TensorArray dtype is {ours} but Op {verb} dtype {theirs}.")


# --- kernels ----------------------------------------------------------------------------------------------------------


def _make(size, dtype, element_shape, dynamic_size, clear_after_read, identical_element_shapes=False):
    array = TensorArrayState(dtype, size, element_shape, dynamic_size, clear_after_read, identical_element_shapes)
    return array, _FLOW


def _make_without_flow(size, dtype, element_shape, dynamic_size, clear_after_read):
    return _make(size, dtype, element_shape, dynamic_size, clear_after_read)[0]


def _write(handle, index, value, flow_in, T):
    _check_type(handle, T, "is trying to write")
    handle.write(index, value)
    return flow_in


def _read(handle, index, flow_in, dtype):
    _check_type(handle, dtype, "requested")
    return handle.read(index)


def _gather(handle, indices, flow_in, dtype, element_shape):
    _check_type(handle, dtype, "requested")
    if not indices:
        dims = element_shape if handle.dims is None else merge(handle.dims, element_shape)
        if dims is None or None in dims:
            raise errors.UnimplementedError(
                None, None, f"TensorArray has size zero, but element shape {dims_in_brackets(dims)} is not fully "
                "defined. Currently only static shapes are supported when packing zero-size TensorArrays.")  # fmt: skip
        return empty(handle.dtype, (0, *dims))
    parts = [handle.read(i) for i in indices]
    for i, part in enumerate(parts):
        if part.shape != parts[0].shape:
            raise _fail(f"TensorArray has inconsistent shapes.  Index 0 has shape: "
                        f"{dims_in_brackets(tuple(parts[0].shape))} but index {i} has shape: "
                        f"{dims_in_brackets(tuple(part.shape))}")  # fmt: skip
    return _stacked(parts)


def _pack(handle, flow_in, dtype, element_shape):
    return _gather(handle, list(range(len(handle))), flow_in, dtype, element_shape)


def _scatter(handle, indices, value, flow_in, T):
    _check_type(handle, T, "is trying to write")
    if not value.ndim:
        raise _fail("Input value for unpack must be at least a vector but received shape: []")
    if len(indices) != value.shape[0]:
        raise _fail(f"Expected len(indices) == values.shape[0], but saw: {len(indices)} vs. {value.shape[0]}")
    for index, part in zip(indices, value, strict=True):
        handle.write(index, part if isinstance(part, torch.Tensor) else np.asarray(part, object))
    return flow_in


def _unpack(handle, value, flow_in, T):
    return _scatter(handle, list(range(value.shape[0])), value, flow_in, T)


def _concat(handle, flow_in, dtype, element_shape_except0):
    _check_type(handle, dtype, "requested")
    parts = [handle.read(i) for i in range(len(handle))]
    if not parts:
        dims = element_shape_except0
        if dims is None or None in dims:
            raise errors.UnimplementedError(
                None, None, f"TensorArray has size zero, but element_shape_except0 {dims_in_brackets(dims)} is not "
                "fully defined. Currently only static shapes are supported when concatenating zero-size "
                "TensorArrays.")  # fmt: skip
        return empty(handle.dtype, (0, *dims)), torch.zeros(0, dtype=torch.int64)
    for i, part in enumerate(parts):
        if not part.ndim:
            raise _fail(f"Concat saw a scalar shape at index {i} but requires at least vectors.  Did you mean to call "
                        "pack?")  # fmt: skip
        if part.shape[1:] != parts[0].shape[1:]:
            raise _fail("TensorArray has inconsistent shapes.  Index 0 has (excepting dimension 0) shape: "
                        f"{dims_in_brackets(tuple(parts[0].shape[1:]))} but index {i} has (excepting dimension 0) "
                        f"shape: {dims_in_brackets(tuple(part.shape[1:]))}")  # fmt: skip
    return _joined(parts), torch.tensor([part.shape[0] for part in parts])


def _split(handle, value, lengths, flow_in, T):
    _check_type(handle, T, "is trying to write")
    if not value.ndim:
        raise _fail("Expected value to be at least a vector, but received shape: []")
    if sum(lengths) != value.shape[0]:
        raise _fail(f"Expected sum of lengths to be equal to values.shape[0], but sum of lengths is {sum(lengths)} and "
                    f"value's shape is: {dims_in_brackets(tuple(value.shape))} ")  # fmt: skip
    start = 0
    for index, length in enumerate(lengths):
        handle.write(index, value[start:start + length])
        start += length
    return flow_in


def _gradient_array(handle, flow_in, source):
    return handle.gradient(source)


def _gradient_array_and_flow(handle, flow_in, source):
    return handle.gradient(source), flow_in


def _gradient_array_with_shape(handle, flow_in, shape_to_prepend, source):
    return handle.gradient(source, tuple(shape_to_prepend)), flow_in


def _size(handle, flow_in):
    return torch.tensor(len(handle), dtype=torch.int32)


def _close(handle):
    handle.close()


# --- shape rules ------------------------------------------------------------------------------------------------------


def _scalar_at(*positions):
    """The rule of an op whose inputs at `positions` are scalars, and whose outputs are flows."""

    def rule(op):
        for position in positions:
            with_rank(op._inputs[position].dims, 0)
        return [()] * len(op.op_def.outputs)

    return rule


def _handle_shape(op):
    with_rank(op._inputs[0].dims, 0)
    return [(2,), ()][:len(op.op_def.outputs)]


def _gradient_shape(op):
    return [(2,), ()][:len(op.op_def.outputs)]


def _unknown_value(op):
    return [None, (None,)][:len(op.op_def.outputs)]


def _gather_shape(op):
    """Known for arrays that were made with the shape of their elements; `TensorArray.gather` tells what it inferred."""
    indices, array = with_rank(op._inputs[1].dims, 1), op._inputs[0].op
    element = array.attrs.get("element_shape")
    return [None if element is None else (*indices, *element)]


def _scatter_shape(op):
    indices, value = with_rank(op._inputs[1].dims, 1), op._inputs[2].dims
    if value:
        merge_size(indices[0], value[0])
    with_rank(op._inputs[3].dims, 0)
    return [()]


# --- ops --------------------------------------------------------------------------------------------------------------

_SHAPE = "element_shape: shape = ?"
_MAKE = 'dtype: type, {}dynamic_size: bool = false, clear_after_read: bool = true, {}tensor_array_name: string = ""{}'


def _define(version: str, handle: str) -> None:
    """The ops of one version."""
    stateful = version == "V3"
    name = "TensorArray{}" + version

    def op(kind, signature, attrs="", **rules):
        rules.setdefault("is_stateful", stateful)
        define_op(name.format(kind), signature.format(handle=handle), attrs, **rules)

    identical = "identical_element_shapes: bool = false, " if stateful else ""
    # The first version had no element_shape in the beginning: there it stands at the end.
    attrs = _MAKE.format(f"{_SHAPE}, ", identical, "") if version else _MAKE.format("", "", f", {_SHAPE}")
    op("", "size: int32 -> handle: {handle}" + (", flow: float" if stateful else ""), attrs, host="size",
       shape=_handle_shape, is_stateful=True, kernel=_make if stateful else _make_without_flow,
       gradient=None)  # fmt: skip
    op("Write", "handle: {handle}, index: int32, value: T, flow_in: float -> flow_out: float", "T: type",
       host="index", shape=_scalar_at(1, 3), kernel=_write)  # fmt: skip
    op("Read", "handle: {handle}, index: int32, flow_in: float -> value: dtype", "dtype: type", host="index",
       shape=_unknown_value, kernel=_read)  # fmt: skip
    op("Gather", "handle: {handle}, indices: int32, flow_in: float -> value: dtype", f"dtype: type, {_SHAPE}",
       host="indices", shape=_gather_shape, kernel=_gather)  # fmt: skip
    op("Scatter", "handle: {handle}, indices: int32, value: T, flow_in: float -> flow_out: float", "T: type",
       host="indices", shape=_scatter_shape, kernel=_scatter)  # fmt: skip
    op("Concat", "handle: {handle}, flow_in: float -> value: dtype, lengths: int64",
       "dtype: type, element_shape_except0: shape = ?", shape=_unknown_value, kernel=_concat)  # fmt: skip
    op("Split", "handle: {handle}, value: T, lengths: int64, flow_in: float -> flow_out: float", "T: type",
       host="lengths", shape=_scalar_at(3), kernel=_split)  # fmt: skip
    op("Size", "handle: {handle}, flow_in: float -> size: int32", shape=_scalar_at(1), kernel=_size, gradient=None)
    op("Close", "handle: {handle} ->", shape=no_outputs, kernel=_close, writes=True, gradient=None)


for _version, _handle in _VERSIONS.items():
    _define(_version, _handle)

define_op("TensorArrayPack", "handle: ref string, flow_in: float -> value: dtype", f"dtype: type, {_SHAPE}",
          shape=_unknown_value, kernel=_pack)  # fmt: skip
define_op("TensorArrayUnpack", "handle: ref string, value: T, flow_in: float -> flow_out: float", "T: type",
          shape=_scalar_at(2), kernel=_unpack)  # fmt: skip
define_op("TensorArrayGrad", "handle: string, flow_in: float -> grad_handle: ref string", "source: string",
          shape=_gradient_shape, kernel=_gradient_array, is_stateful=True, gradient=None)  # fmt: skip
define_op("TensorArrayGradV2", "handle: string, flow_in: float -> grad_handle: string", "source: string",
          shape=_gradient_shape, kernel=_gradient_array, is_stateful=True, gradient=None)  # fmt: skip
define_op("TensorArrayGradV3", "handle: resource, flow_in: float -> grad_handle: resource, flow_out: float",
          "source: string", shape=_gradient_shape, kernel=_gradient_array_and_flow, is_stateful=True,
          gradient=None)  # fmt: skip
define_op("TensorArrayGradWithShape",
          "handle: resource, flow_in: float, shape_to_prepend: int32 -> grad_handle: resource, flow_out: float",
          "source: string", shape=_gradient_shape, kernel=_gradient_array_with_shape, host="shape_to_prepend",
          is_stateful=True, gradient=None)  # fmt: skip


# --- gradients --------------------------------------------------------------------------------------------------------


def _source_of(tensor) -> str:
    """The scope of the call of `tf.gradients` that made a tensor: each call has its own array of gradients.

    Raises:
      ValueError: if the scope's name does not start with "gradients".
    """
    parts = tensor.name.split("/")
    positions = [i for i, part in enumerate(parts) if part.startswith("gradients")]
    if not positions:
        raise ValueError(f"Expected op/tensor name to start with gradients (excluding scope), got: {tensor.name}. This "
                         "means that a tf.gradients op with this op in its dependency path has a custom name that does "
                         "not start with 'gradients'. Please make sure all calls to tf.gradients that have non-empty "
                         "'name' arguments use names that start with 'gradients'.")  # fmt: skip
    return "/".join(parts[: positions[-1] + 1])


def _gradients_of(op, dtype, flow, grad):
    """The TensorArray that collects the gradients of the array that `op` uses."""
    from reflow.ops.tensor_array import TensorArray

    array = TensorArray(dtype=dtype, handle=op.inputs[0], flow=flow, colocate_with_first_write_call=False)
    return array.grad(source=_source_of(grad), flow=flow)


@gradient(*[f"TensorArrayRead{v}" for v in _VERSIONS])
def _read_gradient(op, grad):
    _, index, flow = op.inputs
    return None, None, _gradients_of(op, op.attrs["dtype"], flow, grad).write(index, grad).flow


@gradient(*[f"TensorArrayWrite{v}" for v in _VERSIONS])
def _write_gradient(op, flow):
    return None, None, _gradients_of(op, op.attrs["T"], flow, flow).read(op.inputs[1]), flow


@gradient(*[f"TensorArrayGather{v}" for v in _VERSIONS])
def _gather_gradient(op, grad):
    _, indices, flow = op.inputs
    return None, None, _gradients_of(op, op.attrs["dtype"], flow, grad).scatter(indices, grad).flow


@gradient(*[f"TensorArrayScatter{v}" for v in _VERSIONS])
def _scatter_gradient(op, flow):
    return None, None, _gradients_of(op, op.attrs["T"], flow, flow).gather(op.inputs[1]), flow


@gradient(*[f"TensorArrayConcat{v}" for v in _VERSIONS])
def _concat_gradient(op, grad, _):
    gradients = _gradients_of(op, op.attrs["dtype"], op.inputs[1], grad)
    return None, gradients.split(grad, lengths=op.outputs[1]).flow


@gradient(*[f"TensorArraySplit{v}" for v in _VERSIONS])
def _split_gradient(op, flow):
    return None, _gradients_of(op, op.attrs["T"], flow, flow).concat(), None, flow
