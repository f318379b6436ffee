"""Boxes within tensors: how a partitioned variable's parts are described, named, and put together again.

In text a slice is one `start,length` a dimension, joined by colons, `-` for a whole dimension: "0,5:-". Saver ops put
the full shape before it: "10 20 0,5:-".
"""

import math
from collections.abc import Callable, Iterable, Sequence
from typing import Any, NamedTuple

import numpy as np

from reflow.files import protos
from reflow.files.coding import MalformedError, ordered_signed, ordered_string, ordered_unsigned
from reflow.graph import errors

TensorSliceProto = protos.load("tensor_slice").TensorSliceProto

_WHOLE = (0, -1)  # TensorFlow's start and length of an extent that is the whole dimension


class TensorSlice(NamedTuple):
    """A box: (start, length) for each dimension, (0, -1) where it is the whole dimension."""

    extents: tuple[tuple[int, int], ...]

    @classmethod
    def full(cls, rank: int) -> "TensorSlice":
        """The whole of a tensor of that rank."""
        return cls((_WHOLE,) * rank)

    @classmethod
    def parse(cls, text: str) -> "TensorSlice":
        """The slice that a text such as "0,5:-" describes.

        Raises:
          InvalidArgumentError: if the text does not follow the format.
        """
        return cls(tuple(_parse_extent(extent, text) for extent in text.split(":") if text))

    @classmethod
    def from_proto(cls, proto: Any) -> "TensorSlice":
        """The slice of a TensorSliceProto.

        Raises:
          MalformedError: for a negative start or length, or a start without a length.
        """
        extents = []
        for extent in proto.extent:
            if not extent.HasField("has_length"):
                if extent.start:
                    raise MalformedError(f"the slice {proto} has a start without a length")
                extents.append(_WHOLE)
            elif extent.start < 0 or extent.length < 0:
                raise MalformedError(f"the slice {proto} has a negative extent")
            else:
                extents.append((extent.start, extent.length))
        return cls(tuple(extents))

    def to_proto(self) -> Any:
        """The slice as a TensorSliceProto."""
        proto = TensorSliceProto()
        for start, length in self.extents:
            extent = proto.extent.add()
            if length >= 0:
                extent.start = start
                extent.length = length
        return proto

    def key(self, tensor_name: bytes) -> bytes:
        """The key of this part of a tensor in a table: an ordered code that no tensor's own name collides with."""
        parts = [ordered_unsigned(0), ordered_string(tensor_name), ordered_unsigned(len(self.extents))]
        for start, length in self.extents:
            parts += [ordered_signed(start), ordered_signed(length)]
        return b"".join(parts)

    def bounds(self, shape: Sequence[int]) -> tuple[slice, ...] | None:
        """The slice as an index of an array of that shape, or None where it does not fit in."""
        if len(shape) != len(self.extents):
            return None
        index = []
        for (start, length), size in zip(self.extents, shape, strict=True):
            stop = size if length < 0 else start + length
            if stop > size:
                return None
            index.append(slice(start, stop))
        return tuple(index)

    def __str__(self) -> str:
        return ":".join("-" if length < 0 else f"{start},{length}" for start, length in self.extents)


def _parse_extent(extent: str, text: str) -> tuple[int, int]:
    if extent == "-":
        return _WHOLE
    start, comma, length = extent.partition(",")
    if comma and start.isdecimal() and length.isdecimal() and int(length) > 0:
        return int(start), int(length)
    raise errors.InvalidArgumentError(
        None, None, f"Expected a pair of numbers or '-' but got '{extent}': string = {text}"
    )


def parse_shape_and_slice(text: str) -> tuple[tuple[int, ...], TensorSlice]:
    """Reads what the `shape_and_slices` input of the save and restore ops holds, such as "10 20 0,5:-".

    Args:
      text: the full shape and the slice, joined by blanks.

    Returns:
      The shape of the full tensor, and the slice, which lies within it.

    Raises:
      InvalidArgumentError: if the text does not follow the format, or the slice does not fit the shape.
    """
    *dims, spec = text.split(" ")
    if not dims:
        raise errors.InvalidArgumentError(
            None, None, f"Need least two elements in shape_and_slice specification: {text}"
        )
    if not all(dim.isdecimal() for dim in dims):
        raise errors.InvalidArgumentError(None, None, f"Non numerical dimension in shape_and_slice: {text}")
    shape = tuple(map(int, dims))
    part = TensorSlice.parse(spec)
    if part.bounds(shape) is None:
        raise errors.InvalidArgumentError(None, None, f"The slice does not fit the shape in shape_and_slice: {text}")
    return shape, part


def slice_shape(index: Iterable[slice]) -> tuple[int, ...]:
    """The shape of what an index of slices with plain bounds selects."""
    return tuple(each.stop - each.start for each in index)


def assemble(
    wanted: tuple[slice, ...],
    parts: Sequence[tuple[slice, ...]],
    dtype: np.dtype,
    read: Callable[[int], np.ndarray],
) -> np.ndarray | None:
    """Puts a box of a tensor together from stored parts.

    Args:
      wanted: the box to read, in the full tensor's coordinates.
      parts: the stored boxes, in the same coordinates.
      dtype: the elements' type.
      read: returns the stored array of `parts[i]`, given i.

    Returns:
      The array, or None where the parts overlap or leave a gap.
    """
    overlaps = [_intersection(wanted, part) for part in parts]
    chosen = [i for i, overlap in enumerate(overlaps) if overlap is not None]
    boxes = [box for box in overlaps if box is not None]
    if sum(math.prod(slice_shape(box)) for box in boxes) != math.prod(slice_shape(wanted)) or not _disjoint(boxes):
        return None
    if len(chosen) == 1 and parts[chosen[0]] == wanted:
        return read(chosen[0])
    out = None
    for i, box in zip(chosen, boxes, strict=True):
        stored = read(i)
        if out is None:  # only now: the first part is there, so the sizes are not made up
            out = np.empty(slice_shape(wanted), dtype)
        out[_relative(box, wanted)] = stored[_relative(box, parts[i])]
    return np.empty(slice_shape(wanted), dtype) if out is None else out


def _intersection(a: Sequence[slice], b: Sequence[slice]) -> tuple[slice, ...] | None:
    """The common box of two, or None where it is empty."""
    common = tuple(slice(max(x.start, y.start), min(x.stop, y.stop)) for x, y in zip(a, b, strict=True))
    return common if all(each.start < each.stop for each in common) else None


def _relative(box: Sequence[slice], origin: Sequence[slice]) -> tuple[slice, ...]:
    return tuple(slice(each.start - base.start, each.stop - base.start) for each, base in zip(box, origin, strict=True))


def _disjoint(boxes: Sequence[Sequence[slice]]) -> bool:
    """Whether no two boxes, none of them empty, have an element in common."""
    if len(boxes) < 2:
        return True
    starts = np.array([[each.start for each in box] for box in boxes])
    stops = np.array([[each.stop for each in box] for box in boxes])
    for i in range(len(boxes) - 1):
        if np.all((starts[i] < stops[i + 1 :]) & (starts[i + 1 :] < stops[i]), axis=1).any():
            return False
    return True
