"""FileWriter: events on their way to a file, written by a thread of its own."""

import atexit
import os
import queue
import threading
import time
import warnings
import weakref

from tensorboard.compat.proto.event_pb2 import Event, TaggedRunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.meta_graph_pb2 import MetaGraphDef
from tensorboard.compat.proto.summary_pb2 import Summary

from reflow.files.events import EventsWriter
from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph
from reflow.graph.meta_graph import create_meta_graph_def
from reflow.platform import logging


class _EventThread(threading.Thread):
    """Writes what comes out of a queue until that is None.

    An Event is written; a threading.Event is a request to flush, and set when that is done. Nobody else touches the
    file, so it needs no lock.
    """

    def __init__(self, requests: queue.Queue, writer: EventsWriter, flush_secs: float, max_bytes: int | None):
        # Asking for its name creates the file: a folder that cannot be written to is reported here.
        super().__init__(daemon=True, name=f"writes {writer.file_name}")
        self._requests = requests
        self._writer = writer
        self._flush_secs = flush_secs
        self._max_bytes = max_bytes
        self._bytes = 0
        # The first event is flushed at once: TensorBoard shows that something is there.
        self._next_flush = time.monotonic()
        self.failure: Exception | None = None

    def run(self):
        while True:
            request = self._requests.get()
            try:
                self._handle(request)
            except Exception as error:
                self.failure = error
            if request is None:
                return
            if isinstance(request, threading.Event):
                request.set()

    def _handle(self, request):
        if request is None:
            self._writer.close()
            return
        if isinstance(request, threading.Event):
            self._writer.flush()
            return
        self._writer.write_event(request)
        if time.monotonic() >= self._next_flush:
            self._writer.flush()
            self._next_flush = time.monotonic() + self._flush_secs
        self._bytes += request.ByteSize()
        if self._max_bytes is not None and self._bytes > self._max_bytes:
            # The next event begins a new file.
            self._writer.close()
            self._bytes = 0


_open_writers: weakref.WeakSet = weakref.WeakSet()


