"""Placement: the device of every node. Constraints first, then a simulated run with the cost model."""

import re
import sys

from reflow.engine import cost_model, gpu_kernels
from reflow.engine.devices import is_built_with_cuda
from reflow.engine.plan import Node, Plan
from reflow.engine.torch_devices import is_gpu
from reflow.graph import errors
from reflow.graph.device import DeviceSpec

# The parts of a device name, and what TensorFlow's messages call several of them.
_PARTS = {"job": "jobs", "replica": "replicas", "task": "tasks", "device_type": "types", "device_index": "ids"}


class Placer:
    """Places plans on the devices of a session.

    Args:
      devices: their full names; the first is where things go that no constraint and no cost sends elsewhere.
      soft: where a program asks for a device that there is not, use another one of the same task rather than fail.
      log: write each node's device to standard error.
    """

    def __init__(self, devices: list[str], soft: bool = False, log: bool = False):
        self._devices = devices
        self._specs = [DeviceSpec.from_string(d) for d in devices]
        self._soft = soft
        self._log = log
        self._matching: dict[str, list[str]] = {}
        self._has_gpus = any(map(is_gpu, devices))
        # Where the variables are, by what names their state: a later plan takes them from there.
        self._homes: dict[bytes, str] = {}

    def place(self, plan: Plan) -> Plan:
        """Set the `device` of every node to a full device name.

        Raises:
          InvalidArgumentError: if a node asks for what is no device or for one that is not there, or nodes that have
            to stay together ask for different ones.
        """
        for node in {n.device: n for n in plan.nodes}.values():
            _check_name(node)
        is_simple = len(self._devices) == 1 and not self._log
        if is_simple and all(not n.device or self._named(n.device) for n in plan.nodes):
            for node in plan.nodes:
                node.device = self._devices[0]
            return plan
        asked = {node: node.device for node in plan.nodes}
        groups = _Groups(plan)
        allowed = {root: self._allowed(members) for root, members in groups.members().items()}
        self._simulate(plan, groups, allowed)
        if self._has_gpus:
            self._homes.update((_state_name(n), n.device) for n in plan.nodes if n.type in gpu_kernels.VARIABLES)
        plan.placement = self._reasons(plan, groups, asked)
        if self._log:
            _log_devices(plan)
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
                reason = f"asked for {asked[node]}"
                named = self._named(asked[node])
                if not named:
                    reason += ", which is not there"
                elif anchor is not None and node.device not in named:
                    reason += f", but has to stand with {anchor.name}, which asked for {asked[anchor]}"
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
        if found := self._named(node.device):
            return found
        # Another type or number will do, another job or task will not.
        elsewhere = _spec(node.device).replace(device_type=None, device_index=None)
        others = self._named(elsewhere.to_string())[:1]
        if others and self._soft:
            return others
        hint = " With allow_soft_placement=True in its ConfigProto a session takes another." if others else ""
        there = ", ".join(self._devices)
        raise _not_placed(node, f"Cannot assign a device for operation {node.name}: node {node.name} was explicitly "
                          f"assigned to {node.device} but available devices are [ {there} ]. Make sure the device "
                          f"specification refers to a valid device.{_about_gpus(node)}{hint}")  # fmt: skip

    def _named(self, name: str) -> list[str]:
        """The devices that a name, full or partial, stands for."""
        if name not in self._matching:
            wanted = _spec(name)
            pairs = zip(self._devices, self._specs, strict=True)
            self._matching[name] = [d for d, spec in pairs if _matches(wanted, spec)]
        return self._matching[name]

    def _allowed(self, members: list[Node]) -> list[str]:
        """The devices on which a group of nodes may stand."""
        if not self._has_gpus:
            return self._asked_for(members)[0]
        names = [_state_name(node) for node in members if node.type in gpu_kernels.VARIABLES]
        homes = [self._homes[name] for name in names if name in self._homes]
        return homes[:1] or self._with_kernels(members, *self._asked_for(members))

    def _with_kernels(self, members: list[Node], asked: list[str], anchor: Node | None) -> list[str]:
        """Of the devices that a group asks for, those that have kernels for all of it.

        Where CPUs and GPUs will do, it goes to a GPU if it belongs there, as in TensorFlow, and else to a CPU.
        """
        gpus = [d for d in asked if is_gpu(d)]
        if not gpus or gpu_kernels.belongs_on_gpu(members):
            return gpus or asked
        cpus = [d for d in asked if not is_gpu(d)]
        if not cpus and all(map(gpu_kernels.may_stand_on_gpu, members)):
            return gpus
        cpus = cpus or (self._devices[:1] if self._soft else [])
        if cpus or anchor is None:
            return cpus
        node = next(n for n in members if not gpu_kernels.may_stand_on_gpu(n))
        raise _not_placed(node, f"Cannot assign a device for operation {node.name}: Could not satisfy explicit device "
                          f"specification '{anchor.device}' because no supported kernel for GPU devices is "
                          "available.")  # fmt: skip

    def _asked_for(self, members: list[Node]) -> tuple[list[str], Node | None]:
        """The devices that a group asks for, and the node that does so, if one does."""
        allowed = self._devices
        anchor: Node | None = None
        takers = []
        for node in members:
            if not node.device:
                continue
            if any(v.is_state for v in node.inputs):
                takers.append(node)
                continue
            both = [d for d in allowed if d in self._candidates(node)]
            # The first node's candidates are among all devices, so there is an anchor to disagree with.
            if not both and not self._soft and anchor is not None:
                raise _not_placed(node, f"Cannot colocate nodes {node.name} and {anchor.name}: "
                                  f"{_difference(node.device, anchor.device)}")  # fmt: skip
            allowed, anchor = both or allowed, anchor or node
        # What takes a variable or another resource stands with it, whatever it asks for.
        for node in takers:
            if anchor is None:
                allowed, anchor = self._candidates(node), node
            allowed = [d for d in allowed if d in self._named(node.device)] or allowed
        return allowed, anchor

    def _simulate(self, plan: Plan, groups: "_Groups", allowed: dict) -> None:
        """Run the plan in thought: each group goes where its first node would be done soonest. Ties go to the first."""
        free = dict.fromkeys(self._devices, 0.0)
        done: dict[Node, float] = {}
        chosen: dict[Node, str] = {}
        for node in plan.nodes:
            root = groups.root(node)
            options = [chosen[root]] if root in chosen else allowed[root]
            if node.type in gpu_kernels.OF_SHAPES and node.inputs[0].node.device in options:
                options = [node.inputs[0].node.device]  # No tensor travels to be asked for its shape.
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


