"""What a maximum pool computes on the way serves its gradient, too: the places of the maxima.

It finds the places with little work beside that for the maxima, and to keep them costs a byte a maximum (8 bytes in
ATen's kernels); the gradient needs neither to pool again nor the image that was pooled, only its sizes.
"""

from reflow.engine.passes.rewriting import has_known_dims, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.torch_devices import is_gpu
from reflow.graph import dtypes
from reflow.ops.native import max_pool as native_pool
from reflow.ops.pool import places_dims
from reflow.ops.torch_types import to_torch

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_POOL_ATTRS = ("ksize", "strides", "padding", "data_format")


def share_with_gradient(plan: Plan) -> Plan:
    """Rewrite pairs of MaxPool and MaxPoolGrad."""
    waited_for = waited_for_in(plan)
    new: dict[Node, Node] = {}
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        if node.type != "MaxPoolGrad" or node.control or node in waited_for or node.outputs[0].dtype not in _TYPES:
            continue
        image, output = node.inputs[:2]
        forward = output.node
        if forward.type != "MaxPool" or forward.inputs[0] is not image or forward in waited_for or forward.control:
            continue
        known = has_known_dims(image) and 0 not in (image.dims or ())
        if forward.device != node.device or not known or not _fits(forward, node):
            continue
        if forward not in new:
            new[forward] = _keeping_places(forward)
            replaced[forward.outputs[0]] = new[forward].outputs[0]
            plan.notes.append(f"{forward.name}: keeps the places of the maxima for its gradient")
        new[node] = _taking_places(node, new[forward])
        replaced[node.outputs[0]] = new[node].outputs[0]
    if new:
        plan.nodes = [new.get(n, n) for n in plan.nodes]
        plan.replace(replaced)
    return plan


def _fits(forward: Node, gradient: Node) -> bool:
    return _is_spatial(forward.attrs) and all(forward.attrs[a] == gradient.attrs[a] for a in _POOL_ATTRS)


def _keeping_places(node: Node) -> Node:
    output = node.outputs[0]
    attrs = {**node.attrs, "Tplaces": _type_of_places(node)}
    pool = new_node(node.name, "_MaxPoolWithPlaces", node.inputs, attrs,
                    [(output.dtype, output.dims), (attrs["Tplaces"], None)], like=node)  # fmt: skip
    pool.outputs[1].dims = places_dims(pool)
    return pool


def _taking_places(node: Node, pool: Node) -> Node:
    attrs = {**{a: pool.attrs[a] for a in (*_POOL_ATTRS, "T", "Tplaces")}, "sizes": list(pool.inputs[0].dims or ())}
    return new_node(node.name, "_MaxPoolGradFromPlaces", [node.inputs[2], pool.outputs[1]], attrs,
                    [(node.outputs[0].dtype, node.outputs[0].dims)], like=node)  # fmt: skip


def _type_of_places(node: Node) -> dtypes.DType:
    window = (node.attrs[a] for a in ("ksize", "strides", "data_format"))
    in_bytes = not is_gpu(node.device) and native_pool.fits(to_torch(node.inputs[0].dtype), *window)
    return dtypes.uint8 if in_bytes else dtypes.int64


def _is_spatial(attrs: dict) -> bool:
    """True if the window extends over space alone, as ATen's do."""
    if attrs["data_format"] not in (b"NHWC", b"NCHW"):
        return False
    channel = 1 if attrs["data_format"] == b"NCHW" else 3
    return all(attrs[a][i] == 1 for a in ("ksize", "strides") for i in (0, channel))
