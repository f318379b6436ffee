"""How much memory a plan's values take while it runs, from their static shapes."""

from reflow.engine.aliases import aliased_inputs, memory_roots, roots_of
from reflow.engine.plan import Plan, Value
from reflow.graph.shapes import num_elements

# Ops that give back an input that they have nothing to do with, and otherwise make something of another shape.
_SELDOM_VIEWS = frozenset({
    "FusedBatchNorm", "FusedBatchNormV2", "FusedBatchNormV3", "GatherNd", "MirrorPad", "MirrorPadGrad", "ReduceJoin",
    "Tile", "TileGrad",
})  # fmt: skip


def is_view(value: Value) -> bool:
    """True if a value lies in the memory of one that its node takes."""
    aliased = aliased_inputs(value.node)
    if value.node.type in _SELDOM_VIEWS:
        return any(v.dims == value.dims for v in aliased)
    return bool(aliased)


def size_of(value: Value) -> int:
    """Bytes of a value; 0 where the shape is not known, and for views, constants and variables."""
    if value.is_state or value.node.type in ("Const", "_Feed", "_Read", "_PackedWeights") or is_view(value):
        return 0
    count = num_elements(value.dims)
    return 0 if count is None else count * value.dtype.base_dtype.size


def high_water_mark(plan: Plan) -> tuple[int, str]:
    """The most bytes that values made by a scheduled plan take at one time, and the node at which that is.

    Feeds, constants, variables and the workspace of kernels do not count.
    """
    freed = _freed_bytes(plan)
    live = most = 0
    where = ""
    for position, node in enumerate(plan.nodes):
        made = sum(map(size_of, node.outputs))
        # An output that is made in the memory of an input takes none beside it.
        beside = live if node.reuses else live + made
        if beside > most:
            most, where = beside, node.name
        live += made - freed.get(position, 0)
    return most, where


def _freed_bytes(plan: Plan) -> dict[int, int]:
    """How many bytes nothing needs any more behind each position: a view keeps what it is a view of."""
    roots = memory_roots(plan)
    last: dict[Value, int] = {}
    for position, node in enumerate(plan.nodes):
        for value in (*node.outputs, *node.inputs):
            last.update(dict.fromkeys({value, *roots_of(value, roots)}, position))
    for value in plan.fetches:
        last.update(dict.fromkeys({value, *roots_of(value, roots)}, len(plan.nodes)))
    freed: dict[int, int] = {}
    for value, position in last.items():
        freed[position] = freed.get(position, 0) + size_of(value)
    return freed
