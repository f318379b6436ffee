"""Tables that change while a graph runs: MutableHashTable, DenseHashTable."""

from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import add_to_collection, colocate_with, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.lookup.static import LookupInterface
from reflow.train.saveable import SaveableObject, SaveSpec


class _TableSaveable(SaveableObject):
    """What a Saver saves of a table: its keys and values."""

    def __init__(self, table, name):
        keys, values = table.export()
        super().__init__(table, [SaveSpec(keys, "", f"{name}-keys"), SaveSpec(values, "", f"{name}-values")], name)

    @property
    def device(self):
        """The device of the table."""
        return self.op.resource_handle.device

    def restore(self, restored_tensors, restored_shapes, name=None):
        """The operation that fills the table; the shapes do not matter."""
        with name_scope(name, f"{self.name}_table_restore"), colocate_with(self.op.resource_handle):
            return call("LookupTableImportV2", self.op.resource_handle, *restored_tensors)


class _MutableTable(LookupInterface):
    """What both kinds of mutable tables have; each makes its handle in `_create_resource`."""

    def __init__(self, key_dtype, value_dtype, default_value, name, checkpoint, default_name=None):
        super().__init__(key_dtype, value_dtype)
        self._default_value = to_tensor(default_value, self._value_dtype, default_name)
        self._checkpoint = checkpoint
        self._name = name

    def _make(self) -> None:
        """Make the handle, and have Savers save the table if it is to be saved."""
        self._resource_handle = self._create_resource()
        self._table_name = self._resource_handle.op.name.split("/")[-1]
        if self._checkpoint:
            add_to_collection(GraphKeys.SAVEABLE_OBJECTS, _TableSaveable(self, self._name))

    @property
    def name(self):
        """The table's name: that of its node, without scopes."""
        return self._table_name

    def size(self, name=None):
        """How many entries there are.

        Args:
          name: a name scope.

        Returns:
          An int64 scalar.
        """
        with name_scope(name, f"{self.name}_Size", [self.resource_handle]), colocate_with(self.resource_handle):
            return call("LookupTableSizeV2", self.resource_handle)

    def remove(self, keys, name=None):
        """Remove some keys; those that are not there do not matter.

        Args:
          keys: a tensor of keys.
          name: a name scope.

        Returns:
          An Operation.

        Raises:
          TypeError: for keys of another type.
        """
        self._check_keys(keys)
        with name_scope(name, f"{self.name}_lookup_table_remove", (self.resource_handle, keys, self._default_value)):
            return call("LookupTableRemoveV2", self.resource_handle, keys)

    def lookup(self, keys, name=None):
        """The values of some keys.

        Args:
          keys: a tensor of keys.
          name: a name scope.

        Returns:
          A tensor of values; that of a key that is not there is the default.
        """
        with name_scope(name, f"{self.name}_lookup_table_find", (self.resource_handle, keys, self._default_value)):
            keys = to_tensor(keys, self._key_dtype, "keys")
            with colocate_with(self.resource_handle):
                return call("LookupTableFindV2", self.resource_handle, keys, self._default_value)

    def insert(self, keys, values, name=None):
        """Set the values of some keys.

        Args:
          keys: a tensor of keys.
          values: a tensor of their values.
          name: a name scope.

        Returns:
          An Operation.
        """
        with name_scope(name, f"{self.name}_lookup_table_insert", [self.resource_handle, keys, values]):
            keys = to_tensor(keys, self._key_dtype, "keys")
            values = to_tensor(values, self._value_dtype, "values")
            with colocate_with(self.resource_handle):
                return call("LookupTableInsertV2", self.resource_handle, keys, values)

    def export(self, name=None):
        """All keys and values.

        Args:
          name: a name scope.

        Returns:
          Two tensors: the keys, and their values in the same order.
        """
        with (name_scope(name, f"{self.name}_lookup_table_export_values", [self.resource_handle]),
              colocate_with(self.resource_handle)):  # fmt: skip
            keys, values = call("LookupTableExportV2", self.resource_handle, Tkeys=self._key_dtype,
                                Tvalues=self._value_dtype)  # fmt: skip
            return keys, values


@export("contrib.lookup.MutableHashTable")
class MutableHashTable(_MutableTable):
    """A table of scalars to scalars or tensors of one shape.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
      default_value: the value of keys that the table does not have; its shape is that of all values.
      name: the node's name.
      checkpoint: whether Savers save the table.
    """

    def __init__(self, key_dtype, value_dtype, default_value, name="MutableHashTable", checkpoint=True):
        super().__init__(key_dtype, value_dtype, default_value, name, checkpoint)
        self._make()

    def _create_resource(self):
        shape = self._default_value.get_shape()
        attrs = {"use_node_name_sharing": self._checkpoint, "key_dtype": self._key_dtype,
                 "value_dtype": self._value_dtype, "name": self._name}  # fmt: skip
        if shape.ndims == 0:
            return call("MutableHashTableV2", **attrs)
        return call("MutableHashTableOfTensorsV2", value_shape=shape, **attrs)


@export("lookup.experimental.DenseHashTable", "contrib.lookup.MutableDenseHashTable")
class DenseHashTable(_MutableTable):
    """A table of scalars or tensors of one shape to scalars or tensors of one shape.

    Args:
      key_dtype: the type of keys.
      value_dtype: the type of values.
      default_value: the value of keys that the table does not have; its shape is that of all values.
      empty_key: a key that no entry has; its shape is that of all keys.
      deleted_key: another key that no entry has.
      initial_num_buckets: a power of 2, at least 4.
      name: the node's name.
      checkpoint: whether Savers save the table.
    """

    def __init__(self, key_dtype, value_dtype, default_value, empty_key, deleted_key, initial_num_buckets=None,
                 name="MutableDenseHashTable", checkpoint=True):  # fmt: skip
        super().__init__(key_dtype, value_dtype, default_value, name, checkpoint, "default_value")
        self._initial_num_buckets = initial_num_buckets
        self._empty_key = to_tensor(empty_key, as_dtype(key_dtype), "empty_key")
        self._deleted_key = to_tensor(deleted_key, as_dtype(key_dtype), "deleted_key")
        self._make()

    def _create_resource(self):
        attrs = {} if self._initial_num_buckets is None else {"initial_num_buckets": self._initial_num_buckets}
        return call(
            "MutableDenseHashTableV2", self._empty_key, self._deleted_key, use_node_name_sharing=self._checkpoint,
            value_dtype=self._value_dtype, value_shape=self._default_value.get_shape(), name=self._name, **attrs,
        )  # fmt: skip

    def insert_or_assign(self, keys, values, name=None):
        """As `insert`."""
        return self.insert(keys, values, name)

    def erase(self, keys, name=None):
        """As `remove`."""
        return self.remove(keys, name)
