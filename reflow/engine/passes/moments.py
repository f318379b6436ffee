"""Batch normalization out of single ops, in training: the mean and the variance of the channels are one call.

tf.nn.moments writes the variance as the mean of the squared differences from the mean, which goes over the images three
times and needs memory of their size. The kernel of ATen's batch norm makes both at once. It adds up in float32, so the
last digits of the variance differ (1e-5 of it), as they do for FusedBatchNorm.
"""

import torch

from reflow.engine.passes.rewriting import constant_of, has_known_dims, sole_consumer, waited_for_in
from reflow.engine.plan import Node, Plan, Value, new_node
from reflow.graph import dtypes
from reflow.graph.registry import define_op


def _moments(x, axis):
    """Mean and variance over all dimensions but `axis`, which stay as dimensions of size 1."""
    shape = [1] * x.dim()
    shape[axis] = -1
    mean, variance = torch.batch_norm_update_stats(x.movedim(axis, 1), None, None, 0.0)
    return mean.view(shape), variance.view(shape)


def _moments_shape(op):
    dims = tuple(size if i == op.attrs["axis"] else 1 for i, size in enumerate(op._inputs[0].dims))
    return [dims, dims]


define_op("_Moments", "x: T -> mean: T, variance: T", "T: type, axis: int", shape=_moments_shape, kernel=_moments,
          gradient=None)  # fmt: skip


def fuse_moments(plan: Plan) -> Plan:
    """Make each pair of Mean(x) and Mean(SquaredDifference(x, mean)) one node."""
    if plan.lacks("SquaredDifference"):
        return plan
    consumers, fetched, waited_for = plan.consumers(), set(plan.fetches), waited_for_in(plan)
    made: dict[Node, Node] = {}
    gone: set[Node] = set()
    replaced: dict[Value, Value] = {}
    for node in plan.nodes:
        if node.type != "Mean" or node.control or node in waited_for:
            continue
        squares = node.inputs[0].node
        if squares.type != "SquaredDifference" or squares.control or squares in waited_for:
            continue
        x, mean = squares.inputs
        axis = _kept_axis(node, x)
        if axis is None or mean.node in made or not _is_mean_of(mean.node, x, node) or mean.node in waited_for:
            continue
        if sole_consumer(squares.outputs[0], consumers, fetched) is not node or node.guard != mean.node.guard:
            continue
        moments = new_node(mean.node.name, "_Moments", [x], {"T": x.dtype, "axis": axis},
                           [(v.dtype, v.dims) for v in (mean, node.outputs[0])], like=mean.node)  # fmt: skip
        made[mean.node] = moments
        gone.update((squares, node))
        replaced.update(zip((mean, node.outputs[0]), moments.outputs, strict=True))
        plan.notes.append(f"{mean.name}, {node.name}: mean and variance in one call")
    if made:
        plan.nodes = [made.get(n, n) for n in plan.nodes if n not in gone]
        plan.replace(replaced)
    return plan


def _kept_axis(mean: Node, x: Value) -> int | None:
    """The axis of the channels, if `mean` reduces all other axes of images, and keeps them with size 1."""
    axes = constant_of(mean.inputs[1])
    if axes is None or not mean.attrs["keep_dims"] or x.dtype is not dtypes.float32 or not has_known_dims(x):
        return None
    rank = len(x.dims or ())
    kept = set(range(rank)) - {int(a) % rank for a in axes.ravel()} if rank else set()
    if rank not in (4, 5) or len(kept) != 1 or not kept & {1, rank - 1} or 0 in (x.dims or ()):
        return None
    return kept.pop()


def _is_mean_of(mean: Node, x: Value, variance: Node) -> bool:
    if mean.type != "Mean" or mean.control or mean.inputs[0] is not x or not mean.attrs["keep_dims"]:
        return False
    return _kept_axis(mean, x) == _kept_axis(variance, x)
