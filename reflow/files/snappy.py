"""Reads Snappy's raw format (google/snappy, format_description.txt). Tables of early TensorFlow releases use it."""

from reflow.files.coding import MalformedError, get_varint

# The densest element is a copy of 64 bytes in 3, so no valid text grows more than this.
_LARGEST_RATIO = 22


def decompress(data: bytes) -> bytes:
    """The text that `data` is the compressed form of.

    Raises:
      MalformedError: if `data` is not valid.
    """
    length, position = get_varint(data, 0)
    if length > _LARGEST_RATIO * len(data):
        raise MalformedError("Snappy data claims to be larger than it can be")
    out = bytearray()
    while position < len(data):
        tag = data[position]
        position += 1
        if tag & 3 == 0:
            size, position = _literal_size(data, tag, position)
            if position + size > len(data):
                raise MalformedError("a Snappy literal is cut off")
            out += data[position : position + size]
            position += size
        else:
            size, offset, position = _copy(data, tag, position)
            _append_copy(out, offset, size)
        if len(out) > length:
            break
    if len(out) != length:
        raise MalformedError(f"Snappy data holds {len(out)} bytes in place of {length}")
    return bytes(out)


def _literal_size(data: bytes, tag: int, position: int) -> tuple[int, int]:
    """The size less one is in the tag, or from 60 on in the 1 to 4 bytes that follow."""
    size = tag >> 2
    if size < 60:
        return size + 1, position
    end = position + size - 59
    return int.from_bytes(data[position:end], "little") + 1, end


def _copy(data: bytes, tag: int, position: int) -> tuple[int, int, int]:
    """Size and offset of a back reference, whose offset has 11, 16 or 32 bits, and the position after it."""
    if tag & 3 == 1:
        end = position + 1
        return (tag >> 2 & 7) + 4, (tag >> 5 << 8) + int.from_bytes(data[position:end], "little"), end
    end = position + (2 if tag & 3 == 2 else 4)
    return (tag >> 2) + 1, int.from_bytes(data[position:end], "little"), end


def _append_copy(out: bytearray, offset: int, size: int) -> None:
    if not 0 < offset <= len(out):
        raise MalformedError("a Snappy copy starts outside the text")
    start = len(out) - offset
    if offset >= size:
        out += out[start : start + size]
    else:  # the copy overlaps what it writes: it repeats its source
        out += (out[start:] * (size // offset + 1))[:size]
