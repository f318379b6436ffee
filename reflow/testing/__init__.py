"""tf.test: the test case class, gradient checks, and helpers of tests."""

from reflow.testing import benchmark, gradient_checker, stubs, test_case  # noqa: F401
