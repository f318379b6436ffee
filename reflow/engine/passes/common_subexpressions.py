"""Common subgraph elimination: of nodes that compute the same from the same inputs, one stays."""

from reflow.engine.plan import Node, Plan, Value
from reflow.graph.dtypes import DType

# Small equal constants are the same constant; large ones are not compared.
_LARGEST_CONSTANT = 64


def merge_common_subexpressions(plan: Plan) -> Plan:
    """Merge nodes of one op with equal attributes, inputs, control edges and guards; stateful nodes are left alone."""
    replaced: dict[Value, Value] = {}
    dropped: dict[Node, Node] = {}
    first: dict[tuple, Node] = {}
    kept: list[Node] = []
    for node in plan.nodes:
        for i, value in enumerate(node.inputs):
            if value in replaced:
                node.inputs[i] = replaced[value]
        key = _key(node)
        twin = None if key is None else first.setdefault(key, node)
        if twin is None or twin is node:
            kept.append(node)
            continue
        dropped[node] = twin
        replaced.update(zip(node.outputs, twin.outputs, strict=True))
    plan.nodes = kept
    plan.replace(replaced, dropped)
    return plan


def _key(node: Node):
    op_def = node.op_def
    if op_def.is_stateful or op_def.writes or op_def.resource is not None or not node.outputs:
        return None
    if any(v.is_state for v in node.inputs):
        return None
    if op_def.name == "Const":
        array = node.attrs["value"]
        if array.size > _LARGEST_CONSTANT or array.dtype.kind == "O" or node.control:
            return None
        return "Const", array.dtype.str, array.shape, array.tobytes()
    try:
        attrs = tuple(sorted((k, _hashable(v)) for k, v in node.attrs.items() if k[0] != "_"))
        key = (op_def.name, tuple(map(id, node.inputs)), attrs, tuple(map(id, node.control)), node.device,
               node.guard)  # fmt: skip
        hash(key)
        return key
    except TypeError:
        return None


def _hashable(value):
    if isinstance(value, list):
        return tuple(map(_hashable, value))
    if isinstance(value, DType):
        return value.as_datatype_enum
    return value
