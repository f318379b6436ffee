"""String tensors as a tensor bundle stores them: the lengths as varints, a checksum of the lengths, the strings.

The checksums cover the lengths as 32-bit integers (64-bit where they need it), not as the varints in the file.
"""

import struct
from collections.abc import Iterable

import numpy as np

from reflow.files.coding import MalformedError, put_varint
from reflow.files.crc import crc32c, mask, unmask

_LONGEST_VARINT = 9  # 63 bits: no file holds a longer string


def encode_strings(strings: Iterable[bytes]) -> tuple[bytes, int]:
    """The stored form of a string tensor.

    Args:
      strings: the elements in row-major order.

    Returns:
      The bytes to store, and their tensor's unmasked checksum.
    """
    strings = list(strings)
    lengths = [len(each) for each in strings]
    crc = crc32c(_lengths_to_checksum(np.array(lengths, np.uint64)))
    length_checksum = struct.pack("<I", mask(crc))
    text = b"".join(strings)
    crc = crc32c(text, crc32c(length_checksum, crc))
    return b"".join((*map(put_varint, lengths), length_checksum, text)), crc


def decode_strings(data: bytes, count: int) -> tuple[list[bytes], int]:
    """Reads the stored form of a string tensor.

    Args:
      data: all of the stored bytes.
      count: the number of elements.

    Returns:
      The elements in row-major order, and the tensor's unmasked checksum, which the caller compares.

    Raises:
      MalformedError: if the data has not `count` strings, or the lengths do not match their checksum.
    """
    if not count and not data:
        return [], 0
    if count + 4 > len(data):
        raise MalformedError(f"{count} strings do not fit into {len(data)} bytes")
    lengths, position = _decode_lengths(np.frombuffer(data, np.uint8), count)
    crc = crc32c(_lengths_to_checksum(lengths))
    length_checksum = data[position : position + 4]
    if len(length_checksum) < 4 or unmask(int.from_bytes(length_checksum, "little")) != crc:
        raise MalformedError("the checksum of the string lengths does not match")
    text = data[position + 4 :]
    if count and int(lengths.max()) > len(text) or int(lengths.sum()) != len(text):
        raise MalformedError("the string lengths do not add up to the size")
    stops = np.cumsum(lengths).tolist()
    strings = [text[start:stop] for start, stop in zip([0, *stops], stops, strict=False)]
    return strings, crc32c(text, crc32c(length_checksum, crc))


def _lengths_to_checksum(lengths: np.ndarray) -> bytes:
    if not lengths.size or int(lengths.max()) >> 32 == 0:
        return lengths.astype("<u4").tobytes()
    return b"".join(struct.pack("<Q" if length >> 32 else "<I", length) for length in lengths.tolist())


def _decode_lengths(data: np.ndarray, count: int) -> tuple[np.ndarray, int]:
    """Reads `count` varints at once; returns their values (uint64) and the position after them."""
    ends = np.flatnonzero(data[: count * _LONGEST_VARINT] < 0x80)[:count]
    if len(ends) < count:
        raise MalformedError("the string lengths do not end")
    starts = np.concatenate(([0], ends + 1))
    widths = np.diff(starts)
    starts = starts[:-1]
    widest = int(widths.max(initial=0))
    if widest > _LONGEST_VARINT:
        raise MalformedError("a string length is too large")
    lengths = np.zeros(count, np.uint64)
    for i in range(widest):
        has_byte = widths > i
        digits = (data[starts[has_byte] + i] & 0x7F).astype(np.uint64)
        lengths[has_byte] |= digits << np.uint64(7 * i)
    return lengths, int(ends[-1]) + 1 if count else 0
