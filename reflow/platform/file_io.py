"""Files and folders under the names of `tf.io.gfile` and `tf.gfile`, with TensorFlow's errors.

Paths are local; a leading "file://" is dropped, any other scheme raises `tf.errors.UnimplementedError`.
Functions ending in `_v2` name their arguments as `tf.io.gfile` does, the others as `tf.gfile`.
"""

import contextlib
import errno
import os
import re
import shutil
import uuid
import zlib
from collections.abc import Callable, Iterator
from typing import NamedTuple

from reflow.graph import errors
from reflow.graph.export import export
from reflow.platform.compat_text import as_str_any, path_to_str
from reflow.platform.file_glob import matching_paths

_SCHEME = re.compile(r"([a-zA-Z][0-9a-zA-Z.+-]*)://")

# Which status TensorFlow's file systems report for an error number; the rest is UNKNOWN.
_STATUS_OF_ERRNO = {
    number: status
    for status, names in {
        errors.INVALID_ARGUMENT: "EINVAL ENAMETOOLONG E2BIG EDESTADDRREQ EFAULT EILSEQ ENOTTY ESPIPE",
        errors.DEADLINE_EXCEEDED: "ETIMEDOUT",
        errors.NOT_FOUND: "ENODEV ENOENT ENXIO ESRCH",
        errors.ALREADY_EXISTS: "EEXIST EALREADY",
        errors.PERMISSION_DENIED: "EPERM EACCES EROFS",
        errors.FAILED_PRECONDITION: "ENOTEMPTY EISDIR ENOTDIR EBADF EBUSY EPIPE ETXTBSY",
        errors.RESOURCE_EXHAUSTED: "ENOSPC EDQUOT EMFILE EMLINK ENFILE ENOMEM",
        errors.OUT_OF_RANGE: "EFBIG EOVERFLOW ERANGE",
        errors.UNIMPLEMENTED: "ENOSYS ENOTSUP EXDEV",
        errors.UNAVAILABLE: "EAGAIN EINTR ELOOP",
        errors.ABORTED: "EDEADLK ESTALE",
        errors.CANCELLED: "ECANCELED",
    }.items()
    for number in (getattr(errno, name, None) for name in names.split())
    if number is not None
}


@contextlib.contextmanager
def tensorflow_errors(path: str) -> Iterator[None]:
    """Turns an OSError into the `tf.errors` class that TensorFlow raises for it, naming the path."""
    try:
        yield
    except OSError as error:
        status = _STATUS_OF_ERRNO.get(error.errno or 0, errors.UNKNOWN)
        message = f"{path}; {os.strerror(error.errno) if error.errno else error}"
        raise errors.make_error(None, None, message, status) from None


def local_path(path) -> str:
    """The path on this machine that a file name stands for.

    Args:
      path: str, bytes or `os.PathLike`.

    Returns:
      A str without a scheme.

    Raises:
      TypeError: if `path` is none of these.
      UnimplementedError: if it names a file system other than the local one.
    """
    name = path_to_str(path)
    if not isinstance(name, str | bytes):
        raise TypeError(f"Expected binary or unicode string, got {path!r}")
    text = os.fsdecode(name)
    scheme = _SCHEME.match(text)
    if scheme is None:
        return text
    if scheme[1] != "file":
        raise errors.UnimplementedError(
            None, None, f"File system scheme '{scheme[1]}' not implemented (file: '{text}')"
        )
    # file://host/path: the host is ignored, as TensorFlow does.
    return "/" + text[scheme.end() :].partition("/")[2]


@export("io.gfile.exists")
def file_exists_v2(path) -> bool:
    """Tells whether a file or folder exists.

    Args:
      path: a path.

    Returns:
      A bool.

    Raises:
      OpError: if the path names an unknown file system.
    """
    return os.path.exists(local_path(path))


@export("io.gfile.isdir")
def is_directory_v2(path) -> bool:
    """Tells whether a path is an existing folder."""
    return os.path.isdir(local_path(path))


@export("io.gfile.remove")
def delete_file_v2(path) -> None:
    """Removes a file.

    Args:
      path: a path.

    Raises:
      NotFoundError: if there is no such file.
      FailedPreconditionError: if it is a folder.
    """
    name = local_path(path)
    with tensorflow_errors(name):
        os.unlink(name)


@export("io.gfile.rmtree")
def delete_recursively_v2(path) -> None:
    """Removes a folder and everything in it.

    Args:
      path: a path.

    Raises:
      NotFoundError: if there is no such folder.
      FailedPreconditionError: if it is a file.
    """
    name = local_path(path)
    if not os.path.lexists(name):
        raise errors.NotFoundError(None, None, f"{name} not found")
    with tensorflow_errors(name):
        shutil.rmtree(name)


