"""The optimizers' update ops against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("optimizer_ops", float16=5e-3)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
