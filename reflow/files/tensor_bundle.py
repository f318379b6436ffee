"""V2 checkpoints: named tensors in a "tensor bundle", byte for byte as TensorFlow writes them."""

import contextlib
import math
import os
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from reflow.files import bundle_files
from reflow.files.bundle_files import HEADER_KEY, BundleEntryProto, BundleHeaderProto, data_filename, index_filename
from reflow.files.bundle_strings import decode_strings, encode_strings
from reflow.files.coding import MalformedError
from reflow.files.crc import crc32c, mask, unmask
from reflow.files.durable import PendingFile, remove_if_exists
from reflow.files.random_access import RandomAccessFile
from reflow.files.saved_tensors import (
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
from reflow.files.table import TableReader
from reflow.files.tensor_slice import TensorSlice, assemble, slice_shape
from reflow.graph import dtypes, errors
from reflow.graph.dtypes import DType

_CHUNK = 1 << 20  # what is copied, checksummed and written at a time; it fits into the processor's cache
_MAX_RANK = 64  # NumPy's


class BundleWriter:
    """Writes a bundle with one data file. Nothing appears under the prefix before `finish`.

    As a context manager it finishes at the end of the block, and cleans up after an exception.
    """

    def __init__(self, prefix: str):
        """Starts writing.

        Args:
          prefix: the path that the names of the bundle's files start with. Its folder is made if its parent exists.

        Raises:
          NotFoundError, PermissionDeniedError, UnknownError: if the files cannot be created.
        """
        self._prefix = prefix
        self._entries: dict[bytes, Any] = {}
        self._size = 0
        self._chunk = np.empty(_CHUNK, np.uint8)
        bundle_files.make_folder(prefix)
        self._data = PendingFile(data_filename(prefix, 0, 1))

    def add(self, name: str | bytes, array: np.ndarray, dtype: DType | None = None) -> None:
        """Writes a tensor.

        Args:
          name: the tensor's name, not empty.
          array: its value, of any shape; a string tensor is an array of bytes objects.
          dtype: the tensor's type, where the array's does not say it (quantized types held as plain integers).

        Raises:
          InvalidArgumentError: if the name is empty or was added before.
          UnimplementedError: if such a type cannot be stored.
        """
        self._add(to_bytes(name), array, dtype)

    def add_slice(
        self,
        name: str | bytes,
        full_shape: Sequence[int],
        part: TensorSlice,
        array: np.ndarray,
        dtype: DType | None = None,
    ) -> None:
        """Writes a part of a partitioned tensor.

        Args:
          name: the full tensor's name, not empty.
          full_shape: the full tensor's shape.
          part: where the part lies in the full tensor.
          array: the part's value, with the part's shape.
          dtype: as in `add`.

        Raises:
          InvalidArgumentError: if the shape does not fit, or contradicts an earlier part of the same tensor.
          UnimplementedError: if such a type cannot be stored.
        """
        key = to_bytes(name)
        box = part.bounds(full_shape)
        if box is None or slice_shape(box) != np.shape(array):
            shapes = f"with shape {list(full_shape)} is not of shape {list(np.shape(array))}"
            raise invalid_argument(f"slice {part} of {printable(key)} {shapes}")
        if slice_shape(box) == tuple(full_shape):
            self._add(key, array, dtype)
            return
        dtype = dtype or type_of(array)
        full = self._entries.get(key)
        if full is None:
            full = self._entries[key] = _new_entry(dtype, full_shape)
        elif not full.slices or (full.dtype, shape_of(full)) != (dtype.as_datatype_enum, tuple(full_shape)):
            raise invalid_argument(f"slice {part} of {printable(key)} contradicts what was added before")
        self._add(part.key(key), array, dtype)
        full.slices.append(part.to_proto())

    def finish(self) -> None:
        """Makes the bundle appear under its prefix, in place of an older one."""
        try:
            self._data.finish()
            entries = [(key, self._entries[key].SerializeToString()) for key in sorted(self._entries)]
            bundle_files.publish(self._prefix, [self._data.temporary_path], entries)
        finally:
            self.discard()

    def discard(self) -> None:
        """Gives up: removes what was written. Does nothing after `finish`."""
        self._data.discard()

    def __enter__(self):
        return self

    def __exit__(self, exc_type, exc_value, exc_traceback):
        if exc_type is None:
            self.finish()
        else:
            self.discard()

    def _add(self, key: bytes, array: np.ndarray, dtype: DType | None) -> None:
        if key == HEADER_KEY:
            raise invalid_argument("a tensor in a checkpoint needs a name")
        if key in self._entries:
            raise invalid_argument(f"Adding duplicate key: {key.decode(errors='replace')}")
        array = np.asarray(array)
        dtype = dtype or type_of(array)
        entry = _new_entry(dtype, array.shape)
        entry.offset = self._size
        if dtype is dtypes.string:
            encoded, crc = encode_strings(map(to_bytes, array.ravel().tolist()))
            self._data.write(encoded)
            entry.size = len(encoded)
        else:
            memory = _memory_of(array, dtype)
            crc = self._write_memory(memory)
            entry.size = memory.size
        entry.crc32c = mask(crc)
        self._size += entry.size
        self._entries[key] = entry

    def _write_memory(self, memory: np.ndarray) -> int:
        # The checksum is taken of a copy, because another thread may be writing to the variable meanwhile.
        crc = 0
        for start in range(0, memory.size, _CHUNK):
            part = memory[start : start + _CHUNK]
            copy = self._chunk[: part.size]
            copy[:] = part
            crc = crc32c(copy, crc)
            self._data.write(copy.data)
        return crc


def _memory_of(array: np.ndarray, dtype: DType) -> np.ndarray:
    """The little-endian elements in row-major order, as bytes (1-D, uint8); the array's own memory where it can be."""
    if dtype in (dtypes.resource, dtypes.variant) or array.dtype.kind in "OSU":
        raise errors.UnimplementedError(None, None, f"tensors of type {dtype.name} cannot be stored in a checkpoint")
    if array.dtype.itemsize != dtype.size:
        raise invalid_argument(f"an array of {array.dtype} cannot be stored as {dtype.name}")
    little = array.astype(array.dtype.newbyteorder("<"), copy=False)
    return np.ascontiguousarray(little).reshape(-1).view(np.uint8)


def _new_entry(dtype: DType, shape: Sequence[int]) -> Any:
    entry = BundleEntryProto(dtype=dtype.base_dtype.as_datatype_enum)
    set_shape(entry, shape)
    return entry


class BundleReader:
    """Reads a bundle. What it returns has passed all checks; damage raises DataLossError with file and tensor.

    May be used from many threads at once.
    """

    def __init__(self, prefix: str):
        """Reads the index.

        Args:
          prefix: the path that the names of the bundle's files start with.

        Raises:
          NotFoundError: if there is no index.
          DataLossError: if the index is damaged.
          UnimplementedError: if the bundle's version or byte order is not supported.
        """
        self._prefix = prefix
        self._index_path = index_filename(prefix)
        with RandomAccessFile(self._index_path) as file:
            self._values = dict(TableReader(file))
        self._num_shards = self._read_header()
        self._files: dict[int, RandomAccessFile] = {}

    def __contains__(self, name: str | bytes) -> bool:
        """Whether there is a tensor of that name."""
        return to_bytes(name) in self._values

    @property
    def num_shards(self) -> int:
        """The number of data files that the index counts."""
        return self._num_shards

    def entries(self) -> Iterator[tuple[bytes, Any]]:
        """Key and BundleEntryProto of all tensors and parts of partitioned tensors, sorted. Raises DataLossError."""
        for key in self._values:
            yield key, self._entry(key)

    def names(self) -> list[bytes]:
        """The names of all tensors, sorted; a partitioned tensor counts once."""
        entries = dict(self.entries())
        parts = {TensorSlice.from_proto(part).key(key) for key, entry in entries.items() for part in entry.slices}
        return [key for key in entries if key not in parts]

    def dtype(self, name: str | bytes) -> DType:
        """A tensor's type. Raises NotFoundError, DataLossError."""
        return dtypes.BY_ENUM[self._entry(to_bytes(name)).dtype]

    def shape(self, name: str | bytes) -> tuple[int, ...]:
        """A tensor's full shape. Raises NotFoundError, DataLossError."""
        return shape_of(self._entry(to_bytes(name)))

    def slices(self, name: str | bytes) -> list[TensorSlice]:
        """The parts that a partitioned tensor is stored in, else an empty list. Raises NotFoundError, DataLossError."""
        return [TensorSlice.from_proto(part) for part in self._entry(to_bytes(name)).slices]

    def read(self, name: str | bytes) -> np.ndarray:
        """Reads a tensor, putting a partitioned one together.

        Args:
          name: the tensor's name.

        Returns:
          A new array; of bytes objects (dtype object) for a string tensor.

        Raises:
          NotFoundError: if there is no such tensor.
          DataLossError: if its data is damaged or missing.
        """
        return self._read_box(to_bytes(name), None)

    def read_slice(self, name: str | bytes, full_shape: Sequence[int], part: TensorSlice) -> np.ndarray:
        """Reads a part of a tensor, however the tensor is stored.

        Args:
          name: the tensor's name.
          full_shape: the full tensor's shape, which must be the stored one.
          part: the part to read.

        Returns:
          A new array of the part's shape.

        Raises:
          NotFoundError: if there is no such tensor.
          InvalidArgumentError: if the stored shape is another one.
          DataLossError: if its data is damaged or missing.
        """
        return self._read_box(to_bytes(name), box_to_read(name, self.shape(name), full_shape, part))

    def close(self) -> None:
        """Closes the data files; they open again when read from."""
        while self._files:
            self._files.popitem()[1].close()

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def _read_header(self) -> int:
        try:
            header = BundleHeaderProto.FromString(self._values.pop(HEADER_KEY))
        except (KeyError, DecodeError) as error:
            raise self._damaged_index("has no header that can be read") from error
        if header.endianness != BundleHeaderProto.LITTLE:
            raise errors.UnimplementedError(None, None, f"{self._index_path}: big-endian checkpoints are not supported")
        check_version(header.version, self._index_path)
        return header.num_shards

    def _damaged_index(self, detail: str) -> errors.DataLossError:
        return errors.DataLossError(None, None, f"{self._index_path}: {detail}")

    def _entry(self, key: bytes) -> Any:
        """The entry of a key, with a type and a shape that make sense."""
        value = self._values.get(key)
        if value is None:
            raise errors.NotFoundError(None, None, f"Key {printable(key)} not found in checkpoint ({self._prefix})")
        try:
            entry = BundleEntryProto.FromString(value)
            for part in entry.slices:
                TensorSlice.from_proto(part)
        except (DecodeError, MalformedError) as error:
            raise self._damaged_index(f"the entry of tensor {printable(key)} cannot be read: {error}") from error
        shape = shape_of(entry)
        if entry.shape.unknown_rank or len(shape) > _MAX_RANK or min(shape, default=0) < 0:
            raise self._damaged_index(f"tensor {printable(key)} has the invalid shape {list(shape)}")
        if entry.dtype not in dtypes.BY_ENUM or dtypes.BY_ENUM[entry.dtype].is_ref:
            raise self._damaged_index(f"tensor {printable(key)} has the unknown type {entry.dtype}")
        return entry

    def _read_box(self, key: bytes, wanted: Box | None) -> np.ndarray:
        entry = self._entry(key)
        if not entry.slices:
            array = self._read_entry(key, entry)
            return array if wanted is None else array[wanted].copy()
        parts = [self._part(key, entry, TensorSlice.from_proto(part)) for part in entry.slices]
        assembled = assemble(
            tuple(slice(0, size) for size in shape_of(entry)) if wanted is None else wanted,
            [box for box, _ in parts],
            dtypes.BY_ENUM[entry.dtype].np_dtype,
            lambda i: self._read_entry(key, parts[i][1]),
        )
        if assembled is None:
            raise self._damaged_index(f"the slices of tensor {printable(key)} overlap or do not cover it")
        return assembled

    def _part(self, key: bytes, full: Any, part: TensorSlice) -> tuple[Box, Any]:
        """Where a part lies in the full tensor, and its own entry."""
        box = part.bounds(shape_of(full))
        if box is None:
            raise self._damaged_index(f"slice {part} of tensor {printable(key)} does not fit {list(shape_of(full))}")
        try:
            entry = self._entry(part.key(key))
        except errors.NotFoundError as error:
            raise self._damaged_index(f"slice {part} of tensor {printable(key)} is missing") from error
        if entry.slices or (entry.dtype, shape_of(entry)) != (full.dtype, slice_shape(box)):
            raise self._damaged_index(f"slice {part} of tensor {printable(key)} contradicts the full tensor")
        self._data_file(key, entry)
        return box, entry

    def _read_entry(self, key: bytes, entry: Any) -> np.ndarray:
        dtype = dtypes.BY_ENUM[entry.dtype]
        file = self._data_file(key, entry)
        what = f"tensor {printable(key)}"
        shape = shape_of(entry)
        if dtype is dtypes.string:
            array, crc = self._read_strings(file, entry, what)
        else:
            try:
                array = np.empty(shape, dtype.np_dtype)
            except ValueError as error:  # no elements, but dimensions that NumPy cannot multiply
                raise self._damaged_index(f"{what} has the invalid shape {list(shape)}") from error
            crc = file.read_into(entry.offset, array.reshape(-1).view(np.uint8), what)
        if crc != unmask(entry.crc32c):
            raise file.damaged(f"the checksum of {what} does not match")
        return array

    def _read_strings(self, file: RandomAccessFile, entry: Any, what: str) -> tuple[np.ndarray, int]:
        shape = shape_of(entry)
        data = file.read(entry.offset, entry.size, what)
        try:
            strings, crc = decode_strings(data, math.prod(shape))
        except MalformedError as error:
            raise file.damaged(f"{what}: {error}") from error
        return string_array(strings, shape), crc

    def _data_file(self, key: bytes, entry: Any) -> RandomAccessFile:
        """The file that holds an entry's data, whose size fits the entry's type and shape."""
        dtype = dtypes.BY_ENUM[entry.dtype]
        if dtype in (dtypes.resource, dtypes.variant):
            raise errors.UnimplementedError(
                None, None, f"{self._index_path}: tensor {printable(key)} is of type {dtype.name}, which cannot be read"
            )
        if dtype is not dtypes.string and entry.size != math.prod(shape_of(entry)) * dtype.size:
            raise self._damaged_index(
                f"tensor {printable(key)} of shape {list(shape_of(entry))} has {entry.size} bytes of {dtype.name}"
            )
        if not 0 <= entry.shard_id < self._num_shards:
            raise self._damaged_index(f"tensor {printable(key)} is in data file {entry.shard_id} of {self._num_shards}")
        file = self._files.get(entry.shard_id)
        if file is None:
            path = data_filename(self._prefix, entry.shard_id, self._num_shards)
            file = self._files.setdefault(entry.shard_id, RandomAccessFile(path))
        file.check_bounds(entry.offset, entry.size, f"tensor {printable(key)}")
        return file


def merge_bundles(prefixes: Sequence[str], merged_prefix: str, delete_old_dirs: bool = True) -> None:
    """Makes one bundle of several, as TensorFlow's op MergeV2Checkpoints does. The data files are moved, not copied.

    Args:
      prefixes: the prefixes of the bundles to merge.
      merged_prefix: the prefix of the bundle to make; an older one of that prefix stays whole until then.
      delete_old_dirs: whether to remove the folders of `prefixes`, where they are empty then and not the result's.

    Raises:
      NotFoundError: if one of the bundles does not exist.
      InvalidArgumentError: if two of them hold the same tensor.
      DataLossError: if one of them is damaged.
    """
    bundle_files.make_folder(merged_prefix)
    data_paths: dict[str, int] = {}
    entries: dict[bytes, Any] = {}
    for prefix in prefixes:
        bundle = BundleReader(prefix)
        for key, entry in bundle.entries():
            if key in entries:
                _merge_slices(key, entries[key], entry, prefix)
                continue
            path = data_filename(prefix, entry.shard_id, bundle.num_shards)
            entry.shard_id = data_paths.setdefault(path, len(data_paths))
            entries[key] = entry
        if not bundle.names():  # its empty data file still counts
            data_paths.setdefault(data_filename(prefix, 0, bundle.num_shards), len(data_paths))
    serialized = [(key, entries[key].SerializeToString()) for key in sorted(entries)]
    bundle_files.publish(merged_prefix, list(data_paths), serialized)
    for prefix in set(prefixes) - {merged_prefix}:
        remove_if_exists(index_filename(prefix))
    if delete_old_dirs:
        _remove_empty_folders({os.path.dirname(prefix) for prefix in prefixes} - {os.path.dirname(merged_prefix)})


def _merge_slices(key: bytes, merged: Any, entry: Any, prefix: str) -> None:
    if not merged.slices or not entry.slices:
        raise invalid_argument(f"Duplicate tensor keyed by {printable(key)} encountered, when merging prefix: {prefix}")
    if (merged.dtype, shape_of(merged)) != (entry.dtype, shape_of(entry)):
        raise invalid_argument(
            f"Slices of {printable(key)} differ in type or full shape, when merging prefix: {prefix}"
        )
    merged.slices.extend(entry.slices)


def _remove_empty_folders(folders: Iterable[str]) -> None:
    for folder in folders:
        with contextlib.suppress(OSError):  # not empty, or gone already: whoever put files there keeps them
            os.rmdir(folder)
