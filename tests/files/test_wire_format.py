"""The wire format against the protobuf library, and on damaged messages."""

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

from reflow.files.coding import MalformedError
from reflow.files.wire_format import TYPES, read_fields

VALUES = {
    "double": -0.1, "float": 0.5, "fixed64": (1 << 64) - 1, "fixed32": (1 << 32) - 1, "sfixed64": -(1 << 63),
    "sfixed32": -(1 << 31), "int64": -5, "uint64": (1 << 64) - 1, "int32": -(1 << 31), "uint32": (1 << 32) - 1,
    "sint64": -(1 << 63), "sint32": -7, "bool": True,
}  # fmt: skip


def _message(kind):
    """A message class with a field of a type, another of several such values, and one of these packed."""
    file = descriptor_pb2.FileDescriptorProto(name=f"{kind}.proto", syntax="proto2")
    message = file.message_type.add(name=f"Of_{kind}")
    number = getattr(descriptor_pb2.FieldDescriptorProto, f"TYPE_{kind.upper()}")
    message.field.add(name="one", number=1, label=1, type=number)
    message.field.add(name="loose", number=20, label=3, type=number)
    message.field.add(name="packed", number=300, label=3, type=number).options.packed = True
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(file.SerializeToString())
    return message_factory.GetMessageClass(pool.FindMessageTypeByName(f"Of_{kind}")), TYPES[number]


@pytest.mark.parametrize("kind", sorted(VALUES))
def test_as_the_protobuf_library(kind):
    message_class, field_type = _message(kind)
    value = VALUES[kind]
    message = message_class(one=value, loose=[value, 0], packed=[0, value])
    written = b"".join([
        field_type.field(1, value), field_type.field(20, value), field_type.field(20, 0),
        field_type.packed_field(300, [0, value]),
    ])  # fmt: skip
    assert message_class.FromString(written) == message
    found = {1: [], 20: [], 300: []}
    for number, wire_type, payload in read_fields(message.SerializeToString(), AssertionError):
        found[number].extend(field_type.values_in(wire_type, payload))
    assert found == {1: [value], 20: [value, 0], 300: [0, value]}


def test_damage():
    def cut_off(number, wire_type):
        return KeyError((number, wire_type))

    assert list(read_fields(b"\x08\x01", cut_off)) == [(1, 0, 1)]
    for data in (b"\x80", b"\x00", b"\x0c", b"\x0f"):
        with pytest.raises(MalformedError):
            list(read_fields(data, cut_off))
    for data, place in ((b"\x08\x80", (1, 0)), (b"\x12\x05ab", (2, 2)), (b"\x1b\x08\x01", (3, 3))):
        with pytest.raises(KeyError) as failure:
            list(read_fields(data, cut_off))
        assert failure.value.args == (place,)
