"""The losses that a graph has collected."""

from reflow.graph.collections import GraphKeys
from reflow.graph.context import add_to_collection, get_collection
from reflow.graph.export import export
from reflow.ops.accumulation import add_n
from reflow.ops.constant import constant


@export("losses.add_loss")
def add_loss(loss, loss_collection=GraphKeys.LOSSES):
    """Add a loss to a collection.

    Args:
      loss: a scalar tensor.
      loss_collection: the collection's name; None to add it to none.
    """
    if loss_collection:
        add_to_collection(loss_collection, loss)


@export("losses.get_losses")
def get_losses(scope=None, loss_collection=GraphKeys.LOSSES):
    """The losses of a collection.

    Args:
      scope: a regular expression that their names have to match; None for all.
      loss_collection: the collection's name.

    Returns:
      A list of tensors.
    """
    return get_collection(loss_collection, scope)


@export("losses.get_regularization_losses")
def get_regularization_losses(scope=None):
    """The regularization losses, which variables with a regularizer add.

    Args:
      scope: a regular expression that their names have to match; None for all.

    Returns:
      A list of tensors.
    """
    return get_collection(GraphKeys.REGULARIZATION_LOSSES, scope)


@export("losses.get_regularization_loss")
def get_regularization_loss(scope=None, name="total_regularization_loss"):
    """The sum of the regularization losses.

    Args:
      scope: a regular expression that their names have to match; None for all.
      name: a name for the sum.

    Returns:
      A scalar; 0 if there are none.
    """
    losses = get_regularization_losses(scope)
    return add_n(losses, name=name) if losses else constant(0.0)


@export("losses.get_total_loss")
def get_total_loss(add_regularization_losses=True, name="total_loss", scope=None):
    """The sum of the losses that the graph has collected.

    Args:
      add_regularization_losses: add the regularization losses too.
      name: a name for the sum.
      scope: a regular expression that the losses' names have to match; None for all.

    Returns:
      A scalar.

    Raises:
      ValueError: if there are no losses.
    """
    losses = get_losses(scope=scope)
    if add_regularization_losses:
        losses += get_regularization_losses(scope=scope)
    return add_n(losses, name=name)
