"""File names found once and kept: tf.train.match_filenames_once."""

from reflow.graph.collections import GraphKeys
from reflow.graph.context import name_scope
from reflow.graph.export import export
from reflow.ops.file_ops import matching_files
from reflow.variables.variable import Variable


@export("train.match_filenames_once", "io.match_filenames_once")
def match_filenames_once(pattern, name=None):
    """A local variable of the files that match a pattern when it is initialized.

    Args:
      pattern: a string scalar or vector of paths with `*`, `?`, `[...]`.
      name: a name for the operations.

    Returns:
      A Variable: the names, sorted.
    """
    with name_scope(name, "matching_filenames", [pattern]) as scope:
        return Variable(name=scope, initial_value=matching_files(pattern), trainable=False, validate_shape=False,
                        collections=[GraphKeys.LOCAL_VARIABLES])  # fmt: skip