@export("io.gfile.mkdir")
def create_dir_v2(path) -> None:
    """Makes a folder, unless it exists already.

    Args:
      path: a path, whose parent must exist.

    Raises:
      NotFoundError: if the parent does not exist.
    """
    name = local_path(path)
    with tensorflow_errors(name), contextlib.suppress(FileExistsError):
        os.mkdir(name)


@export("io.gfile.makedirs")
def recursive_create_dir_v2(path) -> None:
    """Makes a folder and all the parents it lacks; it may exist already.

    Args:
      path: a path.

    Raises:
      FailedPreconditionError: if a parent is a file.
    """
    name = local_path(path)
    with tensorflow_errors(name), contextlib.suppress(FileExistsError):
        os.makedirs(name)


@export("io.gfile.copy")
def copy_v2(src, dst, overwrite: bool = False) -> None:
    """Copies a file's content.

    Args:
      src: the path of a file.
      dst: the path of the copy.
      overwrite: whether the copy may replace an existing file.

    Raises:
      AlreadyExistsError: if `dst` exists and must not be overwritten.
      NotFoundError: if `src` or the folder of `dst` does not exist.
      InvalidArgumentError: if `src` is a folder.
    """
    source, target = local_path(src), local_path(dst)
    _check_vacant(target, overwrite)
    if os.path.isdir(source):
        raise errors.InvalidArgumentError(None, None, f"{source}; Is a directory")
    with tensorflow_errors(target if os.path.exists(source) else source):
        shutil.copyfile(source, target)


@export("io.gfile.rename")
def rename_v2(src, dst, overwrite: bool = False) -> None:
    """Renames or moves a file or folder.

    Args:
      src: its path.
      dst: its new path.
      overwrite: whether it may replace an existing file.

    Raises:
      AlreadyExistsError: if `dst` exists and must not be overwritten.
      NotFoundError: if `src` does not exist.
    """
    source, target = local_path(src), local_path(dst)
    _check_vacant(target, overwrite)
    with tensorflow_errors(source):
        os.replace(source, target)


def _check_vacant(path: str, overwrite: bool) -> None:
    if not overwrite and os.path.exists(path):
        raise errors.AlreadyExistsError(None, None, "file already exists")


@export("io.gfile.glob")
def get_matching_files_v2(pattern) -> list[str]:
    """Lists the files and folders that match a pattern.

    Args:
      pattern: a pattern, or an iterable of patterns. `*` and `?` match within a path component, hidden files
        included; `[abc]`, `[a-z]` and `[!abc]` match one character; a backslash takes the next one literally.

    Returns:
      A list of paths, sorted for each pattern.
    """
    if isinstance(pattern, str | bytes | os.PathLike):
        return matching_paths(local_path(pattern))
    return [path for one in pattern for path in matching_paths(local_path(one))]


@export("io.gfile.listdir")
def list_directory_v2(path) -> list[str]:
    """Lists the names in a folder, without "." and "..", in arbitrary order.

    Args:
      path: a path.

    Returns:
      A list of str.

    Raises:
      NotFoundError: if there is no such folder.
    """
    name = local_path(path)
    if not os.path.isdir(name):
        raise errors.NotFoundError(None, None, f"Could not find directory {name}")
    with tensorflow_errors(name):
        return os.listdir(name)


