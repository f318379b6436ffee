"""Resource variables: `tf.Variable(..., use_resource=True)`. Reads and writes of one happen in the graph's order."""

import contextlib

from tensorboard.compat.proto.variable_pb2 import VariableDef

from reflow.graph.build import call
from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.convert import register_tensor_conversion_function, to_tensor
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.graph import get_default_graph
from reflow.graph.meta_graph import register_proto_function
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_dims, as_shape, dims_to_str
from reflow.variables import synchronization as sync
from reflow.variables.initial_values import safe_initial_value
from reflow.variables.variable import (
    Variable,
    check_arguments,
    check_outside_control_flow,
    class_of,
    colocated_initializer,
    with_trainable,
)


class BaseResourceVariable(Variable):
    """A variable behind a handle.

    Attributes that the kinds of it set: `_handle` (the resource tensor), `_shape`, `_dtype`, `_handle_name`,
    `_unique_id`, `_graph_element` (a tensor that reads the variable) and `_cached_value` (one on the caching device).
    """

    _handle: Tensor
    _handle_name: str
    _unique_id: str
    _shape: TensorShape
    _dtype: DType
    _cached_value: Tensor | None = None
    _graph_element: Tensor
    _is_initialized_op = None
    _caching_device = None

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def _state(self):
        return self._handle

    @property
    def name(self) -> str:
        """"W:0": the name of the handle."""
        return self._handle_name

    @property
    def handle(self):
        """The resource tensor that stands for the variable."""
        return self._handle

    @property
    def dtype(self):
        """The type."""
        return self._dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._shape

    @property
    def create(self):
        """The operation that assigns the initial value."""
        return self._initializer_op

    def _as_graph_element(self):
        return self._graph_element

    def _read_tensor(self):
        return self._graph_element if self._cached_value is None else self._cached_value

    def __copy__(self):
        return self

    def __deepcopy__(self, memo):
        raise NotImplementedError("__deepcopy__() is only available when eager execution is enabled.")

    # --- values -----------------------------------------------------------------------------------------------------

    def value(self):
        """A tensor that reads the variable: each call makes one, unless a caching device keeps a copy."""
        if self._cached_value is not None:
            return self._cached_value
        with self.graph.colocate_with(None, ignore_existing=True), _on_device_of(self._handle):
            return self._read_variable_op()

    def _read_variable_op(self):
        return call("ReadVariableOp", self._handle, dtype=self._dtype)

    def read_value(self):
        """A new tensor that reads the variable, under the control dependencies of the place it is made."""
        with name_scope("Read"), _on_device_of(self._handle):
            value = self._read_variable_op()
        return call("Identity", value)

    def sparse_read(self, indices, name=None):
        """The rows `indices` of the variable, read without the others."""
        with name_scope("Gather" if name is None else name) as name:
            value = call("ResourceGather", self._handle, indices, dtype=self._dtype, name=name)
        return call("Identity", value)

    def gather_nd(self, indices, name=None):
        """The elements or slices `indices` of the variable, read without the others."""
        with name_scope("GatherNd" if name is None else name) as name:
            value = call("ResourceGatherNd", self._handle, indices, dtype=self._dtype, name=name)
        return call("Identity", value)

    def is_initialized(self, name=None):
        """A bool scalar that tells whether the variable has a value."""
        return call("VarIsInitializedOp", self._handle, name=name)

    def numpy(self):
        """Not offered; raises NotImplementedError."""
        raise NotImplementedError("numpy() is only available when eager execution is enabled.")

    def _dense_var_to_tensor(self, dtype=None, name=None, as_ref=False):
        if dtype is not None and not dtype.is_compatible_with(self.dtype):
            raise ValueError(f"Incompatible type conversion requested to type {dtype.name!r} for variable of type "
                             f"{self.dtype.name!r}")  # fmt: skip
        return self.read_value().op.inputs[0] if as_ref else self.value()

    # --- changes ----------------------------------------------------------------------------------------------------

    def _lazy_read(self, operation):
        """What stands for the variable's value after `operation`."""
        return _UnreadVariable(self, operation)

    def _handle_graph(self):
        """The context of the variable's own graph."""
        graph = self._handle.graph
        return contextlib.nullcontext() if graph is get_default_graph() else graph.as_default()

    def _assign_dependencies(self):
        """Lets a change wait for the copy on the caching device, if there is one."""
        if self._cached_value is None:
            return contextlib.nullcontext()
        return get_default_graph().control_dependencies([self._cached_value])

    def _assigned(self, kind, value, use_locking, name, read_value):
        # A new value needs no old one: it does not wait for the copy on the caching device.
        waits = self._assign_dependencies if kind else contextlib.nullcontext
        with self._handle_graph():
            with waits():
                value = to_tensor(value, self.dtype)
                if not kind:
                    self._shape.assert_is_compatible_with(value.shape)
                operation = call(f"Assign{kind}VariableOp", self._handle, value, name=name)
            return self._lazy_read(operation) if read_value else operation

    def _scatter(self, kind, indices, updates, use_locking, name):
        updates = to_tensor(updates, self.dtype)
        return self._lazy_read(call(f"ResourceScatter{kind}", self._handle, indices, updates, name=name))

    def _strided_slice_assign(self, begin, end, strides, value, name, begin_mask, end_mask, ellipsis_mask,
                              new_axis_mask, shrink_axis_mask):  # fmt: skip
        with self._handle_graph(), self._assign_dependencies():
            return self._lazy_read(
                call("ResourceStridedSliceAssign", self._handle, begin, end, strides, to_tensor(value, self.dtype),
                     name=name, begin_mask=begin_mask, end_mask=end_mask, ellipsis_mask=ellipsis_mask,
                     new_axis_mask=new_axis_mask, shrink_axis_mask=shrink_axis_mask)
            )  # fmt: skip

    def __iadd__(self, other):
        raise _in_place_error("+=", "variable.assign_add(value)", "+")

    def __isub__(self, other):
        raise _in_place_error("-=", "variable.assign_sub(value)", "-")

    def __imul__(self, other):
        raise _in_place_error("*=", "`var.assign(var * value)`", "*")

    def __itruediv__(self, other):
        raise _in_place_error("/=", "`var.assign(var / value)`", "/")

    def __ipow__(self, other):
        raise _in_place_error("**=", "`var.assign(var ** value)`", "**")


