"""Scopes over the default graph: `tf.name_scope`, `tf.device`, `tf.control_dependencies`, collections."""

import re

from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph
from reflow.graph.operation import Operation, Tensor
from reflow.graph.shapes import TensorShape


def graph_of(values) -> Graph | None:
    """The graph that the tensors and operations among `values` belong to; None if there are none.

    Raises:
      ValueError: if they belong to different graphs.
    """
    found = None
    for value in values:
        if value.__class__ is int:
            continue
        if isinstance(value, (list, tuple)) and not hasattr(value, "graph"):
            graph = graph_of(value)
        else:
            graph = getattr(value, "graph", None)
        if not isinstance(graph, Graph):
            continue
        if found is not None and graph is not found:
            raise ValueError(f"{value} must be from the same graph as the values before it.")
        found = graph
    return found


@export("name_scope", "keras.backend.name_scope")
class name_scope:
    """A context that prefixes the names of operations made inside.

    Args:
      name: the scope's name; None to use `default_name`.
      default_name: used if `name` is None.
      values: tensors whose graph becomes the default inside.

    The context yields the full scope name, ending in "/".
    """

    def __init__(self, name, default_name=None, values=None):
        if default_name is not None and not isinstance(default_name, str):
            raise TypeError(f"`default_name` type ({type(default_name)}) is not a string type. You likely meant to "
                            "pass this into the `values` kwarg.")  # fmt: skip
        self._name = default_name if name is None else name
        self._given = name
        self._values = values

    @property
    def name(self):
        """The name asked for."""
        return self._name

    def __enter__(self):
        if self._name is None and self._values is not None:
            raise ValueError(f"At least one of name ({self._given}) and default_name (None) must be provided.")
        graph = get_default_graph()
        wanted = graph_of(self._values) if self._values else None
        self._switch = None
        if wanted is not None and wanted is not graph:
            self._switch = wanted.as_default()
            graph = self._switch.__enter__()
        self._graph, self._saved = graph, graph._name_stack
        graph._name_stack = scope = graph.scope_for(self._name)
        return f"{scope}/" if scope else ""

    def __exit__(self, *exc_info):
        self._graph._name_stack = self._saved
        if self._switch is not None:
            self._switch.__exit__(*exc_info)


@export("op_scope")
def op_scope(values, name, default_name=None):
    """The spelling of `name_scope` before 1.0: op_scope(values, name, default_name)."""
    return name_scope(name, default_name, values)


@export("device")
def device(device_name_or_function):
    """A context in which operations of the default graph are placed on a device.

    Args:
      device_name_or_function: a device string or DeviceSpec, which completes and is completed by those of blocks around
        this one; a function from an operation to a device string; or None, which leaves all such blocks.
    """
    return get_default_graph().device(device_name_or_function)


@export("colocate_with")
def colocate_with(op, ignore_existing=False):
    """A context in which operations of the default graph are placed where another one is.

    Args:
      op: an operation, tensor or variable; None (with `ignore_existing`) leaves all colocation.
      ignore_existing: leave the colocation and device blocks around this one.
    """
    return get_default_graph().colocate_with(op, ignore_existing)


@export("control_dependencies")
def control_dependencies(control_inputs):
    """A context in which operations of the default graph run after others.

    Args:
      control_inputs: a list of operations, tensors and IndexedSlices; None leaves all such blocks.
    """
    return get_default_graph().control_dependencies(control_inputs)


@export("init_scope")
def init_scope():
    """A context for operations that initialize something: outside all control dependencies, loops and conditionals."""
    return get_default_graph().control_dependencies(None)


@export("container")
def container(container_name):
    """A context in which variables, queues and other resources of the default graph are put into a named container.

    Args:
      container_name: the container's name, a string.
    """
    return get_default_graph().container(container_name)


@export("add_to_collection")
def add_to_collection(name, value):
    """Append `value` to a collection of the default graph."""
    get_default_graph().add_to_collection(name, value)


@export("add_to_collections")
def add_to_collections(names, value):
    """Append a value to several collections of the default graph.

    Args:
      names: an iterable of collection names.
      value: what to append.
    """
    get_default_graph().add_to_collections(names, value)


@export("get_collection")
def get_collection(key, scope=None):
    """What a collection of the default graph holds.

    Args:
      key: the collection's name.
      scope: a regex that the start of an item's name must match; None for all items.

    Returns:
      A list, which is the caller's to change.
    """
    return get_default_graph().get_collection(key, scope)


@export("get_collection_ref")
def get_collection_ref(key):
    """The list behind a collection of the default graph: what the caller changes in it is changed in the graph.

    Args:
      key: the collection's name.
    """
    return get_default_graph().get_collection_ref(key)


@export("executing_eagerly")
def executing_eagerly():
    """False: programs build graphs."""
    return False


@export("disable_eager_execution", "compat.v1.disable_eager_execution")
def disable_eager_execution():
    """Nothing to do: programs always build graphs."""


@export("enable_eager_execution", "compat.v1.enable_eager_execution")
def enable_eager_execution(config=None, device_policy=None, execution_mode=None):
    """Not offered.

    Args:
      config, device_policy, execution_mode: not looked at.

    Raises:
      NotImplementedError: always; Reflow runs graphs.
    """
    raise NotImplementedError("Reflow builds and runs graphs; eager execution is not offered.")


def strip_name_scope(name, export_scope):
    """`name` without the leading `export_scope/` (and after "loc:@" or "^")."""
    if not export_scope:
        return name
    scope = re.escape(export_scope.rstrip("/"))
    return re.sub(rf"^((?:loc:@)|\^)?{scope}[/]+(.*)", r"\1\2" if name[:1] in "^l" else r"\2", name)


def prepend_name_scope(name, import_scope):
    """`name` below `import_scope/` (keeping a leading "loc:@" or "^")."""
    if not import_scope:
        return name
    for mark in ("loc:@", "^"):
        if name.startswith(mark):
            return f"{mark}{import_scope.rstrip('/')}/{name[len(mark):]}"
    return f"{import_scope.rstrip('/')}/{name}"


def unwrap(value):
    """The tensor, operation or composite behind a variable-like object."""
    convert = getattr(value, "_as_graph_element", None)
    return convert() if convert is not None and not isinstance(value, (Tensor, Operation)) else value


__all__ = ["TensorShape", "name_scope"]
