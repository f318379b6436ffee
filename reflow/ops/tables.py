"""The tables behind the lookup ops: dicts, whose keys and values are Python values or, for tensors, bytes and rows."""

import threading

import numpy as np

from reflow.graph import errors
from reflow.graph.dtypes import DType
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.string_numbers import number_of
from reflow.ops.torch_types import tensor_of, to_torch

WHOLE_LINE, LINE_NUMBER = -2, -1


def _rows(array: np.ndarray, dims: tuple) -> list:
    """The entries of an array: its elements, or its parts of shape `dims`."""
    if not dims:
        return array.reshape(-1).tolist()
    return list(array.reshape(-1, *dims))


class Table:
    """Keys and their values.

    Args:
      key_dtype: the DType of keys.
      value_dtype: the DType of values.
      value_dims: the shape of one value.
    """

    def __init__(self, key_dtype: DType, value_dtype: DType, value_dims: tuple = ()):
        self.key_dtype = key_dtype
        self.value_dtype = value_dtype
        self.value_dims = value_dims
        self.key_dims: tuple = ()
        self.lock = threading.Lock()
        self._entries: dict = {}

    # --- entries ----------------------------------------------------------------------------------------------------

    def _keys_of(self, keys: np.ndarray) -> list:
        """The keys of the dict; a key that is a tensor is a tuple there."""
        if not self.key_dims:
            return keys.reshape(-1).tolist()
        return [tuple(row) for row in keys.reshape(-1, int(np.prod(self.key_dims))).tolist()]

    def _outer_dims(self, keys: np.ndarray) -> tuple:
        """The shape of `keys` without that of one key."""
        count = keys.ndim - len(self.key_dims)
        if count < 0 or keys.shape[count:] != self.key_dims:
            raise ValueError(f"Expected key shape {dims_in_brackets(self.key_dims)} at the end of "
                             f"{dims_in_brackets(keys.shape)}")  # fmt: skip
        return keys.shape[:count]

    def _values_array(self, values: list, outer: tuple):
        shape = (*outer, *self.value_dims)
        if self.value_dims:
            array = np.array(values, self.value_dtype.np_dtype) if values else np.empty(0, self.value_dtype.np_dtype)
        else:
            array = np.empty(len(values), self.value_dtype.np_dtype)
            array[:] = values
        return tensor_of(array.reshape(shape))

    def _check_entries(self, keys: np.ndarray, values: np.ndarray) -> None:
        expected = (*self._outer_dims(keys), *self.value_dims)
        if values.shape != expected:
            raise ValueError(f"Expected shape {dims_in_brackets(expected)} for value, got "
                             f"{dims_in_brackets(values.shape)}")  # fmt: skip

    # --- what ops do ------------------------------------------------------------------------------------------------

    def find(self, keys: np.ndarray, default: np.ndarray):
        """The values of some keys, `default` for those that the table does not have."""
        if default.shape != self.value_dims:
            raise ValueError(f"Expected shape {dims_in_brackets(self.value_dims)} for default value, got "
                             f"{dims_in_brackets(default.shape)}")  # fmt: skip
        outer = self._outer_dims(keys)
        missing = default if self.value_dims else default.item()
        get = self._entries.get
        return self._values_array([get(key, missing) for key in self._keys_of(keys)], outer)

    def insert(self, keys: np.ndarray, values: np.ndarray) -> None:
        """Set the values of some keys."""
        self._check_entries(keys, values)
        copies = _rows(values.copy(), self.value_dims)
        with self.lock:
            self._entries.update(zip(self._keys_of(keys), copies, strict=True))

    def replace(self, keys: np.ndarray, values: np.ndarray) -> None:
        """Have these entries and no others."""
        self._check_entries(keys, values)
        entries = dict(zip(self._keys_of(keys), _rows(values.copy(), self.value_dims), strict=True))
        with self.lock:
            self._entries = entries

    def remove(self, keys: np.ndarray) -> None:
        """Remove some keys; those that are not there do not matter."""
        self._outer_dims(keys)
        with self.lock:
            for key in self._keys_of(keys):
                self._entries.pop(key, None)

    def size(self) -> int:
        """How many entries there are."""
        return len(self._entries)

    def export(self):
        """(keys, values) of all entries."""
        with self.lock:
            keys, values = list(self._entries), list(self._entries.values())
        array = np.empty((len(keys), *self.key_dims), self.key_dtype.np_dtype)
        if keys:
            array[:] = keys
        return tensor_of(array), self._values_array(values, (len(keys),))


class MutableTable(Table):
    """A table that inserts and removes entries while it is used."""

    def read_lines(self, path, *_):
        """Mutable tables are not initialized from files."""
        raise _not_static()


def _not_static():
    return errors.InvalidArgumentError(None, None, "The table is mutable: it cannot be initialized from a file")


