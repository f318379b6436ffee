"""Reading checkpoints, and initializing variables from them."""

from reflow.files import checkpoint_reader
from reflow.graph.export import export
from reflow.train import checkpoint_initializers


@export("contrib.framework.load_checkpoint")
def load_checkpoint(filepattern):
    """A reader of a checkpoint, or of the latest one of a folder; see `tf.train.load_checkpoint`.

    Args:
      filepattern: a checkpoint, or a folder with one.
    """
    return checkpoint_reader.load_checkpoint(filepattern)


@export("contrib.framework.load_variable")
def load_variable(checkpoint_dir, name):
    """The value of a variable in a checkpoint, as an array; see `tf.train.load_variable`.

    Args:
      checkpoint_dir: a checkpoint, or a folder with one.
    """
    return checkpoint_reader.load_variable(checkpoint_dir, name)


@export("contrib.framework.list_variables")
def list_variables(checkpoint_dir):
    """The variables of a checkpoint, as a list of (name, shape); see `tf.train.list_variables`.

    Args:
      checkpoint_dir: a checkpoint, or a folder with one.
    """
    return checkpoint_reader.list_variables(checkpoint_dir)


@export("contrib.framework.init_from_checkpoint")
def init_from_checkpoint(checkpoint_dir, assignment_map):
    """Make variables begin with values from a checkpoint: it replaces their initializers.

    Args:
      checkpoint_dir: the checkpoint, or a folder whose latest one is meant.
      assignment_map: from a name in the checkpoint to a variable, a list of the parts of one, or the name of a variable
        made by `tf.get_variable`; or from a scope "scope/" in the checkpoint ("/" for the top) to one in the graph,
        whose variables are all initialized.

    Raises:
      ValueError: if a tensor is not in the checkpoint, or has another shape.
    """
    checkpoint_initializers.init_from_checkpoint(checkpoint_dir, assignment_map)
