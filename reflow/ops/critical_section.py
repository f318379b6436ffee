"""tf.CriticalSection: parts of a graph of which only one runs at a time, in one session's runs from several threads."""

import threading
from collections import namedtuple

from reflow.graph import dtypes, nest
from reflow.graph.build import call
from reflow.graph.context import colocate_with, control_dependencies, init_scope, name_scope
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Operation
from reflow.graph.registry import define_op
from reflow.ops.control import group, tuple_
from reflow.ops.identity import identity
from reflow.ops.shape_rules import no_outputs, scalar
from reflow.ops.tensor_array import TensorArray


class Mutex:
    """A lock that one run of a session holds at a time."""

    def __init__(self):
        self._changed = threading.Condition()
        self._lock = None

    def lock(self) -> "MutexLock":
        """Wait until the mutex is free, and take it.

        A thread runs one step after the other. If it holds the mutex still, then from a step that failed, whose lock
        a traceback keeps alive.
        """
        thread = threading.get_ident()
        with self._changed:
            self._changed.wait_for(lambda: self._lock is None or self._lock.thread == thread)
            self._lock = MutexLock(self, thread)
            return self._lock

    def release(self, lock: "MutexLock") -> None:
        """Free the mutex, if it is `lock` that holds it."""
        with self._changed:
            if self._lock is lock:
                self._lock = None
                self._changed.notify_all()


class MutexLock:
    """Says that its mutex is held; the mutex is free again after `release`."""

    def __init__(self, mutex: Mutex, thread: int):
        self._mutex = mutex
        self.thread = thread

    def release(self) -> None:
        """Free the mutex."""
        self._mutex.release(self)


def _mutex(resources, node_name, attrs):
    name = attrs["shared_name"].decode() or node_name
    return resources.get_or_create("mutex", attrs["container"], name, Mutex)


define_op("MutexV2", "-> resource: resource", 'container: string = "", shared_name: string = ""', shape=scalar,
          resource=_mutex, is_stateful=True)  # fmt: skip
define_op("MutexLock", "mutex: resource -> mutex_lock: variant", shape=scalar, kernel="{mutex}.lock()",
          is_stateful=True)  # fmt: skip
define_op("ConsumeMutexLock", "mutex_lock: variant ->", shape=no_outputs, kernel="{mutex_lock}.release()",
          is_stateful=True)  # fmt: skip


# --- the public class -------------------------------------------------------------------------------------------------

_SECTIONS = "critical_sections"
_EXECUTIONS = "critical_section_executions"
_ExecutionSignature = namedtuple("_ExecutionSignature", ["op", "handle", "resources", "exclusive_resource_access"])


def _identity(x):
    if isinstance(x, TensorArray):
        return x.identity()
    return group(x) if isinstance(x, Operation) else identity(x)


@export("CriticalSection")
class CriticalSection:
    """A lock for parts of a graph: of those executed in it, one runs after the other.

    That holds within one run of a session and among runs from several threads, so that what reads a variable and then
    changes it counts right.

    Args:
      name: a name for the lock's node.
      shared_name: sections with the same one are one section; the node's own name if None.
      critical_section_def: not supported, as in TensorFlow.
      import_scope: not supported, as in TensorFlow.

    Raises:
      ValueError: if both `name` and `critical_section_def` are given.
      NotImplementedError: if `critical_section_def` is given.
    """

    def __init__(self, name=None, shared_name=None, critical_section_def=None, import_scope=None):
        if critical_section_def and name is not None:
            raise ValueError("critical_section_def and shared_name are mutually exclusive.")
        if critical_section_def:
            raise NotImplementedError("Not yet implemented")
        with name_scope(name, "CriticalSection", []) as scope, init_scope():
            graph = get_default_graph()
            shared_name = scope if shared_name is None else shared_name
            self._handle = call("MutexV2", name=scope, shared_name=shared_name, container=graph._container or "")
        graph.add_to_collection(_SECTIONS, self)

    @property
    def name(self):
        """The name of the lock's node."""
        return self._handle.op.name

    def execute(self, fn, exclusive_resource_access=True, name=None):
        """Let what a function makes run in the section.

        Args:
          fn: a function without parameters that returns at least one tensor.
          exclusive_resource_access: whether no other section may use the variables and resources that `fn` uses.
          name: a name scope.

        Returns:
          What `fn` returns: a structure of tensors, which are there once the section is left.

        Raises:
          ValueError: if `fn` uses this section itself, or resources of another one that are not to be shared.
        """
        with name_scope(name, "critical_section_execute", []):
            lock = call("MutexLock", self._handle)
            graph = get_default_graph()
            before = len(graph.get_operations())
            with control_dependencies([lock]):
                result = fn()
            made = graph.get_operations()[before:]
            _wait_for_arguments(lock.op, made)
            resources = {id(x): x for op in made for x in op.inputs if x.dtype is dtypes.resource}
            self._check_resources(list(resources.values()), exclusive_resource_access)
            with control_dependencies([_identity(x) for x in nest.flatten(result)]):
                with colocate_with(self._handle):
                    left = call("ConsumeMutexLock", lock)
                result = nest.pack_sequence_as(result, tuple_(nest.flatten(result)))
            with control_dependencies([left]):
                outputs = nest.map_structure(_identity, result)
            execution = _ExecutionSignature(lock.op, self._handle, list(resources.values()), exclusive_resource_access)
            graph.add_to_collection(_EXECUTIONS, execution)
            return outputs

    def _check_resources(self, resources, is_exclusive) -> None:
        if any(self._is_handle(x) for x in resources):
            raise ValueError("The function fn attempts to directly access the CriticalSection in which it would be "
                             "running.  This is illegal and would cause deadlocks.")  # fmt: skip
        for other in get_default_graph().get_collection(_EXECUTIONS):
            if self._is_handle(other.handle) or not (is_exclusive or other.exclusive_resource_access):
                continue
            shared = [x for x in resources if any(x is y for y in other.resources)]
            if shared:
                raise ValueError(
                    f"This execution would access resources: {shared}.  Either this lock (CriticalSection: "
                    f"{self._handle}) or lock '{other}' (CriticalSection: {other.handle}) requested exclusive resource "
                    "access of this resource.  Did you mean to call execute with keyword argument "
                    "exclusive_resource_access=False?"
                )

    def _is_handle(self, tensor) -> bool:
        """Whether a resource is the section's own mutex, or shares it."""
        op, own = tensor.op, self._handle.op
        if op.type != "MutexV2" or op.get_attr("shared_name") != own.get_attr("shared_name"):
            return False
        return op.device == own.device or op.colocation_groups() == own.colocation_groups()


def _wait_for_arguments(lock: Operation, made: list[Operation]) -> None:
    """Let the lock be taken once all is computed that the operations in the section take from outside of it."""
    outside: dict = {}
    for op in made:
        outside |= dict.fromkeys([*(x.op for x in op.inputs), *op.control_inputs])
    known = {*made, *lock.control_inputs, *(x.op for x in lock.inputs), lock}
    arguments = [op for op in outside if op not in known]
    if arguments:
        lock._add_control_input(group(*arguments))
