"""Collective ops: the members of a group, each on its own device, reduce, gather or broadcast tensors together.

`engine/collectives.py` makes one node of the members that a step runs; the kernels here are those of a member that is
alone in its group, and of such nodes.
"""

from collections.abc import Callable

import torch

from reflow.graph import errors
from reflow.graph.build import call
from reflow.graph.device import canonical_name
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_in_brackets
from reflow.ops.shape_rules import unchanged, with_rank_at_least

_TYPES = "T: type in float|half|double|int32|int64"
_GROUP = f"{_TYPES}, group_size: int, group_key: int, instance_key: int"
_HINT = 'communication_hint: string = "auto"'
_REDUCTION = "merge_op: string in Min|Max|Mul|Add, final_op: string in Id|Div"


def _gathered_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    if dims is None:
        return [None]
    return [(None if dims[0] is None else dims[0] * op.attrs["group_size"], *dims[1:])]


def _declared_shape(op):
    return [op.attrs["shape"]]


def _alone(input, group_size):
    """What a group of one member computes of its tensor."""
    if group_size != 1:
        raise errors.InternalError(None, None, f"a collective group of {group_size} members cannot run by itself")
    return input


def _broadcast_alone(input, group_size, shape):
    _alone(input, group_size)
    return broadcast([input], shape)


def _receive_alone(group_size, instance_key):
    raise errors.InternalError(None, None, f"Instance {instance_key} found no source for broadcast. This could mean "
                               f"that there were group_size={group_size} BcastRecvs but no BcastSend.")  # fmt: skip


define_op("CollectiveReduce", "input: T -> data: T",
          f"{_GROUP}, {_REDUCTION}, subdiv_offsets: list(int), wait_for: list(int) = [], {_HINT}",
          shape=unchanged(), kernel=_alone, aliases=(0,), is_stateful=True)  # fmt: skip
define_op("CollectiveGather", "input: T -> data: T", f"{_GROUP}, shape: shape, {_HINT}", shape=_gathered_shape,
          kernel=_alone, aliases=(0,), is_stateful=True)  # fmt: skip
define_op("CollectiveBcastSend", "input: T -> data: T", f"{_GROUP}, shape: shape, {_HINT}", shape=_declared_shape,
          kernel=_broadcast_alone, aliases=(0,), is_stateful=True)  # fmt: skip
define_op("CollectiveBcastRecv", "-> data: T", f"{_GROUP}, shape: shape, {_HINT}", shape=_declared_shape,
          kernel=_receive_alone, is_stateful=True)  # fmt: skip


# --- all members of a group as one node -------------------------------------------------------------------------------

_MERGE: dict[bytes, Callable] = {b"Add": torch.add, b"Mul": torch.mul, b"Max": torch.maximum, b"Min": torch.minimum}


def _check_shapes(shapes: list[tuple], instance_key: int) -> None:
    for shape in shapes:
        if shape != shapes[0]:
            one, other = (dims_in_brackets(tuple(s)) for s in (shapes[0], shape))
            raise errors.InvalidArgumentError(
                None, None, f"Shape mismatch in the collective instance {instance_key}. A member expected shape {one} "
                f"but another member in the group expected shape {other}.")  # fmt: skip


def reduce(inputs, instance_key, merge_op, final_op):
    """The elementwise sum, product, maximum or minimum of all inputs, divided by their number if asked for."""
    _check_shapes([tuple(x.shape) for x in inputs], instance_key)
    result, *others = inputs
    for other in others:
        result = _MERGE[merge_op](result, other)
    if final_op == b"Div":
        # C++ divides integers towards zero.
        result = torch.div(result, len(inputs), rounding_mode=None if result.is_floating_point() else "trunc")
    return result


def gather(inputs, instance_key):
    """All inputs one after the other along their first axis."""
    if any(x.ndim == 0 for x in inputs):
        raise errors.InvalidArgumentError(None, None, "Tensors to gather must have rank 1 or more, but got a scalar")
    sizes = [(x.shape[0] * len(inputs), *x.shape[1:]) for x in inputs]
    _check_shapes(sizes, instance_key)
    return torch.cat(inputs)


def broadcast(inputs, shape):
    """The one input, which must have the declared shape."""
    (sent,) = inputs
    if shape is None or tuple(shape) != tuple(sent.shape):
        raise errors.InternalError(None, None, "Declared shape of op {node} does not match shape of input")
    return sent


define_op("_CollectiveReduce", "inputs: N*T -> data: T",
          f"N: int >= 1, {_TYPES}, instance_key: int, {_REDUCTION}", kernel=reduce, is_stateful=True,
          gradient=None)  # fmt: skip
