"""How much memory a plan's values take while it runs, from their static shapes."""

from reflow.engine.plan import Plan, Value
from reflow.graph.shapes import num_elements


def size_of(value: Value) -> int:
    """Bytes of a value; 0 where the shape is not known, and for views, constants and variables."""
    op_def = value.node.op_def
    if value.is_state or op_def.name in ("Const", "_Feed", "_Read", "_PackedWeights") or op_def.aliases:
        return 0
    count = num_elements(value.dims)
    return 0 if count is None else count * value.dtype.base_dtype.size


def high_water_mark(plan: Plan) -> tuple[int, str]:
    """The most bytes that values made by a scheduled plan take at one time, and the node at which that is.

    Feeds, constants, variables and the workspace of kernels do not count.
    """
    last: dict[Value, int] = {}
    for position, node in enumerate(plan.nodes):
        for value in (*node.outputs, *node.inputs):
            last[value] = position
    last.update(dict.fromkeys(plan.fetches, len(plan.nodes)))
    ends: dict[int, int] = {}
    for value, position in last.items():
        ends[position] = ends.get(position, 0) + size_of(value)
    live = most = 0
    where = ""
    for position, node in enumerate(plan.nodes):
        live += sum(map(size_of, node.outputs))
        # An output that is made in the memory of an input takes none beside it.
        beside = live - sum(map(size_of, node.outputs)) if node.reuses else live
        if beside > most:
            most, where = beside, node.name
        live -= ends.get(position, 0)
    return most, where
