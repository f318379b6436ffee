"""Integers and strings as the table format stores them: varints, and ordered codes, which sort as their values do."""

import re

_ESCAPED = re.compile(rb"[\x00\xff]")


class MalformedError(ValueError):
    """Bytes that do not follow the format. Readers turn it into a DataLossError that names the file."""


def put_varint(value: int) -> bytes:
    """An unsigned integer, seven bits a byte, lowest first, the top bit set in all bytes but the last."""
    if value < 0x80:
        return bytes((value,))
    out = bytearray()
    while value >= 0x80:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    out.append(value)
    return bytes(out)


def get_varint(data: bytes, position: int) -> tuple[int, int]:
    """Reads a varint of at most 64 bits.

    Args:
      data: the bytes to read from.
      position: where the varint starts.

    Returns:
      The value, and the position after it.

    Raises:
      MalformedError: if the varint does not end, or has more than 64 bits.
    """
    value = shift = 0
    for end in range(position, min(position + 10, len(data))):
        byte = data[end]
        value |= (byte & 0x7F) << shift
        if byte < 0x80:
            if value >> 64:
                break
            return value, end + 1
        shift += 7
    raise MalformedError("a number does not end or is too large")


def ordered_unsigned(value: int) -> bytes:
    """An unsigned integer: one byte that counts the bytes which follow, highest first, without leading zeros."""
    size = (value.bit_length() + 7) // 8
    return bytes((size,)) + value.to_bytes(size, "big")


def ordered_signed(value: int) -> bytes:
    """A signed integer of 64 bits in n bytes: n leading one bits xor the two's complement number of 7 n bits."""
    bits = (value if value >= 0 else ~value).bit_length()
    size = bits // 7 + 1
    header = ((1 << size) - 1) << (7 * size)
    return ((value % (1 << 8 * size)) ^ header).to_bytes(size, "big")


def ordered_string(value: bytes) -> bytes:
    """A string: zero and 0xff bytes escaped, and an end mark that sorts before everything else."""
    return _ESCAPED.sub(_escape, value) + b"\x00\x01"


def _escape(match: re.Match[bytes]) -> bytes:
    return b"\x00\xff" if match[0] == b"\x00" else b"\xff\x00"
