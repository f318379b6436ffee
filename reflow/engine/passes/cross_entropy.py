"""Softmax with cross entropy: what is wanted of it, and what is made of its gradient, in one pass over memory.

The op makes the loss and its gradient by the features at once. A step that trains and does not fetch the loss needs no
logarithm, and one that evaluates no softmax. (The formula written out, -sum(labels * log(softmax(x))), stays as it is:
where a probability is too small for a float, it is infinite in TensorFlow, and the op's value is not.)

That gradient is then multiplied by that of the loss, a number a row: 1 / rows where the loss is their mean. The product
summed over the rows is the gradient of a bias. Both are made along with it.
"""

import functools
from typing import Any, NamedTuple

import torch

from reflow.engine.passes.rewriting import constant_of, has_known_dims, sizes_of, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.engine.schedule import topological
from reflow.engine.torch_devices import is_gpu
from reflow.graph.registry import define_op, get_op_def
from reflow.ops.cross_entropy import label_column, minus_one_at
from reflow.ops.native.cross_entropy import Outputs, kernel_for, rule

_SPARSE, _DENSE = "SparseSoftmaxCrossEntropyWithLogits", "SoftmaxCrossEntropyWithLogits"

# --- ops of the plan --------------------------------------------------------------------------------------------------


def _sparse_loss(features, labels):
    column = label_column(features, labels)
    if not features.numel():
        return features.new_zeros(features.shape[:1])
    greatest = features.amax(1, True)
    sums = (features - greatest).exp_().sum(1, True).log_()
    return sums.add_(greatest.sub_(features.gather(1, column))).squeeze(1)


define_op("_SparseCrossEntropyLoss", "features: T, labels: Tlabels -> loss: T", "T: type, Tlabels: type",
          shape=lambda op: [op._inputs[0].dims[:1]], kernel=_sparse_loss, gradient=None,
          native=rule(_sparse_loss, gradient=False))  # fmt: skip


def _whole_op(is_sparse: bool) -> Any:
    return get_op_def(_SPARSE if is_sparse else _DENSE)


def _cross_entropy_gradient(features, labels, weights, loss, sums):
    """[the loss of each row,] its gradient times the row's weight [, the sums of that over the rows]."""
    is_sparse = not labels.is_floating_point()
    if loss:
        made = list(_whole_op(is_sparse).kernel(features, labels))
    elif is_sparse:
        made = [minus_one_at(label_column(features, labels), torch.softmax(features, 1))]
    else:
        made = [torch.softmax(features, 1) - labels]
    if weights:
        made[-1].mul_(weights[0])
    if sums:
        made.append(made[-1].sum(0))
    return made


def _gradient_shape(op):
    losses, gradient = _whole_op(op._inputs[1].dtype.is_integer).shape(op)
    return [losses] * op.attrs["loss"] + [gradient] + [gradient[1:]] * op.attrs["sums"]


def _native_gradient(node):
    attrs = node.attrs
    kernel: Any = kernel_for(node, _plain(attrs["loss"], attrs["sums"]), Outputs(attrs["loss"], True, attrs["sums"]))
    is_alone = attrs["K"] == 1

    def native_cross_entropy(features, labels, weights):
        made = kernel(features, labels, weights[0].contiguous()) if weights else kernel(features, labels)
        return (made,) if is_alone else made

    return native_cross_entropy if kernel is not None else None


@functools.cache
def _plain(loss: bool, sums: bool):
    """What runs where the kernel in C does not: one output is no list there, and weights are not in one."""

    def cross_entropy_gradient(features, labels, *weights):
        made = _cross_entropy_gradient(features, labels, weights, loss, sums)
        return made if len(made) > 1 else made[0]

    return cross_entropy_gradient


define_op("_CrossEntropyGradient", "features: T, labels: Tlabels, weights: W*T -> outputs: K*T",
          "W: int, K: int, T: type, Tlabels: type, loss: bool, sums: bool", shape=_gradient_shape,
          kernel=_cross_entropy_gradient, native=_native_gradient, gradient=None)  # fmt: skip

# --- the pass ---------------------------------------------------------------------------------------------------------


class _Weighted(NamedTuple):
    """The product of a gradient with a number a row."""

    product: Node
    weights: Value


