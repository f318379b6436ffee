"""Tables and vocabularies with the names and arguments that tf.contrib.lookup gave them."""

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.lookup import vocabulary
from reflow.lookup.static import InitializableLookupTableBaseV1
from reflow.lookup.vocabulary import FastHashSpec, index_table_from_file
from reflow.platform.deprecation import deprecated


@export("contrib.lookup.string_to_index_table_from_file")
@deprecated("2017-04-10", "Use `index_table_from_file`.")
def string_to_index_table_from_file(vocabulary_file=None, num_oov_buckets=0, vocab_size=None, default_value=-1,
                                    hasher_spec=FastHashSpec, name=None):  # fmt: skip
    """The older name of `index_table_from_file`, for strings."""
    return index_table_from_file(vocabulary_file, num_oov_buckets, vocab_size, default_value, hasher_spec,
                                 key_dtype=dtypes.string, name=name)  # fmt: skip


@export("contrib.lookup.string_to_index_table_from_tensor")
@deprecated("2017-04-10", "Use `index_table_from_tensor`.")
def string_to_index_table_from_tensor(mapping, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec,
                                      name=None):  # fmt: skip
    """The older name of `index_table_from_tensor`, for strings."""
    with name_scope(name, "string_to_index") as scope:
        mapping = to_tensor(mapping)
    if mapping.dtype.base_dtype is not dtypes.string:
        raise ValueError("string_to_index_table_from_tensor requires string.")
    return index_table_from_tensor(mapping, num_oov_buckets, default_value, hasher_spec, name=scope)


@export("contrib.lookup.index_table_from_tensor")
def index_table_from_tensor(mapping, num_oov_buckets=0, default_value=-1, hasher_spec=FastHashSpec,
                            dtype=dtypes.string, name=None):  # fmt: skip
    """A table of words to their places in a vector.

    Args:
      mapping: a vector of words.
      num_oov_buckets: how many hash buckets there are for other words.
      default_value: the number of other words if there are no buckets.
      hasher_spec: a HasherSpec.
      dtype: the type of words: an integer type or string.
      name: a name scope.

    Returns:
      A table, which has to be initialized.

    Raises:
      ValueError: without words, and for words of another type.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return vocabulary.index_table_from_tensor(
        vocabulary_list=mapping, num_oov_buckets=num_oov_buckets, default_value=default_value,
        hasher_spec=hasher_spec, dtype=dtype, name=name,
    )  # fmt: skip


@export("contrib.lookup.string_to_index")
@deprecated("2017-01-07", "This op will be removed after the deprecation date. Please switch to "
            "index_table_from_tensor and call the lookup method of the returned table.")  # fmt: skip
def string_to_index(tensor, mapping, default_value=-1, name=None):
    """The places of some words in a vector.

    Args:
      tensor: a tensor of words.
      mapping: a string vector.
      default_value: the number of other words.
      name: a name scope.

    Returns:
      An int64 tensor, which needs its table initialized.
    """
    return index_table_from_tensor(mapping=mapping, default_value=default_value, name=name).lookup(tensor)


@export("contrib.lookup.index_to_string_table_from_tensor")
def index_to_string_table_from_tensor(mapping, default_value="UNK", name=None):
    """A table of numbers to the words in a vector.

    Args:
      mapping: a string vector.
      default_value: the word of other numbers.
      name: a name scope.

    Returns:
      A table, which has to be initialized.

    Raises:
      ValueError: without words.
    """
    if mapping is None:
        raise ValueError("mapping must be specified.")
    return vocabulary.index_to_string_table_from_tensor(vocabulary_list=mapping, default_value=default_value, name=name)


@export("contrib.lookup.index_to_string")
@deprecated("2017-01-07", "This op will be removed after the deprecation date. Please switch to "
            "index_to_string_table_from_tensor and call the lookup method of the returned table.")  # fmt: skip
def index_to_string(tensor, mapping, default_value="UNK", name=None):
    """The words of some numbers.

    Args:
      tensor: an int64 tensor.
      mapping: a string vector.
      default_value: the word of other numbers.
      name: a name scope.

    Returns:
      A string tensor, which needs its table initialized.
    """
    return index_to_string_table_from_tensor(mapping=mapping, default_value=default_value, name=name).lookup(tensor)


@export("contrib.lookup.HashTable")
class HashTable(InitializableLookupTableBaseV1):
    """A table that does not change once it is initialized.

    Args:
      initializer: what fills it.
      default_value: the value of keys that the table does not have: a scalar.
      shared_name: a name under which several sessions and nodes share it.
      name: the node's name, "hash_table" if None.
    """

    def __init__(self, initializer, default_value, shared_name=None, name=None):
        self._initializer = initializer
        self._shared_name = shared_name
        self._name = name or "hash_table"
        super().__init__(default_value, initializer)
        self._value_shape = self._default_value.get_shape()

    def _create_resource(self):
        attrs = {} if self._shared_name is None else {"shared_name": self._shared_name}
        handle = call("HashTableV2", key_dtype=self._initializer.key_dtype, value_dtype=self._initializer.value_dtype,
                      name=self._name, **attrs)  # fmt: skip
        self._table_name = handle.op.name.split("/")[-1]
        return handle

    @property
    def init(self):
        """The operation that fills the table."""
        return self.initializer

    @property
    def name(self):
        """The table's name: that of its node, without scopes."""
        return self._table_name

    def export(self, name=None):
        """All keys and values.

        Args:
          name: the node's name.

        Returns:
          Two tensors: the keys, and their values in the same order.
        """
        with name_scope(name, f"{self.name}_Export", [self.resource_handle]) as scope:
            keys, values = call("LookupTableExportV2", self.resource_handle, Tkeys=self._key_dtype,
                                Tvalues=self._value_dtype, name=scope)  # fmt: skip
        values.set_shape(keys.get_shape().concatenate(self._value_shape))
        return keys, values
