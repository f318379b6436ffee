"""Fusion of a matrix product or convolution with the bias that is added to it, and with an activation of the sum.

What of it needs no bias, or has more added to it, `fuse_residual` finds later in the same way.
"""

from reflow.engine.passes.rewriting import has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.ops.output_activations import IN_PLACE

_SUMS = frozenset({"Add", "AddV2", "AddN"})
_BIAS_SUMS = frozenset({"BiasAdd", "BiasAddV1"})
_TYPES = frozenset({dtypes.float32, dtypes.float64})
# Of products, by how much they add.
_PRODUCTS = ("_ActivatedMatMul", "_FusedMatMul", "_FusedMatMulWithResidual")


def fuse_bias(plan: Plan) -> Plan:
    """MatMul or Conv2D + bias (+ activation) becomes one node, which is one call."""
    return plan if plan.lacks("MatMul", "Conv2D") else Fusions(plan, with_residual=False).applied()


class Fusions:
    """The nodes of a plan that take in what follows them.

    Args:
      plan: the plan.
      with_residual: whether matrices and images are added, too, and whether a bias can be missing.
    """

    def __init__(self, plan: Plan, with_residual: bool):
        self._plan = plan
        self._with_residual = with_residual
        self._consumers = plan.consumers()
        self._fetched = set(plan.fetches)
        self._waited_for = waited_for_in(plan)
        self._new: dict[Node, Node] = {}
        self._gone: set[Node] = set()

    def applied(self) -> Plan:
        """The plan, rewritten."""
        plan = self._plan
        # Of two products that are added the later one is fused: the one of a shortcut commonly comes first.
        for node in reversed(plan.nodes):
            ending = _Ending.of(node)
            if ending is not None and _suits(node):
                self._visit(ending)
        if self._new:
            plan.nodes = [self._new.get(n, n) for n in plan.nodes if n not in self._gone]
            plan.replace({last.outputs[0]: new.outputs[0] for last, new in self._new.items()}, self._new)
        return plan

    def _visit(self, ending: "_Ending") -> None:
        had_bias, nodes = ending.bias is not None, [ending.product]
        while not ending.activation:
            user = self._sole_user(nodes[-1])
            if user is None or not ending.takes(user, nodes[-1].outputs[0], self._with_residual):
                break
            nodes.append(user)
        if len(nodes) == 1 or not self._with_residual and (had_bias or ending.bias is None):
            return
        self._gone.update(nodes[:-1])
        self._new[nodes[-1]] = ending.node(nodes[-1])
        names = ", ".join(dict.fromkeys(node.name for node in nodes))
        self._plan.notes.append(f"{names}: one {ending}")

    def _sole_user(self, node: Node) -> Node | None:
        """The one node that takes a node's result, if nothing else needs this result or waits for the node."""
        user = sole_consumer(node.outputs[0], self._consumers, self._fetched)
        if user is None or user in self._new or user in self._gone or user.control or node in self._waited_for:
            return None
        return user if user.device == node.device and user.guard == node.guard else None


def _suits(node: Node) -> bool:
    """Whether the type is one of the kernels', and a convolution's images are not known to be empty."""
    # Of no images ATen does not convolve: the kernel makes zeros.
    return node.outputs[0].dtype in _TYPES and (_is_product(node) or 0 not in (node.inputs[0].dims or ()))


def _is_product(node: Node) -> bool:
    return node.type == "MatMul" or node.type in _PRODUCTS


class _Ending:
    """What a product or convolution ends in."""

    def __init__(self, product: Node, bias: Value | None = None, residual: Value | None = None):
        self.product = product
        self.bias = bias
        self.residual = residual
        self.activation = ""

    @classmethod
    def of(cls, node: Node) -> "_Ending | None":
        """What a node has of it; None if nothing can follow."""
        if node.attrs.get("activation"):
            return None
        if node.type in ("MatMul", "Conv2D"):
            return cls(node)
        if node.type == "_FusedMatMul":
            addend = node.inputs[2]
            return cls(node, addend) if len(addend.dims or ()) == 1 else cls(node, None, addend)
        if node.type == "_FusedConv2D" and not node.attrs["R"]:
            return cls(node, *node.inputs[2:])
        return None

    def takes(self, user: Node, value: Value, with_residual: bool) -> bool:
        """Take in the user of the value so far; False if it cannot be."""
        if user.type in IN_PLACE:
            self.activation = user.type
            return True
        addend = _addend_of(user, value)
        if addend is None or addend.is_state or addend.dtype is not value.dtype:
            return False
        if self.bias is None and self._is_bias(user, addend, value):
            self.bias = addend
        elif with_residual and self.residual is None and has_known_dims(value) and addend.dims == value.dims:
            self.residual = addend
        else:
            return False
        return True

    def _is_bias(self, add: Node, addend: Value, value: Value) -> bool:
        """Whether an addend is a vector for the channels of the product."""
        channels_first = self.product.attrs.get("data_format") == b"NCHW"
        if add.type in _BIAS_SUMS:
            same_layout = (add.attrs.get("data_format", b"NHWC") == b"NCHW") == channels_first
            return add.inputs[0] is value and (same_layout or _is_product(self.product))
        if addend.dims is None or len(addend.dims) != 1 or value.dims is None or channels_first:
            return False
        return addend.dims[0] is not None and addend.dims[0] == value.dims[-1]

    def node(self, last: Node) -> Node:
        """The node that does it all, in the place of the last one."""
        bias, residual = ([] if value is None else [value] for value in (self.bias, self.residual))
        factors, attrs = self.product.inputs[:2], {**self.product.attrs, "activation": self.activation}
        if _is_product(self.product):
            kind = _PRODUCTS[len(bias) + len(residual)]
        else:
            kind, attrs = "_FusedConv2D", {**attrs, "N": len(bias), "R": len(residual)}
        fused = new_node(last.name, kind, [*factors, *bias, *residual], attrs,
                         [(last.outputs[0].dtype, last.outputs[0].dims)], like=last)  # fmt: skip
        fused.control = list(self.product.control)
        return fused

    def __str__(self):
        found = (("bias", self.bias), ("residual", self.residual), (self.activation, self.activation))
        parts = [name for name, part in found if part]
        *others, last = parts
        what = "product" if _is_product(self.product) else "convolution"
        return f"{what} with {', '.join(others)}{' and ' if others else ''}{last}"


def _addend_of(add: Node, value: Value) -> Value | None:
    """What `add` adds to a value; None if it is no sum of two."""
    if add.type not in _SUMS | _BIAS_SUMS or len(add.inputs) != 2:
        return None
    left, right = add.inputs
    return right if left is value else left
