"""`tf.contrib.training`: training operations, hyperparameters."""

from reflow.contrib.training import hparam, training  # noqa: F401
