"""Reference variables: `tf.Variable` as 1.x makes it."""

from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import register_tensor_conversion_function, to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import pinned_stack
from reflow.platform import logging
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
        with pinned_stack(), graph.control_dependencies(None), name_scope(name, "Variable", values) as scope:
            self._make_nodes(scope, initial_value, None if dtype is None else as_dtype(dtype), shape, validate_shape)
            self._snapshot = self._make_snapshot(caching_device)
        self._variable.graph.add_to_collections(with_trainable(collections, self._trainable), self)

    def _make_nodes(self, scope, initial_value, dtype, shape, validate_shape):
        if callable(initial_value):
            value = colocated_initializer(scope, initial_value, dtype)
            self._variable = self._make_state(value, shape, validate_shape, scope)
            self._variable.op.attrs.setdefault("_class", class_of(scope))
        else:
            value = to_tensor(initial_value, dtype, "initial_value")
            check_outside_control_flow(value, scope)
            self._variable = self._make_state(value, shape, validate_shape, scope)
        if validate_shape and (value.dims is None or None in value.dims):
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
        element = self._init_from_def(variable_def, import_scope)
        self._variable = element(variable_def.variable_name)
        self._snapshot = element(variable_def.snapshot_name)
        self._caching_device = None

    @property
    def _state(self):
        return self._variable

    def set_shape(self, shape) -> None:
        """Add knowledge of the static shape."""
        self._variable.set_shape(shape)
        self._snapshot.set_shape(shape)

    # --- values -----------------------------------------------------------------------------------------------------

    def _as_graph_element(self):
        return self._variable

    def _read_tensor(self):
        return self._snapshot

    def _ref(self):
        """The reference itself, which assignments take."""
        return self._variable

    def value(self):
        """The tensor that reads the variable."""
        return self._snapshot

    def read_value(self):
        """A new tensor that reads the variable, under the control dependencies of the place it is made."""
        return call("Identity", self._variable, name="read")

    # --- changes ----------------------------------------------------------------------------------------------------

    def _assigned(self, kind, value, use_locking, name, read_value):
        result = call(f"Assign{kind}", self._variable, value, use_locking=use_locking, name=name)
        return result if read_value else result.op

    def _scatter(self, kind, indices, updates, use_locking, name):
        return call(f"Scatter{kind}", self._variable, indices, updates, use_locking=use_locking, name=name)

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
