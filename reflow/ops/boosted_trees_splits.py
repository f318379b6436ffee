"""Boosted trees: the best split of each node by the statistics of gradients and hessians; sparse statistics.

The weight of a leaf and the gain of a split are those of XGBoost (Chen and Guestrin 2016, equations 5 and 7), with
soft thresholding by `l1` as in its implementation.
"""

from typing import Any

import numpy as np
import torch

from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.ops.boosted_trees_state import invalid
from reflow.ops.shape_rules import merge, merge_size, with_rank
from reflow.ops.torch_types import array_of

_TOLERANCE = 1e-15
_LOWEST = float(np.finfo(np.float32).min)
_LEFT, _RIGHT, _EQUAL = b"INEQUALITY_DEFAULT_LEFT", b"INEQUALITY_DEFAULT_RIGHT", b"EQUALITY_DEFAULT_RIGHT"

# --- weights and gains --------------------------------------------------------------------------------------------


def leaf_weights(stats, width: int, l1: float, l2: float):
    """The best weights of leaves, and what they gain.

    Args:
      stats: float32 [leaves, width + hessians]: sums of gradients, then of hessians: one number, a diagonal of
        `width` numbers or a matrix of `width` squared.
      width: how many logits a leaf has.
      l1: how much the absolute weight costs; for one logit only.
      l2: how much the squared weight costs.

    Returns:
      (float32 [leaves, width], float32 [leaves]).
    """
    gradients, hessians = stats[:, :width], stats[:, width:]
    l1, l2 = np.float32(l1), np.float32(l2)
    if width > 1:
        return _joint_weights(gradients, hessians, l2)
    gradient, curvature = gradients[:, 0], hessians[:, 0] + l2
    if l1 > 0:
        gradient = np.sign(gradient) * np.maximum(np.abs(gradient) - l1, 0)
    # Where l1 leaves nothing the weight is zero, not its negative, which a serialized leaf would show.
    is_zero = (curvature <= _TOLERANCE) | ((l1 > 0) & (gradient == 0))
    weights = np.where(is_zero, np.float32(0), -gradient / np.where(is_zero, np.float32(1), curvature))
    return weights[:, None], -gradient * weights


def _joint_weights(gradients, hessians, l2):
    count, width = gradients.shape
    if hessians.shape[1] == width and np.all(hessians + l2 != 0):
        weights = -gradients / (hessians + l2)
        return weights, -(gradients * weights).sum(1)
    if hessians.shape[1] == width:
        matrices = np.einsum("nw,wv->nwv", hessians, np.eye(width, dtype=np.float32))
    else:
        matrices = hessians.reshape(count, width, width).transpose(0, 2, 1)
    matrices = matrices + l2 * np.eye(width, dtype=np.float32)
    weights = np.stack([-_solve(m, g) for m, g in zip(matrices, gradients, strict=True)])
    return weights, -(gradients * weights).sum(1)


def _solve(matrix, vector):
    """A solution of a linear system that may be singular: what the rank leaves open is zero."""
    r, image, order = _pivoted_qr(matrix, vector)
    diagonal = np.abs(np.diag(r))
    rank = int(np.sum(diagonal > diagonal.max() * len(diagonal) * np.finfo(np.float32).eps))
    solution = np.zeros_like(vector)
    if rank:
        solution[order[:rank]] = np.linalg.solve(r[:rank, :rank], image[:rank])
    return solution


def _pivoted_qr(matrix, vector):
    """(R, Q^T vector, order) of the decomposition matrix[:, order] = Q R, in which |diag(R)| does not increase.

    By Householder's reflections (Golub and Van Loan, "Matrix Computations", algorithm 5.4.1), as neither ATen nor NumPy
    has a decomposition with pivots.
    """
    count = len(vector)
    r = np.column_stack([matrix, vector])
    order = np.arange(count)
    for k in range(count):
        pivot = k + int(np.argmax((r[k:, k:count] ** 2).sum(0)))
        r[:, [k, pivot]], order[[k, pivot]] = r[:, [pivot, k]], order[[pivot, k]]
        normal = r[k:, k].copy()
        normal[0] += np.copysign(np.linalg.norm(normal), normal[0])
        square = normal @ normal
        if square > 0:
            r[k:] -= np.outer(normal, 2 / square * (normal @ r[k:]))
    return np.triu(r[:, :count]), r[:, count], order


