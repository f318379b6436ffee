"""Messages whose types a program defines: their fields as tensors, and back."""

import numpy as np
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory, text_format

from tests.differential.parsing import strings
from tests.differential.table import Table

table = Table("protos", kept=24)

# The types of fields, and those of the tensors that hold them.
_SCALARS = {
    "double": "float64", "float": "float32", "int64": "int64", "uint64": "uint64", "int32": "int32",
    "fixed64": "uint64", "fixed32": "uint32", "bool": "bool", "string": "string", "bytes": "string",
    "uint32": "uint32", "sfixed32": "int32", "sfixed64": "int64", "sint32": "int32", "sint64": "int64",
}  # fmt: skip


def _described():
    """A type of messages with a field one_t, some_t and packed_t for each type t, and one_self."""
    types = descriptor_pb2.FieldDescriptorProto
    file = descriptor_pb2.FileDescriptorProto(name="drawn.proto", package="drawn", syntax="proto2")
    fields = file.message_type.add(name="Every").field
    fields.add(name="one_self", number=1, label=1, type=types.TYPE_MESSAGE, type_name=".drawn.Every")
    for name in _SCALARS:
        kind = getattr(types, f"TYPE_{name.upper()}")
        fields.add(name=f"one_{name}", number=len(fields) + 1, label=1, type=kind)
        fields.add(name=f"some_{name}", number=len(fields) + 1, label=3, type=kind)
        if name not in ("string", "bytes"):
            fields.add(name=f"packed_{name}", number=len(fields) + 1, label=3, type=kind).options.packed = True
    return file


_FILE = _described()
_SOURCE = b"bytes://" + descriptor_pb2.FileDescriptorSet(file=[_FILE]).SerializeToString()
_POOL = descriptor_pool.DescriptorPool()
_POOL.Add(_FILE)
_EVERY = message_factory.GetMessageClass(_POOL.FindMessageTypeByName("drawn.Every"))
_NAMES = [field.name for field in _FILE.message_type[0].field]
_ATTRS = {"message_type": b"drawn.Every", "descriptor_source": _SOURCE}


def _type_of(name):
    return _SCALARS.get(name.partition("_")[2], "string")


def _some_names(d):
    return sorted({d.pick(*_NAMES) for _ in range(d.int(1, 3))})


def _values(d, name, count):
    """`count` numbers or texts for a field."""
    kind = name.partition("_")[2]
    if kind == "string":
        return [text.decode() for text in d.words((count,))]
    array = d.array(_type_of(name), (count,))
    return [float(np.float32(v)) if kind == "float" else v for v in array.tolist()]


def _message(d, names):
    message = _EVERY()
    for name in names:
        if name == "one_self":
            message.one_self.one_int32 = d.int(-3, 3)
        elif name.startswith("one_") and d.flag():
            setattr(message, name, _values(d, name, 1)[0])
        elif not name.startswith("one_"):
            getattr(message, name).extend(_values(d, name, d.int(0, 3)))
    return message


def _decode(d):
    names = _some_names(d)
    texts = []
    as_text = d.rarely()
    for _ in range(d.int(0, 3)):
        message = _message(d, [*names, *_some_names(d)])
        if as_text:
            texts.append(text_format.MessageToString(message).encode())
        else:
            # A byte more is a tag of a type that does not exist. Not cut short: TensorFlow takes some of those.
            texts.append(message.SerializeToString(deterministic=True) + (b"\x07" if d.rarely() else b""))
    types = [d.dtype(_type_of(name)) for name in names]
    if d.rarely():
        types[0] = d.dtype(d.pick("float32", "int64", "string", "uint8"))
    if d.rarely():
        names[0] = "missing"
    return [strings(texts, d.pick((len(texts),), (1, len(texts))))], {
        **_ATTRS, "field_names": [name.encode() for name in names], "output_types": types,
        "message_format": b"text" if as_text else b"binary", "sanitize": d.flag()}  # fmt: skip


def _encode(d):
    names, batch = _some_names(d), d.shape(least=1, most=2)
    sizes, values = [], []
    for name in names:
        most = 1 if name.startswith("one_") else d.int(0, 3)
        counts = d.array("int32", batch, low=0, high=most)
        sizes.append(counts + int(d.rarely()))
        is_message, is_text = name == "one_self", name.endswith("_string")
        texts = np.full((*batch, most), b"", object) if is_message else d.words((*batch, most)) if is_text else None
        values.append(d.array(_type_of(name), (*batch, most)) if texts is None else texts)
    return [np.stack(sizes, -1), values], {**_ATTRS, "field_names": [name.encode() for name in names]}


table.add("DecodeProtoV2", _decode, faults=False)
table.add("EncodeProto", _encode)
