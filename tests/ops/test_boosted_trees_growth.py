"""Ensembles that grow, as under TensorFlow 1.15.5: the same trees, states and predictions."""

from tests.ops.recorded import Recorded

recorded = Recorded("boosted_trees_growth")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
