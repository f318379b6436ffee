"""`tf.contrib.util`: protos of tensors and graphs."""

from reflow.contrib.util import graph_defs  # noqa: F401