define_op("_CollectiveGather", "inputs: N*T -> data: T", f"N: int >= 1, {_TYPES}, instance_key: int", kernel=gather,
          is_stateful=True, gradient=None)  # fmt: skip
define_op("_CollectiveBcast", "inputs: N*T -> data: T", f"N: int >= 1, {_TYPES}, shape: shape", kernel=broadcast,
          aliases=(0,), is_stateful=True, gradient=None)  # fmt: skip


# --- public functions -------------------------------------------------------------------------------------------------


def _check_member(function: str, group_size: int, tensor=None) -> None:
    if tensor is not None and not canonical_name(tensor.device):
        raise ValueError("Device assignment required for collective ops")
    if group_size <= 1:
        raise ValueError(f"Parameter group_size to {function} must be at least 2.")


@export("python.ops.collective_ops.all_reduce")
def all_reduce(t, group_size, group_key, instance_key, merge_op, final_op, subdiv_offsets=(0,),
               communication_hint="auto"):  # fmt: skip
    """Reduces the tensors of all members of a group, elementwise.

    Args:
      t: a float, half, double, int32 or int64 tensor that stands on a device; all members' have one shape.
      group_size: how many members there are, each on its own device; at least 2.
      group_key: an int that names the group.
      instance_key: an int that names this operation of the group.
      merge_op: "Add", "Mul", "Max" or "Min".
      final_op: "Id", or "Div" to divide by the number of members.
      subdiv_offsets, communication_hint: accepted; there is one way to do it.

    Returns:
      A tensor like `t`, the same for every member.

    Raises:
      ValueError: if `t` has no device, or for a group of fewer than two.
    """
    _check_member("all_reduce", group_size, t)
    return call("CollectiveReduce", t, group_size=group_size, group_key=group_key, instance_key=instance_key,
                merge_op=merge_op, final_op=final_op, subdiv_offsets=list(subdiv_offsets),
                communication_hint=communication_hint)  # fmt: skip


@export("python.ops.collective_ops.all_gather")
def all_gather(t, group_size, group_key, instance_key, communication_hint="auto"):
    """Joins the tensors of all members of a group along the first axis, in the order of their devices.

    Args:
      t: a tensor of rank 1 or more that stands on a device; all members' have one shape `[n, ...]`.
      group_size, group_key, instance_key, communication_hint: as for `all_reduce`.

    Returns:
      A tensor of shape `[group_size * n, ...]`, the same for every member.

    Raises:
      ValueError: if `t` has no device, or for a group of fewer than two.
    """
    _check_member("all_gather", group_size, t)
    return call("CollectiveGather", t, shape=[0], group_size=group_size, group_key=group_key,
                instance_key=instance_key, communication_hint=communication_hint)  # fmt: skip


@export("python.ops.collective_ops.broadcast_send")
def broadcast_send(t, shape, dtype, group_size, group_key, instance_key, communication_hint="auto"):
    """Sends a tensor to all other members of a group.

    Args:
      t: a tensor that stands on a device.
      shape: its static shape.
      dtype: its type.
      group_size, group_key, instance_key, communication_hint: as for `all_reduce`.

    Returns:
      A tensor equal to `t`.

    Raises:
      ValueError: if `t` has no device, or another shape or type; or for a group of fewer than two.
    """
    _check_member("broadcast_send", group_size, t)
    if t.shape != shape:
        raise ValueError("The shape of broadcast_send's tensor is not the declared one")
    if t.dtype != dtype:
        raise ValueError("The type of broadcast_send's tensor is not the declared one")
    return call("CollectiveBcastSend", t, shape=shape, group_size=group_size, group_key=group_key,
                instance_key=instance_key, communication_hint=communication_hint)  # fmt: skip


@export("python.ops.collective_ops.broadcast_recv")
def broadcast_recv(shape, dtype, group_size, group_key, instance_key, communication_hint="auto"):
    """Receives the tensor that another member of the group sends.

    Args:
      shape: its shape, fully known.
      dtype: its type.
      group_size, group_key, instance_key, communication_hint: as for `all_reduce`.

    Returns:
      The tensor.

    Raises:
      ValueError: for a group of fewer than two.
    """
    # The message names the sender's function, as TensorFlow's does.
    _check_member("broadcast_send", group_size)
    return call("CollectiveBcastRecv", shape=shape, T=dtype, group_size=group_size, group_key=group_key,
                instance_key=instance_key, communication_hint=communication_hint)  # fmt: skip
