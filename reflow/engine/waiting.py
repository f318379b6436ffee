"""What the nodes of a list wait for: the bookkeeping of Kahn's algorithm, however it chooses among what is ready."""

from collections.abc import Callable, Iterable, Iterator

from reflow.engine.plan import Node


class Waiting:
    """Counts for each node how many it still waits for. Nodes are named by their positions in the list.

    Args:
      nodes: the nodes.
      before: the nodes that a node depends on; those that are not in the list do not count.
      in_order: positions of nodes that keep their order, each after the one before it.
    """

    def __init__(self, nodes: list[Node], before: Callable[[Node], list[Node]], in_order: Iterable[int] = ()):
        position = {node: i for i, node in enumerate(nodes)}
        sources = [{position[b] for b in before(node) if b in position} for node in nodes]
        last = None
        for i in in_order:
            if last is not None:
                sources[i].add(last)
            last = i
        self._counts = [len(each) for each in sources]
        self._followers: list[list[int]] = [[] for _ in nodes]
        for i, each in enumerate(sources):
            for source in each:
                self._followers[source].append(i)

    def ready(self) -> list[int]:
        """The nodes that wait for nothing from the start."""
        return [i for i, count in enumerate(self._counts) if not count]

    def release(self, position: int) -> Iterator[int]:
        """The nodes that wait for nothing more once this one has its place."""
        for follower in self._followers[position]:
            self._counts[follower] -= 1
            if not self._counts[follower]:
                yield follower

    def stuck(self) -> list[int]:
        """The nodes that still wait."""
        return [i for i, count in enumerate(self._counts) if count]
