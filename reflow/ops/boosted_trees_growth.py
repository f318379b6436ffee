"""Boosted trees: an ensemble grows by a layer, is pruned, and gets its bias."""

from typing import NamedTuple

import numpy as np
import torch

from reflow.graph.registry import define_op
from reflow.graph.shapes import Dims
from reflow.ops.boosted_trees_splits import leaf_weights
from reflow.ops.boosted_trees_state import invalid
from reflow.ops.shape_rules import merge, merge_size, scalar, with_rank
from reflow.ops.torch_types import array_of

_TOLERANCE = 1e-15
_LEAST_CHANGE = 0.01
_PRE_PRUNING, _POST_PRUNING = 1, 2


class _Split(NamedTuple):
    """How a node may be split, and the logits that its children add to its own."""

    feature: int
    gain: float
    threshold: int
    left: float
    right: float
    dimension: int
    kind: bytes


# --- an ensemble's messages ---------------------------------------------------------------------------------------


def _add_tree(proto, logit: float = 0.0) -> None:
    proto.trees.add().nodes.add().leaf.scalar = logit
    proto.tree_weights.append(1.0)
    proto.tree_metadata.add()


def _count_attempt(proto) -> None:
    growing, trees = proto.growing_metadata, proto.trees
    growing.num_layers_attempted += 1
    is_first_layer = not trees or (
        len(trees[-1].nodes) == 1 and (len(trees) == 1 or proto.tree_metadata[len(trees) - 2].is_finalized)
    )
    growing.num_trees_attempted += is_first_layer


def _grow(proto, splits: dict[int, _Split], max_depth: int, pruning_mode: int) -> None:
    """Split leaves of the last tree; a tree as deep as it may be is finished, and the next one begins."""
    _count_attempt(proto)
    if not proto.trees:
        _add_tree(proto)
    tree, metadata = proto.trees[-1], proto.tree_metadata[len(proto.trees) - 1]
    wanted = [n for n in sorted(splits) if pruning_mode != _PRE_PRUNING or not splits[n].gain < 0]
    start = len(tree.nodes)
    for node in wanted:
        _split_leaf(tree, node, splits[node])
    if not wanted:
        return
    end = len(tree.nodes)
    metadata.num_layers_grown += 1
    if metadata.num_layers_grown >= max_depth:
        start, end = 0, 1
        metadata.is_finalized = True
        if pruning_mode == _POST_PRUNING:
            _prune(tree, metadata)
        _add_tree(proto)
    proto.growing_metadata.last_layer_node_start = start
    proto.growing_metadata.last_layer_node_end = end


def _split_leaf(tree, index: int, split: _Split) -> None:
    if index >= len(tree.nodes) or tree.nodes[index].WhichOneof("node") != "leaf":
        raise invalid(f"Node {index} is no leaf of the tree that grows")
    node, left = tree.nodes[index], len(tree.nodes)
    logit = np.float32(node.leaf.scalar)
    if index or logit:
        node.metadata.original_leaf.CopyFrom(node.leaf)
    node.metadata.gain = split.gain
    for change in (split.left, split.right):
        tree.nodes.add().leaf.scalar = logit + change
    if split.kind == b"EQUALITY_DEFAULT_RIGHT":
        message = node.categorical_split
        message.value = split.threshold
    else:
        message = node.bucketized_split
        message.threshold = split.threshold
        message.default_direction = int(split.kind == b"INEQUALITY_DEFAULT_RIGHT")
    message.feature_id, message.dimension_id = split.feature, split.dimension
    message.left_id, message.right_id = left, left + 1


def _prune(tree, metadata) -> None:
    """Undo the splits that lose, from the leaves up; what nodes became is kept for predictions that were cached."""
    parents: dict[int, tuple[int, np.float32]] = {}
    _undo_losses(tree, 0, parents)
    if not parents:
        return
    kept = [i for i in range(len(tree.nodes)) if i not in parents]
    new_ids = {old: new for new, old in enumerate(kept)}
    for index in range(len(tree.nodes)):
        node, change = index, np.float32(0)
        while node in parents:
            node, step = parents[node]
            change += step
        metadata.post_pruned_nodes_meta.add(new_node_id=new_ids[node], logit_change=[change])
    for index in sorted(parents, reverse=True):
        del tree.nodes[index]
    for node in tree.nodes:
        split = _split_of(node)
        if split is not None:
            split.left_id, split.right_id = new_ids[split.left_id], new_ids[split.right_id]


def _split_of(node):
    kind = node.WhichOneof("node")
    return None if kind == "leaf" else getattr(node, kind)


def _undo_losses(tree, index: int, parents: dict) -> None:
    node = tree.nodes[index]
    split = _split_of(node)
    if split is None:
        return
    children = [split.left_id, split.right_id]
    for child in children:
        _undo_losses(tree, child, parents)
    if node.metadata.gain < 0 and all(_split_of(tree.nodes[child]) is None for child in children):
        logit = np.float32(node.metadata.original_leaf.scalar)
        for child in children:
            parents[child] = index, logit - np.float32(tree.nodes[child].leaf.scalar)
        node.leaf.CopyFrom(node.metadata.original_leaf)
        node.ClearField("metadata")


# --- kernels ------------------------------------------------------------------------------------------------------


def _best_by_node(candidates) -> dict[int, _Split]:
    """The best split of each node; of equally good ones that of the least feature."""
    best: dict[int, _Split] = {}
    for node, split in candidates:
        other = best.get(node)
        if other is not None and abs(split.gain - other.gain) < _TOLERANCE:
            is_better = split.feature < other.feature
        else:
            is_better = other is None or split.gain - other.gain >= _TOLERANCE
        if is_better:
            best[node] = split
    return best


