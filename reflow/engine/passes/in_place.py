"""Reuse of memory: an elementwise op whose input nothing needs any more makes its output there.

The memory has to be the plan's own: not that of a fed or fetched value, a constant or a variable, not that of a value
which a view that is still needed shows, and not that of what an op may keep or another device reads.
"""

from collections.abc import Iterable

from reflow.engine.aliases import aliased_inputs, memory_roots, roots_of
from reflow.engine.plan import Node, Plan, Value
from reflow.graph import dtypes
from reflow.ops import output_activations

_TYPES = frozenset({dtypes.float32, dtypes.float64})

# For an op, by the position of the input that is overwritten: the expression, over those of the inputs and over attrs.
_EITHER = "{0}.%s_({1})", "{1}.%s_({0})"
_OUT = "torch.%s({0}, {1}, out={0})", "torch.%s({0}, {1}, out={1})"


def _both(templates: tuple[str, str], function: str) -> dict[int, str]:
    return {position: template % function for position, template in enumerate(templates)}


_IN_PLACE: dict[str, dict[int, str]] = {
    **{op: {0: f"{{0}}.{name}_()"} for op, name in {
        "Exp": "exp", "Log": "log", "Neg": "neg", "Sqrt": "sqrt", "Rsqrt": "rsqrt", "Square": "square", "Abs": "abs",
        "Reciprocal": "reciprocal",
    }.items()},
    **{op: {0: template} for op, template in output_activations.IN_PLACE.items()},
    "Add": _both(_EITHER, "add"), "AddV2": _both(_EITHER, "add"), "Mul": _both(_EITHER, "mul"),
    "Sub": {0: "{0}.sub_({1})", 1: _OUT[1] % "sub"},
    "RealDiv": {0: "{0}.div_({1})", 1: _OUT[1] % "div"},
    "_AddProduct": {0: "{0}.addcmul_({1}, {2}, value={value})"},
    "_AddQuotient": {0: "{0}.addcdiv_({1}, {2}, value={value})"},
    "_AddScaled": {0: "{0}.add_({1}, alpha={scale})"},
    "_Lerp": {0: "{0}.lerp_({1}, {2})"},
    "ReluGrad": {0: "torch.ops.aten.threshold_backward.grad_input({0}, {1}, 0, grad_input={0})"},
    "_ReluGradAndBiasAddGrad": {
        0: "(torch.ops.aten.threshold_backward.grad_input({0}, {1}, 0, grad_input={0}), {0}.flatten(0, -2).sum(0))"
    },
    "SigmoidGrad": {1: "torch.ops.aten.sigmoid_backward.grad_input({1}, {0}, grad_input={1})"},
    "TanhGrad": {1: "torch.ops.aten.tanh_backward.grad_input({1}, {0}, grad_input={1})"},
}  # fmt: skip

# What makes memory of its own, every element in a place of its own. (Others may return what is expanded or cached.)
_MAKERS = frozenset({
    "AddN", "AvgPool", "AvgPoolGrad", "BatchMatMul", "BatchMatMulV2", "BiasAdd", "BiasAddGrad", "ConcatV2", "Conv2D",
    "Conv2DBackpropFilter", "Conv2DBackpropInput", "DepthwiseConv2dNative", "LRN", "LRNGrad", "LogSoftmax", "MatMul",
    "Maximum", "MaxPool", "MaxPoolGrad", "Minimum", "Pack", "Softmax", "SoftmaxCrossEntropyWithLogits",
    "SparseSoftmaxCrossEntropyWithLogits", "SquaredDifference", "_ActivatedMatMul", "_CrossEntropyGradient",
    "_DirectConv2D", "_Elementwise", "_ElementwiseMany", "_FusedConv2D", "_FusedConv2DMaxPool", "_FusedMatMul",
    "_FusedMatMulWithResidual", "_LRNGradOfImage", "_PackedConv2D", "_PackedMatMul", "_ScaleMany", "_TransposeInMemory",
    "_WinogradConv2D",
}) | _IN_PLACE.keys()  # fmt: skip

