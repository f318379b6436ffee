"""The graph: a growing set of operations, and the stack of default graphs."""

import contextlib
import functools
import threading

from reflow.graph.collections import Collections
from reflow.graph.dtypes import DType
from reflow.graph.export import export
from reflow.graph.operation import Operation, Tensor, capture_stack
from reflow.graph.registry import OpDef, get_op_def
from reflow.graph.scopes import VALID_OP_NAME, GraphScopes, control_inputs_for

# What TensorFlow 1.15 writes into `GraphDef.versions`.
PRODUCER_VERSION = 134
MIN_CONSUMER_VERSION = 0


@export("Graph")
class Graph(GraphScopes):
    """A dataflow graph: operations, and the tensors that flow between them.

    Not safe to build from several threads at once; any number of sessions may run it.
    """

    def __init__(self):
        super().__init__()
        self._operations = []
        self._by_name = {}
        self._collections = Collections()
        self._finalized = False
        self._seed = None
        self._version = 0
        self._changes = 0
        self._unfeedable = set()
        self._unfetchable = set()
        self._functions = {}
        self._lock = threading.RLock()
        self._consumer_cache = None
        self._producer_version = PRODUCER_VERSION
        self._graph_def_version_min_consumer = MIN_CONSUMER_VERSION
        # Libraries hang what they know of a graph here (variable stores, ...), by module name.
        self.library_state = {}

    # --- making operations ------------------------------------------------------------------------------------

    def add_operation(self, op_def: OpDef, inputs, attrs: dict, output_types: list[DType], scope: str,
                      stack_depth: int = 2) -> Operation:  # fmt: skip
        """Add an operation whose inputs, attributes, output types and unique name are settled.

        Args:
          op_def: its definition.
          inputs: tensors of this graph.
          attrs: attribute values in Python form.
          output_types: one type an output.
          scope: the operation's unique name.
          stack_depth: how many frames above this one the user's may begin.

        Raises:
          RuntimeError: if the graph is finalized.
          ValueError: if the shape rule rejects the inputs; the message names the operation and the shapes.
        """
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")
        control_stack = self._control_stack
        control = control_inputs_for(control_stack, [t.op for t in inputs]) if control_stack else ()
        try:
            operation = Operation(self, op_def, scope, inputs, attrs, output_types, control, capture_stack(stack_depth))
        except ValueError as error:
            again = functools.partial(Operation, self, op_def, scope, inputs, attrs, output_types, control, ())
            raise _shape_error(error, again, op_def, scope, inputs) from None
        operation._id = len(self._operations)
        self._operations.append(operation)
        self._by_name[scope] = operation
        self._version += 1
        if self._attr_scope_map or self._gradient_override or self._kernel_labels:
            self._apply_attr_scopes(operation)
        if self._device_stack:
            self._apply_device_functions(operation)
        if self._colocation_stack:
            self._apply_colocation(operation)
        if self._container and "container" in op_def.attrs and not attrs.get("container"):
            attrs["container"] = self._container.encode()
        if self._control_flow_context is not None:
            operation._control_flow_context = self._control_flow_context
            self._control_flow_context.AddOp(operation)
        for block in control_stack:
            block.add(operation)
        return operation

    def _apply_attr_scopes(self, operation):
        for key, value in self._attr_scope_map.items():
            if callable(value):
                value = value(operation.node_def)
                if value is None:
                    continue
            if hasattr(value, "WhichOneof"):  # an AttrValue proto
                from reflow.graph.graph_def import python_attr

                value = python_attr(operation.op_def, key, value)
            operation.attrs.setdefault(key, value)
        override = self._gradient_override.get(operation.type)
        if override is not None:
            operation.attrs["_gradient_op_type"] = override.encode()
        label = self._kernel_labels.get(operation.type)
        if label is not None:
            operation.attrs["_kernel"] = label.encode()

    def create_op(self, op_type, inputs, dtypes=None, input_types=None, name=None, attrs=None, op_def=None,
                  compute_shapes=True, compute_device=True):  # fmt: skip
        """Add an operation by type name, as programs did that made operations by hand.

        Args:
          op_type: the name of a registered op.
          inputs: a list of tensors.
          dtypes: the output types; inferred from the signature if None.
          input_types, op_def, compute_shapes, compute_device: accepted and not needed.
          name: a name; made unique unless it ends in "/".
          attrs: a dict from name to AttrValue proto.

        Returns:
          The Operation.
        """
        from reflow.graph.build import output_types_of
        from reflow.graph.graph_def import python_attr

        definition = get_op_def(op_type)
        values = dict(definition.defaults)
        values.update({k: python_attr(definition, k, v) for k, v in (attrs or {}).items()})
        name = name or op_type
        scope = name[:-1] if name.endswith("/") else self.unique_name(name)
        types = list(dtypes) if dtypes is not None else output_types_of(definition, values)
        return self.add_operation(definition, list(inputs), values, types, scope)

    # --- finding things ---------------------------------------------------------------------------------------

    def get_operations(self):
        """All operations, in the order they were made."""
        return list(self._operations)

    def get_operation_by_name(self, name):
        """The operation of that name; raises KeyError if there is none."""
        if not isinstance(name, str):
            raise TypeError(f"Operation names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=False, allow_operation=True)

    def get_tensor_by_name(self, name):
        """The tensor "op_name:index"; raises KeyError if there is none, ValueError if the name is no tensor's."""
        if not isinstance(name, str):
            raise TypeError(f"Tensor names are strings (or similar), not {type(name).__name__}.")
        return self.as_graph_element(name, allow_tensor=True, allow_operation=False)

    def as_graph_element(self, obj, allow_tensor=True, allow_operation=True):
        """The Tensor or Operation that `obj` (one of them, a variable, or a name) stands for.

        Raises:
          TypeError: if `obj` is of a kind that is not wanted.
          ValueError: if it belongs to another graph, or its name is malformed.
          KeyError: if the graph has no such name.
        """
        convert = getattr(obj, "_as_graph_element", None)
        if convert is not None and not isinstance(obj, (Tensor, Operation)):
            obj = convert()
        if isinstance(obj, str):
            return self._element_by_name(obj, allow_tensor, allow_operation)
        if isinstance(obj, Tensor) and allow_tensor or isinstance(obj, Operation) and allow_operation:
            if obj.graph is not self:
                kind = "Tensor" if isinstance(obj, Tensor) else "Operation"
                raise ValueError(f"{kind} {obj} is not an element of this graph.")
            return obj
        wanted = " or ".join(n for n, ok in (("Tensor", allow_tensor), ("Operation", allow_operation)) if ok)
        raise TypeError(f"Can not convert a {type(obj).__name__} into a {wanted}.")

    def _element_by_name(self, name, allow_tensor, allow_operation):
        if ":" in name and allow_tensor:
            op_name, _, index = name.rpartition(":")
            if not index.isdigit() or not op_name:
                raise ValueError(f"The name {name!r} looks a like a Tensor name, but is not a valid one. Tensor names "
                                 'must be of the form "<op_name>:<output_index>".')  # fmt: skip
            operation = self._by_name.get(op_name)
            if operation is None:
                raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                               f"{op_name!r}, does not exist in the graph.")  # fmt: skip
            if int(index) >= len(operation.outputs):
                raise KeyError(f"The name {name!r} refers to a Tensor which does not exist. The operation, "
                               f"{op_name!r}, exists but only has {len(operation.outputs)} outputs.")  # fmt: skip
            return operation.outputs[int(index)]
        if ":" in name:
            raise ValueError(f"Name {name!r} appears to refer to a Tensor, not a Operation.")
        operation = self._by_name.get(name)
        if not allow_operation:
            if operation is not None:
                raise ValueError(f"The name {name!r} refers to an Operation, not a Tensor. Tensor names must be of the "
                                 'form "<op_name>:<output_index>".')  # fmt: skip
            raise ValueError(f"The name {name!r} looks like an (invalid) Operation name, not a Tensor. Tensor names "
                             'must be of the form "<op_name>:<output_index>".')  # fmt: skip
        if operation is None:
            raise KeyError(f"The name {name!r} refers to an Operation not in the graph.")
        return operation

    def _consumers(self, tensor):
        if self._consumer_cache is None or self._consumer_cache[0] != (self._version, self._changes):
            consumers: dict[Tensor, list[Operation]] = {}
            for operation in self._operations:
                for each in operation._inputs:
                    rows = consumers.setdefault(each, [])
                    if operation not in rows[-1:]:
                        rows.append(operation)
            self._consumer_cache = ((self._version, self._changes), consumers)
        return list(self._consumer_cache[1].get(tensor, ()))

    # --- state ------------------------------------------------------------------------------------------------

    def _version_changed(self):
        """An operation that exists was changed: plans made before are stale."""
        self._changes += 1

    @property
    def version(self):
        """How many operations the graph has had: it grows with every one added."""
        return self._version

    @property
    def seed(self):
        """The graph-level random seed, or None."""
        return self._seed

    @seed.setter
    def seed(self, seed):
        self._seed = seed

    @property
    def finalized(self):
        """True once the graph is closed to new operations."""
        return self._finalized

    def finalize(self):
        """Close the graph: from now on adding an operation is a RuntimeError."""
        self._finalized = True

    def _unsafe_unfinalize(self):
        self._finalized = False

    def _check_not_finalized(self):
        if self._finalized:
            raise RuntimeError("Graph is finalized and cannot be modified.")

    @property
    def building_function(self):
        """True in the graph of a function's body."""
        return False

    @property
    def graph_def_versions(self):
        """The VersionDef that a GraphDef of this graph carries."""
        from tensorboard.compat.proto.versions_pb2 import VersionDef

        return VersionDef(producer=self._producer_version, min_consumer=self._graph_def_version_min_consumer)

    def as_graph_def(self, from_version=None, add_shapes=False):
        """A GraphDef proto of the graph.

        Args:
          from_version: only operations made since the graph had this `version`.
          add_shapes: add the static output shapes as `_output_shapes`.
        """
        from reflow.graph.graph_def import graph_def

        return graph_def(self, from_version, add_shapes)

    def prevent_feeding(self, tensor):
        """Forbid feeding `tensor`."""
        self._unfeedable.add(tensor)

    def is_feedable(self, tensor):
        """True unless `prevent_feeding(tensor)` was called."""
        return tensor not in self._unfeedable

    def prevent_fetching(self, op):
        """Forbid fetching `op`."""
        self._unfetchable.add(op)

    def is_fetchable(self, tensor_or_op):
        """True unless fetching of the operation was forbidden."""
        operation = tensor_or_op.op if isinstance(tensor_or_op, Tensor) else tensor_or_op
        return operation not in self._unfetchable

    def switch_to_thread_local(self):
        """Accepted for 1.x programs; scope stacks belong to the graph, which one thread builds at a time."""

    # --- collections ------------------------------------------------------------------------------------------

    def add_to_collection(self, name, value):
        """Append `value` to collection `name`."""
        self._check_not_finalized()
        self._collections.add(name, value)

    def add_to_collections(self, names, value):
        """Append `value` to several collections (a name or an iterable of names)."""
        for name in (names,) if isinstance(names, str) else dict.fromkeys(names):
            self.add_to_collection(name, value)

    def get_collection(self, name, scope=None):
        """A list of what the collection holds, filtered by a regex on names if `scope` is given."""
        return self._collections.get(name, scope)

    def get_collection_ref(self, name):
        """The collection's list itself: changing it changes the collection."""
        return self._collections.reference(name)

    def get_all_collection_keys(self):
        """The names of all collections."""
        return [k for k in self._collections.names() if isinstance(k, str)]

    @property
    def collections(self):
        """The names of all collections."""
        return self._collections.names()

    def clear_collection(self, name):
        """Empty a collection."""
        self._check_not_finalized()
        self._collections.clear(name)

    # --- the default graph ------------------------------------------------------------------------------------

    @contextlib.contextmanager
    def as_default(self):
        """Make this the default graph of the current thread inside the block."""
        stack = _default.stack
        stack.append(self)
        try:
            yield self
        finally:
            if not stack or stack[-1] is not self:
                raise AssertionError(f"Nesting violated for default stack of {type(self)} objects")
            stack.pop()

    def __getstate__(self):
        raise TypeError("a Graph cannot be pickled; use as_graph_def()")


