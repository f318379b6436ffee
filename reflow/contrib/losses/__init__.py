"""`tf.contrib.losses`: the losses that `tf.losses` took the place of."""

from reflow.contrib.losses import losses  # noqa: F401