def _log_devices(plan: Plan) -> None:
    """Write where the program's own operations stand; those that the engine adds or takes away have no line."""
    for node in plan.nodes:
        operation = node.operation
        if operation is not None and operation.name == node.name:
            print(f"{node.name}: ({operation.type}): {node.device}", file=sys.stderr)


def _state_name(node: Node) -> bytes:
    """What names the state of a variable's node in a session."""
    return node.attrs.get("shared_name") or node.name.encode()


def _spec(name: str) -> DeviceSpec:
    """The parts of a requested name, in which "*" says "any" as leaving the part out does."""
    return DeviceSpec.from_string(re.sub(r"/(job|replica|task):\*(?=/|$)", "", name))


def _check_name(node: Node) -> None:
    try:
        _spec(node.device)
    except ValueError:
        message = f"Malformed device specification '{node.device}' in node: {node.name}"
        raise _not_placed(node, message) from None


def _matches(wanted: DeviceSpec, spec: DeviceSpec) -> bool:
    return all(getattr(wanted, part) in (None, getattr(spec, part)) for part in _PARTS)


def _difference(device: str, other: str) -> str:
    """What keeps two devices from being one, in TensorFlow's words."""
    specs = _spec(device), _spec(other)
    for part, plural in _PARTS.items():
        values = {getattr(spec, part) for spec in specs}
        if len(values) == 2 and None not in values:
            return f"Cannot merge devices with incompatible {plural}: '{device}' and '{other}'"
    return f"'{device}' and '{other}' name no device in common"


def _about_gpus(node: Node) -> str:
    if _spec(node.device).device_type != "GPU" or is_built_with_cuda():
        return ""
    return " The requested device appears to be a GPU, but CUDA is not enabled."


def _not_placed(node: Node, message: str) -> errors.InvalidArgumentError:
    operation = node.operation
    return errors.InvalidArgumentError(operation.node_def if operation is not None else None, operation, message)
