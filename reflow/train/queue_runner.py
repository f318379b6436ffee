"""Threads that keep queues filled, and their QueueRunnerDef protos in the collection `queue_runners`."""

import threading
import weakref

from reflow.engine.session import BaseSession
from reflow.files import protos
from reflow.graph import errors, meta_graph
from reflow.graph.collections import GraphKeys
from reflow.graph.context import prepend_name_scope, strip_name_scope
from reflow.graph.default import get_default_session
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.platform import logging
from reflow.platform.deprecation import deprecated

_DEF = protos.load("queue_runner").QueueRunnerDef
_INSTEAD = "To construct input pipelines, use the `tf.data` module."
_SESSIONS_WITH_RUNNERS = ("MonitoredSession", "SingularMonitoredSession")


@export("train.queue_runner.QueueRunner", "train.QueueRunner")
class QueueRunner:
    """Runs operations that add to a queue, each in a thread of its own, until the queue is closed or they fail.

    Args:
      queue: the queue.
      enqueue_ops: a list of operations.
      close_op: runs when the last thread ends; closes the queue if None.
      cancel_op: runs when the coordinator asks for a stop; closes the queue and cancels those who wait if None.
      queue_closed_exception_types: a tuple of exceptions that mean the end; (OutOfRangeError,) if None.
      queue_runner_def: a QueueRunnerDef proto, instead of all these.
      import_scope: a scope to put before the names in the proto.

    Raises:
      ValueError: if there is no queue or operation, or both they and a proto.
      TypeError: if `queue_closed_exception_types` is no tuple of `tf.errors` classes.
    """

    @deprecated(None, _INSTEAD)
    def __init__(self, queue=None, enqueue_ops=None, close_op=None, cancel_op=None, queue_closed_exception_types=None,
                 queue_runner_def=None, import_scope=None):  # fmt: skip
        if queue_runner_def:
            if queue or enqueue_ops:
                raise ValueError("queue_runner_def and queue are mutually exclusive.")
            self._init_from_proto(queue_runner_def, import_scope)
        else:
            self._init_from_args(queue, enqueue_ops, close_op, cancel_op, queue_closed_exception_types)
        self._lock = threading.Lock()
        # How many threads are at work for a session.
        self._runs_per_session: weakref.WeakKeyDictionary = weakref.WeakKeyDictionary()
        self._exceptions_raised: list[Exception] = []

    def _init_from_args(self, queue, enqueue_ops, close_op, cancel_op, closed_types):
        if not queue or not enqueue_ops:
            raise ValueError("Must provide queue and enqueue_ops.")
        if closed_types is not None and not _are_errors(closed_types):
            raise TypeError("queue_closed_exception_types, when provided, must be a tuple of tf.error types, but saw: "
                            f"{closed_types}")  # fmt: skip
        self._queue = queue
        self._enqueue_ops = enqueue_ops
        self._close_op = queue.close() if close_op is None else close_op
        self._cancel_op = queue.close(cancel_pending_enqueues=True) if cancel_op is None else cancel_op
        self._queue_closed_exception_types = closed_types or (errors.OutOfRangeError,)

    def _init_from_proto(self, proto, import_scope):
        graph = get_default_graph()

        def element(name):
            return graph.as_graph_element(prepend_name_scope(name, import_scope))

        self._queue = element(proto.queue_name)
        self._enqueue_ops = [element(name) for name in proto.enqueue_op_name]
        self._close_op = element(proto.close_op_name)
        self._cancel_op = element(proto.cancel_op_name)
        closed_types = tuple(map(errors.exception_type_from_error_code, proto.queue_closed_exception_types))
        # Old protos have none.
        self._queue_closed_exception_types = closed_types or (errors.OutOfRangeError,)

    @property
    def queue(self):
        """The queue; if the runner comes from a proto, its operation."""
        return self._queue

    @property
    def enqueue_ops(self):
        """The operations that add to the queue."""
        return self._enqueue_ops

    @property
    def close_op(self):
        """The operation that runs when the last thread ends."""
        return self._close_op

    @property
    def cancel_op(self):
        """The operation that runs when the coordinator asks for a stop."""
        return self._cancel_op

    @property
    def queue_closed_exception_types(self):
        """The exceptions that mean the end."""
        return self._queue_closed_exception_types

    @property
    def exceptions_raised(self):
        """What went wrong in threads that have no coordinator, a list of exceptions."""
        return self._exceptions_raised

    @property
    def name(self):
        """The name of the queue's operation."""
        return self._queue.name

    def create_threads(self, sess, coord=None, daemon=False, start=False):
        """Make a thread for each operation, unless those of an earlier call are still at work for the session.

        Args:
          sess: a Session.
          coord: a Coordinator that stops the threads and learns of exceptions; a further thread then closes the queue.
          daemon: whether the program may end before the threads.
          start: whether to start them.

        Returns:
          A list of threads.
        """
        with self._lock:
            if self._runs_per_session.get(sess, 0) > 0:
                return []
            self._runs_per_session[sess] = len(self._enqueue_ops)
            self._exceptions_raised = []
        prefix = f"QueueRunnerThread-{self.name}"
        threads = [threading.Thread(target=self._run, args=(sess, op, coord), name=f"{prefix}-{op.name}")
                   for op in self._enqueue_ops]  # fmt: skip
        if coord:
            threads.append(threading.Thread(target=self._close_on_stop, args=(sess, self._cancel_op, coord),
                                            name=f"{prefix}-close_on_stop"))  # fmt: skip
        for thread in threads:
            if coord:
                coord.register_thread(thread)
            thread.daemon = thread.daemon or daemon
            if start:
                thread.start()
        return threads

    def _run(self, sess, enqueue_op, coord=None):
        """Run an operation again and again; the last thread that ends well closes the queue."""
        is_closed = False
        try:
            is_closed = self._run_until_closed(sess.make_callable(enqueue_op), coord)
        except Exception as error:
            if coord:
                coord.request_stop(error)
                return
            logging.error("Exception in QueueRunner: %s", error)
            with self._lock:
                self._exceptions_raised.append(error)
            raise
        finally:
            with self._lock:
                self._runs_per_session[sess] -= 1
                is_last = self._runs_per_session[sess] == 0
                if is_closed and is_last:
                    _run_quietly(sess, self._close_op)

    def _run_until_closed(self, enqueue, coord) -> bool:
        """True if the queue is closed, False if the coordinator asks for a stop."""
        while not (coord and coord.should_stop()):
            try:
                enqueue()
            except self._queue_closed_exception_types:
                return True
        return False

    def _close_on_stop(self, sess, cancel_op, coord):
        """Close the queue when the coordinator asks for a stop."""
        coord.wait_for_stop()
        _run_quietly(sess, cancel_op)

    def to_proto(self, export_scope=None):
        """The runner as a QueueRunnerDef proto.

        Args:
          export_scope: a scope to take off the names.

        Returns:
          The proto, or None if the queue is outside the scope.
        """
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        return _DEF(
            queue_name=strip_name_scope(self.name, export_scope),
            enqueue_op_name=[strip_name_scope(op.name, export_scope) for op in self._enqueue_ops],
            close_op_name=strip_name_scope(self._close_op.name, export_scope),
            cancel_op_name=strip_name_scope(self._cancel_op.name, export_scope),
            queue_closed_exception_types=map(errors.error_code_from_exception_type, self._queue_closed_exception_types),
        )

    @staticmethod
    def from_proto(queue_runner_def, import_scope=None):
        """The runner that a QueueRunnerDef proto describes.

        Args:
          queue_runner_def: the proto.
          import_scope: a scope to put before the names.
        """
        return QueueRunner(queue_runner_def=queue_runner_def, import_scope=import_scope)