def _in_place_error(operator, assignment, plain):
    return RuntimeError(f"Variable {operator} value not supported. Use {assignment} to modify the variable value and "
                        f"variable = variable {plain} value to get a new Tensor object.")  # fmt: skip


def _on_device_of(handle):
    return handle.graph.device(handle.device) if handle.device else contextlib.nullcontext()


class ResourceVariable(BaseResourceVariable):
    """A variable behind a handle, as a program makes it. The arguments are those of `tf.Variable`."""

    def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
                 name=None, dtype=None, variable_def=None, import_scope=None, constraint=None, distribute_strategy=None,
                 synchronization=None, aggregation=None, shape=None):  # fmt: skip
        if variable_def:
            if initial_value is not None:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._init_from_proto(variable_def, import_scope)
            return
        settled = sync.settle(synchronization, aggregation, trainable, name)
        self._synchronization, self._aggregation, self._trainable = settled
        collections = with_trainable(check_arguments(initial_value, collections, constraint), self._trainable)
        self._constraint = constraint
        self._distribute_strategy = distribute_strategy
        values = [] if callable(initial_value) else [initial_value]
        with get_default_graph().control_dependencies(None), name_scope(name, "Variable", values) as scope:
            value = colocated_initializer(scope, initial_value, None if dtype is None else as_dtype(dtype))
            self._make_handle(scope, value.dtype.base_dtype, _declared_shape(value, shape))
            check_outside_control_flow(value, scope)
            self._make_nodes(scope, value, caching_device)
        self.graph.add_to_collections(collections, self)

    def _make_handle(self, scope, dtype, shape):
        graph = get_default_graph()
        name = scope.rstrip("/")
        with graph._attr_scope({"_class": class_of(scope)}):
            self._handle = call("VarHandleOp", shape=shape, dtype=dtype, shared_name=name, container=graph._container,
                                name=scope)  # fmt: skip
        self._handle_name = f"{name}:0"
        self._unique_id = name
        self._shape, self._dtype = TensorShape(shape), dtype

    def _make_nodes(self, scope, value, caching_device):
        graph = get_default_graph()
        with name_scope("IsInitialized"):
            self._is_initialized_op = call("VarIsInitializedOp", self._handle)
        with name_scope("Assign") as name, graph.colocate_with(None, ignore_existing=True), _on_device_of(self._handle):
            self._initializer_op = call("AssignVariableOp", self._handle, safe_initial_value(scope, value), name=name)
        self._initial_value = value
        with name_scope("Read"):
            with _on_device_of(self._handle):
                self._graph_element = call("ReadVariableOp", self._handle, dtype=self._dtype)
            if caching_device is not None:
                with graph.colocate_with(None, ignore_existing=True), graph.device(caching_device):
                    self._cached_value = call("Identity", self._graph_element)

    def _init_from_proto(self, variable_def, import_scope):
        if not variable_def.is_resource:
            raise ValueError("Trying to restore Variable as ResourceVariable.")
        element = self._init_from_def(variable_def, import_scope)
        self._handle = element(variable_def.variable_name)
        attrs = self._handle.op.attrs
        self._shape, self._dtype = TensorShape(attrs["shape"]), attrs["dtype"]
        self._handle_name = self._unique_id = self._handle.name
        self._take_snapshot(element(variable_def.snapshot_name) if variable_def.snapshot_name else None)

    def _take_snapshot(self, snapshot):
        """Find the reading node behind the snapshot of a VariableDef, which may be a copy on a caching device."""
        if snapshot is None:
            self._graph_element = self.graph.get_tensor_by_name(f"{self._handle.op.name}/Read/ReadVariableOp:0")
            return
        if snapshot.op.type != "ReadVariableOp":
            self._cached_value = snapshot
        while snapshot.op.type != "ReadVariableOp":
            snapshot = snapshot.op.inputs[0]
        self._graph_element = snapshot