def _best(left, right, width, l1, l2):
    """(gain, index, left weights, right weights) of the first best split; None where no gain is a number."""
    left_weights, left_gains = leaf_weights(left, width, l1, l2)
    right_weights, right_gains = leaf_weights(right, width, l1, l2)
    best, index = _LOWEST, -1
    for i, gain in enumerate((left_gains + right_gains).tolist()):
        if gain - best >= _TOLERANCE:
            best, index = gain, i
    return None if index < 0 else (np.float32(best), index, left_weights[index], right_weights[index])


class _Splits:
    """The splits found so far, a row a node.

    Args:
      width: how many logits a leaf has.
      tree_complexity: how much a split costs.
    """

    def __init__(self, width: int, tree_complexity: float):
        self._width, self._cost = width, np.float32(tree_complexity)
        self._rows: list[tuple] = []

    def add(self, node, gain, dimension, threshold, left, right, kind=_LEFT):
        """A node's best split, of which `gain` is what it gains more than the node without it."""
        self._rows.append((node, gain - self._cost, dimension, threshold, left, right, kind))

    def tensors(self):
        """(nodes, gains, dimensions, thresholds, left weights, right weights, kinds)."""
        columns: Any = zip(*self._rows, strict=True) if self._rows else [()] * 7
        nodes, gains, dimensions, thresholds, left, right, kinds = columns
        weights = [torch.from_numpy(np.array(w, np.float32).reshape(len(nodes), self._width)) for w in (left, right)]
        nodes, dimensions, thresholds = (torch.tensor(c, dtype=torch.int32) for c in (nodes, dimensions, thresholds))
        gains = torch.from_numpy(np.array(gains, np.float32))
        return nodes, gains, dimensions, thresholds, *weights, np.array(kinds, object)


# --- kernels ------------------------------------------------------------------------------------------------------


def _nodes(node_id_range, count: int) -> range:
    if len(node_id_range) != 2 or node_id_range[0] < 0 or node_id_range[1] > count:
        raise invalid(f"node_id_range {list(node_id_range)} is not within the {count} nodes of the statistics")
    return range(*node_id_range)


def _gains_per_feature(node_id_range, stats_summary_list, l1, l2, tree_complexity, min_node_weight):
    found = [
        _feature_gains(node_id_range, array_of(stats), l1, l2, tree_complexity, min_node_weight)
        for stats in stats_summary_list
    ]
    nodes, gains, _, thresholds, left, right, _ = map(list, zip(*found, strict=True))
    return nodes, gains, thresholds, left, right


def _feature_gains(node_id_range, summary, l1, l2, tree_complexity, min_node_weight):
    splits = _Splits(1, tree_complexity)
    for node in _nodes(node_id_range, len(summary)):
        left = np.cumsum(summary[node], 0, dtype=np.float32)
        total = left[-1:]
        if total[0, 1] < np.float32(min_node_weight):
            continue
        found = _best(left, total - left, 1, l1, l2)
        # TensorFlow puts out a node without a split too, with the lowest number as its gain.
        gain, bucket, *weights = found or (np.float32(_LOWEST), 0, [0], [0])
        splits.add(node, gain - leaf_weights(total, 1, l1, l2)[1][0], 0, bucket, *weights)
    return splits.tensors()


def _feature_split(
    node_id_range, stats_summary, l1, l2, tree_complexity, min_node_weight, logits_dimension, split_type
):
    summary, width = array_of(stats_summary), logits_dimension
    if not width < summary.shape[3] <= width + width * width:
        raise invalid(f"hessian dim should be in [1, {width * width}], got {summary.shape[3] - width}")
    candidates = _unequal_candidates if split_type == b"inequality" else _equal_candidates
    splits = _Splits(width, tree_complexity)
    for node in _nodes(node_id_range, len(summary)):
        total = summary[node, :1].sum(1)
        if np.linalg.norm(total[0, width:]) < np.float32(min_node_weight):
            continue
        *sides, kinds = candidates(summary[node], total)
        found = _best(*sides, width, l1, l2)
        if found is None:
            continue
        gain, index, left, right = found
        dimension, bucket, kind = np.unravel_index(index, (summary.shape[1], summary.shape[2] - 1, len(kinds)))
        gain -= leaf_weights(total, width, l1, l2)[1][0]
        splits.add(node, gain, dimension, bucket, left, right, kinds[kind])
    return splits.tensors()


