"""Sparse tensors as strings or variants, and kept in a session's map from handles."""

import itertools
import threading

import numpy as np
import torch
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.tensor_pb2 import TensorProto

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import colocate_with
from reflow.graph.export import export
from reflow.graph.operation import Operation
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.graph.sparse_tensor import SparseTensor
from reflow.graph.tensor_proto import proto_to_ndarray
from reflow.ops.shape_rules import scalar, vector, with_rank, with_rank_at_least
from reflow.ops.sparse_coordinates import as_sparse_tensor, check_parts, in_brackets, invalid, take
from reflow.ops.torch_types import FROM_TORCH, array_of, tensor_of

# --- one tensor as bytes ------------------------------------------------------------------------------------------


def _varint(number: int) -> bytes:
    digits = bytearray()
    while number > 127:
        digits.append(number & 127 | 128)
        number >>= 7
    return bytes([*digits, number])


def _to_bytes(tensor) -> bytes:
    """A TensorProto that has all elements in `tensor_content`: of strings the lengths come first, as varints."""
    array = array_of(tensor)
    dtype = FROM_TORCH[tensor.dtype] if isinstance(tensor, torch.Tensor) else dtypes.string
    proto = TensorProto(dtype=dtype.as_datatype_enum)
    for size in array.shape:
        proto.tensor_shape.dim.add().size = size
    proto.tensor_shape.SetInParent()
    if array.dtype == object:
        texts = array.reshape(-1).tolist()
        proto.tensor_content = b"".join([*(_varint(len(text)) for text in texts), *texts])
    else:
        proto.tensor_content = np.ascontiguousarray(array).tobytes()
    return proto.SerializeToString(deterministic=True)


def _from_bytes(data: bytes, what: str):
    try:
        proto = TensorProto.FromString(data)
        if proto.dtype == dtypes.string.as_datatype_enum and proto.tensor_content:
            return _strings(proto)
        return tensor_of(np.array(proto_to_ndarray(proto)))
    except (DecodeError, TypeError, ValueError, IndexError) as error:
        raise invalid(f"Could not parse serialized_sparse[{what}]") from error


def _strings(proto):
    content, position, lengths = proto.tensor_content, 0, []
    dims = [dim.size for dim in proto.tensor_shape.dim]
    strings = np.empty(int(np.prod(dims)), object)
    for _ in range(strings.size):
        number = shift = 0
        while content[position] & 128:
            number |= (content[position] & 127) << shift
            position, shift = position + 1, shift + 7
        lengths.append(number | content[position] << shift)
        position += 1
    if position + sum(lengths) != len(content):
        raise ValueError("the lengths of strings do not add up")
    for i, length in enumerate(lengths):
        strings[i] = content[position : position + length]
        position += length
    return strings.reshape(dims)


# --- batches ------------------------------------------------------------------------------------------------------


def _elements(indices, values, shape):
    """The sparse tensors that a sparse tensor has along its first axis."""
    check_parts(indices, values, shape)
    if len(shape) < 2:
        raise invalid(f"Rank of input SparseTensor should be > 1, but saw rank: {len(shape)}")
    rows = indices[:, 0].contiguous()
    if bool((rows[1:] < rows[:-1]).any()):
        raise invalid("Indices are out of order. Many sparse ops require sorted indices.")
    count = int(shape[0])
    if len(rows) and not 0 <= int(rows[0]) <= int(rows[-1]) < count:
        raise invalid(f"Received unexpected batch index: {int(rows[-1])} is not in [0, {count})")
    ends = torch.searchsorted(rows, torch.arange(count), right=True).tolist()
    for start, end in itertools.pairwise([0, *ends]):
        places = torch.arange(start, end)
        yield indices[start:end, 1:].clone(), take(values, places), shape[1:].clone()


def _stacked(elements, outer: list[int]):
    """Sparse tensors of one rank put together under leading axes of sizes `outer`."""
    if not elements:
        raise invalid("Must have at least 1 serialized SparseTensor, but input matrix has 0 rows")
    rank = len(elements[0][2])
    for i, (indices, values, shape) in enumerate(elements):
        check_parts(indices, values, shape)
        if len(shape) != rank:
            raise invalid(f"Inconsistent shape across SparseTensors: rank prior to SparseTensor[{i}] was: {rank} but "
                          f"rank of SparseTensor[{i}] is: {len(shape)}")  # fmt: skip
    indices = []
    for place, (rows, _, _) in zip(np.ndindex(*outer), elements, strict=True):
        leading = torch.tensor(place, dtype=torch.int64).expand(len(rows), len(outer))
        indices.append(torch.cat([leading, rows], 1))
    values = [values for _, values, _ in elements]
    joined = torch.cat(values) if isinstance(values[0], torch.Tensor) else np.concatenate(values)
    largest = torch.stack([shape for _, _, shape in elements]).amax(0)
    return torch.cat(indices), joined, torch.cat([torch.tensor(outer, dtype=torch.int64), largest])


