"""What surrounds an operation when a program makes it: name scope, control dependencies, devices, colocation, attrs."""

import contextlib
import re

from reflow.graph.device import device_string, merge_device
from reflow.graph.operation import Operation, Tensor

VALID_OP_NAME = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\\-/]*\Z")
_VALID_SCOPE_NAME = re.compile(r"[A-Za-z0-9_.\\\-/]*\Z")


class ControlDependencies:
    """A `with graph.control_dependencies(...)` block: operations made inside wait for `control_inputs`."""

    def __init__(self, graph, control_inputs):
        self._graph = graph
        self._new_stack = control_inputs is None
        self.control_inputs = control_inputs or []
        # Operations made inside this block, or that depend on one: they wait already.
        self._seen = set()

    def __enter__(self):
        graph = self._graph
        if self._new_stack:
            # What is made inside waits for nothing, so nobody needs to know of it.
            self._saved = graph._control_stack, graph._control_flow_context
            graph._control_stack, graph._control_flow_context = [], None
        else:
            graph._control_stack = [*graph._control_stack, self]
        return self

    def __exit__(self, *exc_info):
        if self._new_stack:
            self._graph._control_stack, self._graph._control_flow_context = self._saved
        else:
            self._graph._control_stack = self._graph._control_stack[:-1]

    def add(self, operation):
        """Note an operation made inside the block."""
        self._seen.add(operation)

    def already_waits(self, operations):
        """True if one of `operations` was made inside this block, so that its consumers wait too."""
        return not self._seen.isdisjoint(operations)


class _ScopeChange:
    """A block in which some of a graph's scopes are others.

    Args:
      graph: the graph.
      change: the other scopes by attribute name, or a function that tells them when the block begins.
    """

    __slots__ = ("_change", "_graph", "_saved")

    def __init__(self, graph, change):
        self._graph, self._change = graph, change

    def __enter__(self):
        scopes, changed = self._graph.__dict__, self._change
        if callable(changed):
            changed = changed()
        self._saved = saved = {}
        for name in changed:
            saved[name] = scopes[name]
        scopes.update(changed)

    def __exit__(self, *exc_info):
        self._graph.__dict__.update(self._saved)


def control_inputs_for(stack, input_operations):
    """The operations that a new one with these inputs has to wait for, given the open blocks."""
    result: list[Operation] = []
    for block in stack:
        if not block.already_waits(input_operations):
            result.extend(c for c in block.control_inputs if c not in input_operations and c not in result)
    return result


