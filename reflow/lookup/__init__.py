"""tf.lookup: tables of keys and values."""

from reflow.lookup import initializers, mutable, static, vocabulary  # noqa: F401