def _declared_shape(value, shape):
    if shape is None:
        return value.dims
    if not value.shape.is_compatible_with(shape):
        raise ValueError(f"The initial value's shape ({value.shape}) is not compatible with the explicitly supplied "
                         f"`shape` argument ({dims_to_str(as_dims(shape))}).")  # fmt: skip
    return as_dims(shape)


class UninitializedVariable(BaseResourceVariable):
    """A variable behind a handle that has no initializer: something else gives it a value."""

    def __init__(self, trainable=None, caching_device=None, name=None, shape=None, dtype=None, constraint=None,
                 synchronization=None, aggregation=None, extra_handle_data=None,
                 distribute_strategy=None):  # fmt: skip
        settled = sync.settle(synchronization, aggregation, trainable, name)
        self._synchronization, self._aggregation, self._trainable = settled
        self._constraint = constraint
        self._shape, self._dtype = as_shape(shape), as_dtype(dtype)
        graph = get_default_graph()
        with graph.control_dependencies(None), name_scope(name, "Variable") as scope:
            shared_name = scope.rstrip("/")
            self._handle = call("VarHandleOp", shape=shape, dtype=dtype, shared_name=shared_name,
                                container=graph._container, name=scope)  # fmt: skip
            self._handle_name = f"{shared_name}:0"
            self._unique_id = shared_name
            with name_scope("Read"), _on_device_of(self._handle):
                self._graph_element = self._read_variable_op()
            graph.add_to_collection(GraphKeys.GLOBAL_VARIABLES, self)


class _UnreadVariable(BaseResourceVariable):
    """A variable after an operation that changed it: reading it, in whatever way, waits for the operation."""

    def __init__(self, variable: BaseResourceVariable, parent_op):
        self._handle = variable._handle
        self._shape, self._dtype = variable._shape, variable._dtype
        self._handle_name = f"{variable._handle.name}:0"
        self._unique_id = variable._unique_id
        self._parent_op = parent_op
        self._graph_element = self._read_variable_op()

    @property
    def name(self) -> str:
        """The name of the operation that changed the variable."""
        return self._parent_op.name

    @property
    def op(self):
        """The operation that changed the variable."""
        return self._parent_op

    def value(self):
        """A tensor that reads the variable after the operation."""
        return self._read_variable_op()

    def read_value(self):
        """A tensor that reads the variable after the operation."""
        return self._read_variable_op()

    def _read_variable_op(self):
        with get_default_graph().control_dependencies([self._parent_op]):
            return call("ReadVariableOp", self._handle, dtype=self._dtype)


def is_resource_variable(variable) -> bool:
    """True if `variable` is behind a handle."""
    return isinstance(variable, BaseResourceVariable) or hasattr(variable, "_should_act_as_resource_variable")


def _to_tensor(variable, dtype=None, name=None, as_ref=False):
    return variable._dense_var_to_tensor(dtype=dtype, name=name, as_ref=as_ref)


register_tensor_conversion_function(BaseResourceVariable, _to_tensor)


def _to_proto(variable, export_scope=None):
    return variable.to_proto(export_scope=export_scope)


for _key in (GraphKeys.GLOBAL_VARIABLES, GraphKeys.TRAINABLE_VARIABLES, GraphKeys.MOVING_AVERAGE_VARIABLES,
             GraphKeys.LOCAL_VARIABLES, GraphKeys.MODEL_VARIABLES, GraphKeys.GLOBAL_STEP,
             GraphKeys.METRIC_VARIABLES):  # fmt: skip
    register_proto_function(_key, proto_type=VariableDef, to_proto=_to_proto, from_proto=Variable.from_proto)
