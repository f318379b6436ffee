"""Summaries that ops of the graph write, against the events and nodes that TensorFlow 1.15.5 makes of them."""

import json
import sys
from pathlib import Path

import pytest

import reflow as tf

GOLDENS = Path(__file__).parents[1] / "goldens"
sys.path.append(str(GOLDENS))
import contrib_summary_cases as cases  # noqa: E402

recorded = json.loads((GOLDENS / "contrib_summary.json").read_text())


@pytest.mark.parametrize("name", sorted(cases.CASES))
def test_as_tensorflow(name, tmp_path):
    actual, expected = cases.outcome(tf, cases.CASES[name], str(tmp_path / "logs")), recorded[name]
    assert actual.get("error") == expected.get("error")
    assert actual.get("events") == expected.get("events")
    assert actual.get("nodes") == expected.get("nodes")


def test_events_wait_in_a_queue(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        writer = tf.contrib.summary.create_file_writer(str(tmp_path), max_queue=2, flush_millis=10**6)
        with writer.as_default(), tf.contrib.summary.always_record_summaries():
            scalar = tf.contrib.summary.scalar("x", 1.0, step=3)
        session.run(writer.init())
        counts = []
        for fetch in (scalar, scalar, scalar, scalar, writer.flush(), scalar, writer.close()):
            session.run(fetch)
            (path,) = tmp_path.iterdir()
            counts.append(len(list(tf.train.summary_iterator(str(path)))))
        assert counts == [1, 1, 4, 4, 5, 5, 6]


def test_writers_that_are_not_there(tmp_path):
    with tf.Graph().as_default(), tf.Session() as session:
        writer = tf.contrib.summary.create_file_writer(str(tmp_path), name="w")
        with pytest.raises(tf.errors.NotFoundError, match="w/N10tensorflow22SummaryWriterInterfaceE does not exist"):
            session.run(writer.flush())
        database = tf.contrib.summary.create_db_writer(f"file:{tmp_path}/db", user_name="me")
        with pytest.raises(tf.errors.UnimplementedError, match="event files"):
            session.run(database.init())
        with pytest.raises(ValueError, match="user_name"):
            tf.contrib.summary.create_db_writer("file:x", user_name="-")
        nothing = tf.contrib.summary.create_file_writer(None)
        with nothing.as_default():
            assert tf.contrib.summary.scalar("x", 1.0).type == "NoOp"
        assert [nothing.init(), nothing.flush(), nothing.close(), nothing.set_as_default()] == [None] * 4


def test_names_outside_contrib():
    assert tf.summary.initialize is tf.contrib.summary.initialize
    assert tf.summary.all_v2_summary_ops is tf.contrib.summary.all_summary_ops
    assert tf.contrib.summary.eval_dir("m", "test").endswith("eval_test")


def test_the_ops_behind(tmp_path):
    with tf.Graph().as_default() as graph:
        summary = tf.contrib.summary
        writer = summary.create_file_writer(str(tmp_path))
        summary.create_db_writer("file:db", user_name="me")
        x = tf.zeros([1, 2, 2, 1])
        with writer.as_default(), summary.always_record_summaries():
            summary.scalar("scalar", x[0, 0, 0, 0], step=1)
            summary.histogram("histogram", x, step=1)
            summary.image("image", x, step=1)
            summary.audio("audio", x[..., 0], 8.0, 1, step=1)
            summary.generic("generic", x, step=1)
        writer.close()
        writing = {op.type for op in graph.get_operations() if "Summary" in op.type}
    assert writing == {
        "SummaryWriter", "CreateSummaryFileWriter", "CreateSummaryDbWriter", "FlushSummaryWriter", "CloseSummaryWriter",
        "WriteScalarSummary", "WriteHistogramSummary", "WriteImageSummary", "WriteAudioSummary", "WriteSummary",
    }  # fmt: skip
