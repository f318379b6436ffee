"""Elementwise ops that are connected become one node: a program that a kernel in C runs block by block.

What passes from one of them to the next stays in the cache, and there is one call in place of many; so it is for those
that take the same value. A group is made of nodes of equal depth: an edge between two nodes that may be in one program
may add nothing to the depth, every other edge adds one at least. So no way leads out of a group and back into it.
"""

from collections.abc import Callable, Iterable
from typing import NamedTuple

import torch

from reflow.engine.passes.rewriting import waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.engine.torch_devices import is_gpu
from reflow.graph import dtypes
from reflow.graph.registry import define_op
from reflow.graph.shapes import num_elements
from reflow.ops.native import programs

# The ops that a program can have, by the operation that does it. A sum of several terms becomes several.
_OPERATION = {name: name for name in programs.OPERATIONS} | {"AddV2": "Add", "AddN": "Add", "Inv": "Reciprocal"}
_FUNCTIONS: dict[str, Callable] = {
    "Add": torch.add, "Sub": torch.sub, "Mul": torch.mul, "RealDiv": torch.div, "Maximum": torch.maximum,
    "Minimum": torch.minimum, "SquaredDifference": lambda a, b: (a - b).square(), "Neg": torch.neg,
    "Square": torch.square, "Sqrt": torch.sqrt, "Rsqrt": torch.rsqrt, "Reciprocal": torch.reciprocal, "Abs": torch.abs,
    "Exp": torch.exp, "Log": torch.log, "Sigmoid": torch.sigmoid, "Tanh": torch.tanh, "Relu": torch.relu,
    "SigmoidGrad": lambda y, dy: torch.ops.aten.sigmoid_backward(dy, y),
    "TanhGrad": lambda y, dy: torch.ops.aten.tanh_backward(dy, y),
    "ReluGrad": lambda gradient, feature: torch.ops.aten.threshold_backward(gradient, feature, 0),
}  # fmt: skip


# What is there before a step begins: it delays nothing, unless it waits for something.
_GIVEN = frozenset({"_Feed", "Const"})


def _run(inputs, steps, results):
    values = list(inputs)
    for name, *operands in steps:
        values.append(_FUNCTIONS[name](*(values[i] for i in operands)))
    return [values[i] for i in results]


def _run_to_one(inputs, steps, results):
    return _run(inputs, steps, results)[0]


define_op("_Elementwise", "inputs: N*T -> output: T", "N: int, T: type, steps: list(string), results: list(int)",
          shape=None, kernel=_run_to_one, native=programs.rule(_run_to_one), gradient=None)  # fmt: skip
define_op("_ElementwiseMany", "inputs: N*T -> outputs: M*T",
          "N: int, M: int, T: type, steps: list(string), results: list(int)",
          shape=None, kernel=_run, native=programs.rule(_run), gradient=None)  # fmt: skip


def fuse_elementwise(plan: Plan) -> Plan:
    """Put the connected elementwise nodes of a plan into programs, where there is a kernel in C for them."""
    if plan.lacks(*_OPERATION) or programs.library() is None:
        return plan
    plan.nodes = topological(plan.nodes)
    consumers, fetched = plan.consumers(), set(plan.fetches)
    made: dict[Node, Node] = {}
    replaced: dict[Value, Value] = {}
    for group in _groups(plan, consumers):
        for part in _parts(group, consumers, fetched):
            if not part.results:  # Dead nodes, which another pass removes.
                continue
            node = _node_of(part)
            made.update(dict.fromkeys(part.members, node))
            replaced.update(zip(part.results, node.outputs, strict=True))
    if made:
        # Each stands where the first of its nodes stood, until all are sorted.
        plan.nodes = list(dict.fromkeys(made.get(node, node) for node in plan.nodes))
        plan.replace(replaced)
        plan.nodes = topological(plan.nodes)
        count = len(set(made.values()))
        plan.notes.append(f"{len(made)} elementwise ops in {count} program{'s' * (count > 1)}")
    return plan


def _groups(plan: Plan, consumers: dict[Value, list[Node]]) -> Iterable[list[Node]]:
    """Connected nodes of equal depth, two and more, each in the order of the plan."""
    waited_for = waited_for_in(plan)
    keys = {node: key for node in plan.nodes if node not in waited_for and (key := _key(node)) is not None}
    depth = _depths(plan, keys)
    _raise_to_users(plan, keys, depth, consumers)
    group_of: dict[Node, list[Node]] = {}
    reader: dict[tuple, Node] = {}
    for node, key in keys.items():
        group_of[node] = [node]
        for value in node.inputs:
            if keys.get(value.node) == key and depth[value.node] == depth[node]:
                _join(node, value.node, group_of)
            elif value.dims == node.outputs[0].dims and value.node.type != "Const":
                # Of those that take the same value at the same depth none depends on another one.
                _join(node, reader.setdefault((value, key, depth[node]), node), group_of)
    position = {node: i for i, node in enumerate(plan.nodes)}
    unique = {id(group): group for group in group_of.values() if len(group) > 1}
    return [sorted(group, key=position.__getitem__) for group in unique.values()]


