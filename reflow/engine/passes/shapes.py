"""Shape specialization: run the shape rules again, now that the shapes of what is fed are known.

A placeholder of shape [None, 784] leaves the whole program's shapes open; in a step compiled for a fed batch of 100
they are known, so what a program computes from shapes (gradients of broadcasts, means, reshapes) becomes constant.
"""

from reflow.engine.passes.misfits import make_misfit
from reflow.engine.plan import Node, Plan, Value
from reflow.graph.shapes import dims_compatible, merge_dims


def specialize_shapes(plan: Plan) -> Plan:
    """Refine the dims of every value from those of the feeds."""
    changed = {v for v in plan.feeds if v.dims != v.node.operation.outputs[v.index].dims}
    if changed:
        for node in plan.nodes:
            if not changed.isdisjoint(node.inputs):
                problem = refine_shapes(node, changed)
                if problem is not None:
                    make_misfit(node, problem)
    return plan


def refine_shapes(node: Node, changed: set[Value]) -> str | None:
    """Run the shape rule of a node again; outputs of which it tells more join `changed`.

    Returns:
      What the rule finds wrong, or None.
    """
    if node.op_def.shape is None:
        return None
    try:
        dims = node.op_def.shape(node)
    except (ValueError, TypeError) as error:
        return str(error)
    for value, found in zip(node.outputs, dims, strict=True):
        if found != value.dims and dims_compatible(found, value.dims):
            value.dims = merge_dims(value.dims, found)
            changed.add(value)
    op_def = node.op_def
    if op_def.value is not None or op_def.values is not None or op_def.value_dims is not None:
        # Its value may be known now, which is what the shapes of those that take it depend on.
        changed.update(node.outputs)
    return None
