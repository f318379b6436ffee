"""Writing a file so that a kill at any moment leaves either the old or the new one: temporary name, fsync, rename."""

import contextlib
import os
import secrets
from collections.abc import Callable

from reflow.files.random_access import os_errors

Buffer = bytes | bytearray | memoryview


class PendingFile:
    """A file that is written under a temporary name and appears under its own with `commit`.

    The temporary name is TensorFlow's: the final one, `.tempstate` and a random number.
    """

    def __init__(self, path: str):
        self.path = path
        self.temporary_path = f"{path}.tempstate{secrets.randbits(64)}"
        with os_errors(path):
            self._file = open(self.temporary_path, "xb", buffering=0)  # noqa: SIM115 (`finish` or `discard` closes it)

    def write(self, data: Buffer) -> None:
        """Appends bytes. Raises the `tf.errors` class of an OSError."""
        view = memoryview(data)
        with os_errors(self.path):
            while view:
                view = view[self._file.write(view) :]

    def finish(self) -> None:
        """Flushes the contents to the disk and closes the file, still under its temporary name."""
        with os_errors(self.path):
            os.fsync(self._file.fileno())
            self._file.close()

    def commit(self) -> None:
        """`finish`, and gives the file its own name, in place of an older one."""
        if not self._file.closed:
            self.finish()
        with os_errors(self.path):
            os.replace(self.temporary_path, self.path)

    def discard(self) -> None:
        """Removes the temporary file after a failure; does nothing after `commit`."""
        self._file.close()
        remove_if_exists(self.temporary_path)


def write_atomically(path: str, write: Callable[[PendingFile], None]) -> None:
    """Creates or replaces a file whole.

    Args:
      path: the file's path; its folder exists.
      write: called with the pending file, writes the contents.

    Raises:
      NotFoundError, PermissionDeniedError, ResourceExhaustedError, UnknownError: as the operating system reports.
    """
    pending = PendingFile(path)
    try:
        write(pending)
        pending.commit()
    finally:
        pending.discard()


def sync_folder(path: str) -> None:
    """Makes the names in the folder of a file durable, where the file system can."""
    with contextlib.suppress(OSError):
        fd = os.open(os.path.dirname(path) or ".", os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


def remove_if_exists(path: str) -> None:
    """Removes a file; a file that is not there or cannot be removed is left to the next one who cleans up."""
    with contextlib.suppress(OSError):
        os.unlink(path)
