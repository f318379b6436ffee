"""Order of execution: NoOp, group, tuple, and outputs that wait for operations."""

import os
import time

import torch

from reflow.graph.build import call
from reflow.graph.context import colocate_with, control_dependencies, device, name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.nest import flatten
from reflow.graph.operation import Operation, Tensor
from reflow.graph.registry import define_op
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.joining import is_dense_tensor_like
from reflow.ops.shape_rules import no_outputs, scalar


@export("is_tensor", "contrib.framework.is_tensor")
def is_tensor(x):
    """True if `x` is a tensor, or something made of tensors: a SparseTensor, IndexedSlices, variable.

    Args:
      x: any object.
    """
    return (isinstance(x, (Tensor, SparseTensor, IndexedSlices)) or is_dense_tensor_like(x)
            or bool(getattr(x, "is_tensor_like", False)))  # fmt: skip


# --- ops ----------------------------------------------------------------------------------------------------------

define_op("NoOp", "->", shape=no_outputs, kernel="None")
define_op("ControlTrigger", "->", shape=no_outputs, kernel="None")


def _abort(error_msg, exit_without_error):
    if exit_without_error:
        raise SystemExit(0)
    os.write(2, error_msg + b"\n")
    os.abort()


define_op("Abort", "->", 'error_msg: string = "", exit_without_error: bool = false', shape=no_outputs, kernel=_abort)


def _timestamp():
    return torch.tensor(time.time(), dtype=torch.float64)


define_op("Timestamp", "-> ts: double", shape=scalar, kernel=_timestamp, is_stateful=True, gradient=None)


@export("no_op")
def no_op(name=None):
    """An operation that does nothing: a place for control dependencies.

    Args:
      name: the node's name.

    Returns:
      The Operation.
    """
    return call("NoOp", name=name)


@export("timestamp")
def timestamp(name=None):
    """The time when it runs, in seconds since the epoch.

    Args:
      name: the node's name.

    Returns:
      A float64 scalar.
    """
    return call("Timestamp", name=name)


def abort(error_msg="", exit_without_error=None, name=None):
    """End the process when it runs: with `error_msg` and a core dump, or quietly if `exit_without_error`."""
    return call("Abort", error_msg=error_msg, exit_without_error=bool(exit_without_error), name=name)


# --- group, tuple, with_dependencies --------------------------------------------------------------------------------


@export("group")
def group(*inputs, **kwargs):
    """An operation that runs several others: when it is done, all of them are.

    Args:
      *inputs: operations and tensors, also nested in lists.
      **kwargs: `name`, the node's name.

    Returns:
      An Operation.

    Raises:
      TypeError: for an input that is neither operation nor tensor.
      ValueError: for another keyword.
    """
    name = kwargs.pop("name", None)
    if kwargs:
        raise ValueError("Unknown keyword arguments: " + ", ".join(kwargs))
    with name_scope(name, "group_deps", inputs) as scope:
        by_device: dict[str, list] = {}
        for each in flatten(inputs, expand_composites=True):
            if not hasattr(each, "device"):
                raise TypeError(f"Expected tf.group() expected Tensor objects not None or type '{type(each)}'.")
            by_device.setdefault(each.device, []).append(each)
        if not by_device:
            return no_op(name=scope)
        if len(by_device) == 1:
            ((place, members),) = by_device.items()
            return _waiting_no_op(place, members, scope)
        groups = [_waiting_no_op(place, by_device[place], None) for place in sorted(by_device)]
        with control_dependencies(groups):
            return no_op(name=scope)


def _waiting_no_op(place, members, name):
    with control_dependencies(members):
        if not place:
            return no_op(name=name)
        with device(place):
            return no_op(name=name)


def with_dependencies(dependencies, output_tensor, name=None):
    """`output_tensor` as a node that runs after all of `dependencies`.

    Args:
      dependencies: a list of operations or tensors.
      output_tensor: a Tensor or IndexedSlices.
      name: the node's name.

    Returns:
      A Tensor or IndexedSlices like `output_tensor`.
    """
    scope = name_scope(name, "control_dependency", [*dependencies, output_tensor])
    with scope as scope_name, colocate_with(output_tensor), control_dependencies(dependencies):
        if isinstance(output_tensor, IndexedSlices):
            values = _identity(output_tensor.values, scope_name)
            return IndexedSlices(values, output_tensor.indices, output_tensor.dense_shape)
        return _identity(to_tensor(output_tensor), scope_name)


def _identity(tensor, name):
    return call("RefIdentity" if tensor.dtype.is_ref else "Identity", tensor, name=name)


@export("tuple")
def tuple_(tensors, name=None, control_inputs=None):
    """The tensors of a list, each of which waits until all of them are computed.

    Args:
      tensors: a list of Tensors, IndexedSlices, operations, or None.
      name: the name scope.
      control_inputs: operations and tensors that must be done as well.

    Returns:
      A list like `tensors`.

    Raises:
      ValueError: if there is nothing in `tensors` but None.
      TypeError: if `control_inputs` holds something else than operations and tensors.
    """
    with name_scope(name, "tuple", tensors):
        tensors = [t if t is None or isinstance(t, Operation) or is_tensor(t) else to_tensor(t) for t in tensors]
        gating = {t if isinstance(t, Operation) else t.op for t in tensors if t is not None}
        for each in control_inputs or ():
            if not isinstance(each, (Operation, Tensor)):
                raise TypeError(f"Control input must be Operation or Tensor: {each}")
            gating.add(each.op if isinstance(each, Tensor) else each)
        if not gating:
            raise ValueError(f"Must have at least one Tensor: {tensors}")
        gate = group(*sorted(gating, key=lambda op: op._id))
        return [_gated(t, gate) for t in tensors]


def _gated(element, gate):
    if element is None:
        return None
    if isinstance(element, Operation):
        with control_dependencies([gate]):
            return group(element)
    return with_dependencies([gate], element)


tuple_.__name__ = tuple_.__qualname__ = "tuple"
