"""Summaries named after the tensors that they are of."""

from reflow.graph.collections import GraphKeys
from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.ops.normalization import zero_fraction
from reflow.ops.printing import Print
from reflow.summary import summary


def _name_of(tensor, name, prefix, postfix=None):
    return "/".join(filter(None, [prefix, name or tensor.op.name, postfix]))


def _made(make, tensor, name, print_summary):
    """A summary, printed whenever it is evaluated if that is wanted."""
    if not print_summary:
        return make(name, tensor)
    printed = Print(make(name, tensor, collections=[]), [tensor], name)
    get_default_graph().add_to_collection(GraphKeys.SUMMARIES, printed)
    return printed


@export("contrib.slim.summaries.add_histogram_summary")
def add_histogram_summary(tensor, name=None, prefix=None):
    """A histogram summary of a tensor; its name is the tensor's if None, below `prefix`."""
    return summary.histogram(_name_of(tensor, name, prefix), tensor)


@export("contrib.slim.summaries.add_image_summary")
def add_image_summary(tensor, name=None, prefix=None, print_summary=False):
    """An image summary of a tensor.

    Args:
      tensor: [batch, height, width, channels] tensor.
      name: the summary's name; the tensor's if None.
      prefix: what stands before it, or None.
      print_summary: whether to print the tensor whenever the summary is evaluated.

    Returns:
      The summary, a string scalar.
    """
    return _made(summary.image, tensor, _name_of(tensor, name, prefix), print_summary)


@export("contrib.slim.summaries.add_scalar_summary")
def add_scalar_summary(tensor, name=None, prefix=None, print_summary=False):
    """A scalar summary of a scalar; the arguments are those of `add_image_summary`."""
    return _made(summary.scalar, tensor, _name_of(tensor, name, prefix), print_summary)


@export("contrib.slim.summaries.add_zero_fraction_summary")
def add_zero_fraction_summary(tensor, name=None, prefix=None, print_summary=False):
    """A scalar summary of the share of zeros in a tensor; the arguments are those of `add_image_summary`."""
    name = _name_of(tensor, name, prefix, "Fraction_of_Zero_Values")
    return add_scalar_summary(zero_fraction(tensor), name, print_summary=print_summary)


@export("contrib.slim.summaries.add_histogram_summaries")
def add_histogram_summaries(tensors, prefix=None):
    """Histogram summaries of several tensors, as a list.

    Args:
      prefix: a scope for the summaries, or None.
    """
    return [add_histogram_summary(tensor, prefix=prefix) for tensor in tensors]


@export("contrib.slim.summaries.add_image_summaries")
def add_image_summaries(tensors, prefix=None):
    """Image summaries of several tensors, as a list.

    Args:
      prefix: a scope for the summaries, or None.
    """
    return [add_image_summary(tensor, prefix=prefix) for tensor in tensors]


@export("contrib.slim.summaries.add_scalar_summaries")
def add_scalar_summaries(tensors, prefix=None, print_summary=False):
    """Scalar summaries of several tensors, as a list.

    Args:
      prefix: a scope for the summaries, or None.
      print_summary: print the values, too.
    """
    return [add_scalar_summary(tensor, prefix=prefix, print_summary=print_summary) for tensor in tensors]


@export("contrib.slim.summaries.add_zero_fraction_summaries")
def add_zero_fraction_summaries(tensors, prefix=None):
    """Summaries of the share of zeros in several tensors, as a list.

    Args:
      prefix: a scope for the summaries, or None.
    """
    return [add_zero_fraction_summary(tensor, prefix=prefix) for tensor in tensors]
