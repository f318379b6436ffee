"""Tables of keys and values."""

import os
import tempfile

import numpy as np
from op_recording import Cases

case = Cases()
WORDS = ["emerson", "lake", "palmer"]


def feed(t, values, *shape):
    return t.feed(np.array(values, object), shape[0] if shape else "static", t.tf.string)


def after(tf, operation, make):
    """What `make` makes, computed after an operation."""
    with tf.control_dependencies([operation]):
        return make()


def text_file(content):
    """The name of a new file."""
    path = os.path.join(tempfile.mkdtemp(), "words")
    with open(path, "wb") as out:
        out.write(content.encode())
    return path


def sorted_export(tf, keys, values):
    """Exported entries in the order of their integer keys: that of the table is arbitrary."""
    order = tf.argsort(keys)
    return tf.gather(keys, order), tf.gather(values, order)


TYPES = [("string", "int64"), ("int64", "string"), ("int64", "float32"), ("string", "string"), ("int64", "int64")]


def entries(types):
    examples = {
        "string": [b"a", b"b", b""],
        "int64": [5, 0, -7],
        "float32": [0.5, 1.5, -1.0],
        "float64": [0.5, 2.0, 3.0],
    }
    examples["int32"], examples["bool"] = [4, 5, 6], [True, False, True]
    return [np.array(examples[t], object if t == "string" else t) for t in types]


@case.each(types=TYPES + [("string", "float32"), ("string", "float64"), ("string", "bool"), ("int32", "int32")])
def hash_table(tf, t, types):
    keys, values = entries(types)
    table = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(keys, values), values[0])
    asked = t.feed(np.array([[keys[1], keys[2]], [keys[0], keys[0]]], keys.dtype), [None, 2], tf.as_dtype(types[0]))
    missing = t.feed(np.array([keys[0] * 3 + keys[0]], keys.dtype), [1], tf.as_dtype(types[0]))
    t.out(
        *after(
            tf, tf.tables_initializer(), lambda: [table.lookup(asked), table.lookup(missing, name="m"), table.size()]
        )
    )
    assert table.name == "hash_table" and table.key_dtype == types[0] and table.value_dtype == types[1]


@case
def static_hash_table(tf, t):
    t.values_only()
    init = tf.lookup.KeyValueTensorInitializer([3, 1, 2], [30, 10, 20], tf.int64, tf.int64)
    table = tf.lookup.StaticHashTable(init, -1, name="squares")
    t.out(*after(tf, table.initializer, lambda: sorted_export(tf, *table.export())))
    sparse = tf.SparseTensor([[0, 1], [2, 0]], tf.constant([2, 9], tf.int64), [3, 2])
    t.out(after(tf, table.initializer, lambda: table.lookup(sparse).values))
    assert table.name == "squares"


@case
def hash_table_not_initialized(tf, t):
    table = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    t.out(table.size())


@case
def hash_table_initialized_twice(tf, t):
    t.one_by_one()
    init = tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2])
    table = tf.contrib.lookup.HashTable(init, -1, shared_name="s")
    again = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["c", "d"], [3, 4]), -1, shared_name="s")
    t.out(after(tf, table.init, table.size), after(tf, again.init, again.size), table.lookup(tf.constant(["a", "c"])))


@case
def hash_table_initialized_otherwise(tf, t):
    t.one_by_one()
    table = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1, 2]), -1, shared_name="s")
    again = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["c"], [3]), -1, shared_name="s")
    t.out(after(tf, table.init, table.size), after(tf, again.init, again.size))


@case.each(values=[[1, 2], [1, 1]])
def hash_table_of_repeated_key(tf, t, values):
    table = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["a", "a"], values), -1)
    t.out(after(tf, table.init, table.size))


@case
def hash_table_of_different_sizes(tf, t):
    table = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["a", "b"], [1]), -1)
    t.out(after(tf, table.init, table.size))


@case
def lookup_of_wrong_type(tf, t):
    table = tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), -1)
    table.lookup(tf.constant([1]))


@case
def insert_into_static_table(tf, t):
    table = tf.raw_ops.HashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)
    keys = tf.constant([1], tf.int64)
    t.out(after(tf, tf.raw_ops.LookupTableInsertV2(table_handle=table, keys=keys, values=keys), lambda: tf.constant(1)))


