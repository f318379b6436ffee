"""From a plan to one in which nodes that can be compiled together are one node, a segment."""

import heapq
from collections import Counter
from collections.abc import Callable
from itertools import groupby

from reflow.engine.jit.canonical import emit
from reflow.engine.jit.compiled import Segment
from reflow.engine.jit.obstacles import obstacle
from reflow.engine.jit.request import Request
from reflow.engine.plan import Node, Plan, Value
from reflow.engine.waiting import Waiting
from reflow.graph.registry import define_op

# Calling a compiled function costs as much as some kernels: shorter segments are left alone, unless a scope asks.
_LEAST_NODES = 4
# The time to compile grows faster than the length.
_MOST_NODES = 128

# What may be compiled together: (device, scope, guard). None for what runs by itself.
Kind = tuple | None


def _run_segment(segment, inputs):
    return segment(inputs)


_SEGMENT = define_op("_Segment", "inputs: list:Tin -> outputs: list:Tout", "Tin: list(type), Tout: list(type)",
                     kernel=_run_segment, resource=lambda resources, name, attrs: attrs["segment"],
                     gradient=None)  # fmt: skip


class Jit:
    """The JIT of one plan: `gather` while it is scheduled, `segmented` when it is to be emitted.

    Attributes:
      segments: those that `segmented` made.
      left_out: how many nodes that were asked for run by themselves, by reason.
    """

    def __init__(self, request: Request):
        self._request = request
        self._kinds: dict[Node, Kind] = {}
        self.segments: list[Segment] = []
        self.left_out: Counter[str] = Counter()

    def kind(self, node: Node) -> Kind:
        """What a node may be compiled together with."""
        if node not in self._kinds:
            self._kinds[node] = self._find_kind(node)
        return self._kinds[node]

    def _find_kind(self, node: Node) -> Kind:
        scope = self._request.scope(node)
        if scope is None:
            return None
        reason = obstacle(node)
        if reason is not None:
            self.left_out[f"{node.type} {reason}"] += 1
            return None
        return node.device, scope, node.guard

    def gather(self, nodes: list[Node], before: Callable[[Node], list[Node]], key: Callable) -> list[Node]:
        """Move nodes that may be compiled together next to one another.

        Args:
          nodes: nodes in an order in which they may run.
          before: the nodes that a node depends on.
          key: what has to stay in order: only nodes of equal keys that follow one another change places.
        """
        ordered: list[Node] = []
        for _, group in groupby(nodes, key):
            run = list(group)
            ordered.extend(run if any(n.guard for n in run) else self._gathered(run, before))
        return ordered

    def _gathered(self, nodes: list[Node], before: Callable[[Node], list[Node]]) -> list[Node]:
        """A topological order that changes between kinds seldom; effects keep their order among themselves."""
        effects = [i for i, node in enumerate(nodes) if node.op_def.is_stateful and not _is_free(node)]
        waiting = Waiting(nodes, before, in_order=effects)
        ready: dict[Kind, list[int]] = {}

        def add(position: int) -> None:
            node = nodes[position]
            heapq.heappush(ready.setdefault(None if _is_free(node) else self.kind(node), []), position)

        for position in waiting.ready():
            add(position)
        ordered: list[Node] = []
        kind: Kind = None
        while ready:
            if kind not in ready:
                # First whatever runs by itself: the more is there, the longer the next segment.
                kind = None if None in ready else min(ready, key=lambda k: ready[k][0])
            position = heapq.heappop(ready[kind])
            if not ready[kind]:
                del ready[kind]
            ordered.append(nodes[position])
            for follower in waiting.release(position):
                add(follower)
        return ordered

    def segmented(self, plan: Plan) -> Plan:
        """The plan to emit: runs of nodes of one kind are one node each, whose function will be compiled.

        Args:
          plan: a scheduled plan (of one device). It is left as it is.
        """
        runs = [piece for run in self._runs(plan.nodes) for piece in _cut(run)]
        if not runs:
            return plan
        heads = {piece[0]: piece for piece in runs}
        inside = {node: piece[0] for piece in runs for node in piece}
        wanted = _wanted_outside(plan, inside)
        nodes: list[Node] = []
        for node in plan.nodes:
            if node in heads:
                nodes.append(self._segment_node(heads[node], wanted))
            elif node not in inside:
                nodes.append(node)
        return Plan(nodes, plan.feeds, plan.fetches, plan.targets)

    def _runs(self, nodes: list[Node]):
        """Yields the runs of nodes of one kind; constants stand in nobody's way."""
        busy = (node for node in nodes if not _is_free(node))
        for kind, group in groupby(busy, self.kind):
            run = list(group)
            if kind is not None and (len(run) >= _LEAST_NODES or kind[1]):
                yield run
            elif kind is not None:
                self.left_out["too few nodes together to gain by it"] += len(run)

    def _segment_node(self, nodes: list[Node], wanted: set[Value]) -> Node:
        outputs = [value for node in nodes for value in node.outputs if value in wanted]
        emitted, taken, key = emit(nodes, outputs)
        segment = Segment(f"segment_{len(self.segments) + 1}", nodes, emitted, key)
        self.segments.append(segment)
        attrs = {"Tin": [v.dtype for v in taken], "Tout": [v.dtype for v in outputs], "segment": segment}
        node = Node(segment.name, _SEGMENT, attrs, taken, nodes[0].operation)
        node.outputs = outputs
        node.device, node.guard = nodes[0].device, nodes[0].guard
        return node


def _is_free(node: Node) -> bool:
    """True for a node that needs no statement."""
    op_def = node.op_def
    return node.type == "Const" or op_def.kernel is None and op_def.lower is None and not op_def.inputs


def _wanted_outside(plan: Plan, inside: dict[Node, Node]) -> set[Value]:
    """The values that are taken by a node of another segment or of none, or fetched."""
    wanted = set(plan.fetches)
    for node in plan.nodes:
        home = inside.get(node)
        wanted.update(v for v in node.inputs if home is None or inside.get(v.node) is not home)
        wanted.update(condition for condition, _ in node.guard)
    return wanted


def _cut(nodes: list[Node]) -> list[list[Node]]:
    """Cut a long run where few values cross, and so that repeated parts of a graph give equal segments."""
    pieces = []
    while len(nodes) > _MOST_NODES:
        at = _best_cut(nodes)
        pieces.append(nodes[:at])
        nodes = nodes[at:]
    return [*pieces, nodes]


def _best_cut(nodes: list[Node]) -> int:
    """The number of nodes to cut off: between half the greatest length and all of it."""
    last_use: dict[Value, int] = {}
    for i, node in enumerate(nodes):
        last_use.update(dict.fromkeys(node.inputs, i))
    crossing = [0] * (len(nodes) + 1)
    for i, node in enumerate(nodes[:_MOST_NODES]):
        for value in node.outputs:
            for j in range(i + 1, min(last_use.get(value, i), _MOST_NODES) + 1):
                crossing[j] += 1
    start = [node.type for node in nodes[:4]]

    def cost(at: int) -> tuple:
        return crossing[at], [node.type for node in nodes[at:at + 4]] != start, -at

    return min(range(_MOST_NODES // 2, _MOST_NODES + 1), key=cost)
