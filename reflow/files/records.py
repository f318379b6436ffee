"""Record files: TFRecord and event files alike are a length, its masked CRC-32C, the data, and its masked CRC-32C.

The whole stream may be compressed with zlib, in zlib's or gzip's framing.
"""

import contextlib
import io
import struct
import zlib
from collections.abc import Iterator
from typing import IO, Any

from reflow.files.crc import crc32c, masked_crc32c, unmask
from reflow.files.random_access import os_errors, translated
from reflow.graph import errors

NONE, ZLIB, GZIP = "", "ZLIB", "GZIP"

_HEADER = struct.Struct("<QI")
_SIZE = struct.Struct("<Q")
_CRC = struct.Struct("<I")
_BUFFER_SIZE = 1 << 18
_WINDOW_BITS = {ZLIB: zlib.MAX_WBITS, GZIP: zlib.MAX_WBITS + 16}
_MEMORY_LEVEL = 9  # TensorFlow's


class RecordWriter:
    """Writes records to a new file. Close it; a record is safe on disk only then, or after `flush`."""

    def __init__(self, path: str, compression_type: str = NONE, mode: str = "wb", **zlib_options: Any):
        """Creates the file.

        Args:
          path: the file's path.
          compression_type: "", "ZLIB" or "GZIP".
          mode: "wb" to replace a file, "xb" to fail if there is one.
          **zlib_options: flush_mode, window_bits, compression_level, compression_method, mem_level or
            compression_strategy, as zlib's deflateInit2 takes them; None stands for TensorFlow's default.

        Raises:
          NotFoundError, PermissionDeniedError, UnknownError: if the file cannot be created.
        """
        self._path = path
        options = {name: value for name, value in zlib_options.items() if value is not None}
        self._flush_mode = options.get("flush_mode", zlib.Z_NO_FLUSH)
        self._deflate = None
        if compression_type != NONE:
            self._deflate = zlib.compressobj(
                options.get("compression_level", zlib.Z_DEFAULT_COMPRESSION),
                options.get("compression_method", zlib.DEFLATED),
                options.get("window_bits", _WINDOW_BITS[compression_type]),
                options.get("mem_level", _MEMORY_LEVEL),
                options.get("compression_strategy", zlib.Z_DEFAULT_STRATEGY),
            )
        with os_errors(path):
            self._file: IO[bytes] | None = open(path, mode, buffering=_BUFFER_SIZE)  # noqa: SIM115 (`close` closes it)

    def write(self, record: bytes) -> None:
        """Appends a record. Raises FailedPreconditionError after `close`."""
        file = self._open_file()
        size = _SIZE.pack(len(record))
        data = b"".join((size, _CRC.pack(masked_crc32c(size)), record, _CRC.pack(masked_crc32c(record))))
        if self._deflate is not None:
            data = self._deflate.compress(data)
        try:
            file.write(data)
        except OSError as error:
            raise translated(error, self._path) from error

    def flush(self) -> None:
        """Hands what was written to the operating system; a compressed stream only as far as its flush mode says."""
        file = self._open_file()
        with os_errors(self._path):
            if self._deflate is not None and self._flush_mode != zlib.Z_NO_FLUSH:
                file.write(self._deflate.flush(self._flush_mode))
            file.flush()

    def close(self) -> None:
        """Finishes and closes the file. Closing twice is allowed."""
        file, self._file = self._file, None
        if file is None:
            return
        with os_errors(self._path), file:
            if self._deflate is not None:
                file.write(self._deflate.flush())

    def __del__(self):
        if getattr(self, "_file", None) is not None:
            with contextlib.suppress(Exception):  # nobody is there to catch it
                self.close()

    def _open_file(self) -> IO[bytes]:
        if self._file is None:
            raise errors.FailedPreconditionError(
                None, None, f"{self._path}: Writer not initialized or previously closed"
            )
        return self._file


