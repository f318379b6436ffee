"""Boosted trees that were grown before, against what TensorFlow 1.15.5 does with them."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("boosted_trees")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_statistics_by_dimension():
    """TensorFlow's static shape of them is wrong: it would contradict the value."""
    with tf.Graph().as_default(), tf.Session() as session:
        stats = tf.raw_ops.BoostedTreesAggregateStats(
            node_ids=[0, 1, 0], gradients=[[1.0, 5.0], [2.0, 6.0], [3.0, 7.0]], hessians=[[0.1], [0.2], [0.3]],
            feature=[[0, 1], [1, 2], [-1, 0]], max_splits=2, num_buckets=3,
        )  # fmt: skip
        assert stats.shape.as_list() == [2, 2, 4, 3]
        expected = np.zeros((2, 2, 4, 3), np.float32)
        expected[0, 0, 0], expected[0, 0, 3] = [1, 5, 0.1], [3, 7, 0.3]
        expected[0, 1, 0], expected[0, 1, 1] = [3, 7, 0.3], [1, 5, 0.1]
        expected[1, 0, 1] = expected[1, 1, 2] = [2, 6, 0.2]
        np.testing.assert_allclose(session.run(stats), expected)


def test_what_does_not_fit():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.raw_ops.BoostedTreesEnsembleResourceHandleOp()
        broken = tf.raw_ops.BoostedTreesCreateEnsemble(tree_ensemble_handle=handle, stamp_token=0,
                                                       tree_ensemble_serialized=b"\xff")  # fmt: skip
        with pytest.raises(tf.errors.InvalidArgumentError, match="Unable to parse tree ensemble proto"):
            session.run(broken)
        beyond = tf.raw_ops.BoostedTreesMakeStatsSummary(
            node_ids=[5], gradients=[[1.0]], hessians=[[1.0]], bucketized_features_list=[[0]], max_splits=2,
            num_buckets=3,
        )  # fmt: skip
        with pytest.raises(tf.errors.InvalidArgumentError, match="node_id 5"):
            session.run(beyond)