@case
def tables_of_old_ops(tf, t):
    table = tf.raw_ops.HashTable(key_dtype=tf.string, value_dtype=tf.int64)
    keys, values = tf.constant(["a", "b"]), tf.constant([1, 2], tf.int64)
    init = tf.raw_ops.InitializeTable(table_handle=table, keys=keys, values=values)
    default = tf.constant(-1, tf.int64)
    t.out(
        after(tf, init, lambda: tf.raw_ops.LookupTableFind(table_handle=table, keys=["b", "c"], default_value=default))
    )
    t.out(after(tf, init, lambda: tf.raw_ops.LookupTableSize(table_handle=table)))


# --- files


@case.each(buckets=[0, 3])
def index_table_from_file(tf, t, buckets):
    t.values_only()
    path = text_file("\n".join(WORDS) + "\n")
    table = tf.contrib.lookup.index_table_from_file(path, num_oov_buckets=buckets)
    words = feed(t, [["lake", "palmer"], ["other", "emerson"]])
    t.out(*after(tf, tf.tables_initializer(), lambda: [table.lookup(words), table.size()]))
    assert len(tf.get_collection(tf.GraphKeys.ASSET_FILEPATHS)) == 1


@case
def index_to_string_table_from_file(tf, t):
    t.values_only()
    table = tf.contrib.lookup.index_to_string_table_from_file(text_file("\r\n".join(WORDS)), vocab_size=2)
    numbers = t.feed(np.array([1, 0, 2, -1], "int64"))
    t.out(*after(tf, tf.initialize_all_tables(), lambda: [table.lookup(numbers), table.size()]))


@case
def columns_of_file(tf, t):
    t.values_only()
    path = text_file("a 5 0.5\nb -6 1.5\n")
    for types, places in ((("string", "int64"), (0, 1)), (("int64", "string"), (1, 0)), (("string", "float32"), (0, 2)),
                          (("int64", "int64"), (-1, 1)), (("string", "int64"), (-2, 1))):  # fmt: skip
        dtypes = [tf.as_dtype(each) for each in types]
        init = tf.lookup.TextFileInitializer(path, dtypes[0], places[0], dtypes[1], places[1], delimiter=" ")
        table = tf.lookup.StaticHashTable(init, tf.zeros([], dtypes[1]) if types[1] != "string" else "none")
        keys = tf.constant({"string": ["a", "b", "a 5 0.5"], "int64": [1, 5, -6]}[types[0]], dtypes[0])
        with tf.control_dependencies([table.initializer]):
            t.out(table.lookup(keys), table.size())


WRONG_FILES = {
    "empty_line": ("a\n\nb\n", {}),
    "few_lines": ("a\n", {"vocab_size": 2}),
    "columns": ("a b\nc\n", {"value_index": 1}),
    "number": ("a x\n", {"value_index": 1}),
    "repeated": ("a\na\n", {}),
    "nothing": ("", {}),
}


@case.each(which=sorted(WRONG_FILES))
def wrong_file(tf, t, which):
    t.values_only()
    content, options = WRONG_FILES[which]
    options = dict({"value_index": -1, "delimiter": " "}, **options)
    key_index = 0 if options["value_index"] >= 0 else -2
    init = tf.lookup.TextFileInitializer(text_file(content), tf.string, key_index, tf.int64, **options)
    table = tf.lookup.StaticHashTable(init, -1)
    t.out(after(tf, table.initializer, table.size))


@case
def missing_file(tf, t):
    table = tf.contrib.lookup.index_table_from_file("no such file")
    t.out(after(tf, table.initializer, table.size))


WRONG_ARGUMENTS = {
    "no_file": lambda tf: tf.contrib.lookup.index_table_from_file(""),
    "none": lambda tf: tf.contrib.lookup.index_table_from_file(None),
    "buckets": lambda tf: tf.contrib.lookup.index_table_from_file("f", num_oov_buckets=-1),
    "size": lambda tf: tf.contrib.lookup.index_table_from_file("f", vocab_size=0),
    "type": lambda tf: tf.contrib.lookup.index_table_from_file("f", key_dtype=tf.float32),
    "no_words": lambda tf: tf.contrib.lookup.index_table_from_tensor(None),
    "float_words": lambda tf: tf.contrib.lookup.index_table_from_tensor([1.0], dtype=tf.float32),
    "other_words": lambda tf: tf.contrib.lookup.index_table_from_tensor([1, 2]),
    "no_strings": lambda tf: tf.contrib.lookup.index_to_string_table_from_tensor(None),
    "key_line": lambda tf: tf.lookup.TextFileInitializer("f", tf.string, -1, tf.int64, 0),
    "value_line": lambda tf: tf.lookup.TextFileInitializer("f", tf.string, 0, tf.string, -1),
    "whole_key": lambda tf: tf.lookup.TextFileInitializer("f", tf.float32, -2, tf.int64, 0),
    "whole_value": lambda tf: tf.lookup.TextFileInitializer("f", tf.string, 0, tf.int64, -2),
    "index": lambda tf: tf.lookup.TextFileInitializer("f", tf.string, -3, tf.int64, 0),
    "key": lambda tf: tf.contrib.lookup.StrongHashSpec([1]),
    "key_type": lambda tf: tf.contrib.lookup.StrongHashSpec(["a", "b"]),
    "no_table": lambda tf: tf.contrib.lookup.IdTableWithHashBuckets(None, 0),
    "spec": lambda tf: tf.contrib.lookup.IdTableWithHashBuckets(None, 2, hasher_spec="fasthash"),
    "vocabulary": lambda tf: tf.lookup.StaticVocabularyTable(None, 0),
    "default": lambda tf: tf.contrib.lookup.HashTable(tf.lookup.KeyValueTensorInitializer(["a"], [1]), [1, 2]),
}


