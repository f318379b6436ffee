"""FileWriter: what it writes is read back by Reflow's iterator and by TensorBoard's own reader."""

import os
import pathlib
import subprocess
import sys
import threading

import numpy as np
import pytest
from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _files(folder):
    return sorted(path for path in pathlib.Path(folder).iterdir() if ".tfevents." in path.name)


def _events(folder):
    return [event for path in _files(folder) for event in tf.train.summary_iterator(str(path))]


def _scalar(value, tag="x"):
    return tf.Summary(value=[tf.Summary.Value(tag=tag, simple_value=value)])


def _kinds(folder):
    return [event.WhichOneof("what") for event in _events(folder)]


def test_summaries_with_their_steps(tmp_path):
    x = tf.placeholder(tf.float32, [])
    summary = tf.summary.merge([tf.summary.scalar("x", x), tf.summary.histogram("h", tf.fill([10], x))])
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path)) as writer:
        for step in range(5):
            writer.add_summary(session.run(summary, {x: step * 0.5}), step)
        writer.add_summary(_scalar(9.0, "by hand"), np.int64(7))
    board = EventAccumulator(str(tmp_path)).Reload()
    assert [(s.step, s.value) for s in board.Scalars("x")] == [(i, i * 0.5) for i in range(5)]
    assert [(s.step, s.value) for s in board.Scalars("by hand")] == [(7, 9.0)]
    assert board.Histograms("h")[-1].histogram_value.num == 10
    assert _events(tmp_path)[0].file_version == "brain.Event:2"


def test_images_and_sounds_reach_tensorboard(tmp_path):
    summaries = tf.summary.merge([tf.summary.image("i", tf.ones([1, 4, 6, 3])),
                                  tf.summary.audio("s", tf.zeros([1, 50, 2]), 8000, max_outputs=1)])  # fmt: skip
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_summary(session.run(summaries), 3)
    board = EventAccumulator(str(tmp_path)).Reload()
    (image,) = board.Images("i/image/0")
    assert (image.step, image.width, image.height) == (3, 6, 4)
    assert image.encoded_image_string.startswith(b"\x89PNG")
    (sound,) = board.Audio("s/audio")
    assert (sound.sample_rate, sound.length_frames, sound.content_type) == (8000, 50, "audio/wav")


def test_the_graph_and_its_meta_graph(tmp_path, graph):
    with tf.name_scope("layer"):
        tf.get_variable("w", [2])
    tf.summary.FileWriter(str(tmp_path), graph).close()
    assert _kinds(tmp_path) == ["file_version", "graph_def", "meta_graph_def"]
    board = EventAccumulator(str(tmp_path)).Reload()
    assert [n.name for n in board.Graph().node] == [n.name for n in graph.as_graph_def().node]
    assert "_output_shapes" in board.Graph().node[-1].attr
    assert "trainable_variables" in board.MetaGraph().collection_def


def test_a_graph_is_given_in_several_ways(tmp_path, graph):
    tf.constant(1)
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_graph(graph, global_step=4)
        writer.add_graph(graph.as_graph_def())
        writer.add_graph(None, graph_def=graph.as_graph_def())
        with pytest.raises(ValueError, match="only graph, or graph_def"):
            writer.add_graph(graph, graph_def=graph.as_graph_def())
        with pytest.raises(TypeError, match="must be an instance of `Graph`"):
            writer.add_graph("nonsense")
        with pytest.raises(TypeError, match="must be type MetaGraphDef"):
            writer.add_meta_graph("nonsense")
    assert _kinds(tmp_path) == ["file_version", "graph_def", "graph_def", "graph_def"]
    assert _events(tmp_path)[1].step == 4


def test_metadata_is_written_once_for_each_tag(tmp_path):
    text = tf.summary.text("t", tf.constant("hello"))
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path)) as writer:
        for step in range(3):
            writer.add_summary(session.run(text), step)
        mine = tf.Summary.FromString(session.run(text))
        writer.add_summary(mine, 3)
    assert [e.summary.value[0].HasField("metadata") for e in _events(tmp_path)[1:]] == [True, False, False, False]
    assert mine.value[0].HasField("metadata")
    board = EventAccumulator(str(tmp_path)).Reload()
    assert board.SummaryMetadata("t").plugin_data.plugin_name == "text"


def test_run_metadata(tmp_path):
    y = tf.reduce_sum(tf.random_uniform([50, 50]))
    run_metadata = tf.RunMetadata()
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path)) as writer:
        session.run(y, options=tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), run_metadata=run_metadata)
        writer.add_run_metadata(run_metadata, "step 1", 1)
        with pytest.raises(ValueError, match="tag was already used"):
            writer.add_run_metadata(run_metadata, "step 1", 2)
    board = EventAccumulator(str(tmp_path)).Reload()
    assert board.RunMetadata("step 1").step_stats.dev_stats


def test_session_logs_and_whole_events(tmp_path):
    with tf.summary.FileWriter(str(tmp_path)) as writer:
        writer.add_session_log(tf.SessionLog(status=tf.SessionLog.START), 5)
        writer.add_event(tf.Event(step=6, summary=_scalar(1.0)))
    assert _kinds(tmp_path) == ["file_version", "session_log", "summary"]
    assert [e.step for e in _events(tmp_path)] == [0, 5, 6]


# --- files ----------------------------------------------------------------------------------------------------------


