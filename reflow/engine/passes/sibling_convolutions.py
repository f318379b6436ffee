"""Convolutions of the same images by constant windows of 1x1 become one: the branches of an inception module.

The images are read once for all filters, and small filters come to fill the vectors and threads that large ones leave.
"""

import torch

from reflow.engine.plan import Node, Plan, new_node


def merge_sibling_convolutions(plan: Plan) -> Plan:
    """Rewrite groups of `_DirectConv2D` nodes that take the same images."""
    if plan.lacks("_DirectConv2D"):
        return plan
    groups: dict[tuple, list[Node]] = {}
    for node in plan.nodes:
        if node.type == "_DirectConv2D" and _is_product(node) and not node.control:
            groups.setdefault((node.inputs[0], node.guard, node.device), []).append(node)
    in_place_of: dict[Node, list[Node]] = {}
    for siblings in groups.values():
        if len(siblings) > 1:
            made = _merged(siblings)
            in_place_of |= {node: [] for node in siblings}
            in_place_of[siblings[0]] = made
            outputs = [node.outputs[0] for node in siblings]
            plan.replace(dict(zip(outputs, made[-1].outputs, strict=True)), dict.fromkeys(siblings, made[-1]))
            plan.notes.append(f"{', '.join(node.name for node in siblings)}: one convolution")
    plan.nodes = [new for node in plan.nodes for new in in_place_of.get(node, [node])]
    return plan


def _is_product(node: Node) -> bool:
    return list(node.attrs["window"]) == list(node.attrs["strides"]) == [1, 1] and not node.attrs["R"]


def _merged(siblings: list[Node]) -> list[Node]:
    """[the filters, the biases, the convolution]."""
    first = siblings[0]
    name = f"{first.name}/siblings"
    filters, biases = (_concatenated(siblings, position, name) for position in (1, 2))
    attrs = {**first.attrs, "M": len(siblings), "columns": [node.attrs["columns"][0] for node in siblings],
             "activations": [node.attrs["activations"][0] for node in siblings]}  # fmt: skip
    outputs = [(node.outputs[0].dtype, node.outputs[0].dims) for node in siblings]
    inputs = [first.inputs[0], filters.outputs[0], biases.outputs[0]]
    return [filters, biases, new_node(name, first.type, inputs, attrs, outputs, like=first)]


def _concatenated(siblings: list[Node], position: int, name: str) -> Node:
    """The panels of all siblings in a row."""
    sources = [node.inputs[position].node for node in siblings]
    tensor = torch.cat([source.attrs["tensor"] for source in sources])
    value = sources[0].outputs[0]
    return new_node(f"{name}/{position}", "_PackedWeights", [], {**sources[0].attrs, "tensor": tensor},
                    [(value.dtype, tuple(tensor.shape))], like=sources[0])  # fmt: skip
