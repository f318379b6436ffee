"""The first form of batch normalization as an op: BatchNormWithGlobalNormalization and its gradient.

With r = (v + epsilon)^-1/2: y = (t - m) r gamma + beta, without gamma unless `scale_after_normalization`.
"""

import torch

from reflow.graph.build import call
from reflow.graph.registry import define_op, gradient
from reflow.ops.shape_rules import merge, merge_size, with_rank

_ATTRS = "T: type in number, variance_epsilon: float, scale_after_normalization: bool"


def _depth(op):
    """The number of channels, which all vectors have."""
    depth = with_rank(op._inputs[0].dims, 4)[3]
    vectors = op._inputs[1:] if op.type == "BatchNormWithGlobalNormalization" else op._inputs[1:4]
    for tensor in vectors:
        depth = merge_size(depth, with_rank(tensor.dims, 1)[0])
    return depth


def _forward_shape(op):
    depth = _depth(op)
    return [(*with_rank(op._inputs[0].dims, 4)[:3], depth)]


def _backward_shape(op):
    dims = merge(with_rank(op._inputs[0].dims, 4), with_rank(op._inputs[4].dims, 4))
    depth = merge_size(_depth(op), dims[3])
    return [(*dims[:3], depth), *[(depth,)] * 4]


def _forward(t, m, v, beta, gamma, variance_epsilon, scale_after_normalization):
    factor = torch.rsqrt(v + variance_epsilon)
    if scale_after_normalization:
        factor = factor * gamma
    return (t - m) * factor + beta


def _backward(t, m, v, gamma, backprop, variance_epsilon, scale_after_normalization):
    root = torch.rsqrt(v + variance_epsilon)
    factor = root * gamma if scale_after_normalization else root
    db = backprop.sum((0, 1, 2))
    product = (backprop * (t - m)).sum((0, 1, 2))
    dv = product * factor * -0.5 / (v + variance_epsilon)
    dg = product * root if scale_after_normalization else torch.zeros_like(gamma)
    return backprop * factor, -db * factor, dv, db, dg


define_op("BatchNormWithGlobalNormalization", "t: T, m: T, v: T, beta: T, gamma: T -> result: T", _ATTRS,
          shape=_forward_shape, kernel=_forward)  # fmt: skip
define_op(
    "BatchNormWithGlobalNormalizationGrad",
    "t: T, m: T, v: T, gamma: T, backprop: T -> dx: T, dm: T, dv: T, db: T, dg: T", _ATTRS, shape=_backward_shape,
    kernel=_backward,
)  # fmt: skip


@gradient("BatchNormWithGlobalNormalization")
def _batch_norm_gradient(op, grad):
    t, m, v, _, gamma = op.inputs
    attrs = {name: op.attrs[name] for name in ("variance_epsilon", "scale_after_normalization")}
    return list(call("BatchNormWithGlobalNormalizationGrad", t, m, v, gamma, grad, **attrs))
