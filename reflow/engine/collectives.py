"""Collectives: the members of a group become one node, which takes what all of them take.

What any member waits for then runs before all of them, transfers and cancelling are the partition's, and a group that
waits for itself is a cycle. Every member gets the same tensor, so the node has one output and each member passes it on
on its device.
"""

from reflow.engine.plan import Node, Plan, new_node
from reflow.engine.schedule import topological
from reflow.graph import errors
from reflow.graph.device import DeviceSpec
from reflow.graph.registry import get_op_def

_KINDS = {"CollectiveReduce": "_CollectiveReduce", "CollectiveGather": "_CollectiveGather",
          "CollectiveBcastSend": "_CollectiveBcast", "CollectiveBcastRecv": "_CollectiveBcast"}  # fmt: skip


def join_collectives(plan: Plan) -> Plan:
    """Make one node of the members of each collective group; a plan without groups is returned as it is.

    Raises:
      InternalError: if members differ in the size of the group, share a device, or are more than the group has; if a
        broadcast has no sender, or more than one.
      InvalidArgumentError: if members are missing, do not do the same, or differ in type or shape; if a group waits for
        itself.
    """
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type in _KINDS and node.attrs["group_size"] > 1:
            groups.setdefault((node.attrs["group_key"], node.attrs["instance_key"]), []).append(node)
    if not groups:
        return plan
    _check_sizes([node for node in plan.nodes if node.type in _KINDS])
    joints = {}
    for members in groups.values():
        _check(members)
        joints[members[0]] = _join(members)
    nodes = []
    for node in plan.nodes:
        nodes.extend([joints[node], node] if node in joints else [node])
    try:
        plan.nodes = topological(nodes)
    except ValueError as error:
        raise _error(errors.InvalidArgumentError, next(iter(joints)), f"waits for itself: {error}") from error
    return plan


def _check_sizes(members: list[Node]) -> None:
    sizes: dict[int, int] = {}
    for node in members:
        key, size = node.attrs["group_key"], node.attrs["group_size"]
        if sizes.setdefault(key, size) != size:
            raise _error(errors.InternalError, node,
                         f"has group_size {size} and group_key {key} but that group has size {sizes[key]}")  # fmt: skip


def _check(members: list[Node]) -> None:
    first = members[0]
    size, key = first.attrs["group_size"], first.attrs["group_key"]
    if len(members) > size:
        raise _error(errors.InternalError, members[size], f"is assigned to device {members[size].device} and group_key "
                     f"{key} but that group doesn't contain that device.")  # fmt: skip
    if len(members) < size:
        raise _error(errors.InvalidArgumentError, first, f"has group_size {size}, but the step has only "
                     f"{len(members)} members of group {key}")  # fmt: skip
    for what, kind in _AGREEMENTS:
        for node in members:
            if what(node) != what(first):
                raise _error(errors.InvalidArgumentError, node, f"has another {kind} than {first.name}, another member "
                             f"of group {key}")  # fmt: skip
    devices: dict[str, Node] = {}
    for node in members:
        if devices.setdefault(node.device, node) is not node:
            raise _error(errors.InternalError, node, f"is assigned to device {node.device or '(any)'} and group_key "
                         f"{key}, but so is {devices[node.device].name}")  # fmt: skip
    senders = sum(node.type == "CollectiveBcastSend" for node in members)
    if _KINDS[first.type] == "_CollectiveBcast" and senders != 1:
        raise _error(errors.InternalError, first, f"Instance {first.attrs['instance_key']} found "
                     f"{senders or 'no'} sources for broadcast.")  # fmt: skip


# What the members of a group have in common.
_AGREEMENTS = [
    (lambda node: _KINDS[node.type], "kind of operation"),
    (lambda node: node.attrs["T"], "type"),
    (lambda node: (node.attrs.get("merge_op"), node.attrs.get("final_op")), "reduction"),
    (lambda node: _KINDS[node.type] == "_CollectiveBcast" and node.attrs["shape"], "shape"),
    (lambda node: node.guard, "condition under which it runs"),
]


def _join(members: list[Node]) -> Node:
    """The node of a group; its members become Identities of what it makes."""
    first = members[0]
    inputs = [v for node in sorted(members, key=_device_order) for v in node.inputs]
    dtype = first.attrs["T"]
    joint_type = _KINDS[first.type]
    names = get_op_def(joint_type).attrs
    attrs = {name: value for name, value in first.attrs.items() if name in names} | {"N": len(inputs)}
    speaker = next((node for node in members if node.inputs), first)
    joint = new_node(first.name, joint_type, inputs, attrs, [(dtype, first.outputs[0].dims)], like=speaker)
    joint.device = ""
    joint.control = list(dict.fromkeys(c for node in members for c in node.control))
    identity = get_op_def("Identity")
    for node in members:
        node.op_def, node.type = identity, identity.name
        node.attrs = {"T": dtype, "_class": node.attrs.get("_class", [])}
        node.inputs, node.control = [joint.outputs[0]], []
    return joint


def _device_order(node: Node) -> tuple:
    spec = DeviceSpec.from_string(node.device)
    return (spec.job or "", spec.replica or 0, spec.task or 0, spec.device_type or "", spec.device_index or 0)


def _error(kind: type, node: Node, message: str) -> errors.OpError:
    node_def = node.operation.node_def if node.operation is not None else None
    return kind(node_def, node.operation, f"Collective Op {node.name}: {node.type} {message}")
