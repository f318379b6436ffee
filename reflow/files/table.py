"""The sorted table of LevelDB that TensorFlow keeps the index of a checkpoint in: string keys to string values.

A file is data blocks, an empty meta-index block, an index block (from a key not less than the last one of each data
block to where that block is) and a footer of 48 bytes. A block is entries, whose keys share prefixes, and "restart
points", the offsets of entries with whole keys. After a block come its compression (one byte) and a masked CRC-32C.
(LevelDB, doc/table_format.md.)
"""

import bisect
import itertools
import struct
from collections.abc import Callable, Iterator

from reflow.files.coding import MalformedError, get_varint, put_varint
from reflow.files.crc import crc32c, mask, unmask
from reflow.files.random_access import RandomAccessFile
from reflow.files.snappy import decompress

_MAGIC = 0xDB4775248B80FB57
_FOOTER_SIZE = 48
_TRAILER_SIZE = 5
_NO_COMPRESSION = 0
_SNAPPY_COMPRESSION = 1
_RESTART_INTERVAL = 16
# TensorFlow's block size, and how many of them make an entry go into a block of its own.
_BLOCK_SIZE = 256 * 1024
_OVERLY_LARGE_BLOCKS = 2
# A whole key stands in every 16th entry at least, so a block's keys together cannot be much larger than the block.
_LARGEST_KEY_RATIO = 256


class TableWriter:
    """Writes a table as TensorFlow does, byte for byte: not compressed."""

    def __init__(self, write: Callable[[bytes], object]):
        """Args: write: called with the file's bytes, piece by piece."""
        self._write = write
        self._offset = 0
        self._data = _BlockBuilder(_RESTART_INTERVAL)
        self._index = _BlockBuilder(restart_interval=1)
        self._last_key = b""
        self._empty = True
        # A block's index entry waits for the next block's first key, to be as short as both allow.
        self._pending_handle: bytes | None = None

    def add(self, key: bytes, value: bytes) -> None:
        """Appends an entry.

        Raises:
          ValueError: if the key is not larger than the one before.
        """
        if not self._empty:
            if key <= self._last_key:
                raise ValueError(f"table keys must increase, but {key!r} follows {self._last_key!r}")
            if len(key) + len(value) >= _OVERLY_LARGE_BLOCKS * _BLOCK_SIZE:
                self._flush()
        if self._pending_handle is not None:
            self._index.add(_shortest_separator(self._last_key, key), self._pending_handle)
            self._pending_handle = None
        self._empty = False
        self._last_key = key
        self._data.add(key, value)
        if self._data.size >= _BLOCK_SIZE:
            self._flush()

    def finish(self) -> None:
        """Writes what follows the last data block."""
        self._flush()
        meta_index = self._write_block(_BlockBuilder(_RESTART_INTERVAL))
        if self._pending_handle is not None:
            self._index.add(_short_successor(self._last_key), self._pending_handle)
        handles = meta_index + self._write_block(self._index)
        self._write(handles.ljust(_FOOTER_SIZE - 8, b"\0") + struct.pack("<Q", _MAGIC))

    def _flush(self) -> None:
        if not self._data.empty:
            self._pending_handle = self._write_block(self._data)
            self._data = _BlockBuilder(_RESTART_INTERVAL)

    def _write_block(self, block: "_BlockBuilder") -> bytes:
        """Writes a block with its trailer and returns its handle: offset and size as varints."""
        contents = block.finish()
        crc = crc32c(bytes((_NO_COMPRESSION,)), crc32c(contents))
        self._write(contents)
        self._write(struct.pack("<BI", _NO_COMPRESSION, mask(crc)))
        handle = put_varint(self._offset) + put_varint(len(contents))
        self._offset += len(contents) + _TRAILER_SIZE
        return handle


class _BlockBuilder:
    def __init__(self, restart_interval: int):
        self._restart_interval = restart_interval
        self._parts: list[bytes] = []
        self._entries_size = 0
        self._restarts = [0]
        self._since_restart = 0
        self._last_key = b""

    @property
    def empty(self) -> bool:
        return not self._parts

    @property
    def size(self) -> int:
        """The size of the finished block in bytes, without its trailer."""
        return self._entries_size + 4 * len(self._restarts) + 4

    def add(self, key: bytes, value: bytes) -> None:
        shared = 0
        if self._since_restart < self._restart_interval:
            shared = _shared_prefix(self._last_key, key)
        else:
            self._restarts.append(self._entries_size)
            self._since_restart = 0
        head = put_varint(shared) + put_varint(len(key) - shared) + put_varint(len(value))
        self._parts += (head, key[shared:], value)
        self._entries_size += len(head) + len(key) - shared + len(value)
        self._since_restart += 1
        self._last_key = key

    def finish(self) -> bytes:
        restarts = struct.pack(f"<{len(self._restarts) + 1}I", *self._restarts, len(self._restarts))
        return b"".join((*self._parts, restarts))


