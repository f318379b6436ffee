"""The order of a plan with branches: what runs under the same conditions stands together, in one `if` block."""

import heapq
from collections.abc import Callable
from itertools import groupby

from reflow.engine.plan import Node
from reflow.engine.waiting import Waiting


def gather_branches(nodes: list[Node], before: Callable[[Node], list[Node]], key: Callable) -> list[Node]:
    """Move the nodes of a branch up to the first of them, as far as what they depend on lets them.

    Args:
      nodes: nodes in an order in which they may run.
      before: the nodes that a node depends on.
      key: what has to stay in order: only nodes of equal keys that follow one another change places.
    """
    if not any(node.guard for node in nodes):
        return nodes
    ordered: list[Node] = []
    for _, group in groupby(nodes, key):
        run = list(group)
        # Constants are there from the start: nothing waits for them.
        ordered.extend(n for n in run if _is_free(n))
        ordered.extend(_gathered([n for n in run if not _is_free(n)], before))
    return ordered


def _is_free(node: Node) -> bool:
    return node.type == "Const" and not node.control


def _gathered(nodes: list[Node], before: Callable[[Node], list[Node]]) -> list[Node]:
    waiting = Waiting(nodes, before)
    ready: dict[tuple, list[int]] = {}
    for position in waiting.ready():
        ready.setdefault(nodes[position].guard, []).append(position)
    ordered: list[Node] = []
    guard: tuple = ()
    while ready:
        guard = max(ready, key=lambda candidate: (_nearness(candidate, guard), -ready[candidate][0]))
        position = heapq.heappop(ready[guard])
        if not ready[guard]:
            del ready[guard]
        ordered.append(nodes[position])
        for follower in waiting.release(position):
            heapq.heappush(ready.setdefault(nodes[follower].guard, []), follower)
    return ordered


def _nearness(guard: tuple, current: tuple) -> float:
    """How much of the current block stays open: equal literals from the outside in; half of one for its `else`."""
    if guard == current and guard:
        return len(guard) + 1
    for level, (literal, other) in enumerate(zip(guard, current, strict=False)):
        if literal != other:
            return level + 0.5 if literal[0] is other[0] else level
    return min(len(guard), len(current))
