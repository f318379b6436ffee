"""Which nodes move their channels behind the other dimensions of their images: where that costs least.

A region is what images connect: convolutions and the like, and ops that do not mind the order. If all of it moves,
images are transposed at its edges alone. From there it gives back, node by node, what saves by it (a pad in front of
which the image is smaller, a cast before which it has fewer bytes); and all, if what it wins is not worth what is left.
"""

from math import prod

from reflow.engine.passes.layout_rules import (
    TO_FIRST,
    TO_LAST,
    Move,
    aligned,
    is_small_constant,
    keeps_order,
    move_of,
    permutation_of,
    wants_channels_last,
)
from reflow.engine.passes.rewriting import waited_for_in
from reflow.engine.plan import Node, Plan, Value
from reflow.engine.torch_devices import is_gpu

# These look at the shape of an image alone.
OF_SHAPES = frozenset({"Shape", "ShapeN", "Size", "Rank"})
# More sweeps over a region never found anything.
_MOST_SWEEPS = 8


class Regions:
    """What could move, and what had better: `moved`.

    The program's own transpositions between the two orders count as moved: their side with the channels last is at
    hand, and it is who wants the other side that makes them necessary.
    """

    def __init__(self, plan: Plan):
        self._nodes = plan.nodes
        self._fetched = set(plan.fetches)
        self._moves: dict[Node, Move | None] = {}
        # The images that a node takes, whatever becomes of its inputs.
        self._taken: dict[Node, list[Value]] = {}
        self.consumers = plan.consumers()
        self.transposes = self._transposes(waited_for_in(plan))
        self.moved = set(self.transposes)

    def _transposes(self, waited_for: set[Node]) -> set[Node]:
        found = set()
        for node in self._nodes:
            order = permutation_of(node)
            if order in (TO_LAST, TO_FIRST) and not node.control and node not in waited_for and not is_gpu(node.device):
                self._note(node, Move((0,), ()) if order == TO_LAST else Move((), (0,)))
                found.add(node)
        return found

    def move(self, node: Node) -> Move | None:
        """How a node would move."""
        if node not in self._moves:
            self._note(node, move_of(node))
        return self._moves[node]

    def _note(self, node: Node, move: Move | None) -> None:
        self._moves[node] = move
        self._taken[node] = [] if move is None else list(dict.fromkeys(node.inputs[i] for i in move.images))

    def images(self, node: Node) -> list[Value]:
        """The images that a node takes and makes, each once; none if it cannot move."""
        made = self.images_made(node)
        return self._taken[node] + made

    def images_made(self, node: Node) -> list[Value]:
        """The images that a node makes."""
        move = self.move(node)
        return [] if move is None else [node.outputs[i] for i in move.outputs]

    def makes_last(self, value: Value) -> bool:
        """True if a value is an image that is made with its channels last."""
        move = self.move(value.node) if value.node in self.moved else None
        return move is not None and value.index in move.outputs

    def takes_last(self, node: Node, value: Value) -> bool:
        """True if a node takes a value as an image with its channels last."""
        return node in self.moved and value in self._taken[node]

    # --- the choice ---------------------------------------------------------------------------------------------------

    def choose(self) -> bool:
        """Find the nodes that move; False if there are none."""
        seen: set[Node] = set()
        for node in self._nodes:
            if node not in seen and wants_channels_last(node):
                region = self._region(node)
                seen |= region
                self._choose_within([n for n in self._nodes if n in region and n not in self.transposes])
        return self.moved > self.transposes

    def _region(self, start: Node) -> set[Node]:
        """All nodes that images connect with one."""
        region, stack = {start}, [start]
        while stack:
            for value in self.images(stack.pop()):
                if value.node.type == "Const":
                    continue
                for node in (value.node, *self.consumers.get(value, ())):
                    if node not in region and value in self.images(node):
                        region.add(node)
                        stack.append(node)
        return region

    def _choose_within(self, nodes: list[Node]) -> None:
        """Move all nodes of a region, then put back one by one what saves by it, and all if the rest does not pay."""
        values = list(dict.fromkeys(value for node in nodes for value in self.images(node)))
        before = sum(map(self._cost, values))
        self.moved.update(nodes)
        for _ in range(_MOST_SWEEPS):
            # First from the end: a region is left where images are small.
            nodes.reverse()
            if not [node for node in nodes if node in self.moved and self._is_put_back(node)]:
                break
        moved = self.moved.intersection(nodes)
        if sum(map(self._cost, values)) - sum(map(self._gain, moved)) >= before:
            self.moved -= moved

    def _is_put_back(self, node: Node) -> bool:
        """Put a node back if that saves anything, or if it has nothing to do with others that moved."""
        values = self.images(node)
        cost, is_apart = sum(map(self._cost, values)) - self._gain(node), not any(map(self.makes_last, values))
        self.moved.remove(node)
        after = sum(map(self._cost, values))
        if after < cost or after == cost and is_apart:
            return True
        self.moved.add(node)
        return False

    def _gain(self, node: Node) -> float:
        move = self.move(node)
        return move.gain * sum(map(_bytes_to_move, self.images(node))) if move is not None and move.gain else 0.0

    def _cost(self, value: Value) -> int:
        """Bytes that are transposed because somebody wants an image in the order in which it is not made."""
        made_last = self.makes_last(value)
        wanted = made_last and value in self._fetched or any(
            self.takes_last(node, value) is not made_last
            for node in self.consumers.get(value, ()) if node.type not in OF_SHAPES
        )  # fmt: skip
        return _bytes_to_move(value) if wanted else 0


def _bytes_to_move(value: Value) -> int:
    """Bytes of an image, unknown dimensions counted as 1; 0 if a transposition is a reshape, or made beforehand."""
    if is_small_constant(value) or keeps_order(aligned(value.dims), TO_LAST):
        return 0
    return prod(size or 1 for size in value.dims or ()) * value.dtype.base_dtype.size
