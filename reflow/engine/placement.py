"""Placement: the device of every node. Constraints first, then a simulated run with the cost model."""

import sys

from reflow.engine import cost_model
from reflow.engine.plan import Node, Plan
from reflow.graph import errors
from reflow.graph.device import DeviceSpec


class Placer:
    """Places plans on the devices of a session.

    Args:
      devices: their full names; the first is where things go that no constraint and no cost sends elsewhere.
      soft: use the first device, rather than fail, where a program asks for one that there is not.
      log: write each node's device to standard error.
    """

    def __init__(self, devices: list[str], soft: bool = False, log: bool = False):
        self._devices = devices
        self._specs = [DeviceSpec.from_string(d) for d in devices]
        self._soft = soft
        self._log = log
        self._matching: dict[str, list[str]] = {}

    def place(self, plan: Plan) -> Plan:
        """Set the `device` of every node to a full device name.

        Raises:
          InvalidArgumentError: if a node asks for a device that is not there, or nodes that have to stay together ask
            for different ones.
        """
        if len(self._devices) == 1 and not self._log:
            for node in plan.nodes:
                if node.device:
                    self._candidates(node)
                node.device = self._devices[0]
            return plan
        asked = {node: node.device for node in plan.nodes}
        groups = _Groups(plan)
        allowed = {root: self._allowed(members) for root, members in groups.members().items()}
        self._simulate(plan, groups, allowed)
        plan.placement = self._reasons(plan, groups, asked)
        if self._log:
            for node in plan.nodes:
                print(f"{node.name}: ({node.type}): {node.device}", file=sys.stderr)
        return plan

    def _reasons(self, plan: Plan, groups: "_Groups", asked: dict[Node, str]) -> dict[str, str]:
        """Why each node stands where it does, by its name."""
        anchors = {root: next((n for n in members if asked[n]), None) for root, members in groups.members().items()}
        sizes = {root: len(members) for root, members in groups.members().items()}
        reasons = {}
        for node in plan.nodes:
            root = groups.root(node)
            anchor = anchors[root]
            if asked[node]:
                fits = node.device in self._matching.get(asked[node], ())
                reason = f"asked for {asked[node]}" + ("" if fits else ", which is not there")
            elif anchor is not None:
                reason = f"has to stand with {anchor.name}, which asked for {asked[anchor]}"
            elif sizes[root] > 1 and node is not root:
                reason = f"has to stand with {root.name}"
            else:
                reason = "done soonest there in the simulated run"
            reasons[node.name] = reason
        return reasons

    def _candidates(self, node: Node) -> list[str]:
        """The devices that the node's own request names."""
        found = self._matching.get(node.device)
        if found is None:
            wanted = DeviceSpec.from_string(node.device)
            found = [d for d, spec in zip(self._devices, self._specs, strict=True) if _matches(wanted, spec)]
            self._matching[node.device] = found
        if found:
            return found
        if self._soft:
            return self._devices[:1]
        raise _no_device(node, f"was explicitly assigned to {node.device} but available devices are [ "
                         f"{', '.join(self._devices)} ]. Make sure the device specification refers to a valid device. "
                         "With allow_soft_placement=True in its ConfigProto a session takes another.")  # fmt: skip

    def _allowed(self, members: list[Node]) -> list[str]:
        """The devices on which a group of nodes may stand."""
        allowed = self._devices
        asked = False
        for node in members:
            if not node.device:
                continue
            asked = True
            both = [d for d in allowed if d in self._candidates(node)]
            if not both and not self._soft:
                raise _no_device(node, f"has to stand with {members[0].name}, which is on {allowed[0]}, but asks for "
                                 f"{node.device}")  # fmt: skip
            allowed = both or allowed
        return allowed if asked else self._devices

    def _simulate(self, plan: Plan, groups: "_Groups", allowed: dict) -> None:
        """Run the plan in thought: each group goes where its first node would be done soonest. Ties go to the first."""
        free = dict.fromkeys(self._devices, 0.0)
        done: dict[Node, float] = {}
        chosen: dict[Node, str] = {}
        for node in plan.nodes:
            root = groups.root(node)
            options = [chosen[root]] if root in chosen else allowed[root]
            best = min(((self._finish(node, d, free, done), i, d) for i, d in enumerate(options)), key=lambda x: x[:2])
            node.device = chosen[root] = best[2]
            done[node] = free[best[2]] = best[0]

    def _finish(self, node: Node, device: str, free: dict, done: dict) -> float:
        start = free[device]
        for value in node.inputs:
            if value.node.type == "_Feed" and device != self._devices[0]:
                start = max(start, cost_model.transfer_seconds(value))
            if value.node in done:
                arrival = done[value.node]
                if value.node.device != device and value.node.type != "Const":
                    arrival += cost_model.transfer_seconds(value)
                start = max(start, arrival)
        for control in node.control:
            start = max(start, done.get(control, 0.0))
        return start + cost_model.seconds(node, device)


class _Groups:
    """Nodes that have to share a device: by colocation attribute, and around each variable."""

    def __init__(self, plan: Plan):
        self._parent: dict[Node, Node] = {n: n for n in plan.nodes}
        self._nodes = plan.nodes
        by_name = {n.name: n for n in plan.nodes}
        for node in plan.nodes:
            for label in node.attrs.get("_class", ()):
                anchor = by_name.get(label.decode().removeprefix("loc:@"))
                if anchor is not None:
                    self._join(anchor, node)
            for value in node.inputs:
                if value.is_state:
                    self._join(value.node, node)

    def root(self, node: Node) -> Node:
        """The node that stands for a node's group."""
        while self._parent[node] is not node:
            self._parent[node] = self._parent[self._parent[node]]
            node = self._parent[node]
        return node

    def _join(self, a: Node, b: Node) -> None:
        a, b = self.root(a), self.root(b)
        if a is not b:
            self._parent[b] = a

    def members(self) -> dict[Node, list[Node]]:
        """The groups, by the node that stands for each."""
        result: dict[Node, list[Node]] = {}
        for node in self._nodes:
            result.setdefault(self.root(node), []).append(node)
        return result


def _matches(wanted: DeviceSpec, spec: DeviceSpec) -> bool:
    fields = ("job", "replica", "task", "device_type", "device_index")
    return all(getattr(wanted, f) in (None, getattr(spec, f)) for f in fields)


def _no_device(node: Node, reason: str) -> errors.InvalidArgumentError:
    operation = node.operation
    node_def = operation.node_def if operation is not None else None
    return errors.InvalidArgumentError(node_def, operation, f"Cannot assign a device for operation {node.name}: node "
                                       f"{node.name} {reason}")  # fmt: skip
