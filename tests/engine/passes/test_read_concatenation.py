"""Gradients of ReLUs that read concatenated branches."""

import pytest

import reflow as tf
from reflow.ops.native import relu_gradient
from tests.engine.passes.plans import compared, plan_of, random_feed

pytestmark = pytest.mark.skipif(relu_gradient.load() is None, reason="no C compiler")


def _branches(x, biases, axis):
    branches = [tf.nn.relu(tf.nn.bias_add(x * float(i + 2), b)) for i, b in enumerate(biases)]
    return branches, tf.gradients(tf.reduce_sum(tf.square(tf.concat(branches, axis))), [x, *biases])


def _features(plan):
    """The ops that make the features of the gradients of ReLUs."""
    return [node.inputs[1].node.type for node in plan.nodes if node.type == "_ReluGradAndBiasAddGrad"]


@pytest.mark.parametrize("axis", [-1, 3])
def test_features_are_slices_of_the_concatenation(axis):
    x = tf.placeholder(tf.float32, [2, 5, 6, 7])
    biases = [tf.placeholder(tf.float32, [7]) for _ in range(3)]
    with_pass, without = compared(_branches(x, biases, axis)[1], random_feed(x, *biases), "read_concatenation")
    assert _features(with_pass) == ["Slice"] * 3
    assert "Slice" not in _features(without)


def test_other_axes_and_branches_that_are_wanted_for_more_stay():
    x = tf.placeholder(tf.float32, [2, 5, 6, 7])
    biases = [tf.placeholder(tf.float32, [7]) for _ in range(2)]
    _, gradients = _branches(x, biases, 1)
    assert "Slice" not in _features(plan_of(gradients, [x, *biases]))
    branches, gradients = _branches(x, biases, 3)
    sums = [tf.reduce_sum(branches[0])]
    assert _features(plan_of([*gradients, *sums], [x, *biases])).count("Slice") == 1
