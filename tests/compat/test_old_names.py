"""The names of before TensorFlow 1.0."""

import numpy as np
import pytest

import reflow as tf
from reflow.compat import old_names
from reflow.graph.export import EXPORTS
from reflow.platform import deprecation, logging


@pytest.fixture
def notes(monkeypatch):
    """The deprecation notes of one test."""
    texts = []
    monkeypatch.setattr(deprecation, "_already_noted", set())
    monkeypatch.setattr(logging, "warning", lambda msg, *args: texts.append(msg % args))
    return texts


def _value(tensor):
    with tf.Session() as sess:
        return sess.run(tensor)


@pytest.mark.parametrize(
    ("name", "arguments", "expected"),
    [
        ("mul", ([1, 2], [3, 4]), [3, 8]),
        ("sub", ([1, 2], [3, 4]), [-2, -2]),
        ("neg", ([1, -2],), [-1, 2]),
        ("inv", ([2.0, 4.0],), [0.5, 0.25]),
        ("pack", ([[1, 2], [3, 4]],), [[1, 2], [3, 4]]),
        ("complex_abs", ([3 + 4j],), [5.0]),
        ("select", ([True, False], [1, 2], [3, 4]), [1, 4]),
        ("batch_matmul", ([[[1.0, 2.0]]], [[[3.0, 4.0]]], False, True), [[[11.0]]]),
    ],
)
def test_old_functions_compute(name, arguments, expected, notes):
    np.testing.assert_allclose(_value(getattr(tf, name)(*arguments)), expected)
    assert len(notes) == 1
    assert f"The name tf.{name} is deprecated. Please use tf." in notes[0]
    assert notes[0].startswith(f"From {__file__}:")


def test_a_name_is_noted_once(notes):
    tf.neg([1])
    tf.neg([2])
    assert len(notes) == 1


def test_functions_with_two_results(notes):
    first, second = tf.unpack([[1, 2], [3, 4]])
    np.testing.assert_array_equal(_value(second), [3, 4])
    difference, indices = tf.listdiff([1, 2, 3], [2], out_idx=tf.int64)
    np.testing.assert_array_equal(_value(difference), [1, 3])
    assert indices.dtype == tf.int64


def test_old_arguments_by_name(notes):
    product = tf.batch_matmul(x=[[[1.0, 2.0]]], y=[[[3.0, 4.0]]], adj_y=True, name="product")
    assert product.op.name == "product"
    with pytest.raises(TypeError, match="expected the arguments x, y, adj_x, adj_y, name"):
        tf.batch_matmul([[1.0]], [[1.0]], transpose_a=True)


def test_old_summaries_and_their_writer(notes, tmp_path):
    with tf.Graph().as_default() as graph:
        tf.scalar_summary("loss", 0.5)
        tf.histogram_summary("weights", [1.0, 2.0])
        tf.image_summary("digits", np.zeros((2, 4, 4, 1), np.float32), max_images=1)
        merged = tf.merge_all_summaries()
        with tf.Session() as sess:
            writer = tf.train.SummaryWriter(str(tmp_path), graph)
            writer.add_summary(sess.run(merged), 1)
            writer.close()
    assert isinstance(writer, tf.summary.FileWriter)
    (events,) = tmp_path.iterdir()
    tags = [value.tag for event in tf.train.summary_iterator(str(events)) for value in event.summary.value]
    assert sorted(tags) == ["digits/image", "loss", "weights"]


def test_every_old_name_of_a_function_that_exists_is_published():
    for table in (old_names._RENAMED, {old: new for old, (new, _) in old_names._REARRANGED.items()}):
        for old, new in table.items():
            assert (old in EXPORTS) == (new in EXPORTS), old
