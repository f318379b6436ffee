"""Messages of protocol buffers as tensors, a field a tensor: tf.io.decode_proto and tf.io.encode_proto."""

import functools
from pathlib import Path

import numpy as np
import torch
from google.protobuf import descriptor_pool, message_factory, text_format
from google.protobuf.descriptor import Descriptor, FieldDescriptor
from google.protobuf.descriptor_pb2 import FileDescriptorSet
from google.protobuf.message import DecodeError, EncodeError

from reflow.files import protos, wire_format
from reflow.files.coding import MalformedError
from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims, dims_in_brackets
from reflow.ops.shape_rules import merge, with_rank_at_least
from reflow.ops.torch_types import FROM_TORCH, array_of, name_in_messages, tensor_of

# Types of fields -> the types of the tensors that may hold them.
_TENSOR_TYPES = {
    **dict.fromkeys(("double",), (dtypes.float64,)),
    **dict.fromkeys(("float",), (dtypes.float32, dtypes.float64)),
    **dict.fromkeys(("int32", "sint32", "sfixed32"), (dtypes.int32, dtypes.int64)),
    **dict.fromkeys(("uint32", "fixed32"), (dtypes.uint32, dtypes.uint64)),
    **dict.fromkeys(("int64", "sint64", "sfixed64"), (dtypes.int64,)),
    **dict.fromkeys(("uint64", "fixed64"), (dtypes.uint64,)),
    **dict.fromkeys(("bool",), (dtypes.bool_,)),
    **dict.fromkeys(("enum",), (dtypes.int32,)),
    **dict.fromkeys(("string", "bytes", "message", "group"), (dtypes.string,)),
}


def _invalid(message: str):
    return errors.InvalidArgumentError(None, None, message)


def _data_loss(message: str):
    return errors.DataLossError(None, None, message)


# --- descriptors --------------------------------------------------------------------------------------------------


def _message_type(source: bytes, name: bytes) -> Descriptor:
    """The descriptor of a message.

    Args:
      source: b"local://" for what this process knows, b"bytes://..." for a serialized FileDescriptorSet, or the path
        of a file with one.
      name: the message's full name.
    """
    try:
        if source in (b"", b"local://"):
            return protos.find_message(name.decode())
        return _pool(_descriptor_set(source)).FindMessageTypeByName(name.decode())
    except KeyError:
        raise _invalid(f"No descriptor found for message type {name.decode()}") from None


def _descriptor_set(source: bytes) -> bytes:
    if source.startswith(b"bytes://"):
        return source.removeprefix(b"bytes://")
    try:
        return Path(source.decode()).read_bytes()
    except (OSError, ValueError):
        raise _no_descriptor_set() from None


def _no_descriptor_set():
    return _invalid("Source does not represent serialized file descriptor set proto.")


@functools.lru_cache(maxsize=32)
def _pool(serialized: bytes) -> descriptor_pool.DescriptorPool:
    pool = descriptor_pool.DescriptorPool()
    try:
        for file in FileDescriptorSet.FromString(serialized).file:
            pool.AddSerializedFile(file.SerializeToString())
    except (DecodeError, TypeError) as error:
        raise _no_descriptor_set() from error
    return pool


def _fields(message: Descriptor, names: list[bytes]) -> list[FieldDescriptor]:
    for name in names:
        if name.decode() not in message.fields_by_name:
            raise _invalid(f"Unknown field: {name.decode()} in message type {message.full_name}")
    return [message.fields_by_name[name.decode()] for name in names]


def _type_of(field: FieldDescriptor) -> wire_format.FieldType:
    return wire_format.TYPES[field.type]


def _default(field: FieldDescriptor):
    """What stands for a value that a message does not have."""
    kind = _type_of(field).name
    if kind in ("message", "group"):
        return b""
    if field.is_repeated:
        return {"string": b"", "bytes": b"", "bool": False}.get(kind, 0)
    value = field.default_value
    return value.encode() if isinstance(value, str) else value


# --- decoding -----------------------------------------------------------------------------------------------------


