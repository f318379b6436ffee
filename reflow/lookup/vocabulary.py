"""Vocabularies: tables of words and numbers, with hash buckets for words that are not in the table."""

import functools
import numbers
from collections import namedtuple

from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export, export_value
from reflow.graph.operation import Tensor
from reflow.graph.sparse_tensor import SparseTensor
from reflow.lookup.initializers import (
    KeyValueTensorInitializer,
    TextFileIdTableInitializer,
    TextFileIndex,
    TextFileStringTableInitializer,
)
from reflow.lookup.static import HashTable, LookupInterface, StaticHashTable
from reflow.ops.arithmetic import add
from reflow.ops.casting import cast
from reflow.ops.comparison import not_equal
from reflow.ops.control import no_op
from reflow.ops.ranges import range as range_of
from reflow.ops.select import where_v2
from reflow.ops.shape_ops import size
from reflow.ops.string_hash import string_to_hash_bucket, string_to_hash_bucket_fast, string_to_hash_bucket_strong
from reflow.ops.string_numbers import as_string
from reflow.platform.deprecation import deprecated


@export("contrib.lookup.HasherSpec")
class HasherSpec(namedtuple("HasherSpec", ["hasher", "key"])):
    """Which hash gives words their buckets.

    Args:
      hasher: "fasthash", "legacy" or "stronghash".
      key: the key of "stronghash", two integers.
    """

    __slots__ = ()


FastHashSpec = HasherSpec("fasthash", None)
export_value("contrib.lookup.FastHashSpec", FastHashSpec)


@export("contrib.lookup.StrongHashSpec")
class StrongHashSpec(HasherSpec):
    """A hash that only who knows the key can aim at.

    Args:
      key: two integers.
    """

    __slots__ = ()

    def __new__(cls, key):
        if len(key) != 2:
            raise ValueError(f"key must have size 2, got {len(key)}.")
        if not all(isinstance(part, numbers.Integral) for part in key):
            raise TypeError(f"Invalid key {key}. Must be unsigned integer values.")
        return super().__new__(cls, "stronghash", key)


def _hash_function(spec):
    if not isinstance(spec, HasherSpec):
        raise TypeError(f"hasher_spec must be of type HasherSpec {spec}")
    if spec.hasher == "stronghash":
        return functools.partial(string_to_hash_bucket_strong, key=spec.key)
    functions = {"fasthash": string_to_hash_bucket_fast, "legacy": string_to_hash_bucket}
    if spec.hasher not in functions:
        raise ValueError(f"Unknown hasher {spec.hasher}")
    return functions[spec.hasher]


def _check_types(table, key_dtype):
    """Raise TypeError unless `table`, or what fills one, goes from words of `key_dtype` to int64."""
    supported = (dtypes.int64, dtypes.string)
    if table.key_dtype not in supported:
        raise TypeError(f"Invalid key dtype, expected one of {supported}, but got {key_dtype}.")
    if table.key_dtype.is_integer != key_dtype.is_integer:
        wanted = "integer" if key_dtype.is_integer else "non-integer"
        raise TypeError(f"Invalid key dtype, expected {wanted} but got {table.key_dtype}.")
    if table.value_dtype != dtypes.int64:
        raise TypeError(f"Invalid value dtype, expected {dtypes.int64} but got {table.value_dtype}.")


def _check_key_dtype(dtype):
    if not dtype.is_integer and dtype != dtypes.string:
        raise TypeError(f"Invalid key_dtype, expected integer or string, got {dtype}.")


class _VocabularyWithBuckets(LookupInterface):
    """A table of words to numbers, or None, and hash buckets behind it; `_table` is None if there are only buckets."""

    def __init__(self, table, num_oov_buckets, hasher_spec, name, key_dtype):
        self._table = table
        self._num_oov_buckets = num_oov_buckets
        self._hasher_spec = hasher_spec
        self._table_name = name.split("/")[-1] if name else None
        super().__init__(key_dtype, dtypes.int64)

    def _create_resource(self):
        return None if self._table is None else self._table._create_resource()

    @property
    def initializer(self):
        """The operation that fills the table."""
        if self._table is not None:
            return self._table._init_op
        with name_scope(None, "init"):
            return no_op()

    @property
    def resource_handle(self):
        """The tensor of the table's handle; None without a table."""
        return None if self._table is None else self._table.resource_handle

    @property
    def name(self):
        """The name of the table."""
        return self._table_name

    def size(self, name=None):
        """How many numbers there are.

        Args:
          name: a name scope.

        Returns:
          An int64 scalar: the words of the table and the buckets.
        """
        with name_scope(name, f"{self.name}_Size"):
            words = self._table.size() if self._table else to_tensor(0, dtypes.int64)
            return words + self._num_oov_buckets

    def lookup(self, keys, name=None):
        """The numbers of some words.

        Args:
          keys: a tensor or SparseTensor of words.
          name: a name scope.

        Returns:
          An int64 tensor like `keys`: for words that the table does not have, a bucket behind the table's numbers.

        Raises:
          TypeError: for keys of another type.
        """
        self._check_keys(keys)
        values = keys.values if isinstance(keys, SparseTensor) else keys
        if self._table and self._table.key_dtype.base_dtype == dtypes.int64:
            values = cast(values, dtypes.int64)
        ids = self._ids(values, name)
        return SparseTensor(keys.indices, ids, keys.dense_shape) if isinstance(keys, SparseTensor) else ids

    def _ids(self, values, name):
        if self._num_oov_buckets == 0:
            return self._table.lookup(values, name=name)
        with name_scope(name, f"{self.name}_Lookup"):
            text = values if values.dtype.base_dtype is dtypes.string else as_string(values)
            hash_function = _hash_function(self._hasher_spec)
            buckets = hash_function(text, num_buckets=self._num_oov_buckets, name="hash_bucket")
            if not self._table:
                return buckets
            ids = self._table.lookup(values)
            buckets = add(buckets, self._table.size())
            return where_v2(not_equal(ids, self._table.default_value), ids, buckets)


