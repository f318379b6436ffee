"""Predictions and labels of shapes that differ by a last dimension of 1."""

from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.comparison import equal
from reflow.ops.conditional import cond
from reflow.ops.shape_ops import rank, squeeze


@export("contrib.framework.remove_squeezable_dimensions")
def remove_squeezable_dimensions(predictions, labels, name=None):
    """Predictions and labels, the one of the higher rank without its last dimension.

    Args:
      predictions: a tensor.
      labels: a tensor of the same rank, or one more or less.
      name: a name scope.

    Returns:
      (predictions, labels).
    """
    with name_scope(name, "remove_squeezable_dimensions", [predictions, labels]):
        predictions, labels = to_tensor(predictions), to_tensor(labels)
        known = predictions.shape.ndims, labels.shape.ndims
        if None not in known:
            difference = known[0] - known[1]
            if difference == 1:
                predictions = squeeze(predictions, [-1])
            elif difference == -1:
                labels = squeeze(labels, [-1])
            return predictions, labels
        difference = rank(predictions) - rank(labels)
        return _squeezed_if(predictions, difference, 1), _squeezed_if(labels, difference, -1)


def _squeezed_if(tensor, difference, wanted):
    """`tensor` without its last dimension, if it turns out to have one more than the other."""
    if tensor.shape.ndims is not None and not tensor.shape[-1].is_compatible_with(1):
        return tensor
    return cond(equal(wanted, difference), lambda: squeeze(tensor, [-1]), lambda: tensor)