def _shape_error(error, again, op_def, scope, inputs):
    """The error of a shape rule, with the shapes of all inputs and the values that it took to find the error.

    `again` runs the rule once more: it passes if the shapes alone do not tell.
    """
    from reflow.graph.shapes import dims_in_brackets

    shapes = ", ".join("?" if t.dims is None else dims_in_brackets(t.dims) for t in inputs)
    values, sizes = _values_asked_for(again, op_def, inputs)
    values = f" and with computed input tensors: {values}" if values else ""
    sizes = f" and with input tensors computed as partial shapes: {sizes}" if sizes else ""
    return ValueError(f"{error} for '{scope}' (op: '{op_def.name}') with input shapes: {shapes}{values}{sizes}.")


# What ops call an input that is a shape.
_SHAPE_INPUTS = ("shape", "dims")


def _values_asked_for(again, op_def, inputs) -> tuple[str, str]:
    """The values of inputs, and those of inputs that are shapes, that a shape rule asks for."""
    from reflow.graph.convert import constant_value, constant_value_as_dims, values_withheld
    from reflow.graph.shapes import dims_in_brackets

    try:
        with values_withheld() as asked:
            again()
    except ValueError:
        return "", ""
    values, sizes = [], []
    for i, tensor in enumerate(inputs):
        if not any(other is tensor for other in asked):
            continue
        if i < len(op_def.inputs) and op_def.inputs[i].name in _SHAPE_INPUTS:
            sizes.append(f"input[{i}] = {dims_in_brackets(constant_value_as_dims(tensor))}")
        elif (value := constant_value(tensor)) is not None:
            values.append(f"input[{i}] = <{_elements(value)}>")
    return ", ".join(values), ", ".join(sizes)


