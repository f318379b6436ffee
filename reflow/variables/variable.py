"""`tf.Variable`: what reference and resource variables share, and the choice between them."""

import contextlib
import functools
from typing import TYPE_CHECKING

from tensorboard.compat.proto.variable_pb2 import VariableDef

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.context import prepend_name_scope, strip_name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.default import get_default_session
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor, _TensorReference
from reflow.graph.shapes import TensorShape
from reflow.ops.scatter_state import batch_scatter_update
from reflow.ops.state import count_up_to, is_variable_initialized
from reflow.ops.strided_slice import slice_helper
from reflow.variables import synchronization as sync
from reflow.variables.save_slice_info import SaveSliceInfo

VariableSynchronization = sync.VariableSynchronization
VariableAggregation = sync.VariableAggregation


class VariableMetaclass(type):
    """Lets `tf.Variable(...)` make whatever the open `variable_creator_scope` blocks decide on."""

    def __call__(cls, *args, **kwargs):
        if cls is Variable:
            return _create(*args, **kwargs)
        return super().__call__(*args, **kwargs)


def _create(initial_value=None, trainable=None, collections=None, validate_shape=True, caching_device=None, name=None,
            variable_def=None, dtype=None, expected_shape=None, import_scope=None, constraint=None, use_resource=None,
            synchronization=VariableSynchronization.AUTO, aggregation=VariableAggregation.NONE,
            shape=None):  # fmt: skip
    """Make a variable through the graph's creators, the one of the innermost scope first."""
    arguments = dict(locals())
    if aggregation is None:
        arguments["aggregation"] = VariableAggregation.NONE
    creator = _make_variable
    for outer in _creators(get_default_graph()):
        creator = functools.partial(outer, creator)
    return creator(**arguments)


def _make_variable(use_resource=None, expected_shape=None, **arguments):
    """The creator below all others: a reference or a resource variable."""
    ref_variable, resource_variable, variable_scope = _modules_above()
    if use_resource is None:
        use_resource = variable_scope.get_variable_scope().use_resource
    if use_resource is None:
        use_resource = variable_scope.resource_variables_enabled()
    if use_resource:
        return resource_variable.ResourceVariable(**arguments)
    arguments.pop("distribute_strategy", None)
    # Past the metaclass, which lets these pass: it is one call less.
    return type.__call__(ref_variable.RefVariable, expected_shape=expected_shape, **arguments)


@functools.cache
def _modules_above():
    """The modules of the kinds of variables, and of scopes, which import this one."""
    from reflow.variables import ref_variable, resource_variable, variable_scope

    return ref_variable, resource_variable, variable_scope


def _creators(graph) -> list:
    return graph.library_state.setdefault("variable_creators", [])


@export("variable_creator_scope")
@contextlib.contextmanager
def variable_creator_scope(variable_creator):
    """Let a function make, or change, the variables of the default graph that are made inside.

    Args:
      variable_creator: `(next_creator, **kwargs) -> variable`, where the keyword arguments are those of `tf.Variable`
        and `next_creator(**kwargs)` makes the variable as it would be made without the function.
    """
    creators = _creators(get_default_graph())
    creators.append(variable_creator)
    try:
        yield
    finally:
        creators.remove(variable_creator)


def check_arguments(initial_value, collections, constraint):
    """The collections for a new variable; raises ValueError for arguments that cannot be."""
    if initial_value is None:
        raise ValueError("initial_value must be specified.")
    if collections is None:
        collections = [GraphKeys.GLOBAL_VARIABLES]
    if not isinstance(collections, (list, tuple, set)):
        raise ValueError("collections argument to Variable constructor must be a list, tuple, or set. Got "
                         f"{collections} of type {type(collections)}")  # fmt: skip
    if constraint is not None and not callable(constraint):
        raise ValueError("The `constraint` argument must be a callable.")
    return collections


def with_trainable(collections, trainable: bool):
    """The collections, with that of trainable variables if the variable is one."""
    if trainable and GraphKeys.TRAINABLE_VARIABLES not in collections:
        return [*collections, GraphKeys.TRAINABLE_VARIABLES]
    return collections


def colocated_initializer(scope: str, initial_value, dtype):
    """The tensor of an initial value, made in the scope "Initializer" and colocated with a variable not yet made.

    Args:
      scope: the variable's name scope.
      initial_value: the value, or a function that makes it.
      dtype: the wanted type or None.
    """
    with get_default_graph()._initializer_scope(class_of(scope)):
        value = initial_value() if callable(initial_value) else initial_value
        return to_tensor(value, dtype, "initial_value")


def class_of(scope: str) -> list[bytes]:
    """The colocation group of the node that a name scope is named after."""
    return [b"loc:@" + scope.rstrip("/").encode()]