def _decode_proto(texts, descriptor_source, field_names, message_format, message_type, output_types, sanitize):
    if len(field_names) != len(output_types):
        raise _invalid("field_names and output_types attributes must have the same length")
    if message_format not in (b"binary", b"text"):
        raise _invalid("format must be one of binary or text")
    message = _message_type(descriptor_source, message_type)
    fields = _fields(message, field_names)
    types = [FROM_TORCH.get(each, each) for each in output_types]
    for field, dtype in zip(fields, types, strict=True):
        if dtype not in _TENSOR_TYPES[_type_of(field).name]:
            raise _invalid(f"Unexpected output type for {field.full_name}: {field.cpp_type} to "
                           f"{dtype.as_datatype_enum}")  # fmt: skip
    if not texts.size:
        raise _invalid("Bufs argument must contain at least one value")
    rows = [_values_in(_binary(text, message, message_format == b"text", sanitize), fields)
            for text in texts.reshape(-1).tolist()]  # fmt: skip
    sizes = [[len(values) for values in row] for row in rows]
    columns = [_column(field, dtype, [row[i] for row in rows], texts.shape)
               for i, (field, dtype) in enumerate(zip(fields, types, strict=True))]  # fmt: skip
    return torch.tensor(sizes, dtype=torch.int32).reshape(*texts.shape, len(fields)), columns


def _binary(data: bytes, message: Descriptor, is_text: bool, sanitize: bool) -> bytes:
    """The serialized message; with `sanitize` it was read and written once, which proves it whole."""
    if not is_text and not sanitize:
        return data
    parsed = message_factory.GetMessageClass(message)()
    try:
        if is_text:
            text_format.Parse(data, parsed)
        else:
            parsed.ParseFromString(data)
        return parsed.SerializeToString()
    except (text_format.ParseError, DecodeError, EncodeError, UnicodeDecodeError):
        raise _data_loss(f"Unable to parse {'text' if is_text else 'binary'} protobuf") from None


def _values_in(data: bytes, fields: list[FieldDescriptor]) -> list[list]:
    """The values that a message has of each of the fields."""
    found: dict[int, list] = {field.number: [] for field in fields}
    types = {field.number: _type_of(field) for field in fields}

    def failure(number, wire_type):
        if number not in found:
            return _data_loss("Failed skipping unrequested field")
        if wire_type != types[number].wire_type:
            return _data_loss("ReadPackedValues: Skipping packed field failed")
        return _data_loss("ReadValue: Failed skipping field when counting")

    try:
        for number, wire_type, value in wire_format.read_fields(data, failure):
            if number in found:
                found[number].extend(types[number].values_in(wire_type, value))
    except MalformedError:
        raise _data_loss("CountFields: Failed to consume entire buffer") from None
    # Of a field that is there once, the last value counts.
    return [found[field.number] if field.is_repeated else found[field.number][-1:] for field in fields]


def _column(field: FieldDescriptor, dtype, rows: list[list], shape: tuple):
    """The tensor [*shape, greatest number of values] of one field; there is room for one value at least."""
    width = max(1, *map(len, rows))
    table = np.full((len(rows), width), _default(field), dtype.np_dtype)
    for place, values in zip(table, rows, strict=True):
        place[: len(values)] = values
    return tensor_of(table.reshape(*shape, width))


def _decode_proto_shape(op) -> list[Dims]:
    dims = op._inputs[0].dims
    types = op.attrs["output_types"]
    if dims is None:
        return [None] * (1 + len(types))
    return [(*dims, len(types)), *[(*dims, None)] * len(types)]


define_op(
    "DecodeProtoV2", "bytes: string -> sizes: int32, values: list:output_types",
    "message_type: string, field_names: list(string), output_types: list(type) >= 0, "
    "descriptor_source: string = local://, message_format: string = binary, sanitize: bool = false",
    shape=_decode_proto_shape, kernel=_decode_proto, gradient=None,
)  # fmt: skip


@export("io.decode_proto")
def decode_proto(bytes, message_type, field_names, output_types, descriptor_source="local://",
                 message_format="binary", sanitize=False, name=None):  # fmt: skip
    """Takes fields out of serialized messages of protocol buffers.

    Args:
      bytes: string tensor [...]: the messages.
      message_type: the full name of their type, such as "tensorflow.Example".
      field_names: names of fields of that type.
      output_types: the type of each field's tensor. int32 and uint32 fields may also become int64 and uint64, float
        fields float64; an enum is int32, a message a string.
      descriptor_source: where the type is described: "local://", for TensorFlow's own messages and those that the
        program imported; "bytes://" followed by a serialized FileDescriptorSet; or the path of a file that holds one.
      message_format: "binary" or "text".
      sanitize: read and write each message as a whole before, so that one malformed inside is an error.
      name: the node's name.

    Returns:
      A named tuple: `sizes`, int32 [..., number of fields], how many values there are of each field; and `values`, a
      list of one tensor [..., greatest number of values] a field, filled up with the field's default.

    Raises:
      InvalidArgumentError: when it runs, if the type, a field or a type of a tensor does not fit.
      DataLossError: when it runs, if a message is malformed.
    """
    return call("DecodeProtoV2", bytes, message_type=message_type, field_names=field_names, output_types=output_types,
                descriptor_source=descriptor_source, message_format=message_format, sanitize=sanitize,
                name=name)  # fmt: skip


