"""`tf.losses`: loss functions that weigh, reduce and collect the losses of a program."""

from reflow.losses import average, collection, functions  # noqa: F401
