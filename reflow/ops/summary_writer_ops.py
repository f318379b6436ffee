"""Ops that write summaries to event files while a step runs: what tf.contrib.summary is made of."""

import threading
import time
from pathlib import Path

import numpy as np
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import Summary

from reflow.files.events import EventsWriter
from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.ops import summary_ops
from reflow.ops.shape_rules import no_outputs, scalar


class WriterState:
    """The writer behind a handle: none until one is created, and none after it was closed.

    Args:
      name: for messages.
    """

    def __init__(self, name: str):
        self._name = name
        self._file: EventsWriter | None = None
        self._lock = threading.Lock()
        self._max_queue = self._flush_seconds = 0.0
        self._flushed_at = 0.0

    def open(self, logdir: str, max_queue: int, flush_millis: int, suffix: str) -> None:
        """Start an event file in a folder, unless the writer has one already."""
        with self._lock:
            if self._file is not None:
                return
            Path(logdir).mkdir(parents=True, exist_ok=True)
            self._file = EventsWriter(str(Path(logdir) / "events"), suffix)
            _ = self._file.file_name
            self._max_queue, self._flush_seconds = max_queue, flush_millis / 1000
            self._flushed_at = time.monotonic()

    def write(self, event: Event) -> None:
        """Add an event; the file gets it when the queue is full, or old enough.

        Raises:
          NotFoundError: if there is no writer.
        """
        if not event.wall_time:
            event.wall_time = time.time()
        with self._lock:
            file = self._open_file()
            file.write_event(event)
            waited = time.monotonic() - self._flushed_at
            if file.outstanding_events > self._max_queue or waited > self._flush_seconds:
                self._flush(file)

    def flush(self) -> None:
        """Hand all events to the file.

        Raises:
          NotFoundError: if there is no writer.
        """
        with self._lock:
            self._flush(self._open_file())

    def close(self) -> None:
        """Write what is left and forget the writer; another may be created then.

        Raises:
          NotFoundError: if there is no writer.
        """
        with self._lock:
            self._open_file().close()
            self._file = None

    def _flush(self, file: EventsWriter) -> None:
        file.flush()
        self._flushed_at = time.monotonic()

    def _open_file(self) -> EventsWriter:
        if self._file is None:
            raise errors.NotFoundError(None, None, f"Resource localhost/{self._name}/N10tensorflow22SummaryWriter"
                                       "InterfaceE does not exist.")  # fmt: skip
        return self._file


def _writer(resources, node_name, attrs):
    name = attrs["shared_name"].decode() or node_name
    return resources.get_or_create("summary writer", attrs["container"], name, lambda: WriterState(name))


# --- kernels ------------------------------------------------------------------------------------------------------


def _create_file_writer(writer, logdir, max_queue, flush_millis, filename_suffix):
    writer.open(logdir.item().decode(), max_queue, flush_millis, filename_suffix.item().decode())


def _create_db_writer(writer, db_uri, experiment_name, run_name, user_name):
    raise errors.UnimplementedError(None, None, "Summaries go to event files, not to databases: use "
                                    "tf.contrib.summary.create_file_writer")  # fmt: skip


def _write(writer, step, serialized_summary):
    writer.write(Event(step=step, summary=Summary.FromString(serialized_summary.item())))


def _write_summary(writer, step, tensor, tag, summary_metadata):
    value = Summary.Value(tag=tag.item(), tensor=summary_ops.tensor_proto(tensor))
    if summary_metadata.item():
        value.metadata.ParseFromString(summary_metadata.item())
    writer.write(Event(step=step, summary=Summary(value=[value])))


def _write_scalar(writer, step, tag, value):
    summary = Summary(value=[Summary.Value(tag=tag.item(), simple_value=float(value))])
    writer.write(Event(step=step, summary=summary))


def _write_histogram(writer, step, tag, values):
    _write(writer, step, summary_ops.histogram_summary(tag, values))


def _write_image(writer, step, tag, tensor, bad_color, max_images):
    _write(writer, step, summary_ops.image_summary(tag, tensor, max_images, bad_color))


def _write_audio(writer, step, tag, tensor, sample_rate, max_outputs):
    _write(writer, step, summary_ops.audio_summary(tag, tensor, sample_rate, max_outputs))


def _parsed(message_class, text: bytes, words: str):
    try:
        return message_class.FromString(text)
    except DecodeError:
        raise errors.DataLossError(None, None, words) from None


def _write_graph(writer, step, tensor):
    text = tensor.item()
    _parsed(GraphDef, text, "Bad tf.GraphDef binary proto scalar string")
    writer.write(Event(step=step, graph_def=text))


def _write_raw(writer, step, tensor):
    for text in np.asarray(tensor).reshape(-1).tolist():
        summary = _parsed(Summary, text, "Bad tf.compat.v1.Summary binary proto tensor string")
        writer.write(Event(step=step, summary=summary))


def _import_event(writer, event):
    writer.write(_parsed(Event, event.item(), "Bad tf.Event binary proto tensor string"))


# --- ops ----------------------------------------------------------------------------------------------------------


def _define(name: str, inputs: str, kernel, attrs: str = "", host: str = "") -> None:
    more = f", {inputs}" if inputs else ""
    define_op(name, f"writer: resource{more} ->", attrs, shape=no_outputs, kernel=kernel, host=host, is_stateful=True,
              writes=True)  # fmt: skip


define_op("SummaryWriter", "-> writer: resource", 'shared_name: string = "", container: string = ""', shape=scalar,
          resource=_writer, is_stateful=True)  # fmt: skip
_define("CreateSummaryFileWriter", "logdir: string, max_queue: int32, flush_millis: int32, filename_suffix: string",
        _create_file_writer, host="max_queue flush_millis")  # fmt: skip
_define("CreateSummaryDbWriter", "db_uri: string, experiment_name: string, run_name: string, user_name: string",
        _create_db_writer)  # fmt: skip
_define("FlushSummaryWriter", "", lambda writer: writer.flush())
_define("CloseSummaryWriter", "", lambda writer: writer.close())
_define("WriteSummary", "step: int64, tensor: T, tag: string, summary_metadata: string", _write_summary, "T: type",
        "step")  # fmt: skip
_define("WriteScalarSummary", "step: int64, tag: string, value: T", _write_scalar, "T: type in real", "step")
_define("WriteHistogramSummary", "step: int64, tag: string, values: T", _write_histogram, "T: type in real = float",
        "step")  # fmt: skip
_define("WriteImageSummary", "step: int64, tag: string, tensor: T, bad_color: uint8", _write_image,
        "max_images: int >= 1 = 3, T: type in uint8|float|half = float", "step")  # fmt: skip
_define("WriteAudioSummary", "step: int64, tag: string, tensor: float, sample_rate: float", _write_audio,
        "max_outputs: int >= 1 = 3", "step")  # fmt: skip
_define("WriteGraphSummary", "step: int64, tensor: string", _write_graph, host="step")
_define("WriteRawProtoSummary", "step: int64, tensor: string", _write_raw, host="step")
_define("ImportEvent", "event: string", _import_event)
