"""Slots: variables that stand beside another one, named below it and on its device, such as an optimizer's sums."""

import contextlib

from reflow.graph.graph import get_default_graph
from reflow.graph.shapes import as_shape
from reflow.ops.constant import zeros
from reflow.ops.shape_ops import shape as shape_of
from reflow.variables.initializers import Zeros
from reflow.variables.ref_variable import RefVariable
from reflow.variables.resource_variable import is_resource_variable
from reflow.variables.save_slice_info import SaveSliceInfo
from reflow.variables.variable import Variable
from reflow.variables.variable_scope import get_variable, variable_scope


def create_slot(primary, val, name, colocate_with_primary=True):
    """A slot with a given initial value.

    Args:
      primary: the variable (or tensor) that the slot belongs to.
      val: a tensor.
      name: what to append to the primary's name; it is made unique.
      colocate_with_primary: put the slot on the primary's device.

    Returns:
      A variable that is not trained.
    """
    return _create(primary, val, None, None, name, val.get_shape().is_fully_defined(), colocate_with_primary)


def create_slot_with_initializer(primary, initializer, shape, dtype, name, colocate_with_primary=True):
    """A slot whose initial value an initializer makes.

    Args:
      primary: the variable (or tensor) that the slot belongs to.
      initializer: an initializer.
      shape: the slot's TensorShape.
      dtype: its type.
      name: what to append to the primary's name; it is made unique.
      colocate_with_primary: put the slot on the primary's device.

    Returns:
      A variable that is not trained.
    """
    shape = as_shape(shape)
    return _create(primary, initializer, shape, dtype, name, shape.is_fully_defined(), colocate_with_primary)


def create_zeros_slot(primary, name, dtype=None, colocate_with_primary=True):
    """A slot of the primary's shape that begins as zeros.

    Args:
      primary: the variable (or tensor) that the slot belongs to.
      name: what to append to the primary's name; it is made unique.
      dtype: the slot's type; the primary's if None.
      colocate_with_primary: put the slot on the primary's device.

    Returns:
      A variable that is not trained.
    """
    dtype = primary.dtype if dtype is None else dtype
    shape = primary.get_shape()
    if shape.is_fully_defined():
        return create_slot_with_initializer(primary, Zeros(), shape, dtype, name, colocate_with_primary)
    known = primary.initialized_value() if isinstance(primary, Variable) else primary
    return create_slot(primary, zeros(shape_of(known), dtype=dtype), name, colocate_with_primary)


def _create(primary, value, shape, dtype, name, validate_shape, colocate):
    with variable_scope(None, f"{primary.op.name}/{name}") as scope:
        # A slot is as large as its primary, which may be a part already.
        scope.set_partitioner(None)
        with get_default_graph().colocate_with(primary.op) if colocate else contextlib.nullcontext():
            slot = get_variable(
                "", initializer=value, trainable=False, use_resource=_kind(primary), dtype=dtype,
                shape=shape if callable(value) else None, validate_shape=validate_shape,
            )  # fmt: skip
    info = getattr(primary, "_save_slice_info", None)
    if info:
        slot_name = slot.op.name[len(primary.op.name) + 1:]
        slot._set_save_slice_info(SaveSliceInfo(f"{info.full_name}/{slot_name}", list(info.full_shape),
                                                list(info.var_offset), list(info.var_shape)))  # fmt: skip
    return slot


def _kind(primary):
    """The slot's `use_resource`: it is of the kind of its primary."""
    if is_resource_variable(primary):
        return True
    return False if isinstance(primary, RefVariable) else None
