"""The plan: a small IR of what one `Session.run` computes. Passes map plans to plans and never touch the graph."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

from reflow.graph import dtypes
from reflow.graph.dtypes import DType
from reflow.graph.operation import Operation, Tensor
from reflow.graph.registry import OpDef, define_op, get_op_def
from reflow.graph.shapes import Dims


class Value:
    """One output of a plan node. A fed tensor is the output of a `_Feed` node, which is not among the plan's nodes."""

    __slots__ = ("node", "index", "dtype", "dims", "name")

    def __init__(self, node, index: int, dtype: DType, dims: Dims, name: str):
        self.node = node
        self.index = index
        self.dtype = dtype
        self.dims = dims
        self.name = name

    @property
    def is_state(self) -> bool:
        """True if what flows is a variable or another resource itself, not a tensor."""
        return self.dtype.is_ref or self.dtype is dtypes.resource

    # What shape rules and value rules read, so that a rule written for a graph's tensors serves a plan's values too.
    @property
    def op(self):
        return self.node

    @property
    def value_index(self):
        return self.index

    def __repr__(self):
        return f"%{self.name}:{self.index}"


class Node:
    """One operation of a plan.

    It runs if every condition of its `guard` goes the way that stands beside it; see `passes/conditionals.py`.
    """

    __slots__ = ("name", "op_def", "type", "attrs", "inputs", "control", "outputs", "operation", "device", "level",
                 "guard", "reuses")  # fmt: skip

    def __init__(self, name: str, op_def: OpDef, attrs: dict, inputs: list[Value], operation: Any = None):
        self.name = name
        self.op_def = op_def
        self.type = op_def.name
        self.attrs = attrs
        self.inputs = inputs
        self.control: list[Node] = []
        self.outputs: list[Value] = []
        self.operation = operation
        self.device = ""
        self.level = 0
        self.guard: tuple[tuple[Value, bool], ...] = ()
        # For each output, the position of the input in whose memory it is made, if any; see `passes/in_place.py`.
        self.reuses: tuple[int, ...] = ()

    def add_output(self, dtype: DType, dims: Dims) -> Value:
        """Append an output value."""
        value = Value(self, len(self.outputs), dtype, dims, self.name)
        self.outputs.append(value)
        return value

    # What shape rules read, so that a rule written for an Operation serves a plan node too.
    @property
    def _inputs(self):
        return self.inputs

    def __repr__(self):
        inputs = ", ".join(map(repr, self.inputs))
        control = "".join(f" ^{c.name}" for c in self.control)
        guard = " and ".join(f"{'' if way else 'not '}{condition}" for condition, way in self.guard)
        memory = "".join(f" in {self.inputs[i]}" for i in self.reuses)
        return f"%{self.name} = {self.type}({inputs}){memory}{control}{guard and f' if {guard}'}"


def new_node(name: str, op_name: str, inputs: list[Value], attrs: dict, outputs: Iterable[tuple[DType, Dims]],
             like: Node | None = None) -> Node:  # fmt: skip
    """A node that a pass makes; `like` is the node of the program that it stands for in messages and placement."""
    node = Node(name, get_op_def(op_name), attrs, inputs, like.operation if like else None)
    if like is not None:
        node.device = like.device
        node.control = list(like.control)
        node.guard = like.guard if op_name != "Const" else ()
    for dtype, dims in outputs:
        node.add_output(dtype, dims)
    return node


FEED = define_op("_Feed", "-> output: dtype", "dtype: type", gradient=None)