@export("contrib.lookup.IdTableWithHashBuckets")
class IdTableWithHashBuckets(_VocabularyWithBuckets):
    """Words to numbers: a table's, or hash buckets behind them.

    Args:
      table: a table of strings or int64 to int64, or None.
      num_oov_buckets: how many buckets there are for words that the table does not have.
      hasher_spec: a HasherSpec.
      name: the table's name.
      key_dtype: the type of words: an integer type or string.

    Raises:
      ValueError: without a table and without buckets.
      TypeError: for types that do not fit.
    """

    def __init__(self, table, num_oov_buckets, hasher_spec=FastHashSpec, name=None, key_dtype=None):
        name = name.rstrip("/") if name else name
        if table:
            key_dtype = table.key_dtype if key_dtype is None else key_dtype
            _check_types(table, key_dtype)
            name = name or table.name
        else:
            if num_oov_buckets <= 0:
                raise ValueError("oov_buckets must be > 0 if no table is supplied.")
            key_dtype = dtypes.string if key_dtype is None else key_dtype
            table, name = None, name or "hash_bucket"
        _check_key_dtype(key_dtype)
        if not isinstance(hasher_spec, HasherSpec):
            raise TypeError(f"hasher_spec must be of type HasherSpec, got {hasher_spec}")
        super().__init__(table, num_oov_buckets, hasher_spec, name, key_dtype)

    @property
    @deprecated("2018-12-15", "Use `initializer` instead.")
    def init(self):
        """The operation that fills the table."""
        return self.initializer


@export("lookup.StaticVocabularyTable")
class StaticVocabularyTable(_VocabularyWithBuckets):
    """Words to numbers: those that an initializer gives, and hash buckets behind them.

    Args:
      initializer: what gives words of string or int64 their int64 numbers, or None.
      num_oov_buckets: how many buckets there are for other words, at least 1.
      lookup_key_dtype: the type of words: an integer type or string.
      name: the table's name.

    Raises:
      ValueError: without buckets.
      TypeError: for types that do not fit.
    """

    def __init__(self, initializer, num_oov_buckets, lookup_key_dtype=None, name=None):
        if num_oov_buckets <= 0:
            raise ValueError("oov_buckets must be > 0.")
        name = name.rstrip("/") if name else name
        table = None
        if initializer:
            lookup_key_dtype = initializer.key_dtype if lookup_key_dtype is None else lookup_key_dtype
            _check_types(initializer, lookup_key_dtype)
            table = HashTable(initializer, default_value=-1)
            name = name or table.name
        else:
            lookup_key_dtype = dtypes.string
            name = name or "hash_bucket"
        _check_key_dtype(lookup_key_dtype)
        super().__init__(table, num_oov_buckets, FastHashSpec, name, lookup_key_dtype)


# --- making vocabularies ------------------------------------------------------------------------------------------


def _check_file(vocabulary_file, vocab_size):
    if vocabulary_file is None or isinstance(vocabulary_file, str) and not vocabulary_file:
        raise ValueError("vocabulary_file must be specified and must not be empty.")
    if vocab_size is not None and vocab_size < 1:
        shown = vocabulary_file
        if isinstance(shown, Tensor):
            shown = constant_value(shown) or "?"
        raise ValueError(f"vocab_size must be greater than 0, got {vocab_size}. vocabulary_file: {shown}")


def _check_words(num_oov_buckets, dtype):
    if num_oov_buckets < 0:
        raise ValueError(f"num_oov_buckets must be greater or equal than 0, got {num_oov_buckets}.")
    if not dtype.is_integer and dtype.base_dtype != dtypes.string:
        raise TypeError("Only integer and string keys are supported.")