# --- serialization ------------------------------------------------------------------------------------------------


def _packed(parts, out_type):
    """A sparse tensor's parts as a row of strings, or of variants that hold them."""
    row = np.empty(3, object)
    row[:] = [_to_bytes(part) for part in parts] if out_type is dtypes.string else list(parts)
    return row


def _serialize_sparse(sparse_indices, sparse_values, sparse_shape, out_type):
    check_parts(sparse_indices, sparse_values, sparse_shape)
    return _packed((sparse_indices, sparse_values, sparse_shape), out_type)


def _serialize_many_sparse(sparse_indices, sparse_values, sparse_shape, out_type):
    rows = [_packed(parts, out_type) for parts in _elements(sparse_indices, sparse_values, sparse_shape)]
    return np.stack(rows) if rows else np.empty((0, 3), object)


def _deserialized(serialized, dtype):
    """The sparse tensors in rows of three strings or variants."""
    if serialized.shape[-1:] != (3,):
        raise invalid(f"Serialized sparse should have 3 as the last dimension {in_brackets(serialized.shape)}")
    elements = []
    for i, row in enumerate(serialized.reshape(-1, 3)):
        parts = [_from_bytes(part, f"{i}, {j}") if isinstance(part, bytes) else part for j, part in enumerate(row)]
        actual = FROM_TORCH[parts[1].dtype] if isinstance(parts[1], torch.Tensor) else dtypes.string
        wanted = FROM_TORCH.get(dtype, dtype)
        if actual is not wanted:
            raise invalid(f"Requested SparseTensor of type {wanted.name} but SparseTensor[{i}].values.dtype() == "
                          f"{actual.name}")  # fmt: skip
        elements.append(parts)
    return elements


def _deserialize_sparse(serialized_sparse, dtype):
    outer = list(serialized_sparse.shape[:-1])
    elements = _deserialized(serialized_sparse, dtype)
    if not outer:
        check_parts(*elements[0])
        return tuple(elements[0])
    return _stacked(elements, outer)


def _deserialize_many_sparse(serialized_sparse, dtype):
    if serialized_sparse.ndim != 2:
        raise invalid(f"Serialized sparse should be a matrix but received shape {in_brackets(serialized_sparse.shape)}")
    return _stacked(_deserialized(serialized_sparse, dtype), [serialized_sparse.shape[0]])


_PARTS = "sparse_indices: int64, sparse_values: {T}, sparse_shape: int64"
_INPUTS, _OUTPUTS = _PARTS.format(T="T"), _PARTS.format(T="dtype")


def _unknown_parts(op) -> list[Dims]:
    return [(None, None), (None,), (None,)]


def _deserialize_sparse_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    if dims is not None and dims[-1] not in (None, 3):
        raise ValueError(f"Dimension must be 3 but is {dims[-1]}")
    return _unknown_parts(op)


def _deserialize_many_shape(op):
    with_rank(op._inputs[0].dims, 2)
    return _deserialize_sparse_shape(op)


define_op("SerializeSparse", f"{_INPUTS} -> serialized_sparse: out_type",
          "T: type, out_type: type in string|variant = string", shape=vector(3), kernel=_serialize_sparse)  # fmt: skip
define_op("SerializeManySparse", f"{_INPUTS} -> serialized_sparse: out_type",
          "T: type, out_type: type in string|variant = string", shape=lambda op: [(None, 3)],
          kernel=_serialize_many_sparse)  # fmt: skip
define_op("DeserializeSparse", f"serialized_sparse: Tserialized -> {_OUTPUTS}",
          "dtype: type, Tserialized: type in string|variant = string", shape=_deserialize_sparse_shape,
          kernel=_deserialize_sparse)  # fmt: skip
define_op("DeserializeManySparse", f"serialized_sparse: string -> {_OUTPUTS}", "dtype: type",
          shape=_deserialize_many_shape, kernel=_deserialize_many_sparse)  # fmt: skip


