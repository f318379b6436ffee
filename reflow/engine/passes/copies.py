"""The gradient of a mean copies numbers along the axes, then divides every copy: they are divided, then copied."""

from reflow.engine.passes.rewriting import constant_of, has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node


def divide_before_copying(plan: Plan) -> Plan:
    """Rewrite Tile(x) / c as Tile(x / c), for a constant scalar c and copies that are no more than a view."""
    if plan.lacks("RealDiv"):
        return plan
    consumers, fetched, waited_for = plan.consumers(), set(plan.fetches), waited_for_in(plan)
    replaced: dict[Value, Value] = {}
    in_place_of: dict[Node, list[Node]] = {}
    gone: set[Node] = set()
    for node in plan.nodes:
        if node.type != "RealDiv" or node.control or constant_of(node.inputs[1]) is None or node.inputs[1].dims != ():
            continue
        tile = node.inputs[0].node
        if not _is_view(tile) or tile.control or tile in waited_for or tile.guard != node.guard:
            continue
        if tile.device != node.device or sole_consumer(tile.outputs[0], consumers, fetched) is not node:
            continue
        quotient, copies = _rewritten(node, tile)
        in_place_of[node] = [quotient, copies]
        replaced[node.outputs[0]] = copies.outputs[0]
        gone.add(tile)
    if in_place_of:
        plan.nodes = [new for n in plan.nodes if n not in gone for new in in_place_of.get(n, [n])]
        plan.replace(replaced, {node: new[-1] for node, new in in_place_of.items()})
        plan.notes.append(f"{len(in_place_of)} numbers are divided before they are copied")
    return plan


def _is_view(node: Node) -> bool:
    """True for a Tile that copies along axes of size 1 only."""
    if node.type != "Tile" or not has_known_dims(node.inputs[0]):
        return False
    sizes, copies = node.inputs[0].dims or (), constant_of(node.inputs[1])
    return copies is not None and all(1 in pair for pair in zip(sizes, copies.tolist(), strict=True))


def _rewritten(node: Node, tile: Node) -> tuple[Node, Node]:
    x, multiples = tile.inputs
    dtype = node.outputs[0].dtype
    quotient = new_node(f"{node.name}/quotient", "RealDiv", [x, node.inputs[1]], node.attrs, [(dtype, x.dims)],
                        like=node)  # fmt: skip
    copies = new_node(node.name, "Tile", [quotient.outputs[0], multiples], tile.attrs, [(dtype, node.outputs[0].dims)],
                      like=node)  # fmt: skip
    return quotient, copies
