import re
import socket

import pytest
from tensorboard.backend.event_processing.event_file_loader import RawEventFileLoader
from tensorboard.compat.proto.event_pb2 import Event

from reflow.files import events as module
from reflow.files.events import EventsWriter, summary_iterator
from reflow.files.tfrecord import TFRecordWriter
from reflow.graph import errors


def test_reads_what_tensorflow_wrote(golden):
    first, *rest = summary_iterator(golden / "events")
    assert first.file_version == "brain.Event:2"
    assert [(e.wall_time, e.step, e.summary.value[0].tag) for e in rest] == [(1000.0 + i, i, "loss") for i in range(3)]
    assert [e.summary.value[0].simple_value for e in rest] == pytest.approx([1, 1 / 2, 1 / 3])


def test_name_and_first_record(tmp_path):
    writer = EventsWriter(str(tmp_path / "events"), ".mine")
    assert list(tmp_path.iterdir()) == []  # as in TensorFlow, only an event makes the file
    writer.write_event(Event(step=3))
    (path,) = tmp_path.iterdir()
    assert str(path) == writer.file_name
    assert re.fullmatch(rf"events\.out\.tfevents\.\d{{10}}\.{re.escape(socket.gethostname())}\.mine", path.name)
    writer.close()
    first, second = summary_iterator(path)
    assert first.file_version == "brain.Event:2"
    assert first.wall_time == int(path.name.split(".")[3])
    assert second.step == 3


def test_tensorboard_reads_it(tmp_path):
    writer = EventsWriter(str(tmp_path / "events"))
    for step in range(5):
        writer.write_event(Event(step=step).SerializeToString())
    writer.close()
    loaded = [Event.FromString(record) for record in RawEventFileLoader(writer_path(tmp_path)).Load()]
    assert [event.step for event in loaded] == [0, 0, 1, 2, 3, 4]


def writer_path(folder):
    (path,) = folder.iterdir()
    return str(path)


def test_flush(tmp_path):
    writer = EventsWriter(str(tmp_path / "events"))
    writer.flush()
    writer.write_event(Event(step=1))
    assert writer.outstanding_events == 1
    writer.flush()
    assert writer.outstanding_events == 0
    assert len(list(summary_iterator(writer.file_name))) == 2
    writer.close()


def test_writers_of_the_same_second_do_not_share_a_file(tmp_path, monkeypatch):
    monkeypatch.setattr(module.time, "time", lambda: 12345.6)
    writers = [EventsWriter(str(tmp_path / "events"), ".x") for _ in range(3)]
    host = socket.gethostname()
    assert [writer.file_name.removeprefix(str(tmp_path)) for writer in writers] == [
        f"/events.out.tfevents.0000012345.{host}{number}.x" for number in ("", ".1", ".2")
    ]


def test_after_its_file_was_deleted_a_writer_starts_another(tmp_path, monkeypatch):
    writer = EventsWriter(str(tmp_path / "events"))
    writer.write_event(Event(step=1))
    (path,) = tmp_path.iterdir()
    path.unlink()
    writer.flush()
    writer.write_event(Event(step=2))
    writer.close()
    assert [event.step for event in summary_iterator(writer_path(tmp_path))] == [0, 2]


def test_errors(tmp_path):
    with pytest.raises(errors.NotFoundError, match="nothing"):
        next(summary_iterator(tmp_path / "nothing"))
    with pytest.raises(errors.NotFoundError, match="no_folder"):
        EventsWriter(str(tmp_path / "no_folder" / "events")).write_event(Event())
    with TFRecordWriter(tmp_path / "records") as writer:
        writer.write(Event(step=1).SerializeToString())
        writer.write(b"\xff\xff\xff")
    reader = summary_iterator(tmp_path / "records")
    assert next(reader).step == 1
    with pytest.raises(errors.DataLossError, match="records: the record at 18 is not an event"):
        next(reader)
