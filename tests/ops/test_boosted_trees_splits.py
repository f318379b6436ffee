"""Splits of boosted trees against TensorFlow 1.15.5."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("boosted_trees_splits")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("nodes", [[0, 3], [-1, 1]])
def test_nodes_without_statistics(nodes):
    """TensorFlow reads whatever stands beyond the statistics."""
    with tf.Graph().as_default(), tf.Session() as session:
        found = tf.raw_ops.BoostedTreesCalculateBestFeatureSplit(
            node_id_range=nodes, stats_summary=np.ones((2, 1, 4, 2), np.float32), l1=0.0, l2=0.0, tree_complexity=0.0,
            min_node_weight=0.0, logits_dimension=1,
        )  # fmt: skip
        assert found.left_node_contribs.shape.as_list() == [None, 1]
        with pytest.raises(tf.errors.InvalidArgumentError, match="is not within the 2 nodes"):
            session.run(found.gains)
