"""`tf.resource_loader`: files that lie beside a program's source."""

import os
import pathlib
import sys

from reflow.graph.export import export

_PACKAGE = pathlib.Path(__file__).resolve().parents[1]


@export("resource_loader.load_resource")
def load_resource(path: str) -> bytes:
    """Reads a file below the package.

    Args:
      path: a path relative to the package's folder.

    Returns:
      The content, bytes.

    Raises:
      IOError: if there is no such file.
    """
    return (_PACKAGE / path).read_bytes()


def _folder_of_caller() -> str:
    """The folder of the source file that called this module's caller."""
    return os.path.dirname(sys._getframe(2).f_code.co_filename)


@export("resource_loader.get_data_files_path")
def get_data_files_path() -> str:
    """The folder of the source file from which this function is called."""
    return _folder_of_caller()


@export("resource_loader.get_root_dir_with_all_resources")
def get_root_dir_with_all_resources() -> str:
    """The folder inside a Bazel `.runfiles` tree that holds the calling file, or just its own folder."""
    script_dir = _folder_of_caller()
    path = pathlib.PurePath(script_dir)
    below = script_dir
    for folder in [path, *path.parents]:
        if ".runfiles" in folder.name:
            return below
        below = str(folder)
    return script_dir


@export("resource_loader.get_path_to_datafile")
def get_path_to_datafile(path: str) -> str:
    """Joins `path` to the folder of the source file from which this function is called."""
    return os.path.join(_folder_of_caller(), path)


@export("resource_loader.readahead_file_path")
def readahead_file_path(path: str, readahead: str = "128M") -> str:
    """Returns `path`: reading ahead is left to the operating system.

    Args:
      path: a file name.
      readahead: ignored.
    """
    return path
