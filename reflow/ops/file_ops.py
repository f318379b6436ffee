"""Whole files in a graph: ReadFile, WriteFile, MatchingFiles."""

import os

import numpy as np

from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import no_outputs, unchanged_shape, with_rank, with_rank_at_most
from reflow.ops.strings import string_array
from reflow.platform.file_glob import matching_paths
from reflow.platform.file_io import local_path, tensorflow_errors


def _read_file(filename):
    if filename.ndim:
        raise ValueError(f"Input filename tensor must be scalar, but had shape: {list(filename.shape)}")
    path = filename.item()
    with tensorflow_errors(os.fsdecode(path)), open(local_path(path), "rb") as file:
        return np.array(file.read(), object)


def _write_file(filename, contents):
    for name, array in (("filename", filename), ("contents", contents)):
        if array.ndim:
            raise ValueError(f"Input {name} tensor must be scalar, but had shape: {list(array.shape)}")
    path = local_path(filename.item())
    with tensorflow_errors(path):
        os.makedirs(os.path.dirname(path) or ".", exist_ok=True)
        with open(path, "wb") as file:
            file.write(contents.item())


def _matching_files(pattern):
    found = {name for each in pattern.reshape(-1).tolist() for name in matching_paths(local_path(each))}
    names = sorted(os.fsencode(name) for name in found)
    return string_array((len(names),), names)


def _write_file_shape(op):
    with_rank(op._inputs[0].dims, 0)
    with_rank(op._inputs[1].dims, 0)
    return no_outputs(op)


def _read_file_shape(op):
    with_rank(op._inputs[0].dims, 0)
    return unchanged_shape(op)


def _matching_files_shape(op):
    with_rank_at_most(op._inputs[0].dims, 1)
    return [(None,)]


define_op("ReadFile", "filename: string -> contents: string", shape=_read_file_shape, kernel=_read_file)
define_op("WriteFile", "filename: string, contents: string ->", shape=_write_file_shape, kernel=_write_file,
          is_stateful=True)  # fmt: skip
define_op("MatchingFiles", "pattern: string -> filenames: string", shape=_matching_files_shape, kernel=_matching_files)


@export("io.read_file", "read_file")
def read_file(filename, name=None):
    """The contents of a file.

    Args:
      filename: a string scalar.
      name: the node's name.

    Returns:
      A string scalar.

    Raises:
      NotFoundError: when run, if there is no such file.
    """
    return call("ReadFile", filename, name=name)


@export("io.write_file", "write_file")
def write_file(filename, contents, name=None):
    """An operation that writes a file, and makes its folder if there is none.

    Args:
      filename: a string scalar.
      contents: a string scalar.
      name: the node's name.

    Returns:
      The Operation.
    """
    return call("WriteFile", filename, contents, name=name)


@export("io.matching_files", "matching_files")
def matching_files(pattern, name=None):
    """The names of the files that match a pattern.

    Args:
      pattern: a string scalar or vector of paths with `*`, `?`, `[...]`.
      name: the node's name.

    Returns:
      A string vector, sorted.
    """
    return call("MatchingFiles", pattern, name=name)
