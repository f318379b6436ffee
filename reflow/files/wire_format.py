"""The wire format of protocol buffers, field by field: values of the types that a message's descriptor says."""

import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from reflow.files.coding import MalformedError, get_varint, put_varint

VARINT, FIXED64, BYTES, GROUP, END_GROUP, FIXED32 = range(6)
_MASK = (1 << 64) - 1


def read_fields(data: bytes, on_value_error: Callable[[int, int], Exception]) -> Iterator[tuple[int, int, Any]]:
    """Yield (field number, wire type, value) of each field; the value is an integer, or the field's bytes.

    Args:
      data: a serialized message.
      on_value_error: makes the exception for a field of that number and wire type whose value is cut off.

    Raises:
      MalformedError: where there should be the start of a field, and is none.
    """
    position = 0
    while position < len(data):
        tag, position = get_varint(data, position)
        number, wire_type = tag >> 3, tag & 7
        if not number or wire_type in (END_GROUP, 6, 7):
            raise MalformedError("no field starts here")
        try:
            value, position = _read_value(data, position, wire_type, number)
        except MalformedError as error:
            raise on_value_error(number, wire_type) from error
        yield number, wire_type, value


def _read_value(data: bytes, position: int, wire_type: int, number: int) -> tuple[Any, int]:
    if wire_type == VARINT:
        return get_varint(data, position)
    if wire_type == GROUP:
        return _read_group(data, position, number)
    if wire_type == BYTES:
        length, position = get_varint(data, position)
    else:
        length = 8 if wire_type == FIXED64 else 4
    end = position + length
    if end > len(data):
        raise MalformedError("a value is cut off")
    return data[position:end], end


def _read_group(data: bytes, start: int, number: int) -> tuple[bytes, int]:
    position = start
    while True:
        end = position
        tag, position = get_varint(data, position)
        if tag & 7 == END_GROUP:
            if tag >> 3 != number:
                raise MalformedError("another group ends here")
            return data[start:end], position
        _, position = _read_value(data, position, tag & 7, tag >> 3)


# --- types --------------------------------------------------------------------------------------------------------


@dataclass(frozen=True)
class FieldType:
    """How the values of one type of field are written.

    Attributes:
      name: the type's name in a .proto file.
      wire_type: VARINT, FIXED32, FIXED64, BYTES or GROUP.
      read: from the integer or bytes of the wire to the value.
      write: the other way round.
    """

    name: str
    wire_type: int
    read: Callable[[Any], Any]
    write: Callable[[Any], Any]

    def values_in(self, wire_type: int, value) -> list:
        """The values of one field of the wire: several if they are packed, none if it is of another wire type."""
        if wire_type == self.wire_type:
            return [self.read(value)]
        if wire_type != BYTES or self.wire_type == GROUP:
            return []
        return [self.read(each) for each in self._unpacked(value)]

    def _unpacked(self, data: bytes) -> Iterator[Any]:
        position = 0
        while position < len(data):
            value, position = _read_value(data, position, self.wire_type, 0)
            yield value

    def field(self, number: int, value) -> bytes:
        """A field of its own."""
        start = put_varint(number << 3 | self.wire_type) + self._payload(value)
        return start + put_varint(number << 3 | END_GROUP) if self.wire_type == GROUP else start

    def packed_field(self, number: int, values) -> bytes:
        """All values in one field."""
        data = b"".join(map(self._payload, values))
        return put_varint(number << 3 | BYTES) + put_varint(len(data)) + data

    def _payload(self, value) -> bytes:
        value = self.write(value)
        if self.wire_type == VARINT:
            return put_varint(value & _MASK)
        return put_varint(len(value)) + value if self.wire_type == BYTES else value


def _signed(bits: int) -> Callable[[int], int]:
    half = 1 << (bits - 1)
    return lambda value: ((value & (2 * half - 1)) ^ half) - half


def _unsigned(bits: int) -> Callable[[int], int]:
    mask = (1 << bits) - 1
    return lambda value: value & mask


def _zigzag(bits: int) -> Callable[[int], int]:
    mask = (1 << bits) - 1
    return lambda value: ((value << 1) ^ (value >> (bits - 1))) & mask


def _from_zigzag(bits: int) -> Callable[[int], int]:
    mask = (1 << bits) - 1
    return lambda value: ((value & mask) >> 1) ^ -(value & 1)


def _struct(letter: str) -> tuple[Callable, Callable]:
    form = struct.Struct(f"<{letter}")
    return lambda data: form.unpack(data)[0], form.pack


def _same(value):
    return value


TYPES: dict[int, FieldType] = {
    getattr(FieldDescriptor, f"TYPE_{name.upper()}"): FieldType(name, wire_type, read, write)
    for name, wire_type, read, write in (
        ("double", FIXED64, *_struct("d")), ("float", FIXED32, *_struct("f")),
        ("fixed64", FIXED64, *_struct("Q")), ("fixed32", FIXED32, *_struct("I")),
        ("sfixed64", FIXED64, *_struct("q")), ("sfixed32", FIXED32, *_struct("i")),
        ("int64", VARINT, _signed(64), _same), ("uint64", VARINT, _unsigned(64), _same),
        ("int32", VARINT, _signed(32), _signed(32)), ("uint32", VARINT, _unsigned(32), _unsigned(32)),
        ("sint64", VARINT, _from_zigzag(64), _zigzag(64)), ("sint32", VARINT, _from_zigzag(32), _zigzag(32)),
        ("enum", VARINT, _signed(32), _signed(32)), ("bool", VARINT, bool, int),
        ("string", BYTES, _same, _same), ("bytes", BYTES, _same, _same), ("message", BYTES, _same, _same),
        ("group", GROUP, _same, _same),
    )
}  # fmt: skip
"""The types of fields by the number that descriptors have for them."""