def _unequal_candidates(summary, total):
    """The statistics left and right of each split "at most this bucket", missing values on either side."""
    below = np.cumsum(summary, 1, dtype=np.float32)
    total = below[:, -1:, None]
    left = np.stack([below[:, :-1] + summary[:, -1:], below[:, :-1]], 2)
    return _flat(left), _flat(total - left), (_LEFT, _RIGHT)


def _equal_candidates(summary, total):
    left = summary[:, :-1]
    return _flat(left), _flat(total - left), (_EQUAL,)


def _flat(candidates):
    return candidates.reshape(-1, candidates.shape[-1])


def _sparse_feature_split(
    node_id_range, stats_summary_indices, stats_summary_values, stats_summary_shape, l1, l2, tree_complexity,
    min_node_weight,
):  # fmt: skip
    indices, values = array_of(stats_summary_indices), array_of(stats_summary_values)
    _check_indices(indices, stats_summary_shape)
    splits = _Splits(1, tree_complexity)
    starts = np.flatnonzero(np.diff(indices[:, 0], prepend=-1))
    for rows in np.split(np.arange(len(indices)), starts[1:]):
        if not len(rows):
            continue
        features = _by_feature(indices[rows], values[rows], stats_summary_shape)
        total = next(iter(features.values()))[1].sum(0, keepdims=True)
        if total[0, 1] < np.float32(min_node_weight):
            continue
        gain, dimension, bucket, left, right, kind = _best_sparse(features, total, stats_summary_shape[2] - 1, l1, l2)
        if kind is not None:
            gain -= leaf_weights(total, 1, l1, l2)[1][0]
            splits.add(indices[rows[0], 0], gain, dimension, bucket, left, right, kind)
    return splits.tensors()


def _check_indices(indices, shape):
    wrong = np.flatnonzero(((indices < 0) | (indices >= np.array(shape))).any(1))
    if len(wrong):
        raise invalid(f"Index {indices[wrong[0]].tolist()} is not within the statistics of shape {list(shape)}")


def _by_feature(indices, values, shape):
    """{feature dimension: (its buckets, their statistics)} of one node, all in order."""
    slots, slot_of = np.unique(indices[:, 1:3], axis=0, return_inverse=True)
    stats = np.zeros((len(slots), shape[3]), np.float32)
    stats[slot_of.reshape(-1), indices[:, 3]] = values
    return {f: (slots[slots[:, 0] == f, 1], stats[slots[:, 0] == f]) for f in np.unique(slots[:, 0])}


