"""Algebraic simplification: nodes that give back one of their inputs, for the shapes and constants at hand."""

from collections.abc import Callable

import numpy as np

from reflow.engine.passes.control import effects_until
from reflow.engine.plan import Node, Plan, Value

# For an op, a rule `node -> the input that the output equals, or None`.
_RULES: dict[str, Callable[[Node], Value | None]] = {}


def _rule(*op_names):
    def register(function):
        for name in op_names:
            _RULES[name] = function
        return function

    return register


def simplify_arithmetic(plan: Plan) -> Plan:
    """Let the users of a node that changes nothing take its input."""
    replaced: dict[Value, Value] = {}
    gone: set[Node] = set()
    waited_for = {c for n in plan.nodes for c in n.control} | set(plan.targets)
    effects = effects_until(plan)
    for node in plan.nodes:
        for i, value in enumerate(node.inputs):
            if value in replaced:
                node.inputs[i] = replaced[value]
        rule = _RULES.get(node.type)
        if rule is None or node.control or node in waited_for:
            continue
        same = rule(node)
        if same is None or same.is_state:
            continue
        # What the other inputs wait for has to happen all the same.
        own = effects.get(same.node, 0)
        if all(not effects.get(value.node, 0) & ~own for value in node.inputs):
            replaced[node.outputs[0]] = same
            gone.add(node)
    if gone:
        plan.nodes = [n for n in plan.nodes if n not in gone]
        plan.fetches = [replaced.get(v, v) for v in plan.fetches]
    return plan


def _constant(value: Value) -> np.ndarray | None:
    return value.node.attrs["value"] if value.node.type == "Const" else None


def _same_dims(a: Value, b: Value) -> bool:
    return a.dims is not None and None not in a.dims and a.dims == b.dims


@_rule("Sum", "Mean", "Max", "Min", "Prod", "All", "Any")
def _reduction_over_nothing(node):
    """A reduction over no axis; the gradient of a broadcast that did not broadcast is one."""
    axes = _constant(node.inputs[1])
    return node.inputs[0] if axes is not None and axes.size == 0 else None


@_rule("Reshape", "Squeeze", "BroadcastTo", "Tile", "Pad", "PadV2", "Slice", "StridedSlice")
def _same_shape(node):
    """A movement whose result has the input's shape moves nothing; StridedSlice might still reverse."""
    if not _same_dims(node.outputs[0], node.inputs[0]):
        return None
    if node.type == "StridedSlice":
        strides = _constant(node.inputs[3])
        if strides is None or (strides != 1).any() or node.attrs["new_axis_mask"]:
            return None
    if node.type in ("Pad", "PadV2"):
        paddings = _constant(node.inputs[1])
        if paddings is None or paddings.any():
            return None
    return node.inputs[0]


@_rule("Transpose")
def _identity_permutation(node):
    """A permutation that moves nothing, or moves back what the one before it moved, to another layout and back."""
    permutation = _constant(node.inputs[1])
    if permutation is None:
        return None
    before = node.inputs[0].node
    if (permutation == np.arange(permutation.size)).all():
        return node.inputs[0]
    first = _constant(before.inputs[1]) if before.type == "Transpose" and not before.control else None
    if first is not None and (first[permutation] == np.arange(permutation.size)).all():
        return before.inputs[0]
    return None


@_rule("Cast")
def _cast_to_itself(node):
    return node.inputs[0] if node.inputs[0].dtype.base_dtype is node.outputs[0].dtype else None


@_rule("AddN", "ConcatV2")
def _only_one(node):
    if node.type == "ConcatV2":
        return node.inputs[0] if len(node.inputs) == 2 else None
    return node.inputs[0] if len(node.inputs) == 1 else None


def _is_all(value: Value, number) -> bool:
    array = _constant(value)
    return array is not None and array.dtype.kind in "fiuc" and array.size > 0 and bool((array == number).all())


@_rule("Mul", "RealDiv", "Div")
def _times_one(node):
    left, right = node.inputs
    if _is_all(right, 1) and _same_dims(left, node.outputs[0]):
        return left
    if node.type == "Mul" and _is_all(left, 1) and _same_dims(right, node.outputs[0]):
        return right
    return None


@_rule("Add", "AddV2", "Sub")
def _plus_zero(node):
    left, right = node.inputs
    if _is_all(right, 0) and _same_dims(left, node.outputs[0]):
        return left
    if node.type != "Sub" and _is_all(left, 0) and _same_dims(right, node.outputs[0]):
        return right
    return None
