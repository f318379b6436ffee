"""`tf.contrib.metrics`: metrics under their old names, and some that `tf.metrics` has not."""

from reflow.contrib.metrics import classification, covariance, streaming  # noqa: F401
