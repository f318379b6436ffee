"""A file read at chosen offsets, whose errors name it, and which never allocates more than the file can fill."""

import errno
import os
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np

from reflow.files.crc import crc32c
from reflow.graph import errors

_CHUNK = 1 << 20  # small enough to be still in the processor's cache when it is checksummed

_CLASSES: list[tuple[type[OSError], Any]] = [
    (FileNotFoundError, errors.NotFoundError),
    (FileExistsError, errors.AlreadyExistsError),
    (PermissionError, errors.PermissionDeniedError),
    (IsADirectoryError, errors.FailedPreconditionError),
    (NotADirectoryError, errors.FailedPreconditionError),
]


class RandomAccessFile:
    """An open file of known size. Reads may come from many threads."""

    def __init__(self, path: str):
        """Opens a file.

        Args:
          path: the file's path.

        Raises:
          NotFoundError, PermissionDeniedError, FailedPreconditionError, UnknownError: if it cannot be opened.
        """
        self.path = path
        self._lock = threading.Lock()  # a seek and its read belong together
        with os_errors(path):
            self._file = open(path, "rb", buffering=0)  # noqa: SIM115 (`close` closes it)
            self.size = os.fstat(self._file.fileno()).st_size

    def read(self, offset: int, size: int, what: str) -> bytes:
        """The `size` bytes from `offset` on.

        Args:
          offset: where to start, in bytes.
          size: the number of bytes.
          what: what is read, for the error message.

        Raises:
          DataLossError: if the file has not that many bytes there.
        """
        self.check_bounds(offset, size, what)
        parts = []
        with self._lock, os_errors(self.path):
            self._file.seek(offset)
            while size:
                part = self._file.read(size)
                if not part:
                    raise self.damaged(f"{what} is cut off")
                parts.append(part)
                size -= len(part)
        return parts[0] if len(parts) == 1 else b"".join(parts)

    def read_into(self, offset: int, out: np.ndarray, what: str) -> int:
        """Fills an array from `offset` on.

        Args:
          offset: where to start, in bytes.
          out: a C-contiguous array of bytes (1-D, uint8).
          what: what is read, for the error message.

        Returns:
          The unmasked CRC-32C of the bytes.

        Raises:
          DataLossError: if the file has not that many bytes there.
        """
        self.check_bounds(offset, out.size, what)
        crc = done = 0
        with self._lock, os_errors(self.path):
            self._file.seek(offset)
            while done < out.size:
                count = self._file.readinto(out[done : done + _CHUNK].data)
                if not count:
                    raise self.damaged(f"{what} is cut off")
                crc = crc32c(out[done : done + count], crc)
                done += count
        return crc

    def check_bounds(self, offset: int, size: int, what: str) -> None:
        """Raises DataLossError unless `size` bytes from `offset` on are inside the file."""
        if offset < 0 or size < 0 or offset + size > self.size:
            raise self.damaged(f"{what} should be {size} bytes at {offset}, but the file has {self.size} bytes")

    def damaged(self, detail: str) -> errors.DataLossError:
        """A DataLossError that names this file."""
        return errors.DataLossError(None, None, f"{self.path}: {detail}")

    def close(self) -> None:
        """Closes the file; later reads fail. Closing twice is allowed."""
        self._file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def __del__(self):
        if hasattr(self, "_file"):
            self.close()


@contextmanager
def os_errors(path: str) -> Iterator[None]:
    """Turns an OSError into the `tf.errors` class that TensorFlow raises for it, with the path in the message."""
    try:
        yield
    except OSError as error:
        raise translated(error, path) from error


def translated(error: OSError, path: str) -> errors.OpError:
    """What to raise in place of an OSError; see `os_errors`, which is slower where nothing fails."""
    error_class = next((found for cause, found in _CLASSES if isinstance(error, cause)), errors.UnknownError)
    if error.errno in (errno.ENOSPC, errno.EDQUOT):
        error_class = errors.ResourceExhaustedError
    return error_class(None, None, f"{path}; {error.strerror}")
