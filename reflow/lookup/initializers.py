"""What fills static tables: tensors of keys and values, or a text file."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import add_to_collection, device, init_scope, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.lookup.static import check_table_dtypes


@export("contrib.lookup.TableInitializerBase")
class TableInitializerBase:
    """What can fill a table.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
    """

    def __init__(self, key_dtype, value_dtype):
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    @property
    def _shared_name(self) -> str:
        """What tables that are filled alike share; "" if they do not."""
        return ""

    @property
    def key_dtype(self):
        """The type of keys."""
        return self._key_dtype

    @property
    def value_dtype(self):
        """The type of values."""
        return self._value_dtype

    def initialize(self, table):
        """The operation that fills a table."""
        raise NotImplementedError


@export("lookup.KeyValueTensorInitializer", "contrib.lookup.KeyValueTensorInitializer")
class KeyValueTensorInitializer(TableInitializerBase):
    """Fills a table from tensors.

    Args:
      keys: a tensor of keys.
      values: a tensor of their values, of the same shape.
      key_dtype: the type of `keys`, if they are no tensor.
      value_dtype: the type of `values`, if they are no tensor.
      name: a name scope, "key_value_init" if None.
    """

    def __init__(self, keys, values, key_dtype=None, value_dtype=None, name=None):
        self._keys = to_tensor(keys, None if key_dtype is None else as_dtype(key_dtype), "keys")
        self._values = to_tensor(values, None if value_dtype is None else as_dtype(value_dtype), "values")
        self._name = name if name is not None else "key_value_init"
        super().__init__(self._keys.dtype, self._values.dtype)

    def initialize(self, table):
        """The operation that fills a table.

        Args:
          table: a table of the types of the tensors.

        Returns:
          An Operation, also in collection TABLE_INITIALIZERS.

        Raises:
          TypeError: if the types differ.
        """
        check_table_dtypes(table, self._keys.dtype, self._values.dtype)
        with name_scope(self._name, values=(table.resource_handle, self._keys, self._values)):
            operation = call("LookupTableImportV2", table.resource_handle, self._keys, self._values)
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, operation)
        return operation


@export("lookup.TextFileIndex", "contrib.lookup.TextFileIndex")
class TextFileIndex:
    """What of a line is a key or value, if not a column."""

    WHOLE_LINE = -2
    LINE_NUMBER = -1


def _check_index(what, index, dtype, integers):
    if index < -2:
        raise ValueError(f"Invalid {what} index {index}.")
    plural = f"{what.capitalize()}s"
    if index == TextFileIndex.LINE_NUMBER and dtype != dtypes.int64:
        raise ValueError(f"Signature mismatch. {plural} must be dtype {dtypes.int64}, got {dtype}.")
    if index == TextFileIndex.WHOLE_LINE and dtype != dtypes.string and not (integers and dtype.is_integer):
        wanted = "integer or string" if integers else f"dtype {dtypes.string}"
        raise ValueError(f"Signature mismatch. {plural} must be {wanted}, got {dtype}.")


@export("lookup.TextFileInitializer", "contrib.lookup.TextFileInitializer")
class TextFileInitializer(TableInitializerBase):
    """Fills a table from the lines of a file.

    Args:
      filename: a string or a string scalar.
      key_dtype: the type of keys.
      key_index: the column of the keys, or one of TextFileIndex.
      value_dtype: the type of values.
      value_index: the column of the values, or one of TextFileIndex.
      vocab_size: how many lines to read; all if None.
      delimiter: the character between columns.
      name: a name scope.

    Raises:
      ValueError: without a file, or for columns that do not fit the types.
    """

    def __init__(self, filename, key_dtype, key_index, value_dtype, value_index, vocab_size=None, delimiter="\t",
                 name=None):  # fmt: skip
        if not isinstance(filename, Tensor) and not filename:
            raise ValueError(f"Filename required for {name}.")
        self._filename_arg = filename
        key_dtype, value_dtype = as_dtype(key_dtype), as_dtype(value_dtype)
        _check_index("key", key_index, key_dtype, True)
        _check_index("value", value_index, value_dtype, False)
        if vocab_size is not None and vocab_size <= 0:
            raise ValueError(f"Invalid vocab_size {vocab_size}.")
        self._key_index, self._value_index = key_index, value_index
        self._vocab_size = vocab_size
        self._delimiter = delimiter
        self._name = name
        with init_scope(), device("CPU"):
            self._filename = to_tensor(filename, dtypes.string, "asset_path")
        super().__init__(key_dtype, value_dtype)

    def initialize(self, table):
        """The operation that fills a table.

        Args:
          table: a table of the initializer's types.

        Returns:
          An Operation, also in collection TABLE_INITIALIZERS; the name of a constant file is in ASSET_FILEPATHS.

        Raises:
          TypeError: if the types differ.
        """
        check_table_dtypes(table, self.key_dtype, self.value_dtype)
        with name_scope(self._name, "text_file_init", (table.resource_handle,)):
            operation = call(
                "InitializeTableFromTextFileV2", table.resource_handle, self._filename, key_index=self._key_index,
                value_index=self._value_index, vocab_size=-1 if self._vocab_size is None else self._vocab_size,
                delimiter=self._delimiter,
            )  # fmt: skip
        add_to_collection(GraphKeys.TABLE_INITIALIZERS, operation)
        if self._filename.op.type == "Const":
            add_to_collection(GraphKeys.ASSET_FILEPATHS, self._filename)
        return operation

    @property
    def _shared_name(self):
        size = [str(self._vocab_size)] if self._vocab_size else []
        parts = ["hash_table", str(self._filename_arg), *size, str(self._key_index), str(self._value_index)]
        return "_".join(parts)


@export("contrib.lookup.TextFileStringTableInitializer")
class TextFileStringTableInitializer(TextFileInitializer):
    """Fills a table of integers to strings from the lines of a file; arguments as of `TextFileInitializer`.

    Args:
      key_column_index: the column of the keys.
      value_column_index: the column of the values.
    """

    def __init__(self, filename, key_column_index=TextFileIndex.LINE_NUMBER,
                 value_column_index=TextFileIndex.WHOLE_LINE, vocab_size=None, delimiter="\t",
                 name="text_file_string_table_init"):  # fmt: skip
        super().__init__(filename, dtypes.int64, key_column_index, dtypes.string, value_column_index,
                         vocab_size=vocab_size, delimiter=delimiter, name=name)  # fmt: skip


@export("contrib.lookup.TextFileIdTableInitializer")
class TextFileIdTableInitializer(TextFileInitializer):
    """Fills a table of strings (or integers) to integers from the lines of a file; arguments as there.

    Args:
      key_column_index: the column of the keys.
      value_column_index: the column of the values.
    """

    def __init__(self, filename, key_column_index=TextFileIndex.WHOLE_LINE,
                 value_column_index=TextFileIndex.LINE_NUMBER, vocab_size=None, delimiter="\t",
                 name="text_file_id_table_init", key_dtype=dtypes.string):  # fmt: skip
        super().__init__(filename, key_dtype, key_column_index, dtypes.int64, value_column_index,
                         vocab_size=vocab_size, delimiter=delimiter, name=name)  # fmt: skip