@export("io.serialize_sparse", "serialize_sparse")
def serialize_sparse(sp_input, name=None, out_type=dtypes.string):
    """A SparseTensor as a vector of three strings: its indices, values and shape.

    Args:
      sp_input: a SparseTensor.
      name: a name for the operation.
      out_type: tf.string, or tf.variant, which costs no conversion.

    Returns:
      A vector [3] of type `out_type`.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
    """
    sp_input = as_sparse_tensor(sp_input)
    return call("SerializeSparse", sp_input.indices, sp_input.values, sp_input.dense_shape, name=name,
                out_type=out_type)  # fmt: skip


@export("io.serialize_many_sparse", "serialize_many_sparse")
def serialize_many_sparse(sp_input, name=None, out_type=dtypes.string):
    """The elements of a batch of sparse tensors as three strings each.

    Args:
      sp_input: a SparseTensor of rank 2 or more, its values in row-major order; the first axis is the batch.
      name: a name for the operation.
      out_type: tf.string, or tf.variant, which costs no conversion.

    Returns:
      A matrix [batch, 3] of type `out_type`.

    Raises:
      TypeError: if `sp_input` is no SparseTensor.
      InvalidArgumentError: when it runs, if the rank is less than 2.
    """
    sp_input = as_sparse_tensor(sp_input)
    return call("SerializeManySparse", sp_input.indices, sp_input.values, sp_input.dense_shape, name=name,
                out_type=out_type)  # fmt: skip


def deserialize_sparse(serialized_sparse, dtype, rank=None, name=None):
    """The SparseTensor of strings or variants that `serialize_sparse` or `serialize_many_sparse` made.

    Args:
      serialized_sparse: a tensor [..., 3] of strings or variants.
      dtype: the type of the values.
      rank: the rank of the result, if it is known.
      name: a name for the operation.

    Returns:
      A SparseTensor, in which the axes before the last one are batches.
    """
    return _of_rank(call("DeserializeSparse", serialized_sparse, name=name, dtype=dtype), rank)


@export("io.deserialize_many_sparse", "deserialize_many_sparse")
def deserialize_many_sparse(serialized_sparse, dtype, rank=None, name=None):
    """The batch of sparse tensors that `serialize_many_sparse` made strings of.

    Args:
      serialized_sparse: a matrix [batch, 3] of strings.
      dtype: the type of the values.
      rank: the rank of the elements, if it is known.
      name: a name for the operation.

    Returns:
      A SparseTensor with an axis for the batch before the others; its other sizes are the greatest of all elements.

    Raises:
      InvalidArgumentError: when it runs, if a string is no tensor, or types or ranks differ.
    """
    return _of_rank(call("DeserializeManySparse", serialized_sparse, name=name, dtype=dtype), rank)


def _of_rank(parts, rank):
    indices, values, dense_shape = parts
    indices.set_shape([None, rank])
    dense_shape.set_shape([rank])
    return SparseTensor(indices, values, dense_shape)


# --- a map from handles to sparse tensors -------------------------------------------------------------------------


class SparseTensorsMap:
    """Sparse tensors of a session under numbers, each until it is taken."""

    def __init__(self, name: str):
        self.name = name
        self._tensors: dict[int, tuple] = {}
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def add(self, parts) -> int:
        """Keep a sparse tensor; returns its handle."""
        with self._lock:
            handle = next(self._numbers)
            self._tensors[handle] = parts
        return handle

    def take(self, handles: list[int]) -> list[tuple]:
        """The sparse tensors, which the map forgets.

        Raises:
          InvalidArgumentError: if there is none under a handle.
        """
        with self._lock:
            for handle in handles:
                if handle not in self._tensors:
                    raise invalid(f"Unable to find SparseTensor: {handle} in map: {self.name}")
            return [self._tensors.pop(handle) for handle in handles]


def _map(resources, node_name, attrs):
    name = attrs["shared_name"].decode() or node_name
    return resources.get_or_create("sparse_tensors_map", attrs["container"], name, lambda: SparseTensorsMap(name))


def _add_sparse(tensors, sparse_indices, sparse_values, sparse_shape):
    check_parts(sparse_indices, sparse_values, sparse_shape)
    copies = (sparse_indices.clone(), take(sparse_values, torch.arange(len(sparse_values))), sparse_shape.clone())
    return torch.tensor(tensors.add(copies))


