"""Reference variables: the state itself, its initialization and assignment, counters and temporaries.

A node that makes or passes on a reference carries the `VariableState` itself; whoever wants a tensor reads its value.
Assign gives the variable memory of its own; AssignAdd and its like change that memory in place.
"""

import contextlib

import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_compatible, dims_in_brackets
from reflow.ops.resources import VariableState, variable_resource
from reflow.ops.shape_rules import merge, scalar, unchanged_shape, with_rank
from reflow.ops.torch_types import FROM_TORCH

_VARIABLE_ATTRS = 'shape: shape, dtype: type, container: string = "", shared_name: string = ""'


def declared_shape(op):
    """The shape that the attribute `shape` declares."""
    return [op.attrs["shape"]]


def _declared_unless_scalar(op):
    """As `declared_shape`; the op of TensorFlow 0.x wrote () for a shape that is not known."""
    return [op.attrs["shape"] or None]


define_op("VariableV2", "-> ref: ref dtype", _VARIABLE_ATTRS, shape=declared_shape, resource=variable_resource,
          is_stateful=True)  # fmt: skip
define_op("Variable", "-> ref: ref dtype", _VARIABLE_ATTRS, shape=_declared_unless_scalar, resource=variable_resource,
          is_stateful=True)  # fmt: skip


# --- assignment ---------------------------------------------------------------------------------------------------


def own_copy(value):
    """A copy of `value` that nothing else sees, contiguous."""
    if isinstance(value, torch.Tensor):
        return value.clone(memory_format=torch.contiguous_format)
    return value.copy()


def _assign_shape(op):
    if not op.attrs["validate_shape"]:
        return [op._inputs[1].dims]
    return _merged_shape(op)


def _merged_shape(op):
    return [merge(op._inputs[0].dims, op._inputs[1].dims)]


def _assign(state: VariableState, value, validate_shape) -> VariableState:
    if validate_shape:
        old = state.dims or () if state.value is None else tuple(state.value.shape)
        if not dims_compatible(old, tuple(value.shape)):
            raise errors.InvalidArgumentError(
                None, None,
                f"Assign requires shapes of both tensors to match. lhs shape= {dims_in_brackets(old)} "
                f"rhs shape= {dims_in_brackets(tuple(value.shape))}",
            )  # fmt: skip
    state.value = own_copy(value)
    return state


def _lower_assign(node):
    """A plain copy, once the shapes are known to fit."""
    dims = node.dims(0)
    known = dims is not None and None not in dims and dims == node.dims(1)
    return f"{node.args[0]}.assign({node.args[1]})" if known and node.dtype(1).name != "string" else None


_SIGNED = {torch.uint16: torch.int16, torch.uint32: torch.int32, torch.uint64: torch.int64}


def signed_view(tensor: torch.Tensor) -> torch.Tensor:
    """A tensor of a wide unsigned type, for which torch has hardly any function, as signed numbers of the same bits.

    Sums, differences and products have the same bits either way.
    """
    signed = _SIGNED.get(tensor.dtype)
    return tensor if signed is None else tensor.view(signed)


def _assign_in_place(name: str, change):
    """The kernel `name` that runs `change(variable's tensor, value)` on equal shapes."""

    def kernel(state: VariableState, value, use_locking) -> VariableState:
        old = state.current()
        if old.shape != value.shape:
            raise errors.InvalidArgumentError(
                None, None,
                f"Parameters and update must be the same size: {dims_in_brackets(tuple(old.shape))} and "
                f"{dims_in_brackets(tuple(value.shape))}",
            )  # fmt: skip
        with locked(state, use_locking):
            change(signed_view(state.current()), signed_view(value))
        return state

    kernel.__name__ = name
    return kernel


def locked(state: VariableState, use_locking: bool):
    """A context that holds the variable's lock, if it is to be used."""
    return state.lock if use_locking else _NO_LOCK


_NO_LOCK = contextlib.nullcontext()


define_op("Assign", "ref: ref T, value: T -> output_ref: ref T",
          "T: type, validate_shape: bool = true, use_locking: bool = true", shape=_assign_shape, kernel=_assign,
          lower=_lower_assign, writes=True, allows_uninitialized_input=True, gradient=None)  # fmt: skip
define_op("AssignAdd", "ref: ref T, value: T -> output_ref: ref T", "T: type in number, use_locking: bool = false",
          shape=_merged_shape, kernel=_assign_in_place("assign_add", torch.Tensor.add_), writes=True,
          gradient=None)  # fmt: skip
define_op("AssignSub", "ref: ref T, value: T -> output_ref: ref T", "T: type in number, use_locking: bool = false",
          shape=_merged_shape, kernel=_assign_in_place("assign_sub", torch.Tensor.sub_), writes=True,
          gradient=None)  # fmt: skip


