"""`tf.contrib.layers`: layers with arg scopes, regularizers, initializers, summaries, and `optimize_loss`."""

from reflow.contrib.layers import (  # noqa: F401
    batch_norm,
    composition,
    conditions,
    convolution,
    dense,
    dimensions,
    embedding,
    gdn,
    initializers,
    layer_parts,
    named_outputs,
    normalization,
    optimizers,
    pooling,
    regularizers,
    separable,
    shaping,
    spatial_softmax,
    summaries,
)
