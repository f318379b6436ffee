"""What an op computes on the way serves its gradient, too: the places of pooled maxima, the norms of LRN.

A maximum pool finds the places with little work beside that for the maxima, and to keep them costs a byte a maximum (8
bytes in ATen's kernels); the gradient needs neither to pool again nor the image that was pooled, only its sizes.
Norms take as much memory as the image. Where LRN runs in C, its gradient makes them again, which is cheap, and needs
the image alone, not the normalized one.
"""

from typing import Any

from reflow.engine.passes.rewriting import has_known_dims, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.ops.native import lrn as lrn_native
from reflow.ops.native import max_pool as native_pool
from reflow.ops.pool import places_dims
from reflow.ops.torch_types import to_torch

_TYPES = frozenset({dtypes.float32, dtypes.float64})
_POOL_ATTRS = ("ksize", "strides", "padding", "data_format")


def share_with_gradient(plan: Plan) -> Plan:
    """Rewrite pairs of MaxPool and MaxPoolGrad, and of LRN and LRNGrad."""
    waited_for = waited_for_in(plan)
    new: dict[Node, Node] = {}
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        pair = _PAIRS.get(node.type)
        if pair is None or node.control or node in waited_for or node.outputs[0].dtype not in _TYPES:
            continue
        image, output = _image_and_output(node)
        forward = output.node
        if forward.type != pair.forward or forward.inputs[0] is not image or forward in waited_for or forward.control:
            continue
        known = has_known_dims(image) and 0 not in (image.dims or ())
        if forward.device != node.device or not known or not pair.fits(forward, node):
            continue
        if forward not in new:
            new[forward] = pair.keeping(forward)
            if new[forward] is not forward:
                replaced[forward.outputs[0]] = new[forward].outputs[0]
                plan.notes.append(f"{forward.name}: keeps {pair.what} for its gradient")
        new[node] = pair.taking(node, new[forward])
        replaced[node.outputs[0]] = new[node].outputs[0]
    if new:
        plan.nodes = [new.get(n, n) for n in plan.nodes]
        plan.replace(replaced)
    return plan


def _image_and_output(gradient: Node) -> list[Value]:
    """The input and the output of the op that a node is the gradient of."""
    return gradient.inputs[:2] if gradient.type == "MaxPoolGrad" else gradient.inputs[1:]


class _MaxPool:
    forward, what = "MaxPool", "the places of the maxima"

    @staticmethod
    def fits(forward: Node, gradient: Node) -> bool:
        return _is_spatial(forward.attrs) and all(forward.attrs[a] == gradient.attrs[a] for a in _POOL_ATTRS)

    @staticmethod
    def keeping(node: Node) -> Node:
        output = node.outputs[0]
        attrs = {**node.attrs, "Tplaces": _type_of_places(node)}
        pool = new_node(node.name, "_MaxPoolWithPlaces", node.inputs, attrs,
                        [(output.dtype, output.dims), (attrs["Tplaces"], None)], like=node)  # fmt: skip
        pool.outputs[1].dims = places_dims(pool)
        return pool

    @staticmethod
    def taking(node: Node, pool: Node) -> Node:
        attrs = {**{a: pool.attrs[a] for a in (*_POOL_ATTRS, "T", "Tplaces")}, "sizes": list(pool.inputs[0].dims or ())}
        return new_node(node.name, "_MaxPoolGradFromPlaces", [node.inputs[2], pool.outputs[1]], attrs,
                        [(node.outputs[0].dtype, node.outputs[0].dims)], like=node)  # fmt: skip


def _type_of_places(node: Node) -> dtypes.DType:
    window = (node.attrs[a] for a in ("ksize", "strides", "data_format"))
    in_bytes = "device:GPU" not in node.device and native_pool.fits(to_torch(node.inputs[0].dtype), *window)
    return dtypes.uint8 if in_bytes else dtypes.int64


def _is_spatial(attrs: dict) -> bool:
    """True if the window extends over space alone, as ATen's do."""
    if attrs["data_format"] not in (b"NHWC", b"NCHW"):
        return False
    channel = 1 if attrs["data_format"] == b"NCHW" else 3
    return all(attrs[a][i] == 1 for a in ("ksize", "strides") for i in (0, channel))


class _Lrn:
    forward, what = "LRN", "the norms"

    @staticmethod
    def fits(forward: Node, gradient: Node) -> bool:
        same = all(forward.attrs[a] == gradient.attrs[a] for a in ("depth_radius", "bias", "alpha", "beta"))
        return same and forward.outputs[0].dtype is dtypes.float32

    @staticmethod
    def keeping(node: Node) -> Node:
        output = node.outputs[0]
        if "device:GPU" not in node.device and lrn_native.fits(
            output.dtype, node.attrs["depth_radius"], node.attrs["beta"]
        ):
            return node
        return new_node(node.name, "_LRNWithNorms", node.inputs, node.attrs, [(output.dtype, output.dims)] * 2,
                        like=node)  # fmt: skip

    @staticmethod
    def taking(node: Node, lrn: Node) -> Node:
        grads, image, _ = node.inputs
        kind, kept = ("_LRNGradOfImage", []) if lrn.type == "LRN" else ("_LRNGradFromNorms", lrn.outputs)
        return new_node(node.name, kind, [grads, image, *kept], node.attrs,
                        [(node.outputs[0].dtype, node.outputs[0].dims)], like=node)  # fmt: skip


_PAIRS: dict[str, Any] = {"MaxPoolGrad": _MaxPool, "LRNGrad": _Lrn}