def _optional(**attrs):
    """Attributes as given, without those that are None and so keep the op's default."""
    return {key: value for key, value in attrs.items() if value is not None}


@export("assign")
def assign(ref, value, validate_shape=None, use_locking=None, name=None):
    """Give a variable a new value.

    Args:
      ref: a variable, or the reference tensor of one.
      value: the new value, of the variable's dtype.
      validate_shape: if False the new value may have another shape (default True). Only for reference variables.
      use_locking: protect the assignment by the variable's lock (default True). Only for reference variables.
      name: a name for the operation.

    Returns:
      The reference after the assignment: a tensor that, when it is evaluated, has the new value.

    Raises:
      ValueError: if the shapes are known to differ.
    """
    if not ref.dtype.is_ref:
        return ref.assign(value, name=name)
    return call("Assign", ref, value, name=name,
                **_optional(validate_shape=validate_shape, use_locking=use_locking))  # fmt: skip


@export("assign_add")
def assign_add(ref, value, use_locking=None, name=None):
    """Add `value` to a variable.

    Args:
      ref: a variable, or the reference tensor of one.
      value: what to add, of the variable's shape and dtype.
      use_locking: protect the update by the variable's lock (default False).
      name: a name for the operation.

    Returns:
      The reference after the update.
    """
    if not ref.dtype.is_ref:
        return ref.assign_add(value)
    return call("AssignAdd", ref, value, name=name, **_optional(use_locking=use_locking))


@export("assign_sub")
def assign_sub(ref, value, use_locking=None, name=None):
    """Subtract `value` from a variable; the arguments are those of `assign_add`."""
    if not ref.dtype.is_ref:
        return ref.assign_sub(value)
    return call("AssignSub", ref, value, name=name, **_optional(use_locking=use_locking))


# --- questions and counters ---------------------------------------------------------------------------------------


def is_initialized(state: VariableState) -> torch.Tensor:
    """A bool scalar: whether the variable has a value."""
    return torch.tensor(state.value is not None)


define_op("IsVariableInitialized", "ref: ref dtype -> is_initialized: bool", "dtype: type", shape=scalar,
          kernel=is_initialized, allows_uninitialized_input=True)  # fmt: skip


def is_variable_initialized(ref, name=None):
    """A bool scalar that tells, when it is evaluated, whether the variable `ref` has a value."""
    if not ref.dtype.is_ref:
        return ref.is_initialized(name=name)
    return call("IsVariableInitialized", ref, name=name)


def count_up(state: VariableState, limit: int) -> torch.Tensor:
    """Increase an integer scalar and return its value before; OutOfRangeError once it is `limit`."""
    with state.lock:
        before = state.read().clone()
        if before.item() >= limit:
            raise errors.OutOfRangeError(None, None, f"Reached limit of {limit}")
        state.value.add_(1)
    return before


def _count_up_to_shape(op):
    with_rank(op._inputs[0].dims, 0)
    return [()]


define_op("CountUpTo", "ref: ref T -> output: T", "limit: int, T: type in index", shape=_count_up_to_shape,
          kernel=count_up, writes=True)  # fmt: skip


@export("count_up_to")
def count_up_to(ref, limit, name=None):
    """Increase a variable by one, up to a limit.

    Args:
      ref: a scalar variable of type int32 or int64.
      limit: int; where counting ends.
      name: a name for the operation.

    Returns:
      A scalar tensor: the value before the increment. Evaluating it once the variable has reached `limit` raises
      `tf.errors.OutOfRangeError`.
    """
    if not ref.dtype.is_ref:
        return call("ResourceCountUpTo", ref.handle, name=name, limit=limit, T=ref.dtype)
    return call("CountUpTo", ref, name=name, limit=limit)


# --- temporaries --------------------------------------------------------------------------------------------------


def _temporary_variable(shape, dtype, var_name) -> VariableState:
    """A variable of this step alone; TensorFlow leaves its memory as it finds it."""
    state = VariableState(var_name.decode(), FROM_TORCH[dtype], shape)
    state.value = torch.zeros(shape, dtype=dtype)
    return state


def _destroy_temporary_variable(state: VariableState):
    value = state.read()
    state.value = None
    return value


define_op("TemporaryVariable", "-> ref: ref dtype", 'shape: shape, dtype: type, var_name: string = ""',
          shape=declared_shape, kernel=_temporary_variable, is_stateful=True)  # fmt: skip
define_op("DestroyTemporaryVariable", "ref: ref T -> value: T", "T: type, var_name: string", shape=unchanged_shape,
          kernel=_destroy_temporary_variable, writes=True)  # fmt: skip