# Views in which every element of the memory shows once.
_WHOLE_VIEWS = frozenset({"ExpandDims", "Reshape", "Squeeze"})


def reuse_memory(plan: Plan) -> Plan:
    """Mark the nodes of a scheduled plan that overwrite inputs: `Node.reuses` has their positions."""
    roots = memory_roots(plan)
    last = _last_readers(plan, roots)
    kept = _kept_memory(plan, roots)
    count = 0

    def may_overwrite(node, position, output):
        root = _memory_to_take(node, position, output, roots)
        return root is not None and last[root] is node and root not in kept

    for node in plan.nodes:
        if node.type == "_ScaleMany":
            positions = range(len(node.outputs))
            if all(may_overwrite(node, p, output) for p, output in zip(positions, node.outputs, strict=True)):
                node.reuses = tuple(positions)
                node.attrs = {**node.attrs, "in_place": True}
        else:
            found = [p for p in _positions(node) if may_overwrite(node, p, node.outputs[0])]
            node.reuses = tuple(found[:1])
        count += bool(node.reuses)
    if count:
        plan.notes.append(f"{count} nodes overwrite an input that nothing needs any more")
    return plan


def _positions(node: Node) -> Iterable[int]:
    """The inputs that a node may overwrite. A program writes a block when it has read that of all inputs."""
    return range(len(node.inputs)) if node.type == "_Elementwise" else _IN_PLACE.get(node.type, ())


def in_place_expression(node: Node, args: list[str]) -> str | None:
    """The call that overwrites an input, given the expressions of the inputs; None if the node's own kernel does it."""
    templates = _IN_PLACE.get(node.type)
    return templates[node.reuses[0]].format(*args, **node.attrs) if templates and node.reuses else None


def _memory_to_take(node: Node, position: int, output: Value, roots) -> Value | None:
    """The value whose memory an output of the node fits into, if that input has all of it; else None."""
    value = node.inputs[position]
    if output.dtype not in _TYPES or value.dtype is not output.dtype or value.dims != output.dims:
        return None
    if value.dims is None or None in value.dims:
        return None
    (root, *others) = roots_of(value, roots)
    if others or root.node.type not in _MAKERS or not _shows_all(value, root):
        return None
    if any(root in roots_of(v, roots) for i, v in enumerate(node.inputs) if i != position):
        return None
    return root


def _shows_all(value: Value, root: Value) -> bool:
    while value is not root:
        if value.node.type not in _WHOLE_VIEWS:
            return False
        value = value.node.inputs[0]
    return True


def _last_readers(plan: Plan, roots) -> dict[Value, Node | None]:
    """For each root, the last node that reads its memory; None if it is fetched, and so read after all of them."""
    last: dict[Value, Node | None] = {}
    for node in plan.nodes:
        for value in (*node.outputs, *node.inputs):
            for root in roots_of(value, roots):
                last[root] = node
        for condition, _ in node.guard:
            last[condition] = node
    for value in plan.fetches:
        for root in roots_of(value, roots):
            last[root] = None
    return last


def _kept_memory(plan: Plan, roots) -> set[Value]:
    """Roots whose memory a node may hold on to beyond its own run."""
    kept: set[Value] = set()
    for node in plan.nodes:
        keeps = _may_keep(node)
        for value in node.inputs:
            # Another device works at its own pace: it may read the memory later than the order says.
            if keeps or value.node.device != node.device:
                kept |= roots_of(value, roots)
    return kept


def _may_keep(node: Node) -> bool:
    op_def = node.op_def
    if op_def.is_stateful or op_def.writes or op_def.resource is not None or any(v.is_state for v in node.inputs):
        return True
    return any(v.dtype in (dtypes.variant, dtypes.resource) for v in node.outputs) and not aliased_inputs(node)
