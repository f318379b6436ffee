"""`tf.contrib.slim`: the layers, arg scopes and losses of contrib in one place, and training with them."""

from reflow.contrib.slim import learning, model_analyzer, names, summaries  # noqa: F401