class EventFileWriter:
    """Writes events to an event file in a folder, without making the caller wait for the disk. Safe from many threads.

    Args:
      logdir: the folder; made if absent.
      max_queue: how many events may wait before `add_event` blocks.
      flush_secs: how often the file is flushed, in seconds.
      filename_suffix: the end of the file's name.
      max_bytes: begin a new file once one is larger; None never does.

    Raises:
      NotFoundError, PermissionDeniedError, UnknownError: if the file cannot be created.
    """

    def __init__(self, logdir, max_queue=10, flush_secs=120, filename_suffix=None, max_bytes=None):
        self._logdir = os.fspath(logdir)
        os.makedirs(self._logdir, exist_ok=True)
        self._flush_secs = flush_secs
        self._suffix = filename_suffix or ""
        self._max_bytes = max_bytes
        self._requests: queue.Queue = queue.Queue(max_queue)
        # Held while something is queued, so that nothing is queued behind the end.
        self._lock = threading.Lock()
        self._closed = True
        self.reopen()

    def get_logdir(self):
        """The folder."""
        return self._logdir

    def reopen(self):
        """After `close`, begin a new file. Does nothing if the writer is open."""
        with self._lock:
            if not self._closed:
                return
            writer = EventsWriter(os.path.join(self._logdir, "events"), self._suffix)
            self._thread = _EventThread(self._requests, writer, self._flush_secs, self._max_bytes)
            self._thread.start()
            self._closed = False
            _open_writers.add(self)

    def add_event(self, event):
        """Queue an event; dropped if the writer is closed.

        Args:
          event: an Event proto.

        Raises:
          OpError: the error of an earlier write, if it failed.
        """
        self._put(event)

    def flush(self):
        """Wait until every queued event is in the file; raises the error of an earlier write, if one failed."""
        done = threading.Event()
        if self._put(done):
            done.wait()
            self._raise_failure()

    def _put(self, request) -> bool:
        with self._lock:
            if self._closed:
                return False
            self._raise_failure()
            self._requests.put(request)
            return True

    def _raise_failure(self):
        failure, self._thread.failure = self._thread.failure, None
        if failure is not None:
            raise failure

    def close(self):
        """Write what is queued and close the file."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._requests.put(None)
            self._thread.join()
        self._raise_failure()


@atexit.register
def _close_open_writers():
    """At exit, what is queued still reaches the files."""
    for writer in list(_open_writers):
        writer.close()


@export("summary.FileWriter")
class FileWriter:
    """Writes summaries, graphs and run metadata to an event file, for TensorBoard.

    Args:
      logdir: the folder; made if absent.
      graph: a Graph to write first.
      max_queue: how many events may wait to be written.
      flush_secs: how often the file is flushed, in seconds.
      graph_def: deprecated; a GraphDef.
      filename_suffix: the end of the file's name.
      session: if given, summaries are written through its graph; not offered.
      max_bytes: begin a new file once one is larger (Reflow's own option).
    """

    def __init__(self, logdir, graph=None, max_queue=10, flush_secs=120, graph_def=None, filename_suffix=None,
                 session=None, max_bytes=None):  # fmt: skip
        if session is not None:
            raise RuntimeError("FileWriter with a session belongs to tf.contrib.summary; leave `session` out")
        self.event_writer = EventFileWriter(logdir, max_queue, flush_secs, filename_suffix, max_bytes)
        self._seen_tags: set[str] = set()
        self._seen_run_tags: set[str] = set()
        self._closed = False
        if graph is not None or graph_def is not None:
            definition = _graph_def_of(graph, graph_def)
            owner = next((g for g in (graph, graph_def) if isinstance(g, Graph)), None) or get_default_graph()
            self._add_event(Event(graph_def=definition.SerializeToString()), None)
            self.add_meta_graph(create_meta_graph_def(owner, definition))

    def __enter__(self):
        return self

    def __exit__(self, *exc_info):
        self.close()

    def get_logdir(self):
        """The folder."""
        return self.event_writer.get_logdir()

    def add_summary(self, summary, global_step=None):
        """Write a summary.

        Args:
          summary: a serialized Summary (what running a summary op returns) or a Summary proto.
          global_step: the step it belongs to.
        """
        if isinstance(summary, bytes):
            summary = Summary.FromString(summary)
        event = Event(summary=summary)
        for value in event.summary.value:
            # TensorBoard needs the metadata of a tag once.
            if value.HasField("metadata"):
                if value.tag in self._seen_tags:
                    value.ClearField("metadata")
                else:
                    self._seen_tags.add(value.tag)
        self._add_event(event, global_step)

    def add_event(self, event):
        """Write an event.

        Args:
          event: an Event proto.
        """
        self._warn_if_closed()
        self.event_writer.add_event(event)

    def add_session_log(self, session_log, global_step=None):
        """Write a note of a session's start or end.

        Args:
          session_log: a SessionLog proto.
          global_step: the step it belongs to.
        """
        self._add_event(Event(session_log=session_log), global_step)

    def add_graph(self, graph, global_step=None, graph_def=None):
        """Write a graph.

        Args:
          graph: a Graph.
          global_step: the step it belongs to.
          graph_def: deprecated; a GraphDef.

        Raises:
          TypeError: if neither is given, or something else.
          ValueError: if both are given.
        """
        event = Event(graph_def=_graph_def_of(graph, graph_def).SerializeToString())
        self._add_event(event, global_step)

    def add_meta_graph(self, meta_graph_def, global_step=None):
        """Write a MetaGraphDef.

        Args:
          meta_graph_def: a MetaGraphDef proto.
          global_step: the step it belongs to.

        Raises:
          TypeError: if it is none.
        """
        if not isinstance(meta_graph_def, MetaGraphDef):
            raise TypeError(f"meta_graph_def must be type MetaGraphDef, saw type: {type(meta_graph_def)}")
        self._add_event(Event(meta_graph_def=meta_graph_def.SerializeToString()), global_step)

    def add_run_metadata(self, run_metadata, tag, global_step=None):
        """Write the statistics of one run.

        Args:
          run_metadata: a RunMetadata proto.
          tag: its name, which may be used once.
          global_step: the step it belongs to.

        Raises:
          ValueError: if the tag was used before.
        """
        if tag in self._seen_run_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._seen_run_tags.add(tag)
        tagged = TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add_event(Event(tagged_run_metadata=tagged), global_step)

    def _add_event(self, event, step):
        event.wall_time = time.time()
        if step is not None:
            event.step = int(step)
        self.add_event(event)

    def _warn_if_closed(self):
        if self._closed:
            warnings.warn("Attempting to use a closed FileWriter. The operation will be a noop unless the FileWriter "
                          "is explicitly reopened.", stacklevel=4)  # fmt: skip

    def flush(self):
        """Wait until everything is in the file."""
        self._warn_if_closed()
        self.event_writer.flush()

    def close(self):
        """Write what is queued and close the file."""
        self.event_writer.close()
        self._closed = True

    def reopen(self):
        """After `close`, begin a new file."""
        self.event_writer.reopen()
        self._closed = False


def _graph_def_of(graph, graph_def) -> GraphDef:
    """The GraphDef of a Graph or GraphDef that was given under either name."""
    if graph is not None and graph_def is not None:
        raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
    given = graph if graph is not None else graph_def
    if isinstance(given, Graph):
        return given.as_graph_def(add_shapes=True)
    if isinstance(given, GraphDef):
        logging.warning("Passing a `GraphDef` to the SummaryWriter is deprecated. Pass a `Graph` object instead, such "
                        "as `sess.graph`.")  # fmt: skip
        return given
    raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")


@export("summary.FileWriterCache")
class FileWriterCache:
    """One FileWriter a folder, shared by all who ask."""

    _cache: dict[str, FileWriter] = {}
    _lock = threading.RLock()

    @staticmethod
    def clear():
        """Close all writers and forget them."""
        with FileWriterCache._lock:
            for writer in FileWriterCache._cache.values():
                writer.close()
            FileWriterCache._cache = {}

    @staticmethod
    def get(logdir):
        """The writer of a folder, made if this is the first call for it."""
        with FileWriterCache._lock:
            if logdir not in FileWriterCache._cache:
                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=get_default_graph())
            return FileWriterCache._cache[logdir]
