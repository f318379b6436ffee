"""Dual coordinate ascent against what TensorFlow 1.15.5 does, and against the problem's own solution."""

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

# What is solved is solved up to the precision of single numbers in hundreds of steps.
recorded = Recorded("sdca", float32=3e-4)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.mark.parametrize("adaptive", [False, True])
def test_ridge_regression(adaptive):
    generator = np.random.default_rng(3)
    x, y = generator.normal(size=(20, 3)).astype(np.float32), generator.normal(size=20).astype(np.float32)
    with tf.Graph().as_default(), tf.Session() as session:
        fed = tf.placeholder(tf.float32, [3]), tf.placeholder(tf.float32, [20, 4])
        made = tf.raw_ops.SdcaOptimizerV2(
            sparse_example_indices=[], sparse_feature_indices=[], sparse_feature_values=[], dense_features=[x],
            example_weights=np.ones(20, np.float32), example_labels=y, sparse_indices=[], sparse_weights=[],
            dense_weights=[fed[0]], example_state_data=fed[1], loss_type="squared_loss", l1=0.0, l2=2.0,
            num_loss_partitions=1, num_inner_iterations=1, adaptive=adaptive,
        )  # fmt: skip
        weights, state = np.zeros(3, np.float32), np.zeros((20, 4), np.float32)
        for _ in range(100):
            state, _, (delta,) = session.run(made, dict(zip(fed, (weights, state), strict=True)))
            weights = weights + delta
    np.testing.assert_allclose(weights, np.linalg.solve(x.T @ x + 2 * np.eye(3), x.T @ y), atol=1e-4)


def test_features_that_have_no_weight():
    with tf.Graph().as_default(), tf.Session() as session:
        made = tf.raw_ops.SdcaOptimizer(
            sparse_example_indices=[[0]], sparse_feature_indices=[[7]], sparse_feature_values=[], dense_features=[],
            example_weights=[1.0], example_labels=[1.0], sparse_indices=[[1, 2]], sparse_weights=[[[0.0, 0.0]]],
            dense_weights=[], example_state_data=np.zeros((1, 4), np.float32), loss_type="squared_loss", l1=0.0, l2=1.0,
            num_loss_partitions=1, num_inner_iterations=1,
        )  # fmt: skip
        with pytest.raises(tf.errors.InvalidArgumentError, match="indices of the weights"):
            session.run(made.out_example_state_data)


def test_public_functions():
    with tf.Graph().as_default(), tf.Session() as session:
        weights = tf.Variable([0.5, -0.05])
        shrunk = tf.train.sdca_shrink_l1([weights], l1=0.1, l2=1.0)
        assert tf.train.sdca_fprint(["a", "b"]).shape == [2, 2]
        session.run(weights.initializer)
        session.run(shrunk)
        np.testing.assert_allclose(session.run(weights), [0.4, 0.0], rtol=1e-6)
