"""Splits of boosted trees against TensorFlow 1.15.5."""

import numpy as np
import pytest
import scipy.linalg

import reflow as tf
from reflow.ops.boosted_trees_splits import _pivoted_qr, _solve
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


@pytest.mark.parametrize("rank", [0, 1, 3, 5])
def test_systems_of_every_rank(rank):
    """The decomposition against LAPACK's; and a solution leaves zero what the rank leaves open."""
    random = np.random.RandomState(rank)
    matrix = (random.randn(5, rank) @ random.randn(rank, 5)).astype(np.float32)
    vector = matrix @ random.randn(5).astype(np.float32)
    r, image, order = _pivoted_qr(matrix, vector)
    q, expected, expected_order = scipy.linalg.qr(matrix, pivoting=True)
    assert list(order[:rank]) == list(expected_order[:rank])
    np.testing.assert_allclose(np.abs(r[:rank]), np.abs(expected[:rank, np.argsort(expected_order)[order]]), atol=1e-5)
    np.testing.assert_allclose(np.abs(image[:rank]), np.abs(q.T @ vector)[:rank], atol=1e-5)
    solution = _solve(matrix, vector)
    assert np.count_nonzero(solution) == rank
    np.testing.assert_allclose(matrix @ solution, vector, atol=1e-4)
