"""Constant folding: what construction can tell from shapes and constants becomes a constant."""

import numpy as np
import torch

from reflow.engine.evaluate import evaluate
from reflow.engine.passes.control import effects_until, has_effect
from reflow.engine.passes.shapes import refine_shapes
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.ops.torch_types import array_of

# Larger results are left to the run: a constant is kept as long as the plan.
_MOST_ELEMENTS = 1 << 20


def fold_constants(plan: Plan) -> Plan:
    """Replace nodes whose outputs are known by Const nodes."""
    replaced: dict[Value, Value] = {}
    kept: list[Node] = []
    folded: set[Node] = set()
    # Values of which more is known than when the shape rules ran last.
    changed: set[Value] = set()
    # What is constant, but waits for something (a check, say): to fold it would drop what it waits for.
    waiting: set[Node] = set()
    effects, effective = effects_until(plan), [node for node in plan.nodes if has_effect(node)]
    passed_by = 0
    for node in plan.nodes:
        for i, value in enumerate(node.inputs):
            if value in replaced:
                node.inputs[i] = replaced[value]
                changed.add(replaced[value])
        if changed and not changed.isdisjoint(node.inputs):
            refine_shapes(node, changed)
        constants = _fold(node) if _may_fold(node) else None
        if (constants is not None or node.type == "Const") and _waits(node, waiting):
            waiting.add(node)
            constants = None
        if constants is None:
            kept.append(node)
            continue
        folded.add(node)
        for value in node.inputs:
            passed_by |= effects.get(value.node, 0)
        for old, array in zip(node.outputs, constants, strict=True):
            new = _constant(node, old, array)
            kept.append(new)
            replaced[old] = new.outputs[0]
    plan.nodes = kept
    if folded:
        # A constant has no effect that anything could wait for.
        for node in kept:
            if node.control:
                node.control = [c for c in node.control if c not in folded]
        plan.targets = [t for t in plan.targets if t not in folded]
        # A shape may be known before the tensor is, but what the tensor waits for happens all the same.
        plan.targets += [node for i, node in enumerate(effective) if passed_by >> i & 1 and node not in plan.targets]
    plan.fetches = [replaced.get(v, v) for v in plan.fetches]
    return plan


def _may_fold(node: Node) -> bool:
    op_def = node.op_def
    return not (op_def.name in ("Const", "Placeholder", "PlaceholderV2", "_Read") or op_def.is_stateful
                or not node.outputs or op_def.resource is not None or op_def.writes)  # fmt: skip


def _waits(node: Node, waiting: set[Node]) -> bool:
    return bool(node.control) or bool(waiting) and any(v.node in waiting for v in node.inputs)


def _fold(node: Node) -> list[np.ndarray] | None:
    """The values of all outputs, or None if they depend on what is fed, or are too large to keep."""
    try:
        if node.op_def.values is not None:
            return node.op_def.values(node)
        array = node.op_def.value(node) if node.op_def.value is not None and len(node.outputs) == 1 else None
    except (ValueError, TypeError):  # The inputs do not fit: the node runs, and fails, in its place in the step.
        return None
    if array is not None:
        array = np.asarray(array)
        return [array] if array.size <= _MOST_ELEMENTS else None
    if not node.inputs or any(v.node.type != "Const" or v.node.control for v in node.inputs):
        return None
    if any(d is None or None in d or _size(d) > _MOST_ELEMENTS for d in (v.dims for v in node.outputs)):
        return None
    if any(v.dtype in (dtypes.resource, dtypes.variant) or v.dtype.is_ref for v in node.outputs):
        return None
    try:
        results = evaluate(node, [v.node.attrs["value"] for v in node.inputs])
    except Exception:  # The node runs, and fails, in its place in the step.
        return None
    arrays = [array_of(r) if isinstance(r, torch.Tensor) else r for r in results]
    return arrays if all(isinstance(a, np.ndarray) for a in arrays) else None


def _size(dims) -> int:
    size = 1
    for each in dims:
        size *= each
    return size


def _constant(node: Node, old: Value, array: np.ndarray) -> Node:
    name = node.name if not old.index else f"{node.name}/{old.index}"
    base = old.dtype.base_dtype
    return new_node(name, "Const", [], {"value": array, "dtype": base}, [(base, array.shape)], like=node)
