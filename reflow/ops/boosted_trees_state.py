"""The states behind the boosted-trees ops: an ensemble of decision trees, and the boundaries of features' buckets."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
from google.protobuf.message import DecodeError

from reflow.files.protos import load
from reflow.graph import errors
from reflow.ops.quantile_sketch import QuantileStream, boundaries_of, quantiles_of


def invalid(message: str) -> errors.InvalidArgumentError:
    """The exception for a mistake that the run shows."""
    return errors.InvalidArgumentError(None, None, message)


class _TreeTable:
    """The nodes of one tree as arrays, an element a node.

    Args:
      tree: a Tree message.
      width: how many numbers a leaf's value has.
    """

    def __init__(self, tree, width: int):
        nodes = tree.nodes
        splits = [getattr(node, node.WhichOneof("node") or "leaf") for node in nodes]
        kinds = [node.WhichOneof("node") or "leaf" for node in nodes]
        if any(kind == "dense_split" for kind in kinds):
            raise errors.UnimplementedError(None, None, "A split by a number that is not in buckets")
        self.is_leaf = np.array([kind == "leaf" for kind in kinds])
        self.is_categorical = np.array([kind == "categorical_split" for kind in kinds])
        self.feature = np.array([getattr(split, "feature_id", 0) for split in splits])
        self.bound = np.array([getattr(split, "threshold", getattr(split, "value", 0)) if kind != "leaf" else 0
                               for kind, split in zip(kinds, splits, strict=True)])  # fmt: skip
        self.left = np.array([getattr(split, "left_id", 0) for split in splits])
        self.right = np.array([getattr(split, "right_id", 0) for split in splits])
        leaves = [node.leaf if kind == "leaf" else node.metadata.original_leaf
                  for kind, node in zip(kinds, nodes, strict=True)]  # fmt: skip
        self.values = np.array([_leaf_value(leaf, width) for leaf in leaves], np.float32).reshape(len(nodes), width)

    def step(self, nodes, rows, features):
        """The children that examples go to from split nodes.

        Args:
          nodes: a node for each of the examples.
          rows: which examples.
          features: int array [features, examples]: buckets and categories.
        """
        values, bound = features[self.feature[nodes], rows], self.bound[nodes]
        goes_left = np.where(self.is_categorical[nodes], values == bound, values <= bound)
        return np.where(goes_left, self.left[nodes], self.right[nodes])


def _leaf_value(leaf, width: int) -> list[float]:
    kind = leaf.WhichOneof("leaf")
    value = [0.0] * width
    if kind == "vector":
        value[: len(leaf.vector.value)] = leaf.vector.value
    elif kind == "sparse_vector":
        for index, number in zip(leaf.sparse_vector.index, leaf.sparse_vector.value, strict=True):
            value[index] = number
    else:
        value[0] = leaf.scalar
    return value


class Ensemble:
    """An ensemble of trees with a stamp, which counts its versions; no ensemble until one is created."""

    def __init__(self, name: str):
        self._name = name
        self._proto: Any = None
        self.stamp = -1
        self._tables: dict[int, list[_TreeTable]] = {}

    @property
    def is_initialized(self) -> bool:
        """True once an ensemble was created."""
        return self._proto is not None

    @property
    def proto(self):
        """The TreeEnsemble message.

        Raises:
          NotFoundError: if there is none yet.
        """
        if self._proto is None:
            raise errors.NotFoundError(None, None, f"Resource localhost/{self._name}/N10tensorflow28BoostedTrees"
                                       "EnsembleResourceE does not exist.")  # fmt: skip
        return self._proto

    def create(self, serialized: bytes, stamp: int) -> None:
        """Start with an ensemble, unless there is one already."""
        if self._proto is None:
            self.replace(serialized, stamp)

    def replace(self, serialized: bytes, stamp: int) -> None:
        """Take another ensemble.

        Raises:
          InvalidArgumentError: if it cannot be read.
        """
        try:
            self._proto = load("boosted_trees").TreeEnsemble.FromString(serialized)
        except DecodeError:
            raise invalid("Unable to parse tree ensemble proto.") from None
        self.stamp = stamp
        self._tables.clear()

    @contextmanager
    def changing(self) -> Iterator[Any]:
        """Give the message to change it: that makes the next version, whose stamp is one more."""
        proto = self.proto
        self.stamp += 1
        self._tables.clear()
        yield proto

    def tables(self, width: int) -> list[_TreeTable]:
        """The trees as arrays, with leaves of so many numbers."""
        found = self._tables.get(width)
        if found is None:
            found = self._tables[width] = [_TreeTable(tree, width) for tree in self.proto.trees]
        return found

    def predict(self, features, width: int) -> np.ndarray:
        """float32 [examples, width]: the weighted sums of the leaves that the examples reach."""
        count = features.shape[1]
        logits = np.zeros((count, width), np.float32)
        for tree, weight in zip(self.tables(width), self.proto.tree_weights, strict=True):
            leaves = self._leaves(tree, np.zeros(count, np.int64), features)
            logits += np.float32(weight) * tree.values[leaves]
        return logits

    @staticmethod
    def _leaves(tree, nodes, features):
        while True:
            rows = np.flatnonzero(~tree.is_leaf[nodes])
            if not len(rows):
                return nodes
            nodes[rows] = tree.step(nodes[rows], rows, features)

    def training_predict(self, tree_ids, node_ids, features, width: int):
        """What changed since examples were last seen at nodes of trees.

        Args:
          tree_ids, node_ids: int arrays [examples]; node -1 for an example that was never seen.
          features: int array [features, examples].
          width: how many numbers a leaf has.

        Returns:
          (float32 [examples, width] to add to the predictions, the last tree, the nodes reached there).
        """
        count = features.shape[1]
        total = np.zeros((count, width), np.float32)
        tables, proto = self.tables(width), self.proto
        if not tables:
            return total, np.zeros(count, np.int32), np.zeros(count, np.int32)
        partial, nodes = np.zeros((count, width), np.float32), np.zeros(count, np.int64)
        for i in np.flatnonzero(np.asarray(node_ids) >= 0):
            number = int(tree_ids[i])
            node, change = self._after_pruning(number, int(node_ids[i]), width)
            nodes[i] = node
            partial[i] = change - tables[number].values[node]
        for index, (tree, weight) in enumerate(zip(tables, proto.tree_weights, strict=True)):
            here = np.flatnonzero(np.asarray(tree_ids) <= index)
            leaves = nodes[here].copy()
            leaves = self._leaves(tree, leaves, features[:, here])
            total[here] += np.float32(weight) * (partial[here] + tree.values[leaves])
            partial[here] = 0
            nodes[here] = leaves if index == len(tables) - 1 else 0
        return total, np.full(count, len(tables) - 1, np.int32), nodes.astype(np.int32)

    def _after_pruning(self, tree: int, node: int, width: int):
        """The node that a node of a pruned tree became, and how its value changed."""
        metadata = self.proto.tree_metadata[tree] if tree < len(self.proto.tree_metadata) else None
        if metadata is None or not metadata.is_finalized or not metadata.post_pruned_nodes_meta:
            return node, np.zeros(width, np.float32)
        update = metadata.post_pruned_nodes_meta[node]
        change = np.zeros(width, np.float32)
        change[: len(update.logit_change)] = update.logit_change
        return update.new_node_id, change

    def debug_outputs(self, features) -> list[bytes]:
        """For each example a DebugOutput message: the features asked on its way, and the predictions along it."""
        outputs, tables, weights = [], self.tables(1), self.proto.tree_weights
        for row in range(features.shape[1]):
            output, past = load("boosted_trees").DebugOutput(), np.float32(0)
            if tables:
                output.logits_path.append(weights[0] * tables[0].values[0, 0])
            for index, tree in enumerate(tables):
                node, weight = 0, np.float32(weights[index])
                while not tree.is_leaf[node]:
                    # TensorFlow names the feature of splits by bucket alone.
                    output.feature_ids.append(0 if tree.is_categorical[node] else int(tree.feature[node]))
                    node = int(tree.step(np.array([node]), np.array([row]), features)[0])
                    output.logits_path.append(weight * tree.values[node, 0] + past)
                if not index or node:
                    past += weight * tree.values[node, 0]
            outputs.append(output.SerializeToString())
        return outputs


class QuantileBoundaries:
    """The boundaries of the buckets of several features and the streams that they come of; none until created."""

    def __init__(self, name: str):
        self._name = name
        self._limits: tuple[float, int] = (0.0, 1)
        self._streams: list[QuantileStream] = []
        self._boundaries: list[np.ndarray] | None = None

    @property
    def is_initialized(self) -> bool:
        """True once the resource was created."""
        return self._boundaries is not None

    def create(self, count: int, error: float, max_elements: int) -> None:
        """Start with no boundaries for so many features, unless the resource is there already.

        Args:
          count: how many features.
          error, max_elements: of each feature's `QuantileStream`.
        """
        if self._boundaries is None:
            self._boundaries = [np.zeros(0, np.float32)] * count
            self._limits = error, max_elements
            self._streams = [QuantileStream(*self._limits) for _ in self._boundaries]

    def add_summaries(self, summaries: list[np.ndarray]) -> None:
        """Add to each feature's stream what a summary, float32 [entries, 4], stands for."""
        self.boundaries(len(summaries))
        for stream, summary in zip(self._streams, summaries, strict=True):
            stream.add_summary(summary)

    def take_summaries(self) -> list[np.ndarray]:
        """The streams' summaries; the streams begin anew."""
        found = [stream.summary() for stream in self._streams]
        self._streams = [QuantileStream(*self._limits) for _ in found]
        return found

    def flush(self, count: int, equal_steps: bool) -> None:
        """Make boundaries of the streams, which begin anew.

        Args:
          count: how many boundaries.
          equal_steps: True for exactly so many, quantiles; False for about so many distinct values.

        Raises:
          NotFoundError: if the resource was not created.
          InvalidArgumentError: for quantiles of an empty stream, or fewer than three.
        """
        self.boundaries(len(self._streams))
        summaries = self.take_summaries()
        if equal_steps and (count < 3 or not all(map(len, summaries))):
            raise invalid(f"There are no {count} quantiles: it takes three of them, and streams that are not empty")
        make = quantiles_of if equal_steps else boundaries_of
        self._boundaries = [make(summary, count - equal_steps) for summary in summaries]

    def replace(self, boundaries: list[np.ndarray]) -> None:
        """Take the boundaries of a checkpoint."""
        self.boundaries(len(boundaries))
        self._boundaries = boundaries

    def boundaries(self, count: int) -> list[np.ndarray]:
        """The boundaries of each feature.

        Raises:
          NotFoundError: if the resource was not created.
          InvalidArgumentError: if it has another number of features.
        """
        if self._boundaries is None:
            raise errors.NotFoundError(None, None, f"Resource localhost/{self._name}/N10tensorflow34BoostedTrees"
                                       "QuantileStreamResourceE does not exist.")  # fmt: skip
        if len(self._boundaries) != count:
            raise invalid(f"The quantile stream has {len(self._boundaries)} features, not {count}")
        return self._boundaries