def _depths(plan: Plan, keys: dict[Node, tuple]) -> dict[Node, int]:
    """How many edges that are in no program lie on a way to a node, at most."""
    depth: dict[Node, int] = {}
    for node in plan.nodes:
        key = keys.get(node)
        before = [value.node for value in node.inputs if value.node.type not in _GIVEN or value.node.control]
        outside = [*node.control, *(condition.node for condition, _ in node.guard)]
        level = max((depth[n] + (key is None or keys.get(n) != key) for n in before), default=0)
        depth[node] = max((level, *(depth.get(n, 0) + 1 for n in outside)))
    return depth


def _raise_to_users(plan: Plan, keys: dict[Node, tuple], depth: dict[Node, int], consumers) -> None:
    """Make nodes that are in no program as deep as those that take their values, where that puts them into one."""

    def is_joined(node: Node, others: Iterable[Node], level: int) -> bool:
        return any(keys.get(other) == keys[node] and depth[other] == level for other in others)

    for node in reversed(list(keys)):
        users = consumers.get(node.outputs[0], [])
        deepest = min((depth[user] - (keys.get(user) != keys[node]) for user in users), default=0)
        neighbours = [*users, *(value.node for value in node.inputs)]
        if is_joined(node, users, deepest) and not is_joined(node, neighbours, depth[node]):
            depth[node] = deepest


def _join(one: Node, other: Node, group_of: dict[Node, list[Node]]) -> None:
    """Make one group of the groups of two nodes: the longer list takes in the shorter one."""
    longer, shorter = sorted((group_of[one], group_of[other]), key=len, reverse=True)
    if longer is not shorter:
        longer.extend(shorter)
        group_of.update(dict.fromkeys(shorter, longer))


def _key(node: Node) -> tuple | None:
    """What the nodes of a program have in common; None for a node that can be in none."""
    if node.type not in _OPERATION or node.control or is_gpu(node.device):
        return None
    if node.type == "AddN" and len(node.inputs) < 2:
        return None
    output = node.outputs[0]
    dims = output.dims
    if output.dtype is not dtypes.float32 or dims is None or None in dims or not num_elements(dims):
        return None
    if any(v.dtype is not dtypes.float32 or programs.kind_of(v.dims, dims) is None for v in node.inputs):
        return None
    # Programs go along rows. Other kernels in C read a transposed tensor as it lies.
    if any(v.node.type == "Transpose" for v in node.inputs):
        return None
    return dims, node.device, node.guard


# --- programs -----------------------------------------------------------------------------------------------------


class _Part(NamedTuple):
    """Nodes for one program: what they take from others, the steps, and the values that others take."""

    members: list[Node]
    inputs: list[Value]
    steps: tuple[tuple, ...]
    results: list[Value]
    places: tuple[int, ...]


def _parts(group: list[Node], consumers: dict[Value, list[Node]], fetched: set[Value]) -> list[_Part]:
    """The programs for a group: as many as it takes, of two nodes at least."""
    if len(group) < 2:
        return []
    length = programs.MOST_STEPS
    if len(group) <= length:
        part = _part(group, consumers, fetched)
        if programs.fits(len(part.inputs), part.steps, part.places):
            return [part]
        length = len(group) // 2
    pieces = [group[start : start + length] for start in range(0, len(group), length)]
    return [part for piece in pieces for part in _parts(piece, consumers, fetched)]


def _part(members: list[Node], consumers: dict[Value, list[Node]], fetched: set[Value]) -> _Part:
    inside = set(members)
    inputs = list(dict.fromkeys(v for node in members for v in node.inputs if v.node not in inside))
    places = {value: i for i, value in enumerate(inputs)}
    steps: list[tuple] = []
    for node in members:
        operation, operands = _OPERATION[node.type], [places[v] for v in node.inputs]
        if len(operands) == 1:
            steps.append((operation, *operands))
        # Two operands, or the terms of a sum.
        for i, operand in enumerate(operands[1:]):
            first = len(inputs) + len(steps) - 1 if i else operands[0]
            steps.append((operation, first, operand))
        places[node.outputs[0]] = len(inputs) + len(steps) - 1
    values = [node.outputs[0] for node in members]
    results = [v for v in values if v in fetched or any(user not in inside for user in consumers.get(v, ()))]
    return _Part(members, inputs, tuple(steps), results, tuple(places[v] for v in results))


def _node_of(part: _Part) -> Node:
    last, results = part.members[-1], part.results
    attrs = {"N": len(part.inputs), "T": dtypes.float32, "steps": part.steps, "results": part.places}
    kind = "_Elementwise" if len(results) == 1 else "_ElementwiseMany"
    if len(results) > 1:
        attrs["M"] = len(results)
    node = new_node(last.name, kind, part.inputs, attrs, [(v.dtype, v.dims) for v in results], like=last)
    for output, value in zip(node.outputs, results, strict=True):
        output.name = value.name
    return node
