"""Recomputation on request: cheap values that only wait for the gradient while memory is scarcest are made again.

`ConfigProto(graph_options=GraphOptions(rewrite_options=RewriterConfig(memory_optimization=RECOMPUTATION_HEURISTICS)))`
asks for it, and so does REFLOW_RECOMPUTE=1. A value made by elementwise ops that is read before and after the step's
high-water mark, but not there, is dropped, and computed again from what has to live until then in any case. The results
are the same to the bit.
"""

from reflow.engine.aliases import memory_roots, roots_of
from reflow.engine.memory import high_water_mark, size_of
from reflow.engine.passes.control import has_effect
from reflow.engine.plan import Node, Plan, Value, new_node

# Ops that cost little beside the memory that their result takes.
_CHEAP = frozenset({
    "Abs", "Add", "AddV2", "BiasAdd", "Cast", "Elu", "Exp", "LeakyRelu", "Mul", "Neg", "RealDiv", "Relu", "Relu6",
    "Reshape", "Selu", "Sigmoid", "Softplus", "Sqrt", "Square", "Sub", "Tanh", "_AddProduct", "_AddScaled", "_Lerp",
    "_Silu",
})  # fmt: skip
# A value is made again by at most so many ops.
_LONGEST_CHAIN = 4
_MOST_ROUNDS = 20


def recompute_cheap_values(plan: Plan) -> Plan:
    """Lower the high-water mark of a scheduled plan, as long as that works."""
    count = 0
    before = mark = high_water_mark(plan)[0]
    for _ in range(_MOST_ROUNDS):
        attempt = _Attempt(plan)
        made = attempt.run()
        lower = high_water_mark(plan)[0]
        if not made or lower >= mark:
            attempt.undo()
            break
        count, mark = count + made, lower
    if count:
        plan.notes.append(f"{count} values are computed again for the gradient: {before} -> {mark} bytes at one time")
    return plan


class _Attempt:
    """One round: what may be dropped at the high-water mark is computed again behind it."""

    def __init__(self, plan: Plan):
        self._plan = plan
        self._nodes = list(plan.nodes)
        self._inputs: dict[Node, list[Value]] = {}
        self._position = {node: i for i, node in enumerate(self._nodes)}
        self._peak = self._find_peak()
        self._roots = memory_roots(plan)
        self._readers = plan.consumers()
        self._last_read = self._find_last_reads()
        # What is computed again, and what others are computed from: a value is not both.
        self._dropped: set[Value] = set()
        self._sources: set[Value] = set()

    def run(self) -> int:
        """Rewrite the plan; returns how many values are computed again."""
        kept = {root for value in self._plan.fetches for root in roots_of(value, self._roots)}
        before: dict[Node, list[Node]] = {}
        made = 0
        for node in self._nodes[:self._peak]:
            value = node.outputs[0] if node.type in _CHEAP and len(node.outputs) == 1 else None
            if value is None or value in kept or value in self._sources or not size_of(value) or node.guard:
                continue
            early, late = self._split_readers(value)
            if not late or any(reader.guard for reader in late):
                continue
            chain = self._chain(node, self._position[late[0]], _LONGEST_CHAIN)
            if chain is None:
                continue
            self._dropped.add(value)
            self._sources.update(v for n in chain for v in n.inputs if v.node not in chain)
            copies = self._copies(chain)
            before.setdefault(late[0], []).extend(copies.values())
            for reader in late:
                self._inputs.setdefault(reader, reader.inputs)
                reader.inputs = [copies[node].outputs[0] if v is value else v for v in reader.inputs]
            made += 1
        self._plan.nodes = [n for node in self._nodes for n in (*before.get(node, ()), node)]
        return made

    def undo(self) -> None:
        """Put the plan back as it was."""
        self._plan.nodes = self._nodes
        for node, inputs in self._inputs.items():
            node.inputs = inputs

    def _find_peak(self) -> int:
        name = high_water_mark(self._plan)[1]
        return next((i for i, node in enumerate(self._nodes) if node.name == name), 0)

    def _find_last_reads(self) -> dict[Value, int]:
        last: dict[Value, int] = {}
        for i, node in enumerate(self._nodes):
            for value in node.inputs:
                for root in roots_of(value, self._roots):
                    last[root] = i
        return last

    def _split_readers(self, value: Value) -> tuple[list[Node], list[Node]]:
        """The readers before and those after the high-water mark, in order; none after if one is at it."""
        readers = sorted(set(self._readers.get(value, ())), key=self._position.__getitem__)
        early = [r for r in readers if self._position[r] < self._peak]
        if any(self._position[r] == self._peak for r in readers):
            return early, []
        return early, readers[len(early):]

    def _chain(self, node: Node, position: int, depth: int) -> list[Node] | None:
        """The cheap nodes, in order, that make the node's output from what lives at that position, or None."""
        if node.type not in _CHEAP or node.guard or depth == 0:
            return None
        chain: list[Node] = []
        for value in node.inputs:
            if self._lives(value, position):
                continue
            part = self._chain(value.node, position, depth - 1)
            if part is None:
                return None
            chain.extend(n for n in part if n not in chain)
        return [*chain, node] if len(chain) < _LONGEST_CHAIN else None

    def _lives(self, value: Value, position: int) -> bool:
        """True if the value is there at that position in any case, and is still what it was."""
        if value.node.type in ("Const", "_Feed"):
            return True
        if value in self._dropped:
            return False
        roots = roots_of(value, self._roots)
        if any(root.is_state for root in roots):
            return not any(has_effect(node) for node in self._nodes[self._position[value.node]:position])
        return all(self._last_read.get(root, -1) >= position for root in roots)

    @staticmethod
    def _copies(chain: list[Node]) -> dict[Node, Node]:
        copies: dict[Node, Node] = {}
        for node in chain:
            inputs = [copies[v.node].outputs[0] if v.node in copies else v for v in node.inputs]
            copies[node] = new_node(f"{node.name}/again", node.type, inputs, node.attrs,
                                    [(v.dtype, v.dims) for v in node.outputs], like=node)  # fmt: skip
            copies[node].control, copies[node].level = [], node.level
        return copies
