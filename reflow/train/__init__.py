"""tf.train: optimizers, savers, learning rates, moving averages."""

from reflow.train import saver  # noqa: F401