class GraphScopes:
    """The scope stacks of a Graph. The stacks are plain attributes: a graph is built by one thread at a time."""

    def as_graph_element(self, obj, allow_tensor=True, allow_operation=True):
        """What `Graph.as_graph_element` finds."""
        raise NotImplementedError("only a Graph has elements")

    def __init__(self):
        self._name_stack = ""
        self._names_in_use = {}
        self._control_stack = []
        self._control_flow_context = None
        self._device_stack: tuple = ()
        self._colocation_stack = []
        self._container = ""
        self._attr_scope_map = {}
        self._gradient_override = {}
        self._kernel_labels = {}

    def unique_name(self, name, mark_as_used=True):
        """`name` inside the current name scope, with `_1`, `_2`, ... appended if it is taken.

        Names that differ only in case count as the same, so that checkpoints and files keep apart on every system.
        """
        if self._name_stack:
            name = f"{self._name_stack}/{name}"
        names = self._names_in_use
        key = name.lower()
        count = names.get(key)
        if count is None:
            if mark_as_used:
                names[key] = 1
            return name
        while f"{key}_{count}" in names:
            count += 1
        if mark_as_used:
            names[key] = count + 1
            names[f"{key}_{count}"] = 1
        return f"{name}_{count}"

    @contextlib.contextmanager
    def name_scope(self, name):
        """Prefix the names of operations made inside with `name/`, made unique; "" or None goes to the root.

        A name that ends in "/" re-enters that scope exactly.

        Yields:
          The scope's full name, ending in "/" ("" for the root).

        Raises:
          ValueError: if `name` is not a legal scope name.
        """
        saved = self._name_stack
        self._name_stack = scope = self.scope_for(name)
        try:
            yield f"{scope}/" if scope else ""
        finally:
            self._name_stack = saved

    def _outermost_name_scope(self):
        """The block in which names have no prefix: what `name_scope(None)` is, in half the time."""
        return _ScopeChange(self, {"_name_stack": ""})

    def scope_for(self, name):
        """The full name, without a closing "/", of the scope that `name_scope(name)` opens; it counts as used.

        Raises:
          TypeError, ValueError: if `name` is not a legal scope name.
        """
        if not name:
            return ""
        if not isinstance(name, str):
            raise TypeError(f"a name scope is a string, not {name!r}")
        valid = _VALID_SCOPE_NAME if self._name_stack else VALID_OP_NAME
        if not valid.match(name):
            raise ValueError(f"'{name}' is not a valid scope name")
        return name[:-1] if name[-1] == "/" else self.unique_name(name)

    def get_name_scope(self):
        """The current name scope, without a closing "/"."""
        return self._name_stack

    def control_dependencies(self, control_inputs):
        """A context in which new operations run after all of `control_inputs`.

        Args:
          control_inputs: a list of operations, tensors and IndexedSlices, or None to leave all surrounding control
            dependencies and control-flow contexts.

        Raises:
          TypeError: if an item is neither an operation nor a tensor.
        """
        if control_inputs is None:
            return ControlDependencies(self, None)
        operations = []
        for item in control_inputs:
            if not isinstance(item, (Tensor, Operation)) and _stands_for_its_op(item):
                item = item.op
            element = self.as_graph_element(item)
            operation = element.op if isinstance(element, Tensor) else element
            if not isinstance(operation, Operation):
                raise TypeError(f"Control input must be Operation or Tensor: {item}")
            if operation not in operations:
                operations.append(operation)
        return ControlDependencies(self, operations)

    def _record_op_seen_by_control_dependencies(self, operation):
        for block in self._control_stack:
            block.add(operation)

    def device(self, device_name_or_function):
        """Ask for a device for the operations made inside.

        Args:
          device_name_or_function: a device string, a DeviceSpec, a function from operation to device string, or None
            to ignore the surrounding device scopes.
        """
        if device_name_or_function is None:
            return _ScopeChange(self, lambda: {"_device_stack": ()})
        return _ScopeChange(self, lambda: {"_device_stack": self._device_stack_with(device_name_or_function)})

    def _device_stack_with(self, device_name_or_function):
        function = device_name_or_function
        return (*self._device_stack, function if callable(function) else merge_device(function))

    def _apply_device_functions(self, operation):
        """Ask the open device scopes, innermost first: what an inner scope set stays."""
        for function in reversed(self._device_stack):
            if function is None:
                break
            operation._device = device_string(function(operation))

    def colocate_with(self, op, ignore_existing=False):
        """Place the operations made inside on the device of `op`; None leaves all colocation blocks."""
        if op is None and not ignore_existing:
            raise ValueError("Trying to reset colocation (op is None) but ignore_existing is not True")
        added = [] if op is None else [_operation_of(self, op)]

        def change():
            inherited = [] if ignore_existing else self._colocation_stack
            return {"_device_stack": (), "_colocation_stack": inherited + added}

        return _ScopeChange(self, change)

    def _apply_colocation(self, operation):
        anchors = self._colocation_stack
        if len(anchors) == 1:
            groups = anchors[0].colocation_groups()
        else:
            groups = sorted({group for anchor in anchors for group in anchor.colocation_groups()})
        operation.attrs["_class"] = groups
        operation._device = self._colocation_stack[-1]._device or operation._device

    @contextlib.contextmanager
    def container(self, container_name):
        """Put the resources (variables, queues, ...) made inside into a named container."""
        saved = self._container
        self._container = container_name
        try:
            yield self._container
        finally:
            self._container = saved

    def _overlay(self, attribute, values):
        def change():
            merged = {**getattr(self, attribute), **values}
            return {attribute: {k: v for k, v in merged.items() if v is not None}}

        return _ScopeChange(self, change)

    def _initializer_scope(self, class_):
        """The block in which a variable's initial value is made: in the name scope "Initializer", without the devices
        asked for outside, and in the colocation groups `class_`.
        """
        return _ScopeChange(self, {
            "_name_stack": self.unique_name("Initializer"), "_device_stack": (),
            "_attr_scope_map": {**self._attr_scope_map, "_class": class_},
        })  # fmt: skip

    def _attr_scope(self, attr_map):
        """Give the operations made inside extra attributes: name to AttrValue proto (None removes)."""
        return self._overlay("_attr_scope_map", attr_map)

    def gradient_override_map(self, op_type_map):
        """Use other gradient functions for op types inside: {"Sign": "name given to RegisterGradient"}.

        Raises:
          TypeError: if it is not a dict from string to string.
        """
        if not isinstance(op_type_map, dict):
            raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        for key, value in op_type_map.items():
            if not isinstance(key, str) or not isinstance(value, str):
                raise TypeError("op_type_map must be a dictionary mapping strings to strings")
        return self._overlay("_gradient_override", op_type_map)

    def _kernel_label_map(self, op_to_kernel_label_map):
        """Ask for labelled kernels inside: recorded in the `_kernel` attr."""
        return self._overlay("_kernel_labels", op_to_kernel_label_map)


def _stands_for_its_op(item) -> bool:
    """Whether to wait for `item` is to wait for `item.op`.

    So it is for IndexedSlices, and for resource variables: of one that was just assigned to, it is the assignment.
    """
    from reflow.graph.indexed_slices import IndexedSlices

    return isinstance(item, IndexedSlices) or (hasattr(item, "_handle") and hasattr(item, "op"))


def _operation_of(graph, item):
    if isinstance(item, Operation):
        return item
    handle = getattr(item, "handle", None)
    if isinstance(handle, Tensor):
        return handle.op
    if isinstance(getattr(item, "op", None), Operation):
        return item.op
    from reflow.graph.convert import to_tensor

    return to_tensor(item).op
