"""`tf.contrib.opt`: further optimizers."""

from reflow.contrib.opt import (  # noqa: F401
    adam_relatives,
    lars,
    moving_average,
    multitask,
    sign,
    weight_decay,
    wrappers,
)