def check_outside_control_flow(value: Tensor, name: str) -> None:
    """Raise ValueError if an initial value was made inside a loop or a conditional."""
    if value.op._control_flow_context is not None:
        raise ValueError(f"Initializer for variable {name} is from inside a control-flow construct, such as a loop or "
                         "conditional. When creating a variable inside a loop or conditional, use a lambda as the "
                         "initializer.")  # fmt: skip


@export("Variable", "python.ops.variables.VariableV1")
class Variable(metaclass=VariableMetaclass):
    """State that a session keeps from one run to the next: a tensor that operations can change.

    Making a variable adds to the graph the node of its state, the initial value, and an assignment of the one to the
    other, `initializer`, which has to run before the variable is used (see `tf.global_variables_initializer`). A
    variable stands wherever a tensor is wanted, and all operators of tensors work on it.

    Args:
      initial_value: a tensor, what converts to one, or a function without arguments that returns one.
      trainable: whether the collection TRAINABLE_VARIABLES, which optimizers look at, gets the variable; True if None,
        but for `synchronization` ON_READ.
      collections: names of the collections that get it; [GLOBAL_VARIABLES] if None.
      validate_shape: if False, the initial value may have an unknown shape and so may whatever is assigned later.
      caching_device: a device (or device function) that keeps a copy to read from.
      name: the name; "Variable" if None. It is made unique.
      variable_def: a VariableDef proto to make the object from, whose nodes the graph has already.
      dtype: the type; that of the initial value if None.
      expected_shape: ignored.
      import_scope: the name scope under which the nodes of `variable_def` stand.
      constraint: a function from the variable to a tensor, applied by optimizers after each update.
      use_resource: True for a resource variable, whose reads and writes happen in the order that the graph says.
      synchronization: a tf.VariableSynchronization.
      aggregation: a tf.VariableAggregation.
      shape: the declared shape; that of the initial value if None. `tf.TensorShape(None)` allows any.

    Raises:
      ValueError: without an initial value, or if its shape is not known and `validate_shape` is True.
    """

    SaveSliceInfo = SaveSliceInfo
    __array_priority__ = 100

    if TYPE_CHECKING:
        # What the metaclass passes on to `_create`, and the operators of tensors, which are set below.
        def __init__(self, initial_value=None, trainable=None, collections=None, validate_shape=True,
                     caching_device=None, name=None, variable_def=None, dtype=None, expected_shape=None,
                     import_scope=None, constraint=None, use_resource=None, synchronization=None, aggregation=None,
                     shape=None): ...  # fmt: skip
        def __neg__(self) -> Tensor: ...
        def __add__(self, other) -> Tensor: ...

        __invert__ = __abs__ = __neg__
        __radd__ = __sub__ = __rsub__ = __mul__ = __rmul__ = __truediv__ = __rtruediv__ = __pow__ = __rpow__ = __add__
        __floordiv__ = __mod__ = __lt__ = __le__ = __gt__ = __ge__ = __and__ = __or__ = __xor__ = __matmul__ = __add__

    # What the kinds of variables set.
    _trainable = True
    _synchronization = VariableSynchronization.AUTO
    _aggregation = VariableAggregation.NONE
    _constraint = None
    _save_slice_info = None
    _initial_value: Tensor | None = None
    _initializer_op = None
    _distribute_strategy = None
    _in_graph_mode = True

    # --- what a variable is ---------------------------------------------------------------------------------------

    @property
    def _state(self) -> Tensor:
        """The tensor that stands for the variable itself: a reference or a handle."""
        raise NotImplementedError

    @property
    def name(self) -> str:
        """"W:0": the name of the tensor that stands for the variable."""
        return self._state.name

    @property
    def op(self):
        """The node of the variable's state."""
        return self._state.op

    @property
    def graph(self):
        """The graph of the variable."""
        return self._state.graph

    @property
    def device(self) -> str:
        """The device asked for."""
        return self._state.device

    @property
    def dtype(self):
        """The type; a reference type such as float32_ref for a reference variable."""
        return self._state.dtype

    @property
    def shape(self) -> TensorShape:
        """The static shape."""
        return self._state.shape

    def set_shape(self, shape) -> None:
        """Add knowledge of the static shape of a reference variable."""
        raise NotImplementedError("ResourceVariable does not implement set_shape()")

    def get_shape(self) -> TensorShape:
        """The static shape."""
        return self.shape

    def _shape_as_list(self):
        return None if self.shape.ndims is None else self.shape.as_list()

    @property
    def _shared_name(self) -> str:
        return self.name[: self.name.index(":")]

    @property
    def trainable(self) -> bool:
        """Whether optimizers change the variable by default."""
        return self._trainable

    @property
    def synchronization(self) -> VariableSynchronization:
        """When the variable is synchronized between devices."""
        return self._synchronization

    @property
    def aggregation(self) -> VariableAggregation:
        """How updates of several devices are combined."""
        return self._aggregation

    @property
    def constraint(self):
        """The function that optimizers apply after an update, or None."""
        return self._constraint

    @property
    def initial_value(self) -> Tensor | None:
        """The tensor that `initializer` assigns; None if a VariableDef that named none made the variable."""
        return self._initial_value

    @property
    def initializer(self):
        """The operation that assigns the initial value."""
        return self._initializer_op

    def __repr__(self):
        return f"<tf.Variable '{self.name}' shape={self.get_shape()} dtype={self.dtype.name}>"

    # --- values ---------------------------------------------------------------------------------------------------

    def _as_graph_element(self):
        """The tensor that is fetched when a program fetches the variable."""
        raise NotImplementedError

    def value(self) -> Tensor:
        """The tensor that reads the variable, which stands for it wherever a tensor is wanted."""
        raise NotImplementedError

    def read_value(self) -> Tensor:
        """A new tensor that reads the variable, under the control dependencies of the place it is made."""
        raise NotImplementedError

    def eval(self, session=None):
        """The value of the variable in `session`, or in the default session, as an array."""
        return self._as_graph_element().eval(session=session)

    def sparse_read(self, indices, name=None):
        """The rows `indices` of a resource variable, read without the others.

        Raises:
          AttributeError: for a reference variable; use `tf.gather`.
        """
        raise AttributeError("a reference variable has no sparse_read")

    def gather_nd(self, indices, name=None):
        """The elements or slices `indices` of a resource variable, read without the others.

        Raises:
          AttributeError: for a reference variable; use `tf.gather_nd`.
        """
        raise AttributeError("a reference variable has no gather_nd")

    def initialized_value(self) -> Tensor:
        """The variable's value if it is initialized when this is evaluated, else its initial value."""
        from reflow.ops.conditional import cond

        with get_default_graph().control_dependencies(None):
            return cond(is_variable_initialized(self), self.read_value, lambda: self.initial_value)

    def load(self, value, session=None) -> None:
        """Give the variable a value at once, without adding to the graph.

        Args:
          value: an array of the variable's shape.
          session: the session that holds the variable; the default session if None.

        Raises:
          ValueError: if there is no session.
        """
        session = session or get_default_session()
        if session is None:
            raise ValueError("Either session argument should be provided or default session should be established")
        session.run(self.initializer, {self.initializer.inputs[1]: value})

    def count_up_to(self, limit):
        """A tensor that counts the variable up when it is evaluated; see `tf.count_up_to`."""
        return count_up_to(self, limit)

    # --- changes --------------------------------------------------------------------------------------------------

    def _assigned(self, kind, value, use_locking, name, read_value):
        """The result of an assignment: `kind` is "", "Add" or "Sub"."""
        raise NotImplementedError

    def _scatter(self, kind, indices, updates, use_locking, name):
        """The variable after the op Scatter<kind>."""
        raise NotImplementedError

    def assign(self, value, use_locking=False, name=None, read_value=True):
        """Give the variable a new value.

        Args:
          value: a tensor of the variable's type and shape.
          use_locking: protect the assignment by the variable's lock (a resource variable's always is).
          name: a name for the operation.
          read_value: if False, return the operation instead of something that has the new value.

        Raises:
          ValueError: if the shape is known not to fit.
        """
        return self._assigned("", value, use_locking, name, read_value)

    def assign_add(self, delta, use_locking=False, name=None, read_value=True):
        """Add `delta` to the variable; the arguments are those of `assign`."""
        return self._assigned("Add", delta, use_locking, name, read_value)

    def assign_sub(self, delta, use_locking=False, name=None, read_value=True):
        """Subtract `delta` from the variable; the arguments are those of `assign`."""
        return self._assigned("Sub", delta, use_locking, name, read_value)

    def _scatter_slices(self, kind, sparse_delta, use_locking, name):
        if not isinstance(sparse_delta, IndexedSlices):
            raise TypeError(f"sparse_delta is not IndexedSlices: {sparse_delta}")
        return self._scatter(kind, sparse_delta.indices, sparse_delta.values, use_locking, name)

    def scatter_update(self, sparse_delta, use_locking=False, name=None):
        """Replace rows by those of the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Update", sparse_delta, use_locking, name)

    def scatter_add(self, sparse_delta, use_locking=False, name=None):
        """Add the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Add", sparse_delta, use_locking, name)

    def scatter_sub(self, sparse_delta, use_locking=False, name=None):
        """Subtract the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Sub", sparse_delta, use_locking, name)

    def scatter_mul(self, sparse_delta, use_locking=False, name=None):
        """Multiply rows by those of the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Mul", sparse_delta, use_locking, name)

    def scatter_div(self, sparse_delta, use_locking=False, name=None):
        """Divide rows by those of the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Div", sparse_delta, use_locking, name)

    def scatter_max(self, sparse_delta, use_locking=False, name=None):
        """Take the greater of rows and the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Max", sparse_delta, use_locking, name)

    def scatter_min(self, sparse_delta, use_locking=False, name=None):
        """Take the lesser of rows and the IndexedSlices `sparse_delta`; returns the variable after the update."""
        return self._scatter_slices("Min", sparse_delta, use_locking, name)

    def scatter_nd_update(self, indices, updates, name=None):
        """Replace elements or slices; see `tf.scatter_nd_update`."""
        return self._scatter("NdUpdate", indices, updates, True, name)

    def scatter_nd_add(self, indices, updates, name=None):
        """Add to elements or slices; see `tf.scatter_nd_add`."""
        return self._scatter("NdAdd", indices, updates, True, name)

    def scatter_nd_sub(self, indices, updates, name=None):
        """Subtract from elements or slices; see `tf.scatter_nd_sub`."""
        return self._scatter("NdSub", indices, updates, True, name)

    def batch_scatter_update(self, sparse_delta, use_locking=False, name=None):
        """Replace rows in each batch by those of an IndexedSlices; see `tf.batch_scatter_update`."""
        return batch_scatter_update(self, sparse_delta.indices, sparse_delta.values, use_locking, name)

    # --- files ----------------------------------------------------------------------------------------------------

    def to_proto(self, export_scope=None):
        """A VariableDef, with `export_scope` taken off the names; None if the variable is outside that scope."""
        if export_scope is not None and not self._state.name.startswith(export_scope):
            return None
        proto = VariableDef(
            variable_name=strip_name_scope(self._state.name, export_scope), trainable=self.trainable,
            initializer_name=strip_name_scope(self.initializer.name, export_scope),
            snapshot_name=strip_name_scope(self._read_tensor().name, export_scope),
            is_resource=self._state.dtype is dtypes.resource,
            synchronization=self.synchronization.value, aggregation=self.aggregation.value,
        )  # fmt: skip
        if self._initial_value is not None:
            proto.initial_value_name = strip_name_scope(self._initial_value.name, export_scope)
        if self._save_slice_info:
            proto.save_slice_info_def.MergeFrom(self._save_slice_info.to_proto(export_scope))
        return proto

    def _read_tensor(self) -> Tensor:
        """The reading tensor that was made with the variable."""
        raise NotImplementedError

    def _init_from_def(self, variable_def, import_scope):
        """Find what a VariableDef names, all but the state and the snapshot; returns the function that finds."""

        def element(name):
            return get_default_graph().as_graph_element(prepend_name_scope(name, import_scope))

        self._initializer_op = element(variable_def.initializer_name)
        if variable_def.initial_value_name:
            self._initial_value = element(variable_def.initial_value_name)
        settled = sync.settle(variable_def.synchronization, variable_def.aggregation, variable_def.trainable,
                              variable_def.variable_name)  # fmt: skip
        self._synchronization, self._aggregation, self._trainable = settled
        if variable_def.HasField("save_slice_info_def"):
            self._save_slice_info = SaveSliceInfo(save_slice_info_def=variable_def.save_slice_info_def,
                                                  import_scope=import_scope)  # fmt: skip
        return element

    @staticmethod
    def from_proto(variable_def, import_scope=None) -> "Variable":
        """The variable that a VariableDef describes; the graph must have its nodes already."""
        from reflow.variables.ref_variable import RefVariable
        from reflow.variables.resource_variable import ResourceVariable

        kind = ResourceVariable if variable_def.is_resource else RefVariable
        return kind(variable_def=variable_def, import_scope=import_scope)

    def _set_save_slice_info(self, save_slice_info):
        self._save_slice_info = save_slice_info

    def _get_save_slice_info(self):
        return self._save_slice_info

    # --- as a Python object -----------------------------------------------------------------------------------------

    def experimental_ref(self):
        """A hashable reference to this variable."""
        return _TensorReference(self)

    def __hash__(self):
        return id(self)

    def __eq__(self, other):
        return self is other

    def __ne__(self, other):
        return self is not other

    def __iter__(self):
        raise TypeError("'Variable' object is not iterable.")

    def __getitem__(self, slice_spec):
        return slice_helper(self.value(), slice_spec, self)


def _operator(name: str):
    def run(self, *args, **kwargs):
        return getattr(Tensor, name)(self.value(), *args, **kwargs)

    run.__name__ = name
    return run


for _name in Tensor.OVERLOADABLE_OPERATORS - {"__eq__", "__ne__", "__getitem__"}:
    setattr(Variable, _name, _operator(_name))