# --- encoding -----------------------------------------------------------------------------------------------------


def _encode_proto(sizes, values, descriptor_source, field_names, message_type):
    fields = _fields(_message_type(descriptor_source, message_type), field_names)
    if len(fields) != len(values):
        raise _invalid("Length of inputs list must match field_names")
    for field, value in zip(fields, values, strict=True):
        dtype = FROM_TORCH[value.dtype] if isinstance(value, torch.Tensor) else dtypes.string
        kind = _type_of(field).name
        if dtype not in _TENSOR_TYPES[kind]:
            raise _invalid(f"Incompatible type for field {field.name}.  Saw dtype: {name_in_messages(dtype)} but field "
                           f"type is: {kind}")  # fmt: skip
    shape = _common_shape(sizes, values)
    counts = sizes.reshape(-1, len(fields)).tolist()
    rows = [array_of(value).reshape(len(counts), value.shape[-1]).tolist() for value in values]
    order = sorted(range(len(fields)), key=lambda i: fields[i].number)
    messages = np.empty(len(counts), object)
    for m, row in enumerate(counts):
        messages[m] = b"".join(_encoded(fields[i], rows[i][m], row[i], m, i) for i in order)
    return messages.reshape(shape)


def _common_shape(sizes, values) -> tuple:
    shape = tuple(values[0].shape[:-1])
    for value in values[1:]:
        if tuple(value.shape[:-1]) != shape:
            raise _invalid(f"Values must match up to the last dimension: {dims_in_brackets(tuple(value.shape))} does "
                           f"not begin as {dims_in_brackets((*shape, None))}")  # fmt: skip
    if tuple(sizes.shape) != (*shape, len(values)):
        raise _invalid("sizes should be batch_size + [len(field_names)].  Saw: "
                       f"{dims_in_brackets(tuple(sizes.shape))} but expected: "
                       f"{dims_in_brackets((*shape, len(values)))}")  # fmt: skip
    return shape


def _encoded(field: FieldDescriptor, values: list, count: int, message_index: int, field_index: int) -> bytes:
    """The first `count` values of a field, as a message has them."""
    if count > len(values):
        raise _invalid(f"Size to write must not be larger than value tensor; but saw: {count} > {len(values)} at "
                       f"message {message_index} field {field_index}")  # fmt: skip
    if not count:
        return b""
    values = values[: max(count, 0)]
    kind = _type_of(field)
    if field.is_packed:
        return kind.packed_field(field.number, values)
    return b"".join(kind.field(field.number, value) for value in values)


def _encode_proto_shape(op) -> list[Dims]:
    dims: Dims = None
    for tensor in op._inputs[1:]:
        value = with_rank_at_least(tensor.dims, 2)
        dims = merge(None if value is None else value[:-1], dims)
    return [dims]


define_op(
    "EncodeProto", "sizes: int32, values: list:Tinput_types -> bytes: string",
    "field_names: list(string), message_type: string, descriptor_source: string = local://, "
    "Tinput_types: list(type) >= 1", shape=_encode_proto_shape, kernel=_encode_proto, gradient=None,
)  # fmt: skip


@export("io.encode_proto")
def encode_proto(sizes, values, field_names, message_type, descriptor_source="local://", name=None):
    """Puts tensors together as serialized messages of protocol buffers, the other way round than `decode_proto`.

    Args:
      sizes: int32 tensor [..., number of fields]: how many of the values of each field to write.
      values: a list of one tensor [..., number of values] a field.
      field_names: names of the fields.
      message_type: the full name of the messages' type.
      descriptor_source: where the type is described, as for `decode_proto`.
      name: the node's name.

    Returns:
      A string tensor [...]; the fields of a message stand in the order of their numbers.

    Raises:
      InvalidArgumentError: when it runs, if the type, a field, a tensor's type or a shape does not fit.
    """
    return call("EncodeProto", sizes, values, field_names=field_names, message_type=message_type,
                descriptor_source=descriptor_source, name=name)  # fmt: skip
