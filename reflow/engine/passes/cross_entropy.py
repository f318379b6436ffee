"""Softmax with cross entropy of which only one output is wanted: the loss, or its gradient by the features.

The op makes both at once. A step that trains and does not fetch the loss needs no logarithm, and one that evaluates no
softmax. (The formula written out, -sum(labels * log(softmax(x))), stays as it is: where a probability is too small for
a float, it is infinite in TensorFlow, and the op's value is not.)
"""

import torch

from reflow.engine.plan import Node, Plan, new_node
from reflow.graph.registry import define_op
from reflow.ops.cross_entropy import label_column, minus_one_at
from reflow.ops.native import cross_entropy as cross_entropy_native


def _sparse_loss(features, labels):
    column = label_column(features, labels)
    if not features.numel():
        return features.new_zeros(features.shape[:1])
    greatest = features.amax(1, True)
    sums = (features - greatest).exp_().sum(1, True).log_()
    return sums.add_(greatest.sub_(features.gather(1, column))).squeeze(1)


def _sparse_gradient(features, labels):
    column = label_column(features, labels)
    return minus_one_at(column, torch.softmax(features, 1))


def _gradient(features, labels):
    return torch.softmax(features, 1) - labels


def _loss_shape(op):
    return [op._inputs[0].dims[:1]]


def _gradient_shape(op):
    return [op._inputs[0].dims]


define_op("_SparseCrossEntropyLoss", "features: T, labels: Tlabels -> loss: T", "T: type, Tlabels: type",
          shape=_loss_shape, kernel=_sparse_loss, gradient=None,
          native=cross_entropy_native.rule(_sparse_loss, gradient=False))  # fmt: skip
define_op("_SparseCrossEntropyGradient", "features: T, labels: Tlabels -> backprop: T", "T: type, Tlabels: type",
          shape=_gradient_shape, kernel=_sparse_gradient, gradient=None,
          native=cross_entropy_native.rule(_sparse_gradient, loss=False))  # fmt: skip
define_op("_CrossEntropyGradient", "features: T, labels: T -> backprop: T", "T: type", shape=_gradient_shape,
          kernel=_gradient, gradient=None, native=cross_entropy_native.rule(_gradient, loss=False))  # fmt: skip

# By the op, which node makes the loss alone and which one the gradient.
_PARTS = {
    "SparseSoftmaxCrossEntropyWithLogits": ("_SparseCrossEntropyLoss", "_SparseCrossEntropyGradient"),
    "SoftmaxCrossEntropyWithLogits": (None, "_CrossEntropyGradient"),
}


def drop_unwanted_losses(plan: Plan) -> Plan:
    """Replace the nodes of which one output is taken by nodes that make just that one."""
    taken = {v for node in plan.nodes for v in node.inputs} | set(plan.fetches)
    new: dict[Node, Node] = {}
    replaced = {}
    for node in plan.nodes:
        wanted = [v.index for v in node.outputs if v in taken] if node.type in _PARTS else []
        op_name = _PARTS[node.type][wanted[0]] if len(wanted) == 1 else None
        if op_name is None or node.outputs[0].dtype.size < 4:
            continue
        output = node.outputs[wanted[0]]
        new[node] = new_node(node.name, op_name, node.inputs, node.attrs, [(output.dtype, output.dims)], like=node)
        replaced[output] = new[node].outputs[0]
        plan.notes.append(f"{node.name}: only the {'gradient' if wanted[0] else 'loss'}")
    if new:
        plan.nodes = [new.get(n, n) for n in plan.nodes]
        plan.replace(replaced, new)
    return plan
