"""Event files, which TensorBoard reads: record files of Event messages, the first of which names the format."""

import itertools
import os
import socket
import time
from collections.abc import Iterator

from absl import logging
from google.protobuf.message import DecodeError
from tensorboard.compat.proto.event_pb2 import Event

from reflow.files.records import RecordReader, RecordWriter
from reflow.graph import errors
from reflow.graph.export import export

FILE_VERSION = "brain.Event:2"


class EventsWriter:
    """Writes an event file, `<prefix>.out.tfevents.<seconds since 1970, ten digits>.<host name><suffix>`.

    The file is created by the first event, or by asking for its name. A second writer in the same second gets a name of
    its own, with a number before the suffix. Not safe for several threads at once.
    """

    def __init__(self, file_prefix: str, suffix: str = ""):
        """Makes a writer.

        Args:
          file_prefix: folder and start of the file's name, such as "logs/events".
          suffix: the end of the file's name.
        """
        self._file_prefix = file_prefix
        self._suffix = suffix
        self._path = ""
        self._writer: RecordWriter | None = None
        self._outstanding = 0

    @property
    def file_name(self) -> str:
        """The file's path. Raises NotFoundError, PermissionDeniedError, UnknownError if it cannot be created."""
        self._open()
        return self._path

    @property
    def outstanding_events(self) -> int:
        """How many events were written since the last `flush`."""
        return self._outstanding

    def write_event(self, event: Event | bytes) -> None:
        """Appends an event.

        Args:
          event: an Event message, or one serialized.

        Raises:
          NotFoundError, PermissionDeniedError, ResourceExhaustedError, UnknownError: as the operating system reports.
        """
        record = event if isinstance(event, bytes) else event.SerializeToString()
        self._open().write(record)
        self._outstanding += 1

    def flush(self) -> None:
        """Hands all events to the operating system. If the file was deleted meanwhile, the next starts another."""
        if self._writer is None:
            return
        self._writer.flush()
        if not os.path.exists(self._path):
            logging.error("The events file %s has disappeared, with %d events.", self._path, self._outstanding)
            self._writer.close()
            self._writer = None
        self._outstanding = 0

    def close(self) -> None:
        """Flushes and closes the file; an event after that starts a new file."""
        if self._writer is not None:
            self._writer.close()
            self._writer = None
        self._outstanding = 0

    def _open(self) -> RecordWriter:
        if self._writer is None:
            seconds = int(time.time())
            self._writer = self._create(seconds)
            self._writer.write(Event(wall_time=seconds, file_version=FILE_VERSION).SerializeToString())
            self._writer.flush()
        return self._writer

    def _create(self, seconds: int) -> RecordWriter:
        stem = f"{self._file_prefix}.out.tfevents.{seconds:010d}.{socket.gethostname()}"
        for number in itertools.count():
            self._path = f"{stem}.{number}{self._suffix}" if number else f"{stem}{self._suffix}"
            try:
                return RecordWriter(self._path, mode="xb")
            except errors.AlreadyExistsError:
                continue
        raise AssertionError("counting never ends")


@export("train.summary_iterator")
def summary_iterator(path: str | bytes | os.PathLike[str]) -> Iterator[Event]:
    """Reads the events of an event file.

    Args:
      path: the file's path.

    Yields:
      Event messages.

    Raises:
      NotFoundError: if there is no such file.
      DataLossError: where an event is damaged or cut off; the events before it are yielded.
    """
    name = os.fsdecode(path)
    with RecordReader(name) as reader:
        while True:
            offset = reader.offset
            record = reader.read()
            if record is None:
                return
            try:
                event = Event.FromString(record)
            except DecodeError as error:
                raise errors.DataLossError(None, None, f"{name}: the record at {offset} is not an event") from error
            yield event
