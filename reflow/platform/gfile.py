"""`tf.gfile`: files that are opened when they are first read or written, and the 1.x names of the file functions."""

from reflow.graph import errors
from reflow.graph.export import export
from reflow.platform.compat_text import as_bytes, as_str_any
from reflow.platform.file_io import copy as Copy
from reflow.platform.file_io import create_dir as MkDir
from reflow.platform.file_io import delete_file as Remove
from reflow.platform.file_io import delete_recursively as DeleteRecursively
from reflow.platform.file_io import file_exists as Exists
from reflow.platform.file_io import get_matching_files as Glob
from reflow.platform.file_io import is_directory as IsDirectory
from reflow.platform.file_io import list_directory as ListDirectory
from reflow.platform.file_io import local_path, tensorflow_errors
from reflow.platform.file_io import recursive_create_dir as MakeDirs
from reflow.platform.file_io import rename as Rename
from reflow.platform.file_io import stat as Stat
from reflow.platform.file_io import walk as Walk

__all__ = [
    "Copy",
    "DeleteRecursively",
    "Exists",
    "FastGFile",
    "FileIO",
    "GFile",
    "Glob",
    "IsDirectory",
    "ListDirectory",
    "MakeDirs",
    "MkDir",
    "Open",
    "Remove",
    "Rename",
    "Stat",
    "Walk",
]


class FileIO:
    """A file, read as bytes with "b" in its mode, else as UTF-8 text.

    The file is opened by the first read or write, not before: one that is opened for writing and never written
    to is not made. Lines end with "\\n"; a "\\r" is dropped from them. Positions count bytes.

    Args:
      name: a path.
      mode: "r", "w", "a", "r+", "w+" or "a+", with or without a "b". All but "a" and "a+" write a new file.

    Raises:
      InvalidArgumentError: if the mode is none of these.
    """

    def __init__(self, name, mode):
        self._name = name
        self._mode = mode
        self._is_binary = "b" in mode
        letters = mode.replace("b", "")
        if letters not in ("r", "w", "a", "r+", "w+", "a+"):
            raise errors.InvalidArgumentError(None, None, "mode is not 'r' or 'w' or 'a' or 'r+' or 'w+' or 'a+'")
        self._may_read = letters not in ("w", "a")
        self._may_write = letters != "r"
        self._source = None
        self._target = None

    @property
    def name(self):
        """The path, as it was given."""
        return self._name

    @property
    def mode(self):
        """The mode, as it was given."""
        return self._mode

    def _reader(self):
        if self._source is None:
            if not self._may_read:
                raise errors.PermissionDeniedError(None, None, "File isn't open for reading")
            self._source = self._open("rb")
        return self._source

    def _writer(self):
        if self._target is None:
            if not self._may_write:
                raise errors.PermissionDeniedError(None, None, "File isn't open for writing")
            self._target = self._open("ab" if "a" in self._mode else "wb")
        return self._target

    def _open(self, mode):
        path = local_path(self._name)
        with tensorflow_errors(path):
            return open(path, mode)

    def _as_asked(self, content: bytes):
        return content if self._is_binary else content.decode()

    def size(self):
        """The size of the file on disk, in bytes."""
        return Stat(self._name).length

    def write(self, file_content):
        """Writes bytes, or text as UTF-8, at the end of what was written so far."""
        target = self._writer()
        with tensorflow_errors(as_str_any(self._name)):
            target.write(as_bytes(file_content))

    def read(self, n=-1):
        """Reads from the current position.

        Args:
          n: how many bytes, or -1 for all that follow.

        Returns:
          bytes or str, by the mode; empty at the end of the file.
        """
        source = self._reader()
        with tensorflow_errors(as_str_any(self._name)):
            content = source.read(n)
        return self._as_asked(content)

    def readline(self):
        """Reads a line with the "\\n" at its end; empty at the end of the file."""
        source = self._reader()
        with tensorflow_errors(as_str_any(self._name)):
            content = source.readline()
        return self._as_asked(content.replace(b"\r", b""))

    def readlines(self):
        """Reads all lines that follow, a list."""
        return list(self)

    def seek(self, offset=None, whence=0, position=None):
        """Moves the position of the next read.

        Args:
          offset: a number of bytes.
          whence: where to count from: 0 the start, 1 the current position, 2 the end of the file.
          position: the old name of `offset`.

        Raises:
          TypeError: unless exactly one of `offset` and `position` is given.
          InvalidArgumentError: for another `whence`, or a position before the start.
          OutOfRangeError: for a position behind the end.
        """
        source = self._reader()
        if (offset is None) == (position is None):
            problem = "offset argument required" if offset is None else "offset and position given simultaneously"
            raise TypeError(f"seek(): {problem}")
        if whence not in (0, 1, 2):
            raise errors.InvalidArgumentError(
                None, None, f"Invalid whence argument: {whence}. Valid values are 0, 1, or 2."
            )
        size = self.size()
        start = (0, source.tell(), size)[whence]
        wanted = start + (position if offset is None else offset)
        if wanted < 0:
            raise errors.InvalidArgumentError(None, None, f"Seeking to a negative position: {wanted}")
        source.seek(min(wanted, size))
        if wanted > size:
            raise errors.OutOfRangeError(None, None, f"Seeking to {wanted}, behind the end of the file at {size}")

    def tell(self):
        """The current position, in bytes; of the next read if the file may be read, else of the next write."""
        return (self._reader() if self._may_read else self._writer()).tell()

    def seekable(self):
        """True: every file can be sought in."""
        return True

    def flush(self):
        """Hands what was written to the operating system."""
        if self._target is not None:
            with tensorflow_errors(as_str_any(self._name)):
                self._target.flush()

    def close(self):
        """Closes the file; reading or writing opens it again."""
        for stream in (self._source, self._target):
            if stream is not None:
                with tensorflow_errors(as_str_any(self._name)):
                    stream.close()
        self._source = self._target = None

    def next(self):
        """The next line; StopIteration at the end of the file."""
        line = self.readline()
        if not line:
            raise StopIteration
        return line

    __next__ = next

    def __iter__(self):
        return self

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, exc_traceback):
        self.close()


@export("gfile.GFile", "gfile.Open", "io.gfile.GFile")
class GFile(FileIO):
    __doc__ = FileIO.__doc__

    def __init__(self, name, mode="r"):
        super().__init__(name, mode)


@export("gfile.FastGFile")
class FastGFile(FileIO):
    __doc__ = FileIO.__doc__

    def __init__(self, name, mode="r"):
        super().__init__(name, mode)


Open = GFile
