"""tf.contrib.lookup: the tables of `tf.lookup` under their older names."""

from reflow.contrib.lookup import lookup_ops  # noqa: F401
