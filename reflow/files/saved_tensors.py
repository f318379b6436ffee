"""What both checkpoint formats do alike with names, shapes, versions and slices."""

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np

from reflow.files.tensor_slice import TensorSlice
from reflow.graph import errors
from reflow.graph.dtypes import DType, as_dtype

FORMAT_VERSION = 1
Box = tuple[slice, ...]


def to_bytes(text: str | bytes) -> bytes:
    """A tensor's name, or an element of a string tensor, as it is stored."""
    return text.encode(errors="surrogateescape") if isinstance(text, str) else text


def to_text(key: bytes) -> str:
    """A tensor's name as a string; `to_bytes` gives it back even where it is not UTF-8."""
    return key.decode(errors="surrogateescape")


def printable(key: bytes) -> str:
    """A tensor's name for a message; bytes that are not UTF-8 as escapes."""
    return key.decode(errors="backslashreplace")


def type_of(array: np.ndarray) -> DType:
    """The type of an array's elements, in whatever byte order they are."""
    return as_dtype(array.dtype.newbyteorder("="))


def shape_of(proto: Any) -> tuple[int, ...]:
    """The sizes in the `shape` field of a message."""
    return tuple(dim.size for dim in proto.shape.dim)


def set_shape(proto: Any, shape: Iterable[int]) -> None:
    """Puts sizes into the `shape` field of a message; a scalar's shape is there, but empty."""
    proto.shape.SetInParent()
    for size in shape:
        proto.shape.dim.add(size=size)


def string_array(strings: Sequence[bytes], shape: Sequence[int]) -> np.ndarray:
    """An object array of that shape whose elements are the strings, in row-major order."""
    array = np.empty(len(strings), object)
    array[:] = strings
    return array.reshape(shape)


def check_version(versions: Any, path: str) -> None:
    """Raises UnimplementedError if the VersionDef of a file says that this reader is too old for it."""
    if versions.min_consumer > FORMAT_VERSION or FORMAT_VERSION in versions.bad_consumers:
        message = f"{path}: is of format version {versions.producer}, which cannot be read"
        raise errors.UnimplementedError(None, None, message)


def box_to_read(name: str | bytes, stored_shape: Sequence[int], full_shape: Sequence[int], part: TensorSlice) -> Box:
    """Where a wanted part lies in a stored tensor.

    Args:
      name: the tensor's name, for the error message.
      stored_shape: the shape of the full tensor, as the checkpoint has it.
      full_shape: the shape of the full tensor, as the reader expects it.
      part: the wanted part.

    Raises:
      InvalidArgumentError: if the shapes differ, or the part does not fit.
    """
    box = part.bounds(full_shape)
    if tuple(full_shape) != tuple(stored_shape) or box is None:
        raise invalid_argument(
            f"tensor_name = {printable(to_bytes(name))}; shape in shape_and_slice spec {list(full_shape)} with slice "
            f"{part} does not match the shape stored in checkpoint: {list(stored_shape)}"
        )
    return box


def invalid_argument(message: str) -> errors.InvalidArgumentError:
    """An InvalidArgumentError that belongs to no operation."""
    return errors.InvalidArgumentError(None, None, message)