def _are_errors(types) -> bool:
    return isinstance(types, tuple) and bool(types) and all(issubclass(t, errors.OpError) for t in types)


def _run_quietly(sess, op) -> None:
    """Run an operation at the end, where nobody can help it if it fails."""
    try:
        sess.run(op)
    except Exception as error:
        logging.vlog(1, "Ignored exception: %s", error)


@export("train.queue_runner.add_queue_runner", "train.add_queue_runner")
@deprecated(None, _INSTEAD)
def add_queue_runner(qr, collection=GraphKeys.QUEUE_RUNNERS):
    """Add a queue runner to a collection, for `start_queue_runners`.

    Args:
      qr: a QueueRunner.
      collection: the collection's name.
    """
    get_default_graph().add_to_collection(collection, qr)


@export("train.queue_runner.start_queue_runners", "train.start_queue_runners")
@deprecated(None, _INSTEAD)
def start_queue_runners(sess=None, coord=None, daemon=True, start=True, collection=GraphKeys.QUEUE_RUNNERS):
    """Make the threads of all queue runners in a collection of the graph.

    Args:
      sess: a Session; the default session if None.
      coord: a Coordinator for the threads.
      daemon: whether the program may end before the threads.
      start: whether to start them.
      collection: the collection's name.

    Returns:
      A list of threads.

    Raises:
      ValueError: if there is no session.
      TypeError: if `sess` is none.
    """
    if sess is None:
        sess = get_default_session()
        if sess is None:
            raise ValueError("Cannot start queue runners: No default session is registered. Use `with "
                             "sess.as_default()` or pass an explicit session to "
                             "tf.start_queue_runners(sess=sess)")  # fmt: skip
    if not isinstance(sess, BaseSession):
        if type(sess).__name__ in _SESSIONS_WITH_RUNNERS:
            return []  # They start the queue runners themselves.
        raise TypeError(f"sess must be a `tf.Session` object. Given class: {type(sess)}")
    runners = get_default_graph().get_collection(collection)
    if not runners:
        logging.warning("`tf.train.start_queue_runners()` was called when no queue runners were defined. You can "
                        "safely remove the call to this deprecated function.")  # fmt: skip
    with sess.graph.as_default():
        return [t for runner in runners for t in runner.create_threads(sess, coord=coord, daemon=daemon, start=start)]


meta_graph.register_proto_function(GraphKeys.QUEUE_RUNNERS, _DEF, QueueRunner.to_proto, QueueRunner.from_proto)