@case.each(which=sorted(WRONG_ARGUMENTS))
def wrong_arguments(tf, t, which):
    WRONG_ARGUMENTS[which](tf)


# --- vocabularies


@case
def vocabularies(tf, t):
    t.values_only()
    words = feed(t, ["lake", "tarkus", "", "emerson"])
    strong = tf.contrib.lookup.StrongHashSpec([1, 2])
    tables = [
        tf.contrib.lookup.index_table_from_tensor(WORDS),
        tf.contrib.lookup.index_table_from_tensor(WORDS, num_oov_buckets=4, hasher_spec=strong),
        tf.contrib.lookup.index_table_from_tensor(WORDS, 5, hasher_spec=tf.contrib.lookup.HasherSpec("legacy", None)),
        tf.contrib.lookup.IdTableWithHashBuckets(None, 7),
        tf.lookup.StaticVocabularyTable(tf.lookup.KeyValueTensorInitializer(WORDS, [0, 1, 2], tf.string, tf.int64), 9),
        tf.lookup.StaticVocabularyTable(None, 3),
    ]
    for table in tables:
        with tf.control_dependencies([table.initializer]):
            t.out(table.lookup(words), table.size())
    numbers = tf.contrib.lookup.index_table_from_tensor([42, 1, -1000], num_oov_buckets=2, dtype=tf.int32)
    asked = tf.SparseTensor([[0], [3], [4]], t.feed(np.array([1, 5, -1000], "int32")), [5])
    t.out(after(tf, numbers.initializer, lambda: numbers.lookup(asked).values))


@case
def nodes_of_buckets(tf, t):
    table = tf.contrib.lookup.IdTableWithHashBuckets(None, 7, name="scope/buckets/")
    t.out(table.lookup(tf.constant(["a"])), table.size(), table.lookup(tf.constant(["b"]), name="l"))
    assert table.name == "buckets"


@case
def old_functions(tf, t):
    t.values_only()
    found = tf.contrib.lookup.string_to_index(feed(t, ["lake", "x"]), mapping=WORDS, default_value=9)
    words = tf.contrib.lookup.index_to_string(t.feed(np.array([2, 7], "int64")), mapping=WORDS)
    table = tf.contrib.lookup.string_to_index_table_from_tensor(WORDS)
    t.one_by_one()
    t.out(
        after(tf, tf.tables_initializer(), lambda: tf.constant(0)), found, words, table.lookup(tf.constant(["palmer"]))
    )


# --- mutable tables


@case.each(types=[pair for pair in TYPES if pair != ("string", "string")] + [("string", "bool"), ("int64", "float64")])
def mutable_table(tf, t, types):
    keys, values = entries(types)
    table = tf.contrib.lookup.MutableHashTable(tf.as_dtype(types[0]), tf.as_dtype(types[1]), values[2])
    asked = t.feed(keys[::-1].copy(), [None], tf.as_dtype(types[0]))
    t.one_by_one()
    t.out(table.lookup(asked), table.size())
    insert = table.insert(t.feed(keys[:2], None, tf.as_dtype(types[0])), values[:2])
    t.out(after(tf, insert, table.size), table.lookup(asked, name="again"))
    t.out(after(tf, table.insert(keys[:1], values[1:2]), lambda: table.lookup(asked)))
    t.out(after(tf, table.remove(tf.constant(keys[1:])), table.size))
    keys, values = table.export()
    t.out(keys, values)


