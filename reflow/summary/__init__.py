"""tf.summary: summary functions of the graph, and the writer of event files."""

from reflow.summary import summary, writer  # noqa: F401
