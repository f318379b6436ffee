"""Tables of keys and values: hash tables, static and mutable, and the ops that look up, insert, remove and export.

The tables themselves are dicts, in `tables.py`. Each op exists twice: with a reference to the table (`ref string`), and
as V2 with a resource handle; both get the table itself.
"""

from dataclasses import dataclass

import torch

from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.shape_rules import merge, no_outputs, scalar, with_rank, with_rank_at_least, with_rank_at_most
from reflow.ops.tables import DenseTable, MutableTable, StaticTable
from reflow.ops.torch_types import array_of, to_torch
from reflow.platform.file_io import local_path, tensorflow_errors

_SHARING = 'container: string = "", shared_name: string = "", use_node_name_sharing: bool = false'
_TYPES = "key_dtype: type, value_dtype: type"

# --- making tables ------------------------------------------------------------------------------------------------


def _named(make):
    """The `resource` rule of a table op: the table by its shared name, or one of the node's own."""

    def resource(resources, node_name, attrs):
        shared = attrs["shared_name"]
        kind = "table" if shared or attrs["use_node_name_sharing"] else "table of node"
        name = shared.decode() if shared else node_name
        table = resources.get_or_create(kind, attrs["container"], name, lambda: make(attrs))
        types = attrs["key_dtype"], attrs["value_dtype"]
        if type(table) is not make.table_class or (table.key_dtype, table.value_dtype) != types:
            raise errors.InvalidArgumentError(None, None, f"Trying to access resource {name} located in table "
                                              "as a table of another type")  # fmt: skip
        return table

    return resource


@dataclass(frozen=True)
class _Maker:
    """Makes the table of a node from its attributes."""

    table_class: type
    with_value_shape: bool = False

    def __call__(self, attrs):
        value_dims = attrs["value_shape"] if self.with_value_shape else ()
        return self.table_class(attrs["key_dtype"], attrs["value_dtype"], value_dims or ())


def _handle_shape(op):
    return [(2,) if op.op_def.outputs[0].is_ref else ()]


def _define_table(name: str, make, attrs: str) -> None:
    for suffix, output in (("", "ref string"), ("V2", "resource")):
        define_op(f"{name}{suffix}", f"-> table_handle: {output}", f"{_SHARING}, {attrs}", shape=_handle_shape,
                  resource=_named(make), is_stateful=True, gradient=None)  # fmt: skip


_define_table("HashTable", _Maker(StaticTable), _TYPES)
_define_table("MutableHashTable", _Maker(MutableTable), _TYPES)
_define_table("MutableHashTableOfTensors", _Maker(MutableTable, True), f"{_TYPES}, value_shape: shape = []")


def _check_dense(initial_num_buckets, max_load_factor):
    if initial_num_buckets < 4 or initial_num_buckets & (initial_num_buckets - 1):
        raise ValueError(f"Number of buckets must be at least 4 and a power of 2, but was: {initial_num_buckets}")
    if not 0 < max_load_factor < 1:
        raise ValueError(f"max_load_factor must be between 0 and 1, but was: {max_load_factor:g}")


def _dense_table(table, empty_key, initial_num_buckets, max_load_factor):
    _check_dense(initial_num_buckets, max_load_factor)
    table.reserve(array_of(empty_key), None)
    return table


def _dense_table_v2(table, empty_key, deleted_key, initial_num_buckets, max_load_factor):
    _check_dense(initial_num_buckets, max_load_factor)
    table.reserve(array_of(empty_key), array_of(deleted_key))
    return table


_DENSE = (
    f"{_SHARING}, {_TYPES}, value_shape: shape = [], initial_num_buckets: int = 131072, max_load_factor: float = 0.8"
)
define_op("MutableDenseHashTable", "empty_key: key_dtype -> table_handle: ref string", _DENSE, shape=_handle_shape,
          kernel=_dense_table, resource=_named(_Maker(DenseTable, True)), is_stateful=True, gradient=None)  # fmt: skip
define_op(
    "MutableDenseHashTableV2", "empty_key: key_dtype, deleted_key: key_dtype -> table_handle: resource", _DENSE,
    shape=_handle_shape, kernel=_dense_table_v2, resource=_named(_Maker(DenseTable, True)), is_stateful=True,
    gradient=None,
)  # fmt: skip

# --- using tables -------------------------------------------------------------------------------------------------


def _check_types(table, key_dtype, value_dtype=None):
    if to_torch(table.key_dtype) != key_dtype or value_dtype is not None and to_torch(table.value_dtype) != value_dtype:
        raise ValueError(f"Table holds {table.key_dtype.name} to {table.value_dtype.name}; the op has other types")


def _find(table_handle, keys, default_value, Tin, Tout):
    _check_types(table_handle, Tin, Tout)
    return table_handle.find(array_of(keys), array_of(default_value))


def _insert(table_handle, keys, values, Tin, Tout):
    _check_types(table_handle, Tin, Tout)
    table_handle.insert(array_of(keys), array_of(values))


def _import(table_handle, keys, values, Tin, Tout):
    _check_types(table_handle, Tin, Tout)
    table_handle.replace(array_of(keys), array_of(values))