def test_names_of_files(tmp_path):
    tf.summary.FileWriter(str(tmp_path / "made" / "here"), filename_suffix=".mine").close()
    (path,) = _files(tmp_path / "made" / "here")
    assert path.name.startswith("events.out.tfevents.") and path.name.endswith(".mine")
    assert tf.summary.FileWriter(tmp_path / "p").get_logdir() == str(tmp_path / "p")


def test_flush_and_the_first_event_are_on_disk_at_once(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path), flush_secs=1000)
    for step in range(3):
        writer.add_summary(_scalar(step), step)
    writer.flush()
    assert _kinds(tmp_path) == ["file_version"] + ["summary"] * 3
    writer.close()


def test_flush_secs(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path), flush_secs=0)
    writer.add_summary(_scalar(1.0))
    writer.event_writer._requests.put(None)
    writer.event_writer._thread.join()
    assert _kinds(tmp_path) == ["file_version", "summary"]


def test_closed_and_reopened(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path))
    writer.add_summary(_scalar(1.0), 1)
    writer.close()
    writer.close()
    with pytest.warns(UserWarning, match="Attempting to use a closed FileWriter"):
        writer.add_summary(_scalar(2.0), 2)
    writer.reopen()
    writer.reopen()
    writer.add_summary(_scalar(3.0), 3)
    writer.close()
    assert len(_files(tmp_path)) == 2
    assert [e.step for e in _events(tmp_path) if e.HasField("summary")] == [1, 3]


def test_rotation_by_size(tmp_path):
    with tf.summary.FileWriter(str(tmp_path), max_bytes=10_000) as writer:
        for step in range(300):
            writer.add_summary(_scalar(step, "a tag of some length" * 5), step)
    sizes = [path.stat().st_size for path in _files(tmp_path)]
    assert len(sizes) == 4 and max(sizes) < 16_000
    steps = sorted(e.step for e in _events(tmp_path) if e.HasField("summary"))
    assert steps == list(range(300))


def test_from_many_threads(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path), max_queue=2)

    def work(thread):
        for i in range(50):
            writer.add_summary(_scalar(i, f"t{thread}"), i)
            if i % 20 == 0:
                writer.flush()

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    writer.close()
    board = EventAccumulator(str(tmp_path)).Reload()
    for i in range(8):
        assert [s.step for s in board.Scalars(f"t{i}")] == list(range(50))


def test_closing_while_others_write_does_not_hang(tmp_path):
    writer = tf.summary.FileWriter(str(tmp_path), max_queue=1)
    threads = [threading.Thread(target=lambda: [writer.event_writer.add_event(tf.Event(step=i)) for i in range(200)])
               for _ in range(20)]  # fmt: skip
    for thread in threads:
        thread.start()
    writer.close()
    for thread in threads:
        thread.join(20)
    assert not any(thread.is_alive() for thread in threads)


def test_a_write_that_fails_is_reported(tmp_path, monkeypatch):
    writer = tf.summary.FileWriter(str(tmp_path))

    def fail(event):
        raise tf.errors.ResourceExhaustedError(None, None, "disk full")

    monkeypatch.setattr(writer.event_writer._thread._writer, "write_event", fail)
    writer.add_summary(_scalar(1.0))
    with pytest.raises(tf.errors.ResourceExhaustedError, match="disk full"):
        writer.flush()
    writer.close()


def test_a_folder_that_cannot_be_made(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises((OSError, tf.errors.OpError)):
        tf.summary.FileWriter(str(tmp_path / "file" / "logs"))


def test_a_program_that_does_not_close_loses_nothing(tmp_path):
    program = ("import sys, reflow as tf\nwriter = tf.summary.FileWriter(sys.argv[1], flush_secs=1000)\n"
               "for i in range(5):\n    writer.add_summary(tf.Summary(), i)\n")  # fmt: skip
    subprocess.run([sys.executable, "-c", program, tmp_path], check=True, env={**os.environ, "PYTHONPATH": "."})
    assert [e.step for e in _events(tmp_path) if e.HasField("summary")] == list(range(5))


def test_one_writer_for_each_folder(tmp_path):
    cache = tf.summary.FileWriterCache
    first = cache.get(str(tmp_path / "a"))
    assert cache.get(str(tmp_path / "a")) is first
    assert cache.get(str(tmp_path / "b")) is not first
    cache.clear()
    assert cache.get(str(tmp_path / "a")) is not first
    cache.clear()


def test_a_session_is_refused():
    with tf.Session() as session, pytest.raises(RuntimeError, match="tf.contrib.summary"):
        tf.summary.FileWriter("unused", session=session)


@pytest.mark.oracle
def test_tensorflow_reads_what_is_written(tmp_path, peer):
    with tf.Session() as session, tf.summary.FileWriter(str(tmp_path), session.graph) as writer:
        summary = tf.summary.merge([tf.summary.scalar("x", 2.5), tf.summary.text("t", tf.constant("hello"))])
        writer.add_summary(session.run(summary), 3)
    script = """
events = list(tf.train.summary_iterator(sys.argv[1]))
value = events[-1].summary.value
print(json.dumps([[e.WhichOneof("what") for e in events], events[-1].step, value[0].simple_value,
                  value[1].tensor.string_val[0].decode(), value[1].metadata.plugin_data.plugin_name]))
"""
    kinds = ["file_version", "graph_def", "meta_graph_def", "summary"]
    assert peer(script, _files(tmp_path)[0]) == [kinds, 3, 2.5, "hello", "text"]
