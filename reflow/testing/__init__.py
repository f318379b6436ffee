"""tf.test: the test case class, gradient checks, and helpers of tests."""

from reflow.testing import gradient_checker, test_case  # noqa: F401