def _elements(array) -> str:
    """The elements of an array, those of each row of a matrix in brackets."""
    if array.ndim < 2:
        return " ".join(map(str, array.reshape(-1).tolist()))
    return "".join(f"[{_elements(row)}]" for row in array)


class _DefaultGraphs(threading.local):
    """The stack of default graphs of a thread; below it lies one graph that all threads share."""

    def __init__(self):
        self.stack = []


_default = _DefaultGraphs()
_global_graph: Graph | None = None


@export("get_default_graph")
def get_default_graph() -> Graph:
    """The default graph: that of the innermost `as_default()` block of this thread, or the global one."""
    stack = _default.stack
    if stack:
        return stack[-1]
    global _global_graph
    if _global_graph is None:
        _global_graph = Graph()
    return _global_graph


@export("reset_default_graph")
def reset_default_graph() -> None:
    """Replace the global default graph by an empty one.

    Raises:
      AssertionError: inside an `as_default()` block.
    """
    if _default.stack:
        raise AssertionError("Do not use tf.reset_default_graph() to clear nested graphs. If you need a cleared graph, "
                             "exit the nesting and create a new graph.")  # fmt: skip
    global _global_graph
    _global_graph = Graph()


@functools.lru_cache(maxsize=4096)
def check_op_name(name: str) -> None:
    """Raise ValueError unless `name` may name an operation."""
    if not VALID_OP_NAME.match(name):
        raise ValueError(f"'{name}' is not a valid node name")
