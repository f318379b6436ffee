"""Fusion of a matrix product or convolution with the bias that is added to it, and with the ReLU of the sum."""

from reflow.engine.passes.rewriting import sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes

_SUMS = frozenset({"BiasAdd", "BiasAddV1", "Add", "AddV2"})
_TYPES = frozenset({dtypes.float32, dtypes.float64})
_FUSED = {"MatMul": "_FusedMatMul", "Conv2D": "_FusedConv2D"}


def fuse_bias(plan: Plan) -> Plan:
    """MatMul or Conv2D + bias (+ Relu) becomes one node, which is one call."""
    if plan.lacks(*_FUSED):
        return plan
    consumers = plan.consumers()
    fetched = set(plan.fetches)
    waited_for = waited_for_in(plan)
    replaced: dict[Value, Value] = {}
    new_nodes: dict[Node, Node] = {}
    gone: set[Node] = set()
    for node in plan.nodes:
        if node.type not in _FUSED or node.outputs[0].dtype not in _TYPES or node in waited_for:
            continue
        product = node.outputs[0]
        add = sole_consumer(product, consumers, fetched)
        if add is None or add.control or add.device != node.device:
            continue
        bias = _bias_of(add, product)
        if bias is None or bias.is_state:
            continue
        last = add
        relu = sole_consumer(add.outputs[0], consumers, fetched)
        if relu is not None and relu.type == "Relu" and not relu.control and relu.device == node.device:
            last = relu if add not in waited_for else add
        fused = new_node(last.name, _FUSED[node.type], [*node.inputs, bias], {**node.attrs, "relu": last is not add},
                         [(product.dtype, last.outputs[0].dims)], like=last)  # fmt: skip
        fused.control = list(node.control)
        new_nodes[last] = fused
        parts = ", ".join(dict.fromkeys((node.name, add.name, last.name)))
        plan.notes.append(f"{parts}: one {node.type} with bias{' and ReLU' if last is not add else ''}")
        gone.update({node, add, last})
        replaced[last.outputs[0]] = fused.outputs[0]
    if new_nodes:
        plan.nodes = [new_nodes.get(n, n) for n in plan.nodes if n not in gone or n in new_nodes]
        plan.replace(replaced, new_nodes)
    return plan


def _bias_of(add: Node, product: Value) -> Value | None:
    """The vector that `add` adds to the channels of the product; None if it adds something else."""
    if add.type not in _SUMS:
        return None
    left, right = add.inputs
    channels = 1 if _channels_first(product.node) else -1
    if add.type in ("BiasAdd", "BiasAddV1"):
        same_layout = (add.attrs.get("data_format", b"NHWC") == b"NCHW") == _channels_first(product.node)
        return right if left is product and (same_layout or product.node.type == "MatMul") else None
    other = right if left is product else left
    if other is product or other.dims is None or product.dims is None or len(other.dims) != 1 or channels == 1:
        return None
    return other if other.dims[0] is not None and other.dims[0] == product.dims[-1] else None


def _channels_first(node: Node) -> bool:
    return node.attrs.get("data_format") == b"NCHW"