class RecordReader:
    """Reads the records of a file, one after the other. Every checksum is verified."""

    def __init__(self, path: str, compression_type: str = NONE):
        """Opens the file.

        Args:
          path: the file's path.
          compression_type: "", "ZLIB" or "GZIP".

        Raises:
          NotFoundError, PermissionDeniedError, FailedPreconditionError, UnknownError: if it cannot be opened.
        """
        self._path = path
        self._offset = 0
        with os_errors(path):
            raw: io.RawIOBase = open(path, "rb", buffering=0)  # noqa: SIM115 (`close` closes it)
        if compression_type != NONE:
            raw = _InflatingFile(raw, path, _WINDOW_BITS[compression_type])
        self._file = raw
        self._buffer = b""  # read, and from the position on not yet used
        self._position = 0

    @property
    def offset(self) -> int:
        """Where the next record starts in the uncompressed stream, in bytes."""
        return self._offset

    def read(self) -> bytes | None:
        """The next record, or None at the end.

        Raises:
          DataLossError: if the record is damaged or cut off.
        """
        header = self._take(_HEADER.size)
        if not header:
            return None
        if len(header) < _HEADER.size:
            raise self._damaged("truncated")
        size, size_crc = _HEADER.unpack(header)
        if crc32c(header[: _SIZE.size]) != unmask(size_crc):
            raise self._damaged("corrupted")
        data = self._take(size + _CRC.size)
        if len(data) < size + _CRC.size:
            raise self._damaged("truncated")
        record = data[:size]
        if crc32c(record) != unmask(_CRC.unpack_from(data, size)[0]):
            raise self._damaged("corrupted")
        self._offset += _HEADER.size + size + _CRC.size
        return record

    def __iter__(self) -> Iterator[bytes]:
        while (record := self.read()) is not None:
            yield record

    def close(self) -> None:
        """Closes the file. Closing twice is allowed."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _take(self, size: int) -> bytes:
        """The next `size` bytes of the stream, or fewer at its end. No more is allocated than the stream fills."""
        start, end = self._position, self._position + size
        if end > len(self._buffer):
            parts = [self._buffer[start:]]
            missing = end - len(self._buffer)
            while missing > 0 and (part := self._read_some()):
                parts.append(part)
                missing -= len(part)
            self._buffer = b"".join(parts)
            start, end = 0, size
        self._position = min(end, len(self._buffer))
        return self._buffer[start:end]

    def _read_some(self) -> bytes:
        try:
            return self._file.read(_BUFFER_SIZE) or b""
        except OSError as error:
            raise translated(error, self._path) from error

    def _damaged(self, how: str) -> errors.DataLossError:
        return errors.DataLossError(None, None, f"{self._path}: {how} record at {self._offset}")


class _InflatingFile(io.RawIOBase):
    """The uncompressed contents of a file in zlib's or gzip's format. Members that follow each other are joined."""

    def __init__(self, file: io.RawIOBase, path: str, window_bits: int):
        self._file = file
        self._path = path
        self._window_bits = window_bits
        self._inflate = zlib.decompressobj(window_bits)
        self._input = b""
        self._fresh = True  # whether nothing of the present member was read

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        while True:
            if not self._input:
                self._input = self._file.read(_BUFFER_SIZE) or b""
                if not self._input:
                    if self._fresh:
                        return 0
                    raise errors.DataLossError(None, None, f"{self._path}: the compressed data is cut off")
            if data := self._inflate_some(len(buffer)):
                buffer[: len(data)] = data
                return len(data)

    def _inflate_some(self, size: int) -> bytes:
        try:
            data = self._inflate.decompress(self._input, size)
        except zlib.error as error:
            raise errors.DataLossError(None, None, f"{self._path}: the compressed data is damaged: {error}") from error
        self._input = self._inflate.unconsumed_tail
        self._fresh = False
        if self._inflate.eof:
            self._input = self._inflate.unused_data
            self._inflate = zlib.decompressobj(self._window_bits)
            self._fresh = True
        return data

    def close(self) -> None:
        self._file.close()
        super().close()