def _shared_prefix(a: bytes, b: bytes) -> int:
    """The length of the longest common prefix."""
    limit = min(len(a), len(b))
    if a[:limit] == b[:limit]:
        return limit
    return next(i for i in range(limit) if a[i] != b[i])


def _shortest_separator(start: bytes, limit: bytes) -> bytes:
    """LevelDB's short key k with start <= k < limit, for start < limit."""
    i = _shared_prefix(start, limit)
    if i < min(len(start), len(limit)) and start[i] + 1 < limit[i]:
        return start[:i] + bytes((start[i] + 1,))
    return start


def _short_successor(key: bytes) -> bytes:
    """LevelDB's short key that is not less than `key`."""
    for i, byte in enumerate(key):
        if byte != 0xFF:
            return key[:i] + bytes((byte + 1,))
    return key


class TableReader:
    """Reads a table. Every block's checksum is verified; damage raises DataLossError with the file's name."""

    def __init__(self, file: RandomAccessFile):
        """Reads footer and index.

        Args:
          file: the open file; it stays the caller's to close.

        Raises:
          DataLossError: if the file is not a table, or its index is damaged.
        """
        self._file = file
        if file.size < _FOOTER_SIZE:
            raise file.damaged("is too short to be a table file; perhaps it is of another format")
        footer = file.read(file.size - _FOOTER_SIZE, _FOOTER_SIZE, "the footer")
        if footer[-8:] != struct.pack("<Q", _MAGIC):
            raise file.damaged("is not a table file (bad magic number); perhaps it is of another format")
        try:
            _, position = _get_handle(footer, 0)
            index_handle, _ = _get_handle(footer, position)
            entries = _parse_block(self._read_block(*index_handle))
            self._index = [(last_key, _get_handle(handle, 0)[0]) for last_key, handle in entries]
            _check_disjoint([handle for _, handle in self._index])
        except MalformedError as error:
            raise file.damaged(f"the table's index is damaged: {error}") from error

    def __iter__(self) -> Iterator[tuple[bytes, bytes]]:
        """All keys with their values, sorted by key."""
        for _, handle in self._index:
            yield from self._entries(handle)

    def get(self, key: bytes) -> bytes | None:
        """The value of a key, or None. Reads one block."""
        position = bisect.bisect_left(self._index, key, key=lambda entry: entry[0])
        if position == len(self._index):
            return None
        for found, value in self._entries(self._index[position][1]):
            if found == key:
                return value
        return None

    def _entries(self, handle: tuple[int, int]) -> list[tuple[bytes, bytes]]:
        try:
            return _parse_block(self._read_block(*handle))
        except MalformedError as error:
            raise self._file.damaged(f"the table's block at {handle[0]} is damaged: {error}") from error

    def _read_block(self, offset: int, size: int) -> bytes:
        raw = self._file.read(offset, size + _TRAILER_SIZE, f"the table's block at {offset}")
        compression, stored_crc = struct.unpack("<BI", raw[-_TRAILER_SIZE:])
        if crc32c(raw[:-4]) != unmask(stored_crc):
            raise MalformedError("its checksum does not match")
        contents = raw[:-_TRAILER_SIZE]
        if compression == _NO_COMPRESSION:
            return contents
        if compression == _SNAPPY_COMPRESSION:
            return decompress(contents)
        raise MalformedError(f"its compression {compression} is not known")


def _get_handle(data: bytes, position: int) -> tuple[tuple[int, int], int]:
    offset, position = get_varint(data, position)
    size, position = get_varint(data, position)
    return (offset, size), position


def _check_disjoint(handles: list[tuple[int, int]]) -> None:
    """Blocks that follow each other, so that reading all of them reads no byte twice."""
    for (offset, size), (next_offset, _) in itertools.pairwise(handles):
        if next_offset < offset + size + _TRAILER_SIZE:
            raise MalformedError("blocks overlap")


def _parse_block(block: bytes) -> list[tuple[bytes, bytes]]:
    """A block's keys and values. Restart points only speed up a search, so they are skipped."""
    if len(block) < 4:
        raise MalformedError("it is too short")
    end = len(block) - 4 - 4 * int.from_bytes(block[-4:], "little")
    if end < 0:
        raise MalformedError("its restart points do not fit in")
    entries = []
    position = 0
    key = b""
    key_budget = _LARGEST_KEY_RATIO * len(block)
    while position < end:
        shared, position = get_varint(block, position)
        unshared, position = get_varint(block, position)
        value_size, position = get_varint(block, position)
        value_at = position + unshared
        if shared > len(key) or value_at + value_size > end:
            raise MalformedError("an entry does not fit in")
        key = key[:shared] + block[position:value_at]
        key_budget -= len(key)
        if key_budget < 0:
            raise MalformedError("its keys share more than restart points allow")
        position = value_at + value_size
        entries.append((key, block[value_at:position]))
    return entries
