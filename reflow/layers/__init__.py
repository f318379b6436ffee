"""`tf.layers`: layers, which make variables and operations, as classes and as functions."""

from reflow.layers import (  # noqa: F401
    convolutional,
    core,
    input_spec,
    layer,
    normalization,
    pooling,
    separable,
    smart_cond,
    transposed,
)