class DenseTable(MutableTable):
    """A mutable table that has up to two keys that no entry can have."""

    def __init__(self, *args):
        super().__init__(*args)
        self._reserved: dict = {}

    def reserve(self, empty_key: np.ndarray, deleted_key: np.ndarray | None) -> None:
        """Say which keys no entry can have; their shape is that of keys."""
        if deleted_key is not None and deleted_key.shape != empty_key.shape:
            raise ValueError("Empty and deleted keys must have same shape, got shapes: "
                             f"{dims_in_brackets(empty_key.shape)} and {dims_in_brackets(deleted_key.shape)}")
        self.key_dims = empty_key.shape
        reserved = {self._keys_of(empty_key)[0]: "empty_key"}
        if deleted_key is not None:
            deleted = self._keys_of(deleted_key)[0]
            if deleted in reserved:
                raise ValueError("Empty and deleted keys cannot be equal")
            reserved[deleted] = "deleted_key"
        self._reserved = reserved

    def _check_keys(self, keys: np.ndarray) -> None:
        for key in self._keys_of(keys):
            if key in self._reserved:
                raise ValueError(f"Using the {self._reserved[key]} as a table key is not allowed")

    def find(self, keys, default):
        self._check_keys(keys)
        return super().find(keys, default)

    def insert(self, keys, values):
        self._check_keys(keys)
        super().insert(keys, values)

    def replace(self, keys, values):
        self._check_entries(keys, values)
        kept = [key not in self._reserved for key in self._keys_of(keys)]
        super().replace(keys[kept], values[kept])

    def remove(self, keys):
        self._check_keys(keys)
        super().remove(keys)


class StaticTable(Table):
    """A table that is initialized once, all at once."""

    is_initialized = False

    def _check_initialized(self):
        if not self.is_initialized:
            raise errors.FailedPreconditionError(None, None, "Table not initialized.")

    def find(self, keys, default):
        self._check_initialized()
        return super().find(keys, default)

    def export(self):
        self._check_initialized()
        return super().export()

    def insert(self, keys, values):
        raise errors.UnimplementedError(None, None, "Insert not supported by InitializableLookupTable implementations")

    def remove(self, keys):
        raise errors.UnimplementedError(None, None, "Remove not supported by InitializableLookupTable implementations")

    def replace(self, keys, values):
        """Initialize the table; a second time only with as many entries."""
        self._check_entries(keys, values)
        self._set(zip(self._keys_of(keys), _rows(values, self.value_dims), strict=True), keys.size)

    def _set(self, pairs, count: int | None = None) -> None:
        with self.lock:
            if self.is_initialized:
                if count is not None and count != len(self._entries):
                    raise errors.FailedPreconditionError(
                        None, None, "Table was already initialized with different data."
                    )
                return
            entries: dict = {}
            for key, value in pairs:
                if entries.setdefault(key, value) != value:
                    raise errors.FailedPreconditionError(
                        None, None, f"HashTable has different value for same key. Key {_shown(key)} has "
                        f"{_shown(entries[key])} and trying to add value {_shown(value)}",
                    )  # fmt: skip
            self._entries, self.is_initialized = entries, True

    def read_lines(self, path, file, key_index, value_index, vocab_size, delimiter) -> None:
        """Initialize the table with an entry for each line of a file.

        Args:
          path: the file's name, for messages.
          file: the open file.
          key_index: what of a line is the key: WHOLE_LINE, LINE_NUMBER or a column.
          value_index: what is the value.
          vocab_size: how many lines to read; all if -1.
          delimiter: what stands between columns.
        """
        self._check_index(key_index, self.key_dtype, "Key")
        self._check_index(value_index, self.value_dtype, "Value")
        columns = max(key_index, value_index)
        pairs = []
        for number, line in enumerate(file):
            if number == vocab_size:
                break
            line = line.removesuffix(b"\n").replace(b"\r", b"")
            if not line:
                raise ValueError(f"Invalid content in {path}: empty line found at position {file.tell()}.")
            fields = line.split(delimiter) if columns >= 0 else []
            if columns >= len(fields) and columns >= 0:
                shown = line.decode(errors="replace")
                raise ValueError(f"Invalid number of columns in {path} line {number} ({shown}) : expected {columns} "
                                 f"got {len(fields)}")  # fmt: skip
            pairs.append((_part(line, fields, number, key_index, self.key_dtype),
                          _part(line, fields, number, value_index, self.value_dtype)))  # fmt: skip
        if not pairs and vocab_size < 0:
            raise errors.OutOfRangeError(None, None, "Read less bytes than requested")
        if vocab_size > len(pairs):
            raise ValueError(f"Invalid vocab_size in {path}: expected {vocab_size} but got {len(pairs)}")
        self._set(pairs, len(pairs))

    def _check_index(self, index: int, dtype: DType, what: str) -> None:
        if index == LINE_NUMBER and dtype.name != "int64":
            raise ValueError(f"{what} index for line number requires {what.lower()} dtype of int64, got {dtype.name}")
        if index == WHOLE_LINE and dtype.name != "string" and not dtype.is_integer:
            raise ValueError(f"{what} index for whole line requires {what.lower()} dtype of string, got {dtype.name}")


def _part(line: bytes, fields: list[bytes], number: int, index: int, dtype: DType):
    """The key or value that a line of a file gives."""
    if index == LINE_NUMBER:
        return number
    text = line if index == WHOLE_LINE else fields[index]
    if dtype.name == "string":
        return text
    value = number_of(text, to_torch(dtype))
    if value is None:
        raise ValueError(f"Field {text.decode(errors='replace')} in line {number} is not a valid {dtype.name}.")
    return value


def _shown(value) -> str:
    return value.decode(errors="replace") if isinstance(value, bytes) else str(value)
