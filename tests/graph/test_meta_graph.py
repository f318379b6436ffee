"""MetaGraphDefs out and in beside TensorFlow 1.15.5 (tests/goldens/meta_graph_cases.py), and across files."""

import difflib
import gzip
import json
import pathlib
import sys

import numpy as np
import pytest

import reflow as tf

GOLDENS = pathlib.Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
import meta_graph_cases  # noqa: E402

RECORDED = json.loads(gzip.decompress((GOLDENS / "meta_graph.json.gz").read_bytes()))


@pytest.mark.parametrize("name", meta_graph_cases.cases)
def test_as_tensorflow(name):
    expected, actual = RECORDED[name], meta_graph_cases.outcome(tf, name)
    difference = difflib.unified_diff(expected, actual, "TensorFlow", "Reflow", lineterm="", n=0)
    assert actual == expected, "\n".join(difference)


def _trained_program(prefix):
    """A program of one layer with its optimizer-like state, saved."""
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", initializer=np.float32([[1.0], [2.0]]))
        parts = tf.get_variable("p", [4], partitioner=tf.fixed_size_partitioner(2), initializer=tf.ones_initializer())
        tf.add_to_collection("outputs", tf.matmul(x, w) + tf.reduce_sum(parts))
        tf.add_to_collection("train", tf.assign_add(w, tf.ones_like(w)).op)
        session.run(tf.global_variables_initializer())
        return tf.train.Saver().save(session, prefix)


@pytest.mark.parametrize("as_text", [False, True])
def test_a_program_goes_on_from_its_files(tmp_path, as_text):
    prefix = _trained_program(str(tmp_path / "model"))
    path = prefix + ".meta"
    if as_text:
        with open(path, "rb") as file:
            meta = tf.MetaGraphDef.FromString(file.read())
        tf.train.write_graph(meta, str(tmp_path), "model.pbtxt")
        path = str(tmp_path / "model.pbtxt")
    with tf.Graph().as_default(), tf.Session() as session:
        saver = tf.train.import_meta_graph(path)
        saver.restore(session, prefix)
        (out,), (train,) = tf.get_collection("outputs"), tf.get_collection("train")
        assert session.run(out, {"x:0": [[1, 1]]}).item() == 7
        session.run(train)
        assert session.run(out, {"x:0": [[1, 1]]}).item() == 9
        assert [v.name for v in tf.trainable_variables()] == ["w:0", "p/part_0:0", "p/part_1:0"]
        saver.save(session, prefix, global_step=1)
    assert tf.train.load_variable(prefix + "-1", "w").tolist() == [[2], [3]]
    assert tf.train.load_variable(prefix + "-1", "p").tolist() == [1, 1, 1, 1]


def test_inputs_from_outside_of_a_scope_are_given_by_name():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [], name="x")
        with tf.name_scope("part"):
            tf.multiply(x, 3.0, name="triple")
        meta = tf.train.export_meta_graph(export_scope="part")
    with tf.Graph().as_default(), tf.Session() as session:
        tf.train.import_meta_graph(meta, import_scope="new", input_map={"$unbound_inputs_x": tf.constant(5.0)})
        assert session.run("new/triple:0") == 15


def test_files_that_are_no_meta_graphs(tmp_path):
    (tmp_path / "text").write_text("nonsense {")
    (tmp_path / "bytes").write_bytes(b"\xff\xfe\x00nonsense")
    for name in ("text", "bytes"):
        with pytest.raises(IOError, match="Cannot parse file .*" + name):
            tf.train.import_meta_graph(str(tmp_path / name))


def test_a_collection_that_cannot_be_written_is_left_out(caplog):
    with tf.Graph().as_default():
        tf.add_to_collection("objects", object())
        tf.add_to_collection("mixed", 1)
        tf.add_to_collection("mixed", "text")
        tf.add_to_collection("fine", 1)
        meta = tf.train.export_meta_graph()
    assert list(meta.collection_def) == ["fine"]
    assert "Issue encountered when serializing objects" in caplog.text


def test_write_graph_replaces_the_file_at_once(tmp_path):
    graph = tf.Graph()
    path = tf.train.write_graph(graph, str(tmp_path / "new" / "folder"), "graph.pbtxt")
    assert path == str(tmp_path / "new" / "folder" / "graph.pbtxt")
    assert [p.name for p in (tmp_path / "new" / "folder").iterdir()] == ["graph.pbtxt"]
