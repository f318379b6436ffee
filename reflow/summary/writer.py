"""FileWriter: events on their way to a file, written by a thread of its own."""

import atexit
import os
import queue
import threading
import time
import weakref

from tensorboard.compat.proto.event_pb2 import Event, TaggedRunMetadata
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.summary_pb2 import Summary

from reflow.files.events import EventsWriter
from reflow.graph.export import export
from reflow.graph.graph import Graph


class _EventThread(threading.Thread):
    """Takes events off a queue and writes them; it flushes when `flush_secs` have passed."""

    def __init__(self, events: queue.Queue, writer: EventsWriter, flush_secs: float):
        super().__init__(daemon=True, name="EventWriter")
        self._events = events
        self._writer = writer
        self._flush_secs = flush_secs
        self.failure: Exception | None = None

    def run(self):
        next_flush = time.monotonic() + self._flush_secs
        while True:
            event = self._events.get()
            try:
                if event is None:
                    return
                if self.failure is None:
                    self._writer.write_event(event)
                    if time.monotonic() >= next_flush:
                        self._writer.flush()
                        next_flush = time.monotonic() + self._flush_secs
            except Exception as error:
                self.failure = error
            finally:
                self._events.task_done()


_open_writers: weakref.WeakSet = weakref.WeakSet()


class EventFileWriter:
    """Writes events to an event file in a folder, without making the caller wait for the disk.

    Args:
      logdir: the folder; made if absent.
      max_queue: how many events may wait before `add_event` blocks.
      flush_secs: how often the file is flushed, in seconds.
      filename_suffix: the end of the file's name.
      max_bytes: begin a new file once one is larger; None never does.
    """

    def __init__(self, logdir, max_queue=10, flush_secs=120, filename_suffix=None, max_bytes=None):
        self._logdir = os.fspath(logdir)
        os.makedirs(self._logdir, exist_ok=True)
        self._flush_secs = flush_secs
        self._suffix = filename_suffix or ""
        self._max_bytes = max_bytes
        self._files = 0
        self._events: queue.Queue = queue.Queue(max_queue)
        self._closed = True
        self.reopen()

    def get_logdir(self):
        """The folder."""
        return self._logdir

    def reopen(self):
        """After `close`, begin a new file. Does nothing if the writer is open."""
        if not self._closed:
            return
        suffix = self._suffix if not self._files else f"{self._suffix}.{self._files}"
        self._files += 1
        self._writer = EventsWriter(os.path.join(self._logdir, "events"), suffix)
        self._path = self._writer.file_name
        self._thread = _EventThread(self._events, self._writer, self._flush_secs)
        self._thread.start()
        self._closed = False
        _open_writers.add(self)

    def add_event(self, event):
        """Queue an event; dropped if the writer is closed.

        Raises:
          The error of an earlier write, if it failed.
        """
        if self._closed:
            return
        self._raise_failure()
        self._events.put(event)
        if self._max_bytes is not None:
            self._rotate()

    def _rotate(self):
        self._events.join()
        self._writer.flush()
        if os.path.exists(self._path) and os.path.getsize(self._path) > self._max_bytes:
            self.close()
            self.reopen()

    def _raise_failure(self):
        if self._thread.failure is not None:
            failure, self._thread.failure = self._thread.failure, None
            raise failure

    def flush(self):
        """Wait until every queued event is in the file."""
        if self._closed:
            return
        self._events.join()
        self._raise_failure()
        self._writer.flush()

    def close(self):
        """Write what is queued and close the file."""
        if self._closed:
            return
        self._closed = True
        self._events.put(None)
        self._thread.join()
        self._writer.close()
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
        self._closed = False
        if graph is not None or graph_def is not None:
            self.add_graph(graph=graph, graph_def=graph_def)

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
        for value in summary.value:
            # TensorBoard needs the metadata of a tag once.
            if value.HasField("metadata"):
                if value.tag in self._seen_tags:
                    value.ClearField("metadata")
                else:
                    self._seen_tags.add(value.tag)
        self._add_event(Event(summary=summary), global_step)

    def add_event(self, event):
        """Write an Event proto."""
        self._warn_if_closed()
        self.event_writer.add_event(event)

    def add_session_log(self, session_log, global_step=None):
        """Write a SessionLog proto."""
        self._add_event(Event(session_log=session_log), global_step)

    def add_graph(self, graph, global_step=None, graph_def=None):
        """Write a graph, and its collections as a MetaGraphDef.

        Args:
          graph: a Graph.
          global_step: the step it belongs to.
          graph_def: deprecated; a GraphDef.

        Raises:
          ValueError: if both or neither are given.
          TypeError: if `graph` is no Graph.
        """
        if graph is not None and graph_def is not None:
            raise ValueError("Please pass only graph, or graph_def (deprecated), but not both.")
        if isinstance(graph, Graph):
            from reflow.graph.meta_graph import create_meta_graph_def

            true_def = graph.as_graph_def(add_shapes=True)
            self._add_graph_def(true_def, global_step)
            self.add_meta_graph(create_meta_graph_def(graph, true_def), global_step)
        elif isinstance(graph, GraphDef) or isinstance(graph_def, GraphDef):
            self._add_graph_def(graph if isinstance(graph, GraphDef) else graph_def, global_step)
        else:
            raise TypeError("The passed graph must be an instance of `Graph` or the deprecated `GraphDef`")

    def _add_graph_def(self, graph_def, global_step):
        self._add_event(Event(graph_def=graph_def.SerializeToString()), global_step)

    def add_meta_graph(self, meta_graph_def, global_step=None):
        """Write a MetaGraphDef; raises TypeError for anything else."""
        if type(meta_graph_def).__name__ != "MetaGraphDef":
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
        key = f"run_metadata:{tag}"
        if key in self._seen_tags:
            raise ValueError("The provided tag was already used for this event type")
        self._seen_tags.add(key)
        tagged = TaggedRunMetadata(tag=tag, run_metadata=run_metadata.SerializeToString())
        self._add_event(Event(tagged_run_metadata=tagged), global_step)

    def _add_event(self, event, step):
        event.wall_time = time.time()
        if step is not None:
            event.step = int(step)
        self.add_event(event)

    def _warn_if_closed(self):
        if self._closed:
            import warnings

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
                from reflow.graph.graph import get_default_graph

                FileWriterCache._cache[logdir] = FileWriter(logdir, graph=get_default_graph())
            return FileWriterCache._cache[logdir]
