"""tf.linalg.LinearOperator and its kinds, and tf.Module, against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

recorded = Recorded("linear_operators", float32=1e-4, complex64=1e-4)


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)