def _best_sparse(features, total, missing, l1, l2):
    best = (np.float32(_LOWEST), 0, 0, None, None, None)
    for dimension, (buckets, stats) in features.items():
        default = stats[buckets == missing].sum(0, keepdims=True)
        buckets, stats = buckets[buckets != missing], stats[buckets != missing]
        left = np.cumsum(stats, 0, dtype=np.float32)
        candidates = np.stack([left, left + default], 1)
        others = np.stack([total - left, total - default - left], 1)
        found = _best(_flat(candidates), _flat(others), 1, l1, l2)
        if found is not None and found[0] - best[0] >= _TOLERANCE:
            gain, index, *weights = found
            best = (gain, dimension, buckets[index // 2], *weights, (_RIGHT, _LEFT)[index % 2])
    return best


def _sparse_aggregate_stats(
    node_ids, gradients, hessians, feature_indices, feature_values, feature_shape, max_splits, num_buckets
):
    stats = np.concatenate([array_of(gradients), array_of(hessians)], 1)
    indices = array_of(feature_indices)
    if len(feature_shape) != 2:
        raise invalid(f"Input shapes should be a vector of two numbers but received {list(feature_shape)}")
    examples, dimensions = len(stats), feature_shape[1]
    _check_indices(indices, [examples, dimensions])
    buckets = np.full((examples, dimensions), num_buckets, np.int64)
    buckets[indices[:, 0], indices[:, 1]] = array_of(feature_values)
    keys = np.stack(np.broadcast_arrays(array_of(node_ids)[:, None], np.arange(dimensions), buckets), -1)
    slots, slot_of = np.unique(_flat(keys), axis=0, return_inverse=True)
    sums = np.zeros((len(slots), stats.shape[1]), np.float32)
    np.add.at(sums, slot_of.reshape(-1), np.repeat(stats, dimensions, 0))
    positions = np.tile(np.arange(stats.shape[1]), len(slots))
    found = np.concatenate([np.repeat(slots, stats.shape[1], 0), positions[:, None]], 1).astype(np.int32)
    shape = torch.tensor([max_splits, dimensions, num_buckets + 1, stats.shape[1]], dtype=torch.int32)
    return torch.from_numpy(found), torch.from_numpy(sums.reshape(-1)), shape


# --- shapes -------------------------------------------------------------------------------------------------------


def _check_scalars(tensors):
    for tensor in tensors:
        with_rank(tensor.dims, 0)


def _gains_shape(op) -> list[Dims]:
    count = op.attrs["num_features"]
    merge((2,), with_rank(op._inputs[0].dims, 1))
    summaries = op._inputs[1 : count + 1]
    merged = with_rank(summaries[0].dims, 3)
    for summary in summaries[1:]:
        merged = merge(merged, with_rank(summary.dims, 3))
    _check_scalars(op._inputs[count + 1 :])
    return [(None,)] * (3 * count) + [(None, 1)] * (2 * count)


def _feature_split_shape(op) -> list[Dims]:
    merge((2,), with_rank(op._inputs[0].dims, 1))
    with_rank(op._inputs[1].dims, 4)
    _check_scalars(op._inputs[2:])
    return _splits_dims(op)


def _sparse_feature_split_shape(op) -> list[Dims]:
    merge((2,), with_rank(op._inputs[0].dims, 1))
    indices, values, shape = op._inputs[1:4]
    merge((None, 4), with_rank(indices.dims, 2))
    with_rank(values.dims, 1)
    merge((4,), with_rank(shape.dims, 1))
    _check_scalars(op._inputs[4:])
    return _splits_dims(op)


def _splits_dims(op) -> list[Dims]:
    weights = (None, op.attrs["logits_dimension"])
    return [(None,)] * 4 + [weights, weights, (None,)]


def _sparse_stats_shape(op) -> list[Dims]:
    nodes, gradients, hessians, indices, values, shape = op._inputs
    size = with_rank(nodes.dims, 1)[0]
    for tensor in (gradients, hessians):
        size = merge_size(size, with_rank(tensor.dims, 2)[0])
    merge((None, 2), with_rank(indices.dims, 2))
    with_rank(values.dims, 1)
    merge((2,), with_rank(shape.dims, 1))
    return [(None, 4), (None,), (4,)]


# --- ops ----------------------------------------------------------------------------------------------------------

_COSTS = "l1: float, l2: float, tree_complexity: float, min_node_weight: float"
_HOST = "node_id_range l1 l2 tree_complexity min_node_weight"
_SPLITS = (
    "node_ids: int32, gains: float, feature_dimensions: int32, thresholds: int32, left_node_contribs: float, "
    "right_node_contribs: float, split_with_default_directions: string"
)

define_op("BoostedTreesCalculateBestGainsPerFeature",
          f"node_id_range: int32, stats_summary_list: num_features*float, {_COSTS} -> "
          "node_ids_list: num_features*int32, gains_list: num_features*float, thresholds_list: num_features*int32, "
          "left_node_contribs_list: num_features*float, right_node_contribs_list: num_features*float",
          "max_splits: int >= 1, num_features: int >= 1", host=_HOST, shape=_gains_shape,
          kernel=_gains_per_feature)  # fmt: skip
define_op("BoostedTreesCalculateBestFeatureSplit", f"node_id_range: int32, stats_summary: float, {_COSTS} -> {_SPLITS}",
          "logits_dimension: int >= 1, split_type: string in inequality|equality = inequality", host=_HOST,
          shape=_feature_split_shape, kernel=_feature_split)  # fmt: skip
define_op("BoostedTreesSparseCalculateBestFeatureSplit",
          "node_id_range: int32, stats_summary_indices: int32, stats_summary_values: float, "
          f"stats_summary_shape: int32, {_COSTS} -> {_SPLITS}",
          "logits_dimension: int >= 1, split_type: string in inequality = inequality",
          host=f"{_HOST} stats_summary_shape", shape=_sparse_feature_split_shape,
          kernel=_sparse_feature_split)  # fmt: skip
define_op("BoostedTreesSparseAggregateStats",
          "node_ids: int32, gradients: float, hessians: float, feature_indices: int32, feature_values: int32, "
          "feature_shape: int32 -> stats_summary_indices: int32, stats_summary_values: float, "
          "stats_summary_shape: int32", "max_splits: int >= 1, num_buckets: int >= 1", host="feature_shape",
          shape=_sparse_stats_shape, kernel=_sparse_aggregate_stats)  # fmt: skip
