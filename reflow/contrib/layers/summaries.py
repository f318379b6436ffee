"""Summaries of activations, weights and other tensors."""

import functools
import re

from reflow.graph import dtypes
from reflow.graph.collections import GraphKeys
from reflow.graph.export import export, export_value
from reflow.graph.graph import get_default_graph
from reflow.ops.casting import cast, to_float
from reflow.ops.comparison import greater, less
from reflow.ops.reduction import reduce_mean
from reflow.summary import summary


@export("contrib.layers.summarize_activation")
def summarize_activation(op):
    """A histogram of an activation, and how many of its units are cut off.

    Args:
      op: the output of an activation function. For Relu, Softplus and Relu6 the share of inputs below 0 is summarized,
        too, and for Relu6 that of inputs above 6.

    Returns:
      The histogram, a string scalar.
    """
    kind = op.op.type
    if kind in ("Relu", "Softplus", "Relu6"):
        _summarize_share(op.op, less, 0.0, "zeros")
    if kind == "Relu6":
        _summarize_share(op.op, greater, 6.0, "sixes")
    return summary.histogram(f"{op.op.name}/activation", op)


def _summarize_share(operation, compare, bound, word):
    features = operation.inputs[0]
    share = reduce_mean(to_float(compare(features, cast(bound, features.dtype))))
    summary.scalar(f"{operation.name}/{word}", share)


@export("contrib.layers.summarize_tensor")
def summarize_tensor(tensor, tag=None):
    """A scalar or histogram summary of a tensor.

    Args:
      tensor: a tensor; strings and bools are not summarized.
      tag: the summary's name; the tensor's and "_summary" if None.

    Returns:
      The summary, a string scalar, or None.
    """
    if tensor.dtype.base_dtype in (dtypes.string, dtypes.bool_):
        return None
    tag = tag or f"{tensor.op.name}_summary"
    return (summary.scalar if tensor.get_shape().ndims == 0 else summary.histogram)(tag, tensor)


@export("contrib.layers.summarize_tensors")
def summarize_tensors(tensors, summarizer=summarize_tensor):
    """The summaries of several tensors, as a list.

    Args:
      summarizer: the function that makes the summary of one tensor.
    """
    return [summarizer(tensor) for tensor in tensors]


@export("contrib.layers.summarize_collection")
def summarize_collection(collection, name_filter=None, summarizer=summarize_tensor):
    """The summaries of what a collection holds.

    Args:
      collection: its name.
      name_filter: a regular expression that the start of a name must match, or None.
      summarizer: what makes a summary of one.

    Returns:
      A list of summaries.
    """
    items = get_default_graph().get_collection(collection)
    return summarize_tensors([t for t in items if not name_filter or re.match(name_filter, t.op.name)], summarizer)


@export("contrib.layers.summarize_activations")
def summarize_activations(name_filter=None, summarizer=summarize_activation):
    """The summaries of collection ACTIVATIONS; the arguments are those of `summarize_collection`."""
    return summarize_collection(GraphKeys.ACTIVATIONS, name_filter, summarizer)


for _name, _collection in (
    ("variables", GraphKeys.GLOBAL_VARIABLES), ("weights", GraphKeys.WEIGHTS), ("biases", GraphKeys.BIASES)
):  # fmt: skip
    export_value(f"contrib.layers.summarize_{_name}", functools.partial(summarize_collection, _collection))
