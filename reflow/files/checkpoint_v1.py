"""V1 checkpoints, the format before tensor bundles: tables of SavedTensorSlices messages, one file a shard.

Under the empty key a table says which tensors and slices it holds; under the key of a slice is the slice's TensorProto.
Files of early releases are compressed with Snappy.
"""

import glob
import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from reflow.files import protos
from reflow.files.coding import MalformedError
from reflow.files.durable import PendingFile, sync_folder, write_atomically
from reflow.files.random_access import RandomAccessFile
from reflow.files.saved_tensors import (
    FORMAT_VERSION,
    Box,
    box_to_read,
    check_version,
    invalid_argument,
    printable,
    set_shape,
    shape_of,
    string_array,
    to_bytes,
    type_of,
)
from reflow.files.table import TableReader, TableWriter
from reflow.files.tensor_slice import TensorSlice, assemble, slice_shape
from reflow.graph import dtypes, errors
from reflow.graph.dtypes import DType

SavedSliceMeta = protos.load("saved_tensor_slice").SavedSliceMeta
SavedTensorSlices = protos.load("saved_tensor_slice").SavedTensorSlices

_META_KEY = b""
_MAX_MESSAGE_SIZE = 1 << 31  # protocol buffers' limit, and so a slice's

# Where a TensorProto has a type's elements: the field, the type of its numbers, and the type they have in memory.
_SMALL_INTS = ("int32", "uint8", "int16", "int8", "uint16", "qint8", "quint8", "qint32", "qint16", "quint16")
_FIELDS: dict[str, tuple[str, Any, Any]] = {
    "float32": ("float_val", np.float32, np.float32),
    "float64": ("double_val", np.float64, np.float64),
    "float16": ("half_val", np.int32, np.uint16),
    "int64": ("int64_val", np.int64, np.int64),
    "bool": ("bool_val", np.bool_, np.bool_),
    "complex64": ("scomplex_val", np.float32, np.float32),
    "complex128": ("dcomplex_val", np.float64, np.float64),
    "string": ("string_val", object, object),
    **{name: ("int_val", np.int32, name.removeprefix("q")) for name in _SMALL_INTS},
}


class CheckpointV1Writer:
    """Writes a V1 checkpoint of one file, byte for byte as TensorFlow does. All of it is held in memory until then."""

    def __init__(self, path: str):
        """Args: path: the checkpoint's path, which appears with `finish`."""
        self._path = path
        self._metas: dict[str, Any] = {}
        self._values: dict[bytes, bytes] = {}

    def add(self, name: str | bytes, array: np.ndarray, dtype: DType | None = None) -> None:
        """Adds a tensor.

        Args:
          name: the tensor's name, in UTF-8.
          array: its value, of any shape; a string tensor is an array of bytes objects.
          dtype: the tensor's type, where the array's does not say it (quantized types held as plain integers).

        Raises:
          InvalidArgumentError: if the tensor was added before, or is too large for the format.
          UnimplementedError: if the format has no place for such a type.
        """
        self.add_slice(name, np.shape(array), TensorSlice.full(np.ndim(array)), array, dtype)

    def add_slice(
        self,
        name: str | bytes,
        full_shape: Sequence[int],
        part: TensorSlice,
        array: np.ndarray,
        dtype: DType | None = None,
    ) -> None:
        """Adds a part of a partitioned tensor.

        Args:
          name: the full tensor's name, in UTF-8.
          full_shape: the full tensor's shape.
          part: where the part lies in the full tensor.
          array: the part's value, with the part's shape.
          dtype: as in `add`.

        Raises:
          InvalidArgumentError: if the part contradicts an earlier one, does not fit, or is too large for the format.
          UnimplementedError: if the format has no place for such a type.
        """
        array = np.asarray(array)
        dtype = dtype or type_of(array)
        text = name if isinstance(name, str) else name.decode()
        key = part.key(text.encode())
        box = part.bounds(full_shape)
        if box is None or slice_shape(box) != array.shape or key in self._values:
            raise invalid_argument(
                f"slice {part} of {text} with shape {list(full_shape)} does not fit, or was added before"
            )
        value = SavedTensorSlices()
        value.data.name = text
        value.data.slice.CopyFrom(part.to_proto())
        _fill(value.data.data, array, dtype)
        if value.ByteSize() >= _MAX_MESSAGE_SIZE:
            raise invalid_argument(f"Tensor slice {part} of {text} is too large to serialize")
        self._meta(text, full_shape, dtype).slice.append(part.to_proto())
        self._values[key] = value.SerializeToString()

    def finish(self) -> None:
        """Writes the file, in place of an older one, whole."""
        contents = SavedTensorSlices()
        contents.meta.versions.producer = FORMAT_VERSION
        contents.meta.tensor.extend(self._metas[name] for name in sorted(self._metas))
        self._values[_META_KEY] = contents.SerializeToString()
        write_atomically(self._path, self._write)
        sync_folder(self._path)

    def _write(self, file: PendingFile) -> None:
        table = TableWriter(file.write)
        for key in sorted(self._values):
            table.add(key, self._values[key])
        table.finish()

    def _meta(self, name: str, full_shape: Sequence[int], dtype: DType) -> Any:
        """The SavedSliceMeta of a tensor, a new one for its first part."""
        enum = dtype.base_dtype.as_datatype_enum
        meta = self._metas.get(name)
        if meta is None:
            meta = self._metas[name] = SavedSliceMeta(name=name, type=enum)
            set_shape(meta, full_shape)
        elif (meta.type, shape_of(meta)) != (enum, tuple(full_shape)):
            raise invalid_argument(f"Mismatching shapes or types: a slice of {name} was added with others before")
        return meta


