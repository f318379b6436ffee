"""Tables that an operation initializes once: LookupInterface, StaticHashTable; tf.tables_initializer."""

import uuid
from typing import Any

from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import get_collection, init_scope, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.control import group, no_op
from reflow.platform.deprecation import deprecated


@export("tables_initializer", "initializers.tables_initializer")
def tables_initializer(name="init_all_tables"):
    """An operation that initializes all static tables of the default graph.

    Args:
      name: the node's name.

    Returns:
      An Operation.
    """
    initializers = get_collection(GraphKeys.TABLE_INITIALIZERS)
    return group(*initializers, name=name) if initializers else no_op(name=name)


@export("initialize_all_tables")
@deprecated(None, "Use `tf.tables_initializer` instead.")
def initialize_all_tables(name="init_all_tables"):
    """The older name of `tf.tables_initializer`."""
    return tables_initializer(name)


def check_table_dtypes(table, key_dtype, value_dtype) -> None:
    """Raise TypeError unless the table has these types of keys and values."""
    if key_dtype.base_dtype != table.key_dtype:
        raise TypeError(f"Invalid key dtype, expected {table.key_dtype} but got {key_dtype}.")
    if value_dtype.base_dtype != table.value_dtype:
        raise TypeError(f"Invalid value dtype, expected {table.value_dtype} but got {value_dtype}.")


@export("contrib.lookup.LookupInterface")
class LookupInterface:
    """What all tables have.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
    """

    _resource_handle: Any = None

    def __init__(self, key_dtype, value_dtype):
        self._key_dtype = as_dtype(key_dtype)
        self._value_dtype = as_dtype(value_dtype)

    def _create_resource(self):
        raise NotImplementedError

    @property
    def resource_handle(self):
        """The tensor of the table's handle."""
        return self._resource_handle

    @property
    def key_dtype(self):
        """The type of keys."""
        return self._key_dtype

    @property
    def value_dtype(self):
        """The type of values."""
        return self._value_dtype

    @property
    def name(self):
        """The table's name."""
        raise NotImplementedError

    def size(self, name=None):
        """An int64 scalar: how many entries there are."""
        raise NotImplementedError

    def lookup(self, keys, name=None):
        """The values of some keys."""
        raise NotImplementedError

    def _check_keys(self, keys) -> None:
        if keys.dtype.base_dtype != self._key_dtype:
            raise TypeError(f"Signature mismatch. Keys must be dtype {self._key_dtype}, got {keys.dtype}.")


@export("contrib.lookup.InitializableLookupTableBase")
class InitializableLookupTableBase(LookupInterface):
    """A table that its initializer fills.

    Args:
      default_value: the value of keys that the table does not have: a scalar.
      initializer: a TableInitializerBase.
    """

    def __init__(self, default_value, initializer):
        super().__init__(initializer.key_dtype, initializer.value_dtype)
        self._default_value = to_tensor(default_value, self._value_dtype)
        self._default_value.get_shape().merge_with(TensorShape([]))
        self._initializer = initializer
        with init_scope():
            self._resource_handle = self._create_resource()
            self._init_op = self._initialize()

    def _initialize(self):
        return self._initializer.initialize(self)

    @property
    def default_value(self):
        """The tensor of the value of keys that the table does not have."""
        return self._default_value

    def size(self, name=None):
        """How many entries there are.

        Args:
          name: a name scope.

        Returns:
          An int64 scalar.
        """
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]):
            return call("LookupTableSizeV2", self.resource_handle)

    def lookup(self, keys, name=None):
        """The values of some keys.

        Args:
          keys: a tensor or SparseTensor of the table's key type.
          name: a name scope.

        Returns:
          A tensor like `keys` of the value type.

        Raises:
          TypeError: for keys of another type.
        """
        key_tensor = keys.values if isinstance(keys, SparseTensor) else keys
        self._check_keys(keys)
        with name_scope(name, f"{self.name}_Lookup", (self.resource_handle, key_tensor, self._default_value)):
            values = call("LookupTableFindV2", self.resource_handle, key_tensor, self._default_value)
        values.set_shape(key_tensor.get_shape())
        return SparseTensor(keys.indices, values, keys.dense_shape) if isinstance(keys, SparseTensor) else values


@export("contrib.lookup.InitializableLookupTableBaseV1")
class InitializableLookupTableBaseV1(InitializableLookupTableBase):
    """As `InitializableLookupTableBase`, with the operation that initializes it."""

    @property
    def initializer(self):
        """The operation that fills the table."""
        return self._init_op


@export("lookup.StaticHashTable")
class StaticHashTable(InitializableLookupTableBaseV1):
    """A table that does not change once it is initialized; tables initialized from the same file are one.

    Args:
      initializer: a KeyValueTensorInitializer or TextFileInitializer.
      default_value: the value of keys that the table does not have: a scalar.
      name: the node's name, "hash_table" if None.
    """

    def __init__(self, initializer, default_value, name=None):
        self._initializer = initializer
        self._shared_name = initializer._shared_name or f"hash_table_{uuid.uuid4()}"
        self._name = name or "hash_table"
        super().__init__(default_value, initializer)
        self._value_shape = self._default_value.get_shape()

    def _create_resource(self):
        handle = call("HashTableV2", shared_name=self._shared_name, key_dtype=self._initializer.key_dtype,
                      value_dtype=self._initializer.value_dtype, name=self._name)  # fmt: skip
        self._table_name = handle.op.name.split("/")[-1]
        return handle

    @property
    def name(self):
        """The table's name: that of its node, without scopes."""
        return self._table_name

    def export(self, name=None):
        """All keys and values.

        Args:
          name: a name scope.

        Returns:
          Two tensors: the keys, and their values in the same order.
        """
        with name_scope(name, f"{self.name}_Export", [self.resource_handle]):
            keys, values = call("LookupTableExportV2", self.resource_handle, Tkeys=self._key_dtype,
                                Tvalues=self._value_dtype)  # fmt: skip
        values.set_shape(keys.get_shape().concatenate(self._value_shape))
        return keys, values


class HashTable(StaticHashTable):
    """As `StaticHashTable`, with an older name of `initializer`."""

    @property
    def init(self):
        """The operation that fills the table."""
        return self.initializer
