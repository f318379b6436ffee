"""`tf.load_op_library` and its like: what becomes of TensorFlow's binary libraries."""

import errno
import os
import sys

from reflow.graph import errors
from reflow.graph.export import export
from reflow.platform.deprecation import deprecated

_ENDINGS = {"darwin": ".dylib", "win32": ".dll"}


def _refused(path: str) -> errors.NotFoundError:
    """The error that TensorFlow raises for a library of another version."""
    if not os.path.exists(path):
        return errors.NotFoundError(None, None, f"{path}: cannot open shared object file: No such file or directory")
    return errors.NotFoundError(
        None, None,
        f"{path} was built for TensorFlow: Reflow has no C++ interface and cannot load it. An operation is defined in "
        "Python, by its signature, shape rule and kernel (reflow.graph.registry.define_op; see CONTRIBUTING.md); "
        "tf.py_func runs any Python function.",
    )  # fmt: skip


@export("load_op_library")
def load_op_library(library_filename):
    """Refuses to load operations that were compiled for TensorFlow.

    Args:
      library_filename: the path of a library.

    Raises:
      NotFoundError: always, as TensorFlow does for libraries that were built for another version of it.
    """
    raise _refused(os.fspath(library_filename))


@export("load_file_system_library")
@deprecated(None, "Use `tf.load_library` instead.")
def load_file_system_library(library_filename):
    """Refuses to load a file system that was compiled for TensorFlow.

    Args:
      library_filename: the path of a library.

    Raises:
      NotFoundError: always, as TensorFlow does for libraries that were built for another version of it.
    """
    raise _refused(os.fspath(library_filename))


@export("load_library")
def load_library(library_location):
    """Refuses to load kernels that were compiled for TensorFlow; of a folder without libraries there are none to load.

    Args:
      library_location: the path of a library, or of a folder with some.

    Raises:
      OSError: if there is no such file or folder.
      NotFoundError: if there is a library to load.
    """
    path = os.fspath(library_location)
    if not os.path.exists(path):
        raise OSError(errno.ENOENT, "The file or folder to load kernel libraries from does not exist.", path)
    libraries = [path]
    if os.path.isdir(path):
        ending = _ENDINGS.get(sys.platform, ".so")
        libraries = [os.path.join(path, name) for name in sorted(os.listdir(path)) if name.endswith(ending)]
    for library in libraries:
        raise _refused(library)