def _fill(proto: Any, array: np.ndarray, dtype: DType) -> None:
    """Puts an array's elements into a TensorProto, which gets neither type nor shape."""
    field, _, memory_type = _field_of(dtype, "written to")
    if memory_type is object:
        elements = list(map(to_bytes, array.ravel().tolist()))
    else:
        native = array.astype(array.dtype.newbyteorder("="), copy=False)
        elements = np.ascontiguousarray(native).reshape(-1).view(memory_type).tolist()
    getattr(proto, field).extend(elements)


def _field_of(dtype: DType, action: str) -> tuple[str, Any, Any]:
    if dtype.name not in _FIELDS:
        raise errors.UnimplementedError(None, None, f"type {dtype.name} cannot be {action} a V1 checkpoint")
    return _FIELDS[dtype.name]


class _Tensor:
    """What the shards say about a tensor: its type, shape, and the boxes it is stored in."""

    def __init__(self, dtype: DType, shape: tuple[int, ...]):
        self.dtype = dtype
        self.shape = shape
        self.parts: list[tuple[TensorSlice, _Shard]] = []
        self.boxes: list[Box] = []


class _Shard:
    """One file."""

    def __init__(self, path: str):
        self.file = RandomAccessFile(path)
        self.table = TableReader(self.file)
        contents = self.message(_META_KEY, "the list of tensors")
        if not contents.HasField("meta"):
            raise self.file.damaged("is not a V1 checkpoint; a V2 checkpoint is named by its prefix, without .index")
        self.meta = contents.meta
        check_version(self.meta.versions, path)

    def message(self, key: bytes, what: str) -> Any:
        value = self.table.get(key)
        if value is None:
            raise self.file.damaged(f"{what} is missing")
        try:
            return SavedTensorSlices.FromString(value)
        except DecodeError as error:
            raise self.file.damaged(f"{what} cannot be read") from error