def _remove(table_handle, keys, Tin):
    _check_types(table_handle, Tin)
    table_handle.remove(array_of(keys))


def _size(table_handle):
    return torch.tensor(table_handle.size())


def _export(table_handle, Tkeys, Tvalues):
    _check_types(table_handle, Tkeys, Tvalues)
    return table_handle.export()


def _initialize(table_handle, keys, values, Tkey, Tval):
    _check_types(table_handle, Tkey, Tval)
    table_handle.replace(array_of(keys), array_of(values))


def _initialize_from_file(table_handle, filename, key_index, value_index, vocab_size, delimiter):
    if filename.ndim:
        raise ValueError(f"filename should be a single string, but got {dims_in_brackets(filename.shape)}")
    if len(delimiter) != 1:
        raise ValueError("Delimiter must be a single character")
    path = local_path(filename.item())
    with tensorflow_errors(path), open(path, "rb") as file:
        table_handle.read_lines(path, file, key_index, value_index, vocab_size, delimiter)


# --- shape rules --------------------------------------------------------------------------------------------------

# What makes a table whose lookups have a shape that construction knows.
_KNOWS_SHAPES = ("MutableHashTableV2", "MutableHashTableOfTensorsV2", "MutableDenseHashTableV2")


def _entry_dims(op, key_attr: str, value_attr: str):
    """The shapes (key, value) in the table that an op takes; (None, None) where construction cannot tell.

    Raises:
      ValueError: if the op's attributes `key_attr` and `value_attr` are not the types of the table.
    """
    made_by = op._inputs[0].op
    if made_by.type not in _KNOWS_SHAPES:
        return None, None
    for mine, attr in (("key_dtype", key_attr), ("value_dtype", value_attr)):
        if made_by.attrs[mine] is not op.attrs[attr]:
            raise ValueError(f"Trying to read value with wrong dtype. Expected {made_by.attrs[mine].name} got "
                             f"{op.attrs[attr].name}")  # fmt: skip
    key = made_by._inputs[0].dims if made_by._inputs else ()
    return key, made_by.attrs.get("value_shape", ())


def _find_shape(op):
    with_rank_at_most(op._inputs[2].dims, 1)
    key, value = _entry_dims(op, "Tin", "Tout")
    keys = op._inputs[1].dims
    if None in (key, value, keys):
        return [None]
    count = len(keys) - len(key)
    merge(keys[count:] if count >= 0 else keys, key)
    return [keys[:count] + value]


def _export_shape(op):
    key, value = _entry_dims(op, "Tkeys", "Tvalues")
    return [(None,) if key is None else (None, *key), None if value is None else (None, *value)]


def _import_shape(op):
    keys, values = (with_rank_at_least(tensor.dims, 1) for tensor in op._inputs[1:])
    if keys is not None and values is not None:
        merge(keys[:1], values[:1])
    return no_outputs(op)


def _initialize_shape(op):
    (keys,) = with_rank(op._inputs[1].dims, 1)
    merge((keys,), op._inputs[2].dims)
    return no_outputs(op)


def _from_file_shape(op):
    with_rank(op._inputs[1].dims, 0)
    return no_outputs(op)


# --- ops ----------------------------------------------------------------------------------------------------------


def _define(name, inputs, outputs, attrs, kernel, shape=no_outputs, writes=False, **rules):
    """Define an op on tables, and its form that takes a resource handle."""
    for suffix, handle in (("", "ref string"), ("V2", "resource")):
        arguments = ", ".join(filter(None, [f"table_handle: {handle}", inputs]))
        define_op(f"{name}{suffix}", f"{arguments} -> {outputs}", attrs, shape=shape, kernel=kernel, writes=writes,
                  is_stateful=bool(suffix), **rules)  # fmt: skip


_define("LookupTableFind", "keys: Tin, default_value: Tout", "values: Tout", "Tin: type, Tout: type", _find,
        shape=_find_shape, gradient=None)  # fmt: skip
_define("LookupTableInsert", "keys: Tin, values: Tout", "", "Tin: type, Tout: type", _insert, writes=True,
        gradient=None)  # fmt: skip
_define("LookupTableImport", "keys: Tin, values: Tout", "", "Tin: type, Tout: type", _import,
        shape=_import_shape, writes=True)  # fmt: skip
_define("LookupTableSize", "", "size: int64", "", _size, shape=scalar, gradient=None)
_define("LookupTableExport", "", "keys: Tkeys, values: Tvalues", "Tkeys: type, Tvalues: type", _export,
        shape=_export_shape)  # fmt: skip
_define("InitializeTable", "keys: Tkey, values: Tval", "", "Tkey: type, Tval: type", _initialize,
        shape=_initialize_shape, writes=True, gradient=None)  # fmt: skip
_define(
    "InitializeTableFromTextFile", "filename: string", "",
    "key_index: int >= -2, value_index: int >= -2, vocab_size: int >= -1 = -1, delimiter: string = '\t'",
    _initialize_from_file, shape=_from_file_shape, writes=True, gradient=None,
)  # fmt: skip
define_op("LookupTableRemoveV2", "table_handle: resource, keys: Tin ->", "Tin: type", shape=no_outputs, kernel=_remove,
          writes=True, is_stateful=True)  # fmt: skip
