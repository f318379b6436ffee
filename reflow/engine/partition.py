"""Partition: a placed and scheduled plan as one plan a device, joined by Send/Recv pairs.

Each part keeps the one global order, so that parts which wait for each other cannot deadlock.
"""

from reflow.engine.passes.conditionals import CONDITIONS
from reflow.engine.plan import Node, Plan, Value, new_node


def partition(plan: Plan) -> dict[str, Plan]:
    """The parts of a plan by device; one tensor goes to one device once, however many nodes take it there.

    Args:
      plan: a plan whose nodes have devices, in the order in which they run. It is taken apart.
    """
    parts: dict[str, Plan] = {n.device: Plan([], [], []) for n in plan.nodes}
    splitter = _Splitter(parts)
    for node in plan.nodes:
        splitter.add(node)
    for value in plan.fetches:
        # A fed tensor that is fetched belongs to the first part.
        device = value.node.device if value.node.device in parts else next(iter(parts))
        parts[device].fetches.append(value)
    for target in plan.targets:
        parts[target.device].targets.append(target)
    for part in parts.values():
        used = {v for n in part.nodes for v in n.inputs} | set(part.fetches)
        part.feeds = [v for v in plan.feeds if v in used]
    return parts


def name_in_key(key: str) -> str:
    """The tensor that travels under a key: "name", or "name:1" if it is not a node's first output."""
    return key.rpartition(";")[2].split("_", 2)[2].removesuffix(":0")


class _Splitter:
    def __init__(self, parts: dict[str, Plan]):
        self._parts = parts
        self._received: dict[tuple[Value, str], Value] = {}
        self._tokens: dict[tuple[Node, str], Node] = {}
        # Guards, and what conditions take, as they were before they were of the node's own device.
        self._guards: dict[Node, tuple] = {}
        self._asked: dict[Node, list[Value]] = {}
        self._count = 0

    def add(self, node: Node) -> None:
        """Put a node into its device's part, and the transfers that it needs before it."""
        if node.type in CONDITIONS:
            self._asked[node] = list(node.inputs)
        if node.guard:
            self._guards[node] = node.guard
            node.guard = self._guard_on(node.device, node.guard)
        for i, value in enumerate(node.inputs):
            node.inputs[i] = self._local(value, node.device)
        if node.control:
            node.control = [c if c.device == node.device else self._token(c, node.device) for c in node.control]
        self._parts[node.device].nodes.append(node)

    def _local(self, value: Value, device: str) -> Value:
        """The value on `device`."""
        if value.node.type == "_Feed" or value.node.device == device:
            return value
        key = value, device
        if key not in self._received:
            bring = {"Const": self._copy, **dict.fromkeys(CONDITIONS, self._ask)}.get(value.node.type, self._send)
            self._received[key] = bring(value, device)
        return self._received[key]

    def _guard_on(self, device: str, guard: tuple) -> tuple:
        return tuple((self._local(condition, device), way) for condition, way in guard)

    def _ask(self, condition: Value, device: str) -> Value:
        """Tensors are sent, not Python bools: the device asks for itself."""
        source = condition.node
        inputs = [self._local(v, device) for v in self._asked[source]]
        node = new_node(source.name, source.type, inputs, source.attrs, [(condition.dtype, ())], like=source)
        node.device, node.control, node.guard = device, [], self._guard_on(device, self._guards.get(source, ()))
        self._parts[device].nodes.append(node)
        return node.outputs[0]

    def _copy(self, value: Value, device: str) -> Value:
        """Constants are not sent: the other device has its own."""
        node = new_node(value.node.name, "Const", [], value.node.attrs, [(value.dtype, value.dims)], like=value.node)
        node.device = device
        self._parts[device].nodes.append(node)
        return node.outputs[0]

    def _send(self, value: Value, device: str) -> Value:
        source = value.node
        key = self._key(source, device, value.index)
        may_change = source.type == "_Read" or bool(source.op_def.aliases)
        attrs = {"T": value.dtype.base_dtype, "key": key}
        send = new_node(f"{source.name}/send", "_Send", [value], {**attrs, "copy": may_change}, [], like=source)
        send.control = []
        self._parts[source.device].nodes.append(send)
        receive = new_node(f"{source.name}/recv", "_Recv", [], attrs, [(value.dtype, value.dims)], like=source)
        receive.control, receive.device = [], device
        receive.guard = self._guard_on(device, self._guards.get(source, ()))
        self._parts[device].nodes.append(receive)
        return receive.outputs[0]

    def _token(self, source: Node, device: str) -> Node:
        """The node on `device` that waits for `source`."""
        key = source, device
        if key not in self._tokens:
            attrs = {"key": self._key(source, device, "control")}
            send = new_node(f"{source.name}/send_token", "_SendToken", [], attrs, [], like=source)
            send.control = [source]
            self._parts[source.device].nodes.append(send)
            receive = new_node(f"{source.name}/recv_token", "_RecvToken", [], attrs, [], like=source)
            receive.control, receive.device = [], device
            receive.guard = self._guard_on(device, self._guards.get(source, ()))
            self._parts[device].nodes.append(receive)
            self._tokens[key] = receive
        return self._tokens[key]

    def _key(self, source: Node, device: str, what) -> str:
        """As TensorFlow's keys: from device; to device; name of the edge."""
        self._count += 1
        return f"{source.device};{device};edge_{self._count}_{source.name}:{what}"
