"""Columns out of Example messages: what one key has in each example, as a sparse or a dense tensor."""

import itertools
import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from google.protobuf.message import DecodeError

from reflow.graph.shapes import dims_in_brackets
from reflow.ops.strings import string_array
from reflow.ops.torch_types import array_of

_KINDS = {torch.float32: "float_list", torch.int64: "int64_list"}
_TYPE_OF_KIND = {"float_list": "float", "int64_list": "int64", "bytes_list": "string"}


def parsed(message_class, text: bytes):
    """The message that a string holds.

    Raises:
      ValueError: in TensorFlow's words, if it is malformed.
    """
    try:
        return message_class.FromString(text)
    except DecodeError:
        shown = text.decode(errors="replace")
        raise ValueError(f"Could not parse example input, value: '{shown}'") from None


@dataclass(frozen=True)
class Column:
    """One key of the examples.

    Attributes:
      key: the feature's name.
      dtype: torch.float32, torch.int64, or the DType of strings.
      dims: for a dense column, the shape in one example; None in front for rows of any length.
      default: for a dense column, the tensor of the default, without elements if the feature is required; for rows of
        any length, the one element to pad with.
    """

    key: str
    dtype: Any
    dims: tuple = ()
    default: Any = None

    @property
    def type_name(self) -> str:
        """TensorFlow's name of the type."""
        return _TYPE_OF_KIND[self._kind]

    @property
    def _kind(self) -> str:
        return _KINDS.get(self.dtype, "bytes_list")

    @property
    def is_ragged(self) -> bool:
        """True for a dense column of rows of any length."""
        return bool(self.dims) and self.dims[0] is None

    def values_in(self, features, place: str) -> list | None:
        """The values in the map of one example's features; None if it has none.

        Raises:
          ValueError: if they are of another type.
        """
        return self.values_of(features[self.key], place) if self.key in features else None

    def values_of(self, feature, place: str) -> list | None:
        """The values of one Feature message, as `values_in`."""
        kind = feature.WhichOneof("kind")
        if kind is None:
            return None
        if kind != self._kind:
            found, wanted = _TYPE_OF_KIND[kind], self.type_name
            # TensorFlow has two ways to say this: for dense features, and for sparse ones.
            what = (f"Expected type: {wanted}, Actual type: {found}" if self.default is None
                    else f"Data type: {found} but expected type: {wanted}")  # fmt: skip
            raise ValueError(f"{place}.  Data types don't match. {what}")
        return list(getattr(feature, kind).value)

    def tensor(self, values: list, shape):
        """The tensor of a shape that holds these values."""
        if isinstance(self.dtype, torch.dtype):
            array = np.array(values, np.float32 if self.dtype is torch.float32 else np.int64)
            return torch.from_numpy(array.reshape(shape))
        return string_array(shape, values)

    @property
    def filler(self) -> list:
        """The one value that stands where there is none, in a list."""
        return [0] if isinstance(self.dtype, torch.dtype) else [b""]

    def check_default(self) -> None:
        """Raise ValueError for a default whose shape does not fit."""
        size = array_of(self.default).size
        if self.is_ragged and size != 1:
            raise ValueError(f"dense_shape is a variable length shape: {dims_in_brackets(self.dims)}, therefore the "
                             "default must contain a single element (the padding element).  But its shape is: "
                             f"{dims_in_brackets(tuple(self.default.shape))}")  # fmt: skip
        if not self.is_ragged and size and tuple(self.default.shape) != self.dims:
            raise ValueError(f"default shape {dims_in_brackets(tuple(self.default.shape))} != dense shape "
                             f"{dims_in_brackets(self.dims)} of feature {self.key}")  # fmt: skip

    def fixed(self, values: list | None, place: str, missing: str) -> list:
        """The values of a dense feature of fixed shape, or the default.

        Raises:
          ValueError: if there is none of both, or another number of values.
        """
        if values is None:
            values = array_of(self.default).reshape(-1).tolist()
            if not values:
                raise ValueError(missing)
        self.check_count(values, math.prod(self.dims), self.dims, place)
        return values

    def check_count(self, values, count, dims, place) -> None:
        """Raise ValueError unless there are `count` values."""
        if len(values) != count:
            kind = self.type_name.replace("string", "bytes")
            raise ValueError(f"{place}.  Number of {kind} values != expected.  Values size: {len(values)} "
                             f"but output shape: {dims_in_brackets(dims)}")  # fmt: skip

    def ragged(self, values: list | None, place: str) -> list:
        """The values of a dense feature whose rows have any length.

        Raises:
          ValueError: if they do not fill whole rows.
        """
        values = values or []
        row = math.prod(self.dims[1:])
        if row == 0 or len(values) % row:
            raise ValueError(f"{place}.  Number of {self.type_name} values is not a multiple of stride length. Saw "
                             f"{len(values)} values but output shape is: {dims_in_brackets(self.dims)}")  # fmt: skip
        return values

    def padded(self, rows: list[list]):
        """The dense tensor of rows of any length, each filled up with the default."""
        row = math.prod(self.dims[1:])
        longest = max(map(len, rows), default=0)
        filler = array_of(self.default).reshape(-1).tolist()
        values = [each + filler * (longest - len(each)) for each in rows]
        return self.tensor(list(itertools.chain(*values)), (len(rows), longest // row, *self.dims[1:]))


def coordinates(counts: list[int]) -> np.ndarray:
    """int64 [n, 2]: (row, place in the row) of each of the elements of rows of these lengths."""
    sizes = np.array(counts, np.int64)
    indices = np.empty((sizes.sum(), 2), np.int64)
    indices[:, 0] = np.repeat(np.arange(sizes.size), sizes)
    indices[:, 1] = np.arange(len(indices)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    return indices


def sparse_matrix(column: Column, rows: list[list]):
    """(indices, values, shape) of the sparse matrix with these rows."""
    counts = [len(row) for row in rows]
    values = list(itertools.chain(*rows))
    shape = torch.tensor([len(rows), max(counts, default=0)])
    return torch.from_numpy(coordinates(counts)), column.tensor(values, (len(values),)), shape


def sparse_vector(column: Column, row: list):
    """(indices, values, shape) of a vector of which all elements are there."""
    return torch.arange(len(row)).reshape(-1, 1), column.tensor(row, (len(row),)), torch.tensor([len(row)])


def transposed(triples: list) -> list[list]:
    """A list of (indices, values, shape) as three lists."""
    return [list(each) for each in zip(*triples, strict=True)] if triples else [[], [], []]