@export("io.gfile.walk")
def walk_v2(top, topdown: bool = True, onerror: Callable | None = None) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walks through a tree of folders.

    Args:
      top: the path of the first folder.
      topdown: whether a folder comes before those inside it.
      onerror: called with the error when a folder cannot be listed; without it such folders are skipped.

    Yields:
      (folder, names of the folders in it, names of the files in it), all str.
    """
    folder = as_str_any(path_to_str(top))
    try:
        names = list_directory_v2(folder)
    except errors.NotFoundError as error:
        if onerror is not None:
            onerror(error)
        return
    folders = [name for name in names if is_directory_v2(os.path.join(folder, name))]
    files = [name for name in names if name not in set(folders)]
    if topdown:
        yield folder, folders, files
    for name in folders:
        yield from walk_v2(os.path.join(folder, name), topdown, onerror)
    if not topdown:
        yield folder, folders, files


class FileStatistics(NamedTuple):
    """What `stat` tells of a path.

    Attributes:
      length: the size in bytes.
      mtime_nsec: when it was last changed, in nanoseconds since 1970.
      is_directory: whether it is a folder.
    """

    length: int
    mtime_nsec: int
    is_directory: bool


@export("io.gfile.stat")
def stat_v2(path) -> FileStatistics:
    """Size, time of the last change and kind of a file or folder.

    Args:
      path: a path.

    Returns:
      A `FileStatistics`.

    Raises:
      NotFoundError: if it does not exist.
    """
    name = local_path(path)
    with tensorflow_errors(name):
        status = os.stat(name)
    return FileStatistics(status.st_size, status.st_mtime_ns, os.path.isdir(name))


# The functions of tf.gfile: the same with TensorFlow's older argument names.


@export("gfile.Exists")
def file_exists(filename) -> bool:
    """Tells whether the file or folder `filename` exists."""
    return file_exists_v2(filename)


@export("gfile.IsDirectory")
def is_directory(dirname) -> bool:
    """Tells whether `dirname` is an existing folder."""
    return is_directory_v2(dirname)


@export("gfile.Remove")
def delete_file(filename) -> None:
    """Removes the file `filename`; errors as `tf.io.gfile.remove`."""
    delete_file_v2(filename)


@export("gfile.DeleteRecursively")
def delete_recursively(dirname) -> None:
    """Removes the folder `dirname` and everything in it; errors as `tf.io.gfile.rmtree`."""
    delete_recursively_v2(dirname)


@export("gfile.MkDir")
def create_dir(dirname) -> None:
    """Makes the folder `dirname`, whose parent must exist; errors as `tf.io.gfile.mkdir`."""
    create_dir_v2(dirname)


@export("gfile.MakeDirs")
def recursive_create_dir(dirname) -> None:
    """Makes the folder `dirname` and the parents it lacks; errors as `tf.io.gfile.makedirs`."""
    recursive_create_dir_v2(dirname)


@export("gfile.Copy")
def copy(oldpath, newpath, overwrite: bool = False) -> None:
    """Copies the file `oldpath` to `newpath`; errors as `tf.io.gfile.copy`."""
    copy_v2(oldpath, newpath, overwrite)


@export("gfile.Rename")
def rename(oldname, newname, overwrite: bool = False) -> None:
    """Renames or moves `oldname` to `newname`; errors as `tf.io.gfile.rename`."""
    rename_v2(oldname, newname, overwrite)


@export("gfile.Glob")
def get_matching_files(filename) -> list[str]:
    """Lists the paths that match the pattern, or any of the patterns, `filename`; see `tf.io.gfile.glob`."""
    return get_matching_files_v2(filename)


@export("gfile.ListDirectory")
def list_directory(dirname) -> list[str]:
    """Lists the names in the folder `dirname`; NotFoundError if there is none."""
    return list_directory_v2(dirname)


@export("gfile.Walk")
def walk(top, in_order: bool = True) -> Iterator[tuple[str, list[str], list[str]]]:
    """Walks through the tree below `top`, a folder before its content if `in_order`; see `tf.io.gfile.walk`."""
    return walk_v2(top, in_order)


@export("gfile.Stat")
def stat(filename) -> FileStatistics:
    """Size, time of the last change and kind of `filename`; NotFoundError if it does not exist."""
    return stat_v2(filename)


def write_string_to_file(filename, file_content) -> None:
    """Writes bytes or text (as UTF-8) to a file, replacing what it held."""
    name = local_path(filename)
    content = file_content.encode() if isinstance(file_content, str) else file_content
    with tensorflow_errors(name), open(name, "wb") as out:
        out.write(content)


def read_file_to_string(filename, binary_mode: bool = False):
    """Reads a whole file: bytes with `binary_mode`, else the text that its UTF-8 stands for."""
    name = local_path(filename)
    with tensorflow_errors(name), open(name, "rb") as source:
        content = source.read()
    return content if binary_mode else content.decode()


def atomic_write_string_to_file(filename, contents, overwrite: bool = True) -> None:
    """Writes a file so that no reader ever sees a part of it: first beside it, then renamed."""
    temporary = f"{local_path(filename)}.tmp{uuid.uuid4().hex}"
    write_string_to_file(temporary, contents)
    try:
        rename_v2(temporary, filename, overwrite)
    except errors.OpError:
        delete_file_v2(temporary)
        raise


def file_crc32(filename, block_size: int = 16 * 2**20) -> str:
    """The CRC-32 of a file's content, as the hexadecimal text that `hex` gives.

    Args:
      filename: the path of a file.
      block_size: how many bytes to read at a time.
    """
    name, crc = local_path(filename), 0
    with tensorflow_errors(name), open(name, "rb") as source:
        while block := source.read(block_size):
            crc = zlib.crc32(block, crc)
    return hex(crc)


def filecmp(filename_a, filename_b) -> bool:
    """Tells whether two files have equal size and CRC-32."""
    same_size = stat_v2(filename_a).length == stat_v2(filename_b).length
    return same_size and file_crc32(filename_a) == file_crc32(filename_b)