def _add_many_sparse(tensors, sparse_indices, sparse_values, sparse_shape):
    elements = list(_elements(sparse_indices, sparse_values, sparse_shape))
    handles = torch.zeros(len(elements), dtype=torch.int64)
    # As in TensorFlow, elements without values get their handles last.
    for i in sorted(range(len(elements)), key=lambda i: not len(elements[i][1])):
        handles[i] = tensors.add(elements[i])
    return handles


def _take_many_sparse(tensors, sparse_handles, dtype):
    if sparse_handles.ndim != 1:
        raise invalid(f"sparse_handles should be a vector but received shape {in_brackets(sparse_handles.shape)}")
    elements = tensors.take(sparse_handles.tolist())
    for i, (_, values, _) in enumerate(elements):
        actual = values.dtype if isinstance(values, torch.Tensor) else dtypes.string
        if actual is not dtype:
            raise invalid(f"Requested SparseTensor of type {FROM_TORCH.get(dtype, dtype).name} but SparseTensor[{i}]"
                          f".values.dtype() == {FROM_TORCH.get(actual, actual).name}")  # fmt: skip
    return _stacked(elements, [len(elements)])


_MAP_ATTRS = "container: string = '', shared_name: string = ''"

define_op("AddSparseToTensorsMap", f"{_INPUTS} -> sparse_handle: int64", f"T: type, {_MAP_ATTRS}", shape=scalar,
          kernel=_add_sparse, resource=_map, is_stateful=True)  # fmt: skip
define_op("AddManySparseToTensorsMap", f"{_INPUTS} -> sparse_handles: int64", f"T: type, {_MAP_ATTRS}", shape=vector(),
          kernel=_add_many_sparse, resource=_map, is_stateful=True)  # fmt: skip
define_op("TakeManySparseFromTensorsMap", f"sparse_handles: int64 -> {_OUTPUTS}", f"dtype: type, {_MAP_ATTRS}",
          shape=_unknown_parts, kernel=_take_many_sparse, resource=_map, is_stateful=True)  # fmt: skip


def add_sparse_to_tensors_map(sp_input, container=None, shared_name=None, name=None):
    """Keep a SparseTensor in the session; returns its handle, an int64 scalar, for queues to carry.

    Args:
      sp_input: a SparseTensor.
      container: the container of the map.
      shared_name: the name of the map; the node's own if None.
      name: a name for the operation.
    """
    return _add_to_map("AddSparseToTensorsMap", sp_input, container, shared_name, name)


def add_many_sparse_to_tensors_map(sp_input, container=None, shared_name=None, name=None):
    """Keep each element of a batch of sparse tensors in the session; returns their handles, an int64 vector.

    Args:
      sp_input: a SparseTensor of rank 2 or more; the first axis is the batch.
      container: the container of the map.
      shared_name: the name of the map; the node's own if None.
      name: a name for the operation.
    """
    return _add_to_map("AddManySparseToTensorsMap", sp_input, container, shared_name, name)


def _add_to_map(op_name, sp_input, container, shared_name, name):
    sp_input = as_sparse_tensor(sp_input)
    return call(op_name, sp_input.indices, sp_input.values, sp_input.dense_shape, name=name,
                container=container or "", shared_name=shared_name or "")  # fmt: skip


def take_many_sparse_from_tensors_map(sparse_map_op, sparse_handles, rank=None, name=None):
    """The sparse tensors under some handles as one batch; the session forgets them.

    Args:
      sparse_map_op: the operation that added them.
      sparse_handles: int64 vector of handles.
      rank: the rank of the result, if it is known.
      name: a name for the operation.

    Returns:
      A SparseTensor with an axis for the batch before the others.

    Raises:
      TypeError: if `sparse_map_op` is no such operation.
      InvalidArgumentError: when it runs, if there is nothing under a handle.
    """
    if not isinstance(sparse_map_op, Operation):
        raise TypeError("sparse_map_op be an Operation")
    if sparse_map_op.type not in ("AddSparseToTensorsMap", "AddManySparseToTensorsMap"):
        raise TypeError("sparse_map_op must be one of AddSparseToTensorsMap or AddSparseToTensorsMap. Instead, found "
                        f"`{sparse_map_op.type}`.")  # fmt: skip
    with colocate_with(sparse_map_op):
        shared_name = sparse_map_op.get_attr("shared_name") or sparse_map_op.name
        parts = call(
            "TakeManySparseFromTensorsMap", sparse_handles, name=name, dtype=sparse_map_op.get_attr("T"),
            container=sparse_map_op.get_attr("container"), shared_name=shared_name,
        )  # fmt: skip
    return _of_rank(parts, rank)
