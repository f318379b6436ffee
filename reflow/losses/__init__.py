"""`tf.losses`: loss functions that weigh, reduce and collect the losses of a program."""

from reflow.losses import collection, functions  # noqa: F401
