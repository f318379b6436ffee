"""The source of a segment, in names that do not depend on its place in the graph: equal segments are equal text."""

from math import prod

from reflow.engine.branches import Guard
from reflow.engine.emit import Emitted, Emitter, argument_of_each_input
from reflow.engine.plan import Node, Plan, Value
from reflow.graph import dtypes
from reflow.ops.output_activations import expression

# A float product of at most so many multiply-adds is written out, and then fused with what stands around it: the call
# of a library would cost more than the product.
_WRITTEN_OUT = 4096
_PRODUCTS = frozenset({"MatMul", "_ActivatedMatMul", "_FusedMatMul", "_FusedMatMulWithResidual"})
_ONEDNN = "torch.ops.mkldnn."


class SegmentEmitter(Emitter):
    """Emits a part of a plan whose nodes need no state."""

    def __init__(self, plan: Plan):
        super().__init__(plan, None)  # type: ignore[arg-type]

    def _name(self, value: Value) -> str:
        name = self.names[value] = self._unique(f"t{len(self.names)}")
        return name

    def _last_uses(self):
        # The caller keeps what it gives.
        taken = set(self.plan.feeds)
        return {node: [v for v in values if v not in taken] for node, values in super()._last_uses().items()}

    def _guard(self, node: Node) -> Guard:
        return ()  # The call of the segment stands under its guard.

    def _native_call(self, node: Node, args: list[str]) -> str | None:
        return None  # The compiler sees through PyTorch's operations alone.

    def _overwriting(self, node: Node, args: list[str]) -> str | None:
        return None  # A segment changes nothing that it is given; the compiler reuses memory by itself.

    def _expression(self, node: Node) -> str:
        expression = _written_out_product(node, self._arguments(node)) or super()._expression(node)
        if _ONEDNN in expression and callable(node.op_def.kernel):
            # The compiler has its own ways to oneDNN, and does not take this one.
            return self._function_call(node, self._arguments(node))
        return expression

    def functions(self) -> tuple | None:
        """The (name, function) pairs of the source's global names; None if one of them is no function."""
        own = ("step", "__builtins__", "torch", "inf", "nan")
        things = tuple((name, thing) for name, thing in self.namespace.items() if name not in own)
        return things if all(callable(thing) for _, thing in things) else None


def is_written_out(node: Node) -> bool:
    """True for a matrix product so small that a segment has it as a sum of products."""
    if node.type not in _PRODUCTS or node.outputs[0].dtype not in (dtypes.float32, dtypes.float64):
        return False
    left, right = ([size for size in value.dims or () if size] for value in node.inputs[:2])
    if len(left) < 2 or len(right) < 2:  # A size is unknown, or 0.
        return False
    return prod(left) * right[0 if node.attrs["transpose_b"] else 1] <= _WRITTEN_OUT


def _written_out_product(node: Node, args: list[str]) -> str | None:
    if not is_written_out(node):
        return None
    transpose_a, transpose_b = node.attrs["transpose_a"], node.attrs["transpose_b"]
    a, b = f"{args[0]}{'.t()' if transpose_a else ''}", f"{args[1]}{'.t()' if transpose_b else ''}"
    total = " + ".join([f"({a}.unsqueeze(2) * {b}).sum(1)", *args[2:]])
    return expression(f"({total})", node.attrs.get("activation", ""))


def inputs_of(nodes: list[Node]) -> list[Value]:
    """The values that a segment takes: what its nodes do not make. Constants that become literals are none."""
    made = {value for node in nodes for value in node.outputs}
    taken: dict[Value, None] = {}
    for node in nodes:
        host = _host_positions(node)
        for position, value in enumerate(node.inputs):
            if value not in made and not (value.node.type == "Const" and position in host):
                taken[value] = None
    return list(taken)


def _host_positions(node: Node) -> set[int]:
    if not node.op_def.host:
        return set()
    return {i for i, arg in enumerate(argument_of_each_input(node)) if arg.name in node.op_def.host}


def emit(nodes: list[Node], outputs: list[Value]) -> tuple[Emitted, list[Value], tuple | None]:
    """Emit nodes as a function of their own.

    Args:
      nodes: nodes without state, in an order in which they can run.
      outputs: the values to return.

    Returns:
      (the emitted function, the values that it takes, a key that equal functions of equal inputs share). The key is
      None if the function depends on more than its text tells.
    """
    taken = inputs_of(nodes)
    emitter = SegmentEmitter(Plan(nodes, taken, outputs))
    emitted = emitter.emit()
    functions = emitter.functions()
    if functions is None:
        return emitted, taken, None
    signature = tuple((v.dtype.name, v.dims) for v in taken)
    return emitted, taken, (emitted.source, nodes[0].device.rpartition("device:")[2], signature, functions)
