"""Fusion of a convolution with bias and the maximum pool of 2x2 windows that follows it.

Where kernels in C convolve, they hold the sums of a window in registers: what they write is a quarter of the numbers,
and nothing is read again.
"""

from reflow.engine.passes.rewriting import has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.ops.conv import takes_pool
from reflow.ops.native.ending import IN_REGISTERS

_FUSED = {"MaxPool": "_FusedConv2DMaxPool", "_MaxPoolWithPlaces": "_FusedConv2DMaxPoolWithPlaces"}
_HALVES = [1, 2, 2, 1]


def fuse_pool(plan: Plan) -> Plan:
    """_FusedConv2D + MaxPool or _MaxPoolWithPlaces becomes one node."""
    if plan.lacks("_FusedConv2D"):
        return plan
    consumers, fetched, waited_for = plan.consumers(), set(plan.fetches), waited_for_in(plan)
    new: dict[Node, Node] = {}
    gone: set[Node] = set()
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        if node.type != "_FusedConv2D" or node in waited_for or not _suits(node):
            continue
        pool = sole_consumer(node.outputs[0], consumers, fetched)
        if pool is None or pool.control or pool.device != node.device or not _halves(pool):
            continue
        fused = new_node(pool.name, _FUSED[pool.type], node.inputs, node.attrs,
                         [(output.dtype, output.dims) for output in pool.outputs], like=pool)  # fmt: skip
        fused.control = list(node.control)
        new[pool] = fused
        gone.add(node)
        replaced.update(zip(pool.outputs, fused.outputs, strict=True))
        plan.notes.append(f"{node.name}, {pool.name}: one convolution that keeps the maxima")
    if new:
        plan.nodes = [new.get(n, n) for n in plan.nodes if n not in gone]
        plan.replace(replaced, new)
    return plan


def _suits(node: Node) -> bool:
    """Whether a kernel in C convolves, which is never so on a GPU, and the sums are of even height and width."""
    if node.attrs["activation"] not in IN_REGISTERS:
        return False
    image, filter, bias = node.inputs
    if not has_known_dims(image) or not has_known_dims(filter) or len(bias.dims or ()) != 1:
        return False
    sizes = (node.outputs[0].dims or ())[1:3]
    even = len(sizes) == 2 and not any(size is None or size % 2 for size in sizes)
    return even and 0 not in (image.dims or ()) and takes_pool(node, image.dtype, [v.dims for v in node.inputs])


def _halves(pool: Node) -> bool:
    """Whether a node pools windows of 2x2 beside one another, and any places are bytes."""
    if pool.type not in _FUSED or list(pool.attrs["ksize"]) != _HALVES or list(pool.attrs["strides"]) != _HALVES:
        return False
    return pool.attrs["data_format"] == b"NHWC" and pool.attrs.get("Tplaces", dtypes.uint8) is dtypes.uint8