def _candidates(rate, feature_ids, *lists):
    """(node, split) of each feature's nodes; `lists` are those of `_Split` in order, nodes first."""
    rate = np.float32(rate)
    for feature, *columns in zip(array_of(feature_ids).tolist(), *lists, strict=True):
        nodes, gains, thresholds, left, right, dimensions, kinds = map(array_of, columns)
        left, right = rate * left[:, 0], rate * right[:, 0]
        rows = zip(nodes, gains, thresholds, left, right, dimensions, kinds, strict=True)
        for node, gain, threshold, *weights, dimension, kind in rows:
            yield int(node), _Split(feature, float(gain), int(threshold), *weights, int(dimension), kind)


def _update(
    ensemble, feature_ids, node_ids, gains, thresholds, left_node_contribs, right_node_contribs, max_depth,
    learning_rate, pruning_mode,
):  # fmt: skip
    dimensions = [np.zeros(len(nodes), np.int32) for nodes in node_ids]
    kinds = [np.full(len(nodes), b"INEQUALITY_DEFAULT_LEFT", object) for nodes in node_ids]
    found = _candidates(
        learning_rate, feature_ids, node_ids, gains, thresholds, left_node_contribs, right_node_contribs,
        dimensions, kinds,
    )  # fmt: skip
    with ensemble.changing() as proto:
        _grow(proto, _best_by_node(found), max_depth, pruning_mode)


def _update_v2(
    ensemble, feature_ids, dimension_ids, node_ids, gains, thresholds, left_node_contribs, right_node_contribs,
    split_types, max_depth, learning_rate, pruning_mode,
):  # fmt: skip
    found = _candidates(
        learning_rate, feature_ids, node_ids, gains, thresholds, left_node_contribs, right_node_contribs,
        dimension_ids, split_types,
    )  # fmt: skip
    with ensemble.changing() as proto:
        _grow(proto, _best_by_node(found), max_depth, pruning_mode)


def _center_bias(ensemble, mean_gradients, mean_hessians, l1, l2):
    stats = np.array([[array_of(mean_gradients).flat[0], array_of(mean_hessians).flat[0]]], np.float32)
    change = leaf_weights(stats, 1, l1, l2)[0][0, 0]
    with ensemble.changing() as proto:
        if not proto.trees:
            _add_tree(proto, change)
            return torch.tensor(True)
        leaf = proto.trees[0].nodes[0].leaf
        bias = np.float32(leaf.scalar)
        leaf.scalar = bias + change
    with np.errstate(divide="ignore", invalid="ignore"):
        return torch.tensor(bool(abs(change / bias) > _LEAST_CHANGE))


# --- shapes -------------------------------------------------------------------------------------------------------


def _update_shape(op) -> list[Dims]:
    count = op.attrs["num_features"]
    merge((count,), with_rank(op._inputs[1].dims, 1))
    for tensor in op._inputs[2 : 2 + 3 * count]:
        with_rank(tensor.dims, 1)
    for tensor in op._inputs[2 + 3 * count : 2 + 5 * count]:
        with_rank(tensor.dims, 2)
    for tensor in op._inputs[2 + 5 * count :]:
        with_rank(tensor.dims, 0)
    return []


def _update_v2_shape(op) -> list[Dims]:
    count = op.attrs["num_features"]
    merge((count,), with_rank(op._inputs[1].dims, 1))
    for tensor in op._inputs[2 : 2 + 4 * count]:
        with_rank(tensor.dims, 1)
    for tensor in op._inputs[2 + 4 * count : 2 + 6 * count]:
        with_rank(tensor.dims, 2)
    return []


def _center_shape(op) -> list[Dims]:
    first, second = (with_rank(t.dims, 2) for t in op._inputs[1:3])
    merge_size(first[1], second[1])
    for tensor in op._inputs[3:]:
        with_rank(tensor.dims, 0)
    return scalar(op)


# --- ops ----------------------------------------------------------------------------------------------------------

_ENSEMBLE = "tree_ensemble_handle: resource"
_CANDIDATES = (
    "node_ids: num_features*int32, gains: num_features*float, thresholds: num_features*int32, "
    "left_node_contribs: num_features*float, right_node_contribs: num_features*float"
)

define_op("BoostedTreesUpdateEnsemble",
          f"{_ENSEMBLE}, feature_ids: int32, {_CANDIDATES}, max_depth: int32, learning_rate: float ->",
          "pruning_mode: int >= 0, num_features: int >= 0", host="max_depth learning_rate", shape=_update_shape,
          kernel=_update, writes=True, is_stateful=True)  # fmt: skip
define_op("BoostedTreesUpdateEnsembleV2",
          f"{_ENSEMBLE}, feature_ids: int32, dimension_ids: num_features*int32, {_CANDIDATES}, "
          "split_types: num_features*string, max_depth: int32, learning_rate: float, pruning_mode: int32 ->",
          "num_features: int >= 0", host="max_depth learning_rate pruning_mode", shape=_update_v2_shape,
          kernel=_update_v2, writes=True, is_stateful=True)  # fmt: skip
define_op("BoostedTreesCenterBias",
          f"{_ENSEMBLE}, mean_gradients: float, mean_hessians: float, l1: float, l2: float -> "
          "continue_centering: bool", host="l1 l2", shape=_center_shape, kernel=_center_bias, writes=True,
          is_stateful=True)  # fmt: skip