class CheckpointV1Reader:
    """Reads a V1 checkpoint. What it returns has passed all checks; damage raises DataLossError with its place."""

    def __init__(self, pattern: str):
        """Opens the files and reads what they hold.

        Args:
          pattern: the checkpoint's path, or a glob pattern that matches its shards.

        Raises:
          NotFoundError: if no file matches.
          DataLossError: if a file is damaged, or not a V1 checkpoint.
          UnimplementedError: if the format's version is not supported.
        """
        paths = sorted(glob.glob(pattern)) or glob.glob(glob.escape(pattern))
        if not paths:
            raise errors.NotFoundError(
                None,
                None,
                f"Unsuccessful TensorSliceReader constructor: Failed to find any matching files for {pattern}",
            )
        self._tensors: dict[bytes, _Tensor] = {}
        self._shards = [_Shard(path) for path in paths]
        for shard in self._shards:
            for meta in shard.meta.tensor:
                self._register(shard, meta)

    def __contains__(self, name: str | bytes) -> bool:
        """Whether there is a tensor of that name."""
        return to_bytes(name) in self._tensors

    def names(self) -> list[bytes]:
        """The names of all tensors, sorted."""
        return sorted(self._tensors)

    def dtype(self, name: str | bytes) -> DType:
        """A tensor's type. Raises NotFoundError."""
        return self._tensor(name).dtype

    def shape(self, name: str | bytes) -> tuple[int, ...]:
        """A tensor's full shape. Raises NotFoundError."""
        return self._tensor(name).shape

    def slices(self, name: str | bytes) -> list[TensorSlice]:
        """The parts that a tensor is stored in. Raises NotFoundError."""
        return [part for part, _ in self._tensor(name).parts]

    def read(self, name: str | bytes) -> np.ndarray:
        """Reads a tensor, putting a partitioned one together.

        Args:
          name: the tensor's name.

        Returns:
          A new array; of bytes objects (dtype object) for a string tensor.

        Raises:
          NotFoundError: if there is no such tensor.
          DataLossError: if its data is damaged or missing.
          UnimplementedError: for a type that the format has no place for.
        """
        tensor = self._tensor(name)
        return self._read_box(to_bytes(name), tensor, tuple(slice(0, size) for size in tensor.shape))

    def read_slice(self, name: str | bytes, full_shape: Sequence[int], part: TensorSlice) -> np.ndarray:
        """Reads a part of a tensor, however the tensor is stored.

        Args:
          name: the tensor's name.
          full_shape: the full tensor's shape, which must be the stored one.
          part: the part to read.

        Returns:
          A new array of the part's shape.

        Raises:
          InvalidArgumentError: if the stored shape is another one.
          NotFoundError, DataLossError, UnimplementedError: as `read`.
        """
        tensor = self._tensor(name)
        return self._read_box(to_bytes(name), tensor, box_to_read(name, tensor.shape, full_shape, part))

    def close(self) -> None:
        """Closes the files; later reads fail."""
        for shard in self._shards:
            shard.file.close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _register(self, shard: _Shard, meta: Any) -> None:
        dtype = dtypes.BY_ENUM.get(meta.type)
        shape = shape_of(meta)
        if dtype is None or dtype.is_ref or meta.shape.unknown_rank or min(shape, default=0) < 0:
            raise shard.file.damaged(f"tensor {meta.name} has no valid type and shape")
        tensor = self._tensors.setdefault(meta.name.encode(), _Tensor(dtype, shape))
        if (tensor.dtype, tensor.shape) != (dtype, shape):
            raise shard.file.damaged(f"tensor {meta.name} is of another type or shape in another shard")
        for proto in meta.slice:
            try:
                part = TensorSlice.from_proto(proto)
            except MalformedError as error:
                raise shard.file.damaged(f"tensor {meta.name}: {error}") from error
            box = part.bounds(shape)
            if box is None:
                raise shard.file.damaged(f"slice {part} of tensor {meta.name} does not fit the shape {list(shape)}")
            tensor.parts.append((part, shard))
            tensor.boxes.append(box)

    def _tensor(self, name: str | bytes) -> _Tensor:
        tensor = self._tensors.get(to_bytes(name))
        if tensor is None:
            raise errors.NotFoundError(None, None, f"{printable(to_bytes(name))} not found in checkpoint file")
        return tensor

    def _read_box(self, key: bytes, tensor: _Tensor, wanted: Box) -> np.ndarray:
        array = assemble(wanted, tensor.boxes, tensor.dtype.np_dtype, lambda i: self._read_part(key, tensor, i))
        if array is None:
            paths = ", ".join(shard.file.path for shard in self._shards)
            message = f"{paths}: the slices of tensor {printable(key)} overlap or do not cover it"
            raise errors.DataLossError(None, None, message)
        return array

    def _read_part(self, key: bytes, tensor: _Tensor, i: int) -> np.ndarray:
        part, shard = tensor.parts[i]
        what = f"slice {part} of tensor {printable(key)}" if len(tensor.parts) > 1 else f"tensor {printable(key)}"
        proto = shard.message(part.key(key), what).data.data
        shape = slice_shape(tensor.boxes[i])
        field, number_type, memory_type = _field_of(tensor.dtype, "read from")
        elements = getattr(proto, field)
        if len(elements) != math.prod(shape) * (2 if tensor.dtype.is_complex else 1):
            raise shard.file.damaged(f"{what} of shape {list(shape)} has {len(elements)} elements")
        if memory_type is object:
            return string_array(list(elements), shape)
        numbers = np.fromiter(elements, number_type)
        memory = numbers.astype(memory_type, copy=False)
        if number_type is np.int32 and (memory != numbers).any():
            raise shard.file.damaged(f"{what} has numbers that {tensor.dtype.name} cannot hold")
        return memory.view(tensor.dtype.np_dtype).reshape(shape)
