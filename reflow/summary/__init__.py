"""tf.summary: summary functions of the graph, and the writer of event files."""

from reflow.summary import recording, resource_writers, summary, writer, writing  # noqa: F401
