"""`tf.contrib.opt`: further optimizers."""

from reflow.contrib.opt import adam_relatives, lars, sign, weight_decay, wrappers  # noqa: F401
