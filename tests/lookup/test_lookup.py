"""Tables against TensorFlow 1.15.5; their checkpoints."""

import numpy as np

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("lookup")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_saver_saves_and_restores_mutable_tables(tmp_path):
    def tables():
        hashed = tf.contrib.lookup.MutableHashTable(tf.string, tf.float32, -1.0, name="hashed")
        dense = tf.lookup.experimental.DenseHashTable(tf.int64, tf.int64, 0, empty_key=-1, deleted_key=-2, name="dense")
        return hashed, dense

    with tf.Graph().as_default(), tf.Session() as session:
        hashed, dense = tables()
        session.run([hashed.insert(["a", "b"], [1.0, 2.0]), dense.insert([5, 6], [50, 60])])
        path = tf.train.Saver().save(session, str(tmp_path / "model"))
    names = [name for name, _ in tf.train.list_variables(path)]
    assert names == ["dense-keys", "dense-values", "hashed-keys", "hashed-values"]
    with tf.Graph().as_default(), tf.Session() as session:
        hashed, dense = tables()
        session.run(hashed.insert(["x"], [9.0]))
        tf.train.Saver().restore(session, path)
        np.testing.assert_array_equal(session.run(hashed.lookup(["b", "a", "x"])), [2.0, 1.0, -1.0])
        np.testing.assert_array_equal(session.run(dense.lookup([6, 7])), [60, 0])