def fuse_cross_entropy(plan: Plan) -> Plan:
    """Replace the nodes of which one output is taken, and those whose gradient is multiplied or summed."""
    if plan.lacks(_SPARSE, _DENSE):
        return plan
    search = _Search(plan)
    new: dict[Node, Node] = {}
    gone: set[Node] = set()
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        # Of types with fewer bits, what is in between would be rounded otherwise.
        if node.type not in (_SPARSE, _DENSE) or node.outputs[0].dtype.size < 4:
            continue
        loss, gradient = node.outputs
        with_loss = search.is_taken(loss)
        if not search.is_taken(gradient):
            if with_loss and node.type == _SPARSE:
                new[node] = made = _loss_alone(node)
                replaced[loss] = made.outputs[0]
                plan.notes.append(f"{node.name}: only the loss")
            continue
        weighted = search.weighted(node)
        result = weighted.product.outputs[0] if weighted else gradient
        sums = search.sums(result)
        if with_loss and weighted is None and sums is None:
            continue
        new[node] = made = _with_gradient(node, with_loss, weighted, sums)
        old = [loss] * with_loss + [result] + ([sums.outputs[0]] if sums else [])
        replaced.update(zip(old, made.outputs, strict=True))
        gone.update(n for n in (weighted and weighted.product, sums) if n)
        plan.notes.append(_note(node, with_loss, weighted, sums))
    if new:
        plan.nodes = [new.get(n, n) for n in plan.nodes if n not in gone]
        plan.replace(replaced, new)
        if gone:
            # Weights may be made later than what they are now taken by.
            plan.nodes = topological(plan.nodes)
    return plan


class _Search:
    """Looks for what can be fused with the nodes of a plan."""

    def __init__(self, plan: Plan):
        self._consumers = plan.consumers()
        self._fetched = set(plan.fetches)
        self._waited_for = waited_for_in(plan)
        # By node that gets weights, what makes these: the node will wait for it.
        self._new_edges: dict[Node, Node] = {}

    def is_taken(self, value: Value) -> bool:
        return value in self._consumers or value in self._fetched

    def weighted(self, node: Node) -> _Weighted | None:
        """What multiplies the gradient that a node makes by a number a row, if it does not depend on the node."""
        gradient = node.outputs[1]
        product = sole_consumer(gradient, self._consumers, self._fetched)
        if product is None or product.type != "Mul" or not self._may_go(product, node) or not has_known_dims(gradient):
            return None
        (weights,) = [v for v in product.inputs if v is not gradient]
        # Weights of a higher level are made after a change of variables, which the loss does not wait for.
        if weights.dims != (sizes_of(gradient)[0], 1) or weights.node.level > node.level:
            return None
        if self._depends(weights.node, node):
            return None
        self._new_edges[node] = weights.node
        return _Weighted(product, weights)

    def sums(self, value: Value) -> Node | None:
        """A node that sums the rows of a value."""
        candidates = self._consumers.get(value, ()) if has_known_dims(value) else ()
        return next((n for n in candidates if _sums_rows(n) and self._may_go(n, value.node)), None)

    def _may_go(self, node: Node, into: Node) -> bool:
        """True if a node can be part of another one; C kernels, for which that is done, are the CPU's."""
        alike = node.device == into.device and node.guard == into.guard and not is_gpu(into.device)
        return alike and not node.control and node not in self._waited_for

    def _depends(self, node: Node, on: Node) -> bool:
        """True if a node depends on another one, also by way of weights that were fused before."""
        seen: set[Node] = set()
        stack = [node]
        while stack:
            node = stack.pop()
            if node is on:
                return True
            if node in seen:
                continue
            seen.add(node)
            stack.extend(v.node for v in node.inputs)
            stack.extend(condition.node for condition, _ in node.guard)
            stack.extend(node.control)
            if node in self._new_edges:
                stack.append(self._new_edges[node])
        return False


def _sums_rows(node: Node) -> bool:
    """True for the sum of a matrix over its first dimension."""
    if node.type == "BiasAddGrad":
        return node.attrs["data_format"] == b"NHWC"
    if node.type != "Sum" or node.attrs["keep_dims"]:
        return False
    axes = constant_of(node.inputs[1])
    return axes is not None and axes.ravel().tolist() in ([0], [-2])


def _loss_alone(node: Node) -> Node:
    loss = node.outputs[0]
    return new_node(node.name, "_SparseCrossEntropyLoss", node.inputs, node.attrs, [(loss.dtype, loss.dims)], like=node)


def _with_gradient(node: Node, with_loss: bool, weighted: _Weighted | None, sums: Node | None) -> Node:
    outputs = [*node.outputs[not with_loss :], *(sums.outputs if sums else ())]
    attrs = {"T": node.outputs[0].dtype, "Tlabels": node.inputs[1].dtype, "W": int(weighted is not None),
             "K": len(outputs), "loss": with_loss, "sums": sums is not None}  # fmt: skip
    inputs = [*node.inputs, weighted.weights] if weighted else node.inputs
    return new_node(node.name, "_CrossEntropyGradient", inputs, attrs, [(v.dtype, v.dims) for v in outputs], like=node)


def _note(node: Node, with_loss: bool, weighted: _Weighted | None, sums: Node | None) -> str:
    parts = [] if with_loss else ["only the gradient"]
    if weighted:
        parts.append(f"multiplied as {weighted.product.name} does")
    if sums:
        parts.append(f"summed as {sums.name} does")
    return f"{node.name}: {', '.join(parts)}"
