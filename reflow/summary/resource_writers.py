"""Writers of summaries: resources of the graph, which ops create, flush and close."""

import contextlib
import functools
import getpass
import os
import re
import time

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, device, get_default_graph
from reflow.graph.convert import to_tensor
from reflow.graph.default import get_default_session
from reflow.graph.export import export
from reflow.summary.recording import current

_INITIALIZERS = "_SUMMARY_WRITER_V2"
_NAMES = {
    "experiment_name": re.compile(r"^[^\x00-\x1F<>]{0,256}$"),
    "run_name": re.compile(r"^[^\x00-\x1F<>]{0,512}$"),
    "user_name": re.compile(r"^[a-z]([-a-z0-9]{0,29}[a-z0-9])?$", re.IGNORECASE),
}


@export("contrib.summary.SummaryWriter")
class SummaryWriter:
    """What writers of summaries can do. A writer without a resource does nothing."""

    def set_as_default(self):
        """Let the summaries that this thread makes from now on go to this writer."""

    @contextlib.contextmanager
    def as_default(self):
        """A context in which the summaries that this thread makes go to this writer."""
        yield

    def init(self):
        """An operation that creates the writer."""

    def flush(self):
        """An operation that writes what was recorded."""

    def close(self):
        """An operation that writes what was recorded and ends the writer."""


class ResourceSummaryWriter(SummaryWriter):
    """A writer that is a resource of the session.

    Args:
      shared_name: writers of one such name in a session are the same.
      make: the function that adds the operation which creates the writer behind a handle.
      name: the node's name.
    """

    def __init__(self, shared_name, make, name=None):
        self._resource = call("SummaryWriter", shared_name=shared_name or "", name=name)
        self._make = make
        get_default_graph().add_to_collection(_INITIALIZERS, make(self._resource))

    def set_as_default(self):
        """Let the summaries that this thread makes from now on go to this writer."""
        current.writer = self

    @contextlib.contextmanager
    def as_default(self):
        """A context in which the summaries that this thread makes go to this writer."""
        saved, current.writer = current.writer, self
        try:
            yield self
            self.flush()
        finally:
            current.writer = saved

    def init(self):
        """An operation that creates the writer."""
        return self._make(self._resource)

    def flush(self):
        """An operation that writes what was recorded."""
        return flush(self)

    def close(self):
        """An operation that writes what was recorded and ends the writer."""
        with control_dependencies([self.flush()]), device("cpu:0"):
            return call("CloseSummaryWriter", self._resource)


@export("contrib.summary.create_file_writer", "contrib.summary.create_summary_file_writer")
def create_file_writer(logdir, max_queue=None, flush_millis=None, filename_suffix=None, name=None):
    """A writer of event files.

    Args:
      logdir: the folder; with None, the writer does nothing.
      max_queue: write when more events than this wait; 10 if None.
      flush_millis: write when so many milliseconds passed; two minutes if None.
      filename_suffix: the end of the file's name; ".v2" if None.
      name: writers of one such name in a session are the same; made of the folder if None.

    Returns:
      A SummaryWriter.
    """
    if logdir is None:
        return SummaryWriter()
    logdir = str(logdir)
    with device("cpu:0"):
        max_queue = to_tensor(10) if max_queue is None else max_queue
        flush_millis = to_tensor(2 * 60 * 1000) if flush_millis is None else flush_millis
        filename_suffix = to_tensor(".v2") if filename_suffix is None else filename_suffix

        def make(resource):
            return call("CreateSummaryFileWriter", resource, logdir, max_queue, flush_millis, filename_suffix)

        return ResourceSummaryWriter(f"logdir:{logdir}" if name is None else name, make)


@export("contrib.summary.create_db_writer")
def create_db_writer(db_uri, experiment_name=None, run_name=None, user_name=None, name=None):
    """A writer into a database. Graphs with it build and load; to run it is an UnimplementedError.

    Args:
      db_uri: the database.
      experiment_name: the date of today if None.
      run_name: the time of day if None.
      user_name: the name of who runs the program if None.
      name: writers of one such name in a session are the same.

    Returns:
      A SummaryWriter.

    Raises:
      ValueError: for a name with characters that it may not have.
    """
    with device("cpu:0"):
        now = time.localtime()
        names = {
            "experiment_name": time.strftime("%Y-%m-%d", now) if experiment_name is None else experiment_name,
            "run_name": time.strftime("%H:%M:%S", now) if run_name is None else run_name,
            "user_name": getpass.getuser() if user_name is None else user_name,
        }
        for key, value in names.items():
            if isinstance(value, str) and not _NAMES[key].search(value):
                raise ValueError(f"{key} ({value}) must match {_NAMES[key].pattern}")
        tensors = [to_tensor(value, dtypes.string) for value in names.values()]
        make = functools.partial(_create_db_writer, db_uri, tensors)
        return ResourceSummaryWriter(name, make)


def _create_db_writer(db_uri, names, resource):
    return call("CreateSummaryDbWriter", resource, db_uri, *names)


@export("contrib.summary.summary_writer_initializer_op")
def summary_writer_initializer_op():
    """The operations that create the writers of the default graph, a list."""
    return get_default_graph().get_collection(_INITIALIZERS)


@export("contrib.summary.initialize", "summary.initialize")
def initialize(graph=None, session=None):
    """Creates the writers of the default graph, and writes a graph to the thread's default writer.

    Args:
      graph: a Graph or GraphDef to write, or None.
      session: the session to run in; the default one if None.

    Raises:
      RuntimeError: if the thread has no default writer.
      ValueError: if there is no session.
    """
    from reflow.ops.placeholder import placeholder
    from reflow.summary.writing import serialized_graph, write_graph

    if current.writer is None:
        raise RuntimeError("No default tf.contrib.summary.SummaryWriter found")
    session = session or get_default_session()
    if session is None:
        raise ValueError("session must be passed if no default session exists")
    session.run(summary_writer_initializer_op())
    if graph is not None:
        text = serialized_graph(graph)
        fed = placeholder(dtypes.string)
        session.run(write_graph(fed, 0), feed_dict={fed: text})


@export("contrib.summary.flush")
def flush(writer=None, name=None):
    """An operation that writes what was recorded.

    Args:
      writer: a SummaryWriter, or the resource of one; the thread's default writer if None.
      name: the node's name.
    """
    writer = current.writer if writer is None else writer
    if writer is None:
        return call("NoOp")
    resource = writer._resource if isinstance(writer, ResourceSummaryWriter) else writer
    with device("cpu:0"):
        return call("FlushSummaryWriter", resource, name=name)


@export("contrib.summary.eval_dir")
def eval_dir(model_dir, name=None):
    """The folder for the summaries of an evaluation.

    Args:
      model_dir: the model's folder.
      name: the name of the evaluation, if there are several.
    """
    return os.path.join(model_dir, f"eval_{name}" if name else "eval")
