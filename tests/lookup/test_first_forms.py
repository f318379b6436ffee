"""The table ops that GraphDefs of before 1.2 hold: their handles are references."""

import numpy as np

import reflow as tf


def test_mutable_tables_of_vectors():
    raw = tf.raw_ops
    with tf.Graph().as_default(), tf.Session() as session:
        table = raw.MutableHashTableOfTensors(key_dtype=tf.int64, value_dtype=tf.float32, value_shape=[2])
        keys = tf.constant([1, 2], tf.int64)
        insert = raw.LookupTableInsert(table_handle=table, keys=keys, values=[[1.0, 2.0], [3.0, 4.0]])
        with tf.control_dependencies([insert]):
            exported = raw.LookupTableExport(table_handle=table, Tkeys=tf.int64, Tvalues=tf.float32)
        got_keys, got_values = session.run(list(exported))
        order = np.argsort(got_keys)
        np.testing.assert_array_equal(got_values[order], [[1, 2], [3, 4]])
        session.run(raw.LookupTableImport(table_handle=table, keys=keys[:1], values=[[5.0, 6.0]]))
        exported = raw.LookupTableExport(table_handle=table, Tkeys=tf.int64, Tvalues=tf.float32)
        np.testing.assert_array_equal(session.run(exported[1]), [[5, 6]])


def test_tables_filled_once(tmp_path):
    raw = tf.raw_ops
    vocabulary = tmp_path / "words.txt"
    vocabulary.write_text("a\nb\nc\n")
    with tf.Graph().as_default(), tf.Session() as session:
        table = raw.HashTable(key_dtype=tf.string, value_dtype=tf.int64)
        session.run(raw.InitializeTableFromTextFile(table_handle=table, filename=str(vocabulary), key_index=-2,
                                                    value_index=-1))  # fmt: skip
        found = raw.LookupTableFind(table_handle=table, keys=["c", "a", "z"], default_value=tf.constant(-1, tf.int64))
        np.testing.assert_array_equal(session.run(found), [2, 0, -1])
        second = raw.HashTableV2(key_dtype=tf.int64, value_dtype=tf.int64)
        keys = tf.constant([7, 8], tf.int64)
        session.run(raw.InitializeTableV2(table_handle=second, keys=keys, values=keys + 1))
        found = raw.LookupTableFindV2(table_handle=second, keys=keys, default_value=tf.constant(0, tf.int64))
        np.testing.assert_array_equal(session.run(found), [8, 9])