@dataclass
class Plan:
    """What one run computes: nodes in topological order, fed values, fetched values, and nodes run for effect."""

    nodes: list[Node]
    feeds: list[Value]
    fetches: list[Value]
    targets: list[Node] = field(default_factory=list)
    # What the passes say they did, and how many nodes there were before them.
    notes: list[str] = field(default_factory=list)
    pruned: int = 0
    # Why nodes stand on their devices, by name, where there was a choice.
    placement: dict[str, str] = field(default_factory=dict)
    # What compiles parts of it; None if nothing is to be compiled.
    jit: Any = None

    def lacks(self, *types: str) -> bool:
        """True if no node is of one of these types: a pass that works on them has nothing to do."""
        return not any(node.type in types for node in self.nodes)

    def consumers(self) -> dict[Value, list[Node]]:
        """For each value, the nodes that take it (a node stands once for each use)."""
        uses: dict[Value, list[Node]] = {}
        for node in self.nodes:
            for value in node.inputs:
                uses.setdefault(value, []).append(node)
        return uses

    def replace(self, values: dict[Value, Value], nodes: dict[Node, Node] | None = None) -> None:
        """Let every use of a value (and control edge from a node) go to its replacement."""
        nodes = nodes or {}

        def final(value):
            while value in values:
                value = values[value]
            return value

        if values:
            for node in self.nodes:
                inputs = node.inputs
                for i, value in enumerate(inputs):
                    if value in values:
                        inputs[i] = final(value)
                if node.guard:
                    node.guard = tuple((final(condition), way) for condition, way in node.guard)
            self.fetches = [final(v) for v in self.fetches]
        if nodes:
            for node in self.nodes:
                if node.control:
                    node.control = [nodes.get(c, c) for c in node.control]
            self.targets = [nodes.get(t, t) for t in self.targets]


def build_plan(fetched: list[Tensor], targets: list[Operation], fed: list[Tensor]) -> Plan:
    """Prune a graph to what the fetches and targets need, cut at the fed tensors.

    Args:
      fetched: tensors whose values are wanted.
      targets: operations to run for their effect.
      fed: tensors whose values are given.

    Returns:
      A Plan whose nodes stand in the order in which the program made them, which is topological but for loops.
    """
    feeds = {t: _feed_value(t) for t in fed}
    needed = _needed(fetched, targets, feeds)
    nodes: dict[Operation, Node] = {}
    ordered = sorted(needed, key=_op_id)
    for operation in ordered:
        node = Node(operation.name, operation.op_def, operation.attrs, [], operation)
        node.device = operation._device
        node.outputs = [Value(node, t.value_index, t.dtype, t.dims, node.name) for t in operation.outputs]
        nodes[operation] = node

    def value_of(tensor):
        value = feeds.get(tensor)
        return nodes[tensor.op].outputs[tensor.value_index] if value is None else value

    for operation in ordered:
        node = nodes[operation]
        node.inputs = [value_of(t) for t in operation._inputs] if feeds else [
            nodes[t.op].outputs[t.value_index] for t in operation._inputs]  # fmt: skip
        if operation._control_inputs:
            node.control = [nodes[c] for c in operation._control_inputs if c in nodes]
    plan_nodes = [nodes[operation] for operation in ordered]
    return Plan(plan_nodes, list(feeds.values()), [value_of(t) for t in fetched], [nodes[t] for t in targets],
                pruned=len(plan_nodes))  # fmt: skip


def _feed_value(tensor):
    node = Node(tensor.op.name, FEED, {}, [], tensor.op)
    value = Value(node, tensor.value_index, tensor.dtype.base_dtype, tensor.dims, tensor.op.name)
    node.outputs = [value]
    return value


def _op_id(operation):
    return operation._id


def _needed(fetched, targets, feeds) -> set[Operation]:
    """The operations that the fetches and targets depend on."""
    # Who waits for a placeholder that is fed waits for nothing.
    fed = {t.op for t in feeds if t.op.type in ("Placeholder", "PlaceholderV2")}
    needed: set[Operation] = set()
    stack = [t.op for t in fetched if t not in feeds]
    stack.extend(targets)
    while stack:
        operation = stack.pop()
        if operation in needed:
            continue
        needed.add(operation)
        for tensor in operation._inputs:
            if tensor not in feeds and tensor.op not in needed:
                stack.append(tensor.op)
        for control in operation._control_inputs:
            if control not in needed and control not in fed:
                stack.append(control)
    return needed
