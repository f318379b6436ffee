"""Reference variables: `tf.Variable` as 1.x makes it."""

from tensorboard.compat.proto.variable_pb2 import VariableDef

from reflow.graph.build import call
from reflow.graph.context import name_scope, prepend_name_scope, strip_name_scope
from reflow.graph.convert import register_tensor_conversion_function, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.graph import get_default_graph
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.shapes import TensorShape
from reflow.ops import state
from reflow.platform import logging
from reflow.variables import synchronization as sync
from reflow.variables.initial_values import safe_initial_value
from reflow.variables.save_slice_info import SaveSliceInfo
from reflow.variables.variable import (
    Variable,
    check_arguments,
    check_outside_control_flow,
    class_of,
    colocated_initializer,
    with_trainable,
)


class RefVariable(Variable):
    """A variable that is a reference: a tensor whose memory operations change.

    It is four nodes: `W` (VariableV2), its initial value, `W/Assign` and `W/read`. The arguments are those of
    `tf.Variable`.
    """

    def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None,
                 name=None, variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None,
                 synchronization=None, aggregation=None, shape=None):  # fmt: skip
        if variable_def:
            if initial_value:
                raise ValueError("variable_def and initial_value are mutually exclusive.")
            self._init_from_proto(variable_def, import_scope)
            return
        collections = check_arguments(initial_value, collections, constraint)
        settled = sync.settle(synchronization, aggregation, trainable, name)
        self._synchronization, self._aggregation, self._trainable = settled
        self._constraint = constraint
        self._caching_device = caching_device
        graph = get_default_graph()
        values = [] if callable(initial_value) else [initial_value]
        with graph.control_dependencies(None), name_scope(name, "Variable", values) as scope:
            self._make_nodes(scope, initial_value, None if dtype is None else as_dtype(dtype), shape, validate_shape)
            self._snapshot = self._make_snapshot(caching_device)
        self.graph.add_to_collections(with_trainable(collections, self._trainable), self)

    def _make_nodes(self, scope, initial_value, dtype, shape, validate_shape):
        graph = get_default_graph()
        if callable(initial_value):
            value = colocated_initializer(scope, initial_value, dtype)
            with graph._attr_scope({"_class": class_of(scope)}):
                self._variable = self._make_state(value, shape, validate_shape, scope)
        else:
            value = to_tensor(initial_value, dtype, "initial_value")
            check_outside_control_flow(value, scope)
            self._variable = self._make_state(value, shape, validate_shape, scope)
        if validate_shape and not value.shape.is_fully_defined():
            raise ValueError(f"initial_value must have a shape specified: {value}")
        self._initial_value = value
        self._initializer_op = call("Assign", self._variable, safe_initial_value(scope, value),
                                    validate_shape=validate_shape).op  # fmt: skip

    def _make_state(self, value, shape, validate_shape, scope):
        if shape is None:
            shape = value.dims if validate_shape else None
        return call("VariableV2", shape=shape, dtype=value.dtype.base_dtype, name=scope)

    def _make_snapshot(self, caching_device):
        graph = get_default_graph()
        place = graph.colocate_with(self._variable.op) if caching_device is None else graph.device(caching_device)
        with place:
            return call("Identity", self._variable, name="read")

    def _init_from_proto(self, variable_def, import_scope):
        def element(name):
            return get_default_graph().as_graph_element(prepend_name_scope(name, import_scope))

        self._variable = element(variable_def.variable_name)
        self._initializer_op = element(variable_def.initializer_name)
        if variable_def.initial_value_name:
            self._initial_value = element(variable_def.initial_value_name)
        self._snapshot = element(variable_def.snapshot_name)
        settled = sync.settle(variable_def.synchronization, variable_def.aggregation, variable_def.trainable,
                              variable_def.variable_name)  # fmt: skip
        self._synchronization, self._aggregation, self._trainable = settled
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = SaveSliceInfo(save_slice_info_def=variable_def.save_slice_info_def,
                                                  import_scope=import_scope)  # fmt: skip
        self._caching_device = None

    def to_proto(self, export_scope=None):
        """A VariableDef, with `export_scope` taken off the names; None if the variable is outside that scope."""
        if export_scope is not None and not self.name.startswith(export_scope):
            return None
        proto = VariableDef(
            variable_name=strip_name_scope(self.name, export_scope), trainable=self.trainable,
            initializer_name=strip_name_scope(self.initializer.name, export_scope),
            snapshot_name=strip_name_scope(self._snapshot.name, export_scope),
            synchronization=self.synchronization.value, aggregation=self.aggregation.value,
        )  # fmt: skip
        if self._initial_value is not None:
            proto.initial_value_name = strip_name_scope(self._initial_value.name, export_scope)
        if self._save_slice_info:
            proto.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return proto

    # --- what it is -------------------------------------------------------------------------------------------------

    @property
    def name(self) -> str:
        """"W:0": the name of the reference."""
        return self._variable.name

    @property
    def device(self) -> str:
        """The device asked for."""
        return self._variable.device

    @property
    def dtype(self):
        """The type, a reference type such as float32_ref."""
        return self._variable.dtype

    @property
    def op(self):
        """The node of the state."""
        return self._variable.op

    @property
    def graph(self):
        """The graph of the variable."""
        return self._variable.graph

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._variable.shape

    def set_shape(self, shape) -> None:
        """Add knowledge of the static shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    # --- values -----------------------------------------------------------------------------------------------------

    def _as_graph_element(self):
        return self._variable

    def _ref(self):
        """The reference itself, which assignments take."""
        return self._variable

    def value(self):
        """The tensor that reads the variable."""
        return self._snapshot

    def read_value(self):
        """A new tensor that reads the variable, under the control dependencies of the place it is made."""
        return call("Identity", self._variable, name="read")

    def eval(self, session=None):
        """The value of the variable in `session`, or in the default session, as an array."""
        return self._variable.eval(session=session)

    def count_up_to(self, limit):
        """A tensor that counts the variable up when it is evaluated; see `tf.count_up_to`."""
        return state.count_up_to(self._variable, limit=limit)

    # --- changes ----------------------------------------------------------------------------------------------------

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Give the variable a new value.

        Args:
          value: a tensor of the variable's type and shape.
          use_locking: protect the assignment by the variable's lock.
          name: a name for the operation.
          read_value: if False, return the operation instead of the reference after it.
        """
        return _result(state.assign(self._variable, value, use_locking=use_locking, name=name), read_value)

    def assign_add(self, delta, use_locking=False, name=None, read_value=True):
        """Add `delta` to the variable; the arguments are those of `assign`."""
        return _result(state.assign_add(self._variable, delta, use_locking=use_locking, name=name), read_value)

    def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
        """Subtract `delta` from the variable; the arguments are those of `assign`."""
        return _result(state.assign_sub(self._variable, delta, use_locking=use_locking, name=name), read_value)

    def _scatter(self, op_name, sparse_delta, use_locking, name):
        check_indexed_slices(sparse_delta)
        return call(op_name, self._variable, sparse_delta.indices, sparse_delta.values, use_locking=use_locking,
                    name=name)  # fmt: skip

    def scatter_update(self, sparse_delta, use_locking=False, name=None):
        """Replace rows by those of the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterUpdate", sparse_delta, use_locking, name)

    def scatter_add(self, sparse_delta, use_locking=False, name=None):
        """Add the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterAdd", sparse_delta, use_locking, name)

    def scatter_sub(self, sparse_delta, use_locking=False, name=None):
        """Subtract the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterSub", sparse_delta, use_locking, name)

    def scatter_mul(self, sparse_delta, use_locking=False, name=None):
        """Multiply rows by those of the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterMul", sparse_delta, use_locking, name)

    def scatter_div(self, sparse_delta, use_locking=False, name=None):
        """Divide rows by those of the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterDiv", sparse_delta, use_locking, name)

    def scatter_max(self, sparse_delta, use_locking=False, name=None):
        """Take the greater of rows and the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterMax", sparse_delta, use_locking, name)

    def scatter_min(self, sparse_delta, use_locking=False, name=None):
        """Take the lesser of rows and the IndexedSlices `sparse_delta`; returns the reference after the update."""
        return self._scatter("ScatterMin", sparse_delta, use_locking, name)

    def scatter_nd_update(self, indices, updates, name=None):
        """Replace elements or slices; see `tf.scatter_nd_update`."""
        return call("ScatterNdUpdate", self._variable, indices, updates, use_locking=True, name=name)

    def scatter_nd_add(self, indices, updates, name=None):
        """Add to elements or slices; see `tf.scatter_nd_add`."""
        return call("ScatterNdAdd", self._variable, indices, updates, use_locking=True, name=name)

    def scatter_nd_sub(self, indices, updates, name=None):
        """Subtract from elements or slices; see `tf.scatter_nd_sub`."""
        return call("ScatterNdSub", self._variable, indices, updates, use_locking=True, name=name)

    def _strided_slice_assign(self, begin, end, strides, value, name, begin_mask, end_mask, ellipsis_mask,
                              new_axis_mask, shrink_axis_mask):  # fmt: skip
        return call("StridedSliceAssign", self._variable, begin, end, strides, value, name=name, begin_mask=begin_mask,
                    end_mask=end_mask, ellipsis_mask=ellipsis_mask, new_axis_mask=new_axis_mask,
                    shrink_axis_mask=shrink_axis_mask)  # fmt: skip

    # `w += x` makes a new tensor, which is seldom what a program means.

    def __iadd__(self, other):
        _warn_in_place("+=", "variable.assign_add", "x = x + y")
        return self + other

    def __isub__(self, other):
        _warn_in_place("-=", "variable.assign_sub", "x = x - y")
        return self - other

    def __imul__(self, other):
        _warn_in_place("*=", "`var.assign(var * other)`", "`x = x * y`")
        return self * other

    def __itruediv__(self, other):
        _warn_in_place("/=", "`var.assign(var / other)`", "`x = x / y`")
        return self / other

    def __ipow__(self, other):
        _warn_in_place("**=", "`var.assign(var ** other)`", "`x = x ** y`")
        return self**other


def check_indexed_slices(sparse_delta) -> None:
    """Raise TypeError unless `sparse_delta` is an IndexedSlices."""
    if not isinstance(sparse_delta, IndexedSlices):
        raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")


def _result(reference, read_value):
    return reference if read_value else reference.op


def _warn_in_place(operator, assignment, addition):
    logging.log_first_n(
        logging.WARN,
        f"Variable {operator} will be deprecated. Use {assignment} if you want assignment to the variable value or "
        f"{addition} if you want a new python Tensor object.",
        1,
    )


def _to_tensor(variable, dtype=None, name=None, as_ref=False):
    if dtype is not None and not dtype.is_compatible_with(variable.dtype):
        raise ValueError(f"Incompatible type conversion requested to type '{dtype.name}' for variable of type "
                         f"'{variable.dtype.name}'")  # fmt: skip
    return variable._ref() if as_ref else variable.value()


register_tensor_conversion_function(RefVariable, _to_tensor)
