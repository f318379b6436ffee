"""The gradient of a ReLU behind that of a maximum pool: mask the pooled gradient, which is smaller, and pool it back.

A maximum pool gives the gradient of each window to its greatest element, and that element passed the ReLU just when the
pooled value is positive. So ReluGrad(MaxPoolGrad(r, p, g), r) = MaxPoolGrad(r, p, ReluGrad(g, p)), and the sum over a
channel, which is the gradient of a bias, is that of the pooled gradient.
"""

from reflow.engine.passes.rewriting import sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node


def mask_before_pool_gradient(plan: Plan) -> Plan:
    """Move ReluGrad, and BiasAddGrad behind it, to the small side of MaxPoolGrad."""
    if plan.lacks("MaxPoolGrad"):
        return plan
    consumers = plan.consumers()
    fetched, waited_for = set(plan.fetches), waited_for_in(plan)
    made: dict[Node, list[Node]] = {}
    replaced: dict[Value, Value] = {}
    small: dict[Value, Value] = {}
    gone: set[Node] = set()
    for node in plan.nodes:
        if node.type != "ReluGrad" or node.control:
            continue
        pool = node.inputs[0].node
        if pool.type != "MaxPoolGrad" or pool.control or pool.inputs[0] is not node.inputs[1]:
            continue
        if pool in waited_for or pool.guard != node.guard or pool.device != node.device:
            continue
        if sole_consumer(pool.outputs[0], consumers, fetched) is not node or not _is_relu(pool.inputs[0]):
            continue
        _, pooled, gradient = pool.inputs
        masked = new_node(node.name, "ReluGrad", [gradient, pooled], node.attrs,
                          [(gradient.dtype, pooled.dims or gradient.dims)], like=node)  # fmt: skip
        back = new_node(pool.name, "MaxPoolGrad", [pool.inputs[0], pooled, masked.outputs[0]], pool.attrs,
                        [(v.dtype, v.dims) for v in pool.outputs], like=pool)  # fmt: skip
        made[node] = [masked, back]
        gone.add(pool)
        replaced[node.outputs[0]] = back.outputs[0]
        small[back.outputs[0]] = masked.outputs[0]
    if not made:
        return plan
    plan.nodes = [new for n in plan.nodes if n not in gone for new in made.get(n, [n])]
    plan.replace(replaced, {node: new[-1] for node, new in made.items()})
    for node in plan.nodes:
        if node.type == "BiasAddGrad" and node.inputs[0] in small:
            node.inputs = [small[node.inputs[0]]]
    plan.notes.append(f"{len(made)} gradients of ReLU: on the pooled side")
    return plan


def _is_relu(value: Value) -> bool:
    node = value.node
    return node.type == "Relu" or node.attrs.get("activation") == "Relu"