@export("contrib.lookup.index_table_from_file")
def index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                          hasher_spec=FastHashSpec, key_dtype=dtypes.string, name=None,
                          key_column_index=TextFileIndex.WHOLE_LINE, value_column_index=TextFileIndex.LINE_NUMBER,
                          delimiter="\t"):  # fmt: skip
    """A table of the words in a file to their numbers.

    Args:
      vocabulary_file: the file's name, a string or a string scalar.
      num_oov_buckets: how many hash buckets there are for other words.
      vocab_size: how many lines to read; all if None.
      default_value: the number of other words if there are no buckets.
      hasher_spec: a HasherSpec.
      key_dtype: the type of words: an integer type or string.
      name: a name scope.
      key_column_index: the column of the words, or one of TextFileIndex.
      value_column_index: the column of the numbers, or one of TextFileIndex.
      delimiter: the character between columns.

    Returns:
      A table, which has to be initialized.

    Raises:
      ValueError: without a file, and for sizes below what they can be.
      TypeError: for other types of words.
    """
    key_dtype = as_dtype(key_dtype)
    _check_file(vocabulary_file, None)
    _check_words(num_oov_buckets, dtypes.string)
    _check_file(vocabulary_file, vocab_size)
    _check_words(num_oov_buckets, key_dtype)
    with name_scope(name, "string_to_index"):
        with name_scope(None, "hash_table"):
            initializer = TextFileIdTableInitializer(
                vocabulary_file, vocab_size=vocab_size, key_dtype=dtypes.int64 if key_dtype.is_integer else key_dtype,
                name="table_init", key_column_index=key_column_index, value_column_index=value_column_index,
                delimiter=delimiter,
            )  # fmt: skip
            table = StaticHashTable(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, key_dtype)


def _with_buckets(table, num_oov_buckets, hasher_spec, key_dtype):
    if not num_oov_buckets:
        return table
    return IdTableWithHashBuckets(table, num_oov_buckets=num_oov_buckets, hasher_spec=hasher_spec, key_dtype=key_dtype)


def index_table_from_tensor(vocabulary_list, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec,
                            dtype=dtypes.string, name=None):  # fmt: skip
    """A table of words to their places in a vector.

    Args:
      vocabulary_list: a vector of words.
      num_oov_buckets: how many hash buckets there are for other words.
      default_value: the number of other words if there are no buckets.
      hasher_spec: a HasherSpec.
      dtype: the type of words: an integer type or string.
      name: a name scope.

    Returns:
      A table, which has to be initialized.

    Raises:
      ValueError: without words, and for words of another type.
      TypeError: for other types of words.
    """
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    dtype = as_dtype(dtype)
    _check_words(num_oov_buckets, dtype)
    with name_scope(name, "string_to_index"):
        keys = to_tensor(vocabulary_list)
        if keys.dtype.is_integer != dtype.is_integer:
            raise ValueError(f"Expected {'integer' if dtype.is_integer else 'non-integer'}, got {keys.dtype}.")
        if not dtype.is_integer and keys.dtype.base_dtype != dtype:
            raise ValueError(f"Expected {dtype}, got {keys.dtype}.")
        values = cast(range_of(size(keys)), dtypes.int64)
        with name_scope(None, "hash_table"):
            keys = cast(keys, dtypes.int64) if keys.dtype.is_integer else keys
            initializer = KeyValueTensorInitializer(keys, values, keys.dtype.base_dtype, dtypes.int64,
                                                    name="table_init")  # fmt: skip
            table = StaticHashTable(initializer, default_value)
        return _with_buckets(table, num_oov_buckets, hasher_spec, dtype)


@export("contrib.lookup.index_to_string_table_from_file")
def index_to_string_table_from_file(vocabulary_file, vocab_size=None, default_value="UNK", name=None,
                                    key_column_index=TextFileIndex.LINE_NUMBER,
                                    value_column_index=TextFileIndex.WHOLE_LINE, delimiter="\t"):  # fmt: skip
    """A table of numbers to the words in a file.

    Args:
      vocabulary_file: the file's name, a string or a string scalar.
      vocab_size: how many lines to read; all if None.
      default_value: the word of other numbers.
      name: a name scope.
      key_column_index: the column of the numbers, or one of TextFileIndex.
      value_column_index: the column of the words, or one of TextFileIndex.
      delimiter: the character between columns.

    Returns:
      A table, which has to be initialized.

    Raises:
      ValueError: without a file, and for a size below 1.
    """
    _check_file(vocabulary_file, vocab_size)
    with name_scope(name, "index_to_string"):
        initializer = TextFileStringTableInitializer(
            vocabulary_file, vocab_size=vocab_size, name="table_init", key_column_index=key_column_index,
            value_column_index=value_column_index, delimiter=delimiter,
        )  # fmt: skip
        return StaticHashTable(initializer, default_value)


def index_to_string_table_from_tensor(vocabulary_list, default_value="UNK", name=None):
    """A table of numbers to the words in a vector.

    Args:
      vocabulary_list: a string vector.
      default_value: the word of other numbers.
      name: a name scope.

    Returns:
      A table, which has to be initialized.

    Raises:
      ValueError: without words.
    """
    if vocabulary_list is None:
        raise ValueError("vocabulary_list must be specified.")
    with name_scope(name, "index_to_string"):
        words = to_tensor(vocabulary_list, dtypes.string)
        keys = cast(range_of(size(words)), dtypes.int64)
        initializer = KeyValueTensorInitializer(keys, words, dtypes.int64, dtypes.string, name="table_init")
        return StaticHashTable(initializer, default_value)
