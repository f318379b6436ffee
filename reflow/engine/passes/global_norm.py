"""Clipping by the global norm: the norms of many small tensors are one call, and so are their products with the scale.

Large tensors stay as they are: for them a dot product is quicker than ATen's norm, and one call more costs nothing.
"""

import torch

from reflow.engine.passes.rewriting import constant_of, downstream, has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.graph import dtypes
from reflow.graph.registry import define_op
from reflow.graph.shapes import num_elements

_LEAST_TENSORS = 4
# Tensors with fewer elements are small. (Measured: 2 cores, AVX2.)
_SMALL = 1 << 14


def _half_squares_of_many(tensors):
    """Half the sum of the squares of all elements of all tensors."""
    return torch.stack(torch._foreach_norm(tensors)).square().sum() * 0.5


def _scale_many(tensors, scale, in_place):
    if not in_place:
        return torch._foreach_mul(tensors, scale)
    torch._foreach_mul_(tensors, scale)
    return tensors


define_op("_HalfSquaresOfMany", "tensors: N*T -> sum: T", "N: int, T: type", shape=lambda op: [()],
          kernel=_half_squares_of_many, gradient=None)  # fmt: skip
define_op("_ScaleMany", "tensors: N*T, scale: T -> scaled: N*T", "N: int, T: type, in_place: bool = false",
          shape=lambda op: [v.dims for v in op._inputs[:-1]], kernel=_scale_many, gradient=None)  # fmt: skip


def clip_many(plan: Plan) -> Plan:
    """Rewrite sums of many L2Loss nodes, and products of many tensors with one scalar."""
    if not plan.lacks("L2Loss"):
        _merge_norms(plan)
    _merge_scales(plan)
    return plan


def _is_small(value: Value) -> bool:
    return value.dtype is dtypes.float32 and has_known_dims(value) and (num_elements(value.dims) or 0) < _SMALL


# --- norms ------------------------------------------------------------------------------------------------------------


def _merge_norms(plan: Plan) -> None:
    """Of the L2Loss nodes whose results are stacked and summed, let one node do those of small tensors."""
    consumers, fetched, waited_for = plan.consumers(), set(plan.fetches), waited_for_in(plan)
    merged: dict[Node, Node] = {}
    gone: set[Node] = set()
    for pack in plan.nodes:
        total = sole_consumer(pack.outputs[0], consumers, fetched) if pack.type == "Pack" else None
        if total is None or total.type != "Sum" or total.outputs[0].dims != () or pack in waited_for:
            continue
        losses = [
            v.node for v in pack.inputs
            if v.node.type == "L2Loss" and _is_small(v.node.inputs[0]) and v.node.guard == pack.guard
            and not v.node.control and v.node not in waited_for and sole_consumer(v, consumers, fetched) is pack
        ]  # fmt: skip
        if len(losses) < _LEAST_TENSORS:
            continue
        norm = new_node(f"{pack.name}/small", "_HalfSquaresOfMany", [n.inputs[0] for n in losses],
                        {"N": len(losses), "T": dtypes.float32}, [(dtypes.float32, ())], like=pack)  # fmt: skip
        kept = [v for v in pack.inputs if v.node not in losses]
        pack.inputs = [*kept, norm.outputs[0]]
        pack.attrs = {**pack.attrs, "N": len(pack.inputs)}
        pack.outputs[0].dims = (len(pack.inputs),)
        merged[pack] = norm
        gone.update(losses)
        plan.notes.append(f"{total.name}: the norms of {len(losses)} small tensors as one")
    plan.nodes = [n for node in plan.nodes if node not in gone
                  for n in ([merged[node], node] if node in merged else [node])]  # fmt: skip


# --- scales -----------------------------------------------------------------------------------------------------------


def _merge_scales(plan: Plan) -> None:
    waited_for = waited_for_in(plan)
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type == "Mul" and not node.control and node not in waited_for and _is_small(node.outputs[0]):
            scale = _scalar_factor(node)
            if scale is not None:
                groups.setdefault((scale, node.device, node.guard), []).append(node)
    for (scale, *_), group in groups.items():
        if len(group) >= _LEAST_TENSORS:
            later = downstream(plan, set(group))
            if not any(_other(node, scale).node in later for node in group):
                _scale_together(plan, scale, group)


def _scalar_factor(node: Node) -> Value | None:
    """The factor that is a scalar known only when the step runs; None unless the other one has the product's shape."""
    for scale, other in (node.inputs, reversed(node.inputs)):
        if scale.dims == () and constant_of(scale) is None and other.dims == node.outputs[0].dims != ():
            return scale
    return None


def _other(node: Node, scale: Value) -> Value:
    left, right = node.inputs
    return right if left is scale else left


def _scale_together(plan: Plan, scale: Value, group: list[Node]) -> None:
    first = group[0]
    together = new_node(f"{first.name}/many", "_ScaleMany", [*(_other(n, scale) for n in group), scale],
                        {"N": len(group), "T": dtypes.float32, "in_place": False},
                        [(dtypes.float32, n.outputs[0].dims) for n in group], like=first)  # fmt: skip
    gone = set(group)
    plan.nodes = [together if n is first else n for n in plan.nodes if n not in gone or n is first]
    plan.replace({n.outputs[0]: output for n, output in zip(group, together.outputs, strict=True)})
    plan.nodes = topological(plan.nodes)
    plan.notes.append(f"{first.name}: {len(group)} products with one scalar as one")