@case
def mutable_table_of_vectors(tf, t):
    table = tf.contrib.lookup.MutableHashTable(tf.int64, tf.float32, [0.0, -1.0], name="vectors", checkpoint=False)
    t.one_by_one()
    insert = table.insert([[1, 2], [3, 1]], t.feed(t.normal(2, 2, 2)))
    t.out(after(tf, insert, table.size), table.lookup(t.feed(np.array([[3], [4]], "int64"))))
    t.out(*sorted_export(tf, *table.export()))
    t.out(table.lookup(t.feed(np.int64(2))))


@case.each(dtype=["int64", "string"])
def dense_table(tf, t, dtype):
    keys = np.array([b"a", b"b", b"c", b"d"], object) if dtype == "string" else np.array([11, 12, 13, 14])
    table = tf.contrib.lookup.MutableDenseHashTable(
        tf.as_dtype(dtype),
        tf.int64,
        default_value=-1,
        empty_key=keys[3] * 2,
        deleted_key=keys[2] * 3,
        initial_num_buckets=8,
    )
    t.one_by_one()
    t.out(
        after(tf, table.insert(keys[:3], [1, 2, 3]), table.size), table.lookup(t.feed(keys, [None], tf.as_dtype(dtype)))
    )
    t.out(after(tf, table.erase(tf.constant(keys[1:])), table.size), table.lookup(tf.constant(keys), name="l"))


@case
def dense_table_of_vectors(tf, t):
    table = tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.float32, default_value=[0.0, 1.0, 2.0], empty_key=[0, 0], deleted_key=[-1, -1], name="d"
    )
    t.one_by_one()
    keys = tf.constant([[1, 2], [3, 4]], tf.int64)
    t.out(after(tf, table.insert(keys, t.feed(t.normal(2, 3))), table.size), table.lookup([[3, 4], [4, 3]]))
    t.out(after(tf, table.remove(keys[:1]), table.size))


WRONG_USES = {
    "insert_shape": lambda tf, table, dense: table.insert([1, 2], [1.0]),
    "insert_empty": lambda tf, table, dense: dense.insert([0], [1.0]),
    "insert_deleted": lambda tf, table, dense: dense.insert([-1], [1.0]),
    "find_empty": lambda tf, table, dense: dense.lookup([0]),
    "remove_deleted": lambda tf, table, dense: dense.remove(tf.constant([-1], tf.int64)),
    "find_type": lambda tf, table, dense: table.lookup(["a"]),
    "remove_type": lambda tf, table, dense: table.remove(tf.constant(["a"])),
    "default_shape": lambda tf, table, dense: tf.raw_ops.LookupTableFindV2(
        table_handle=table.resource_handle, keys=tf.constant([1], tf.int64), default_value=[1.0]
    ),
    "wrong_type": lambda tf, table, dense: tf.raw_ops.LookupTableFindV2(
        table_handle=table.resource_handle, keys=["a"], default_value=1.0
    ),
    "same_keys": lambda tf, table, dense: tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, 0, 1, 1).size(),
    "buckets": lambda tf, table, dense: tf.lookup.experimental.DenseHashTable(
        tf.int64, tf.int64, 0, 1, 2, initial_num_buckets=6
    ).size(),
    "key_shapes": lambda tf, table, dense: tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, 0, [1], 2).size(),
}


@case.each(which=sorted(WRONG_USES))
def wrong_use(tf, t, which):
    t.values_only()
    table = tf.contrib.lookup.MutableHashTable(tf.int64, tf.float32, -1.0)
    dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.float32, 0.0, 0, -1)
    result = WRONG_USES[which](tf, table, dense)
    t.out(result if isinstance(result, tf.Tensor) else after(tf, result, lambda: tf.constant(1)))


@case
def shared_between_nodes(tf, t):
    t.one_by_one()
    made = [tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64, shared_name="s") for _ in range(2)]
    made.append(tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64))
    key = tf.constant([1], tf.int64)
    t.out(after(tf, tf.raw_ops.LookupTableInsertV2(table_handle=made[0], keys=key, values=key), lambda: tf.constant(0)))
    t.out(*[tf.raw_ops.LookupTableSizeV2(table_handle=each) for each in made])


@case
def shared_with_other_types(tf, t):
    first = tf.raw_ops.MutableHashTableV2(key_dtype=tf.int64, value_dtype=tf.int64, shared_name="s")
    second = tf.raw_ops.MutableHashTableV2(key_dtype=tf.string, value_dtype=tf.int64, shared_name="s")
    t.out(*[tf.raw_ops.LookupTableSizeV2(table_handle=each) for each in (first, second)])
