"""The gradient of a ReLU reads the ReLU's output out of the concatenation that it went into.

Where branches of a network are concatenated, each is kept twice for the gradients: by itself, for the gradient of its
ReLU, and as a part of the whole. A view of the whole serves as well, and the branch itself is free at once.
"""

import numpy as np

from reflow.engine.passes.rewriting import constant_node, constant_of, has_known_dims, sizes_of
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes


def read_concatenation(plan: Plan) -> Plan:
    """Let `_ReluGradAndBiasAddGrad` take slices of concatenations along the channels."""
    if plan.lacks("_ReluGradAndBiasAddGrad"):
        return plan
    places = _places(plan)
    consumers = plan.consumers()
    before: dict[Node, list[Node]] = {}
    made: set[Node] = set()
    for node in plan.nodes:
        made.add(node)
        if node.type != "_ReluGradAndBiasAddGrad":
            continue
        features = node.inputs[1]
        concat, first = places.get(features, (None, 0))
        if concat is None or concat not in made or concat.guard != node.guard or concat.device != node.device:
            continue
        if set(consumers[features]) == {concat, node}:
            before[node] = _slice_nodes(node, concat.outputs[0], first)
            node.inputs[1] = before[node][-1].outputs[0]
    if before:
        plan.nodes = [new for node in plan.nodes for new in (*before.get(node, ()), node)]
        plan.notes.append(f"{len(before)} gradients of ReLUs read concatenated branches")
    return plan


def _places(plan: Plan) -> dict[Value, tuple[Node, int]]:
    """For each value that is concatenated along the last dimension, to what, and from which channel on."""
    places: dict[Value, tuple[Node, int]] = {}
    for node in plan.nodes:
        if node.type != "ConcatV2" or node.outputs[0].dtype is not dtypes.float32:
            continue
        *values, axis = node.inputs
        at, rank = constant_of(axis), len(node.outputs[0].dims or ())
        if at is None or rank < 2 or int(at) % rank != rank - 1 or not all(map(has_known_dims, values)):
            continue
        first = 0
        for value in values:
            places[value] = node, first
            first += sizes_of(value)[-1]
    return places


def _slice_nodes(node: Node, whole: Value, first: int) -> list[Node]:
    """[begin, size, the channels of `whole` from `first` on that are the node's features]."""
    features = node.inputs[1]
    dims = sizes_of(features)
    name = f"{node.name}/{features.name}"
    begin = constant_node(f"{name}/begin", np.array([0] * (len(dims) - 1) + [first]), dtypes.int32, node)
    size = constant_node(f"{name}/size", np.array(dims), dtypes.int32, node)
    attrs = {"T": features.dtype, "Index": dtypes.int32}
    part = new_node(name, "Slice", [whole, begin.outputs[0], size.outputs[0]], attrs, [(features.dtype, features.dims)],
                    like=node)  # fmt: skip
    part.control = []
    return [begin, size, part]
