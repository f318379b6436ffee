"""Outputs of layers in collections, under the names of the layers."""

from collections import OrderedDict

from reflow.graph.export import export
from reflow.graph.graph import get_default_graph


@export("contrib.slim.utils.collect_named_outputs")
def collect_named_outputs(collections, alias, outputs):
    """Add a layer's output to collections.

    Args:
      collections: the name of a collection, a list of them, or None.
      alias: the name that the output gets besides its own.
      outputs: a tensor.

    Returns:
      The tensor.
    """
    if collections:
        append_tensor_alias(outputs, alias)
        get_default_graph().add_to_collections(collections, outputs)
    return outputs


@export("contrib.slim.utils.append_tensor_alias")
def append_tensor_alias(tensor, alias):
    """Give a tensor a further name; returns the tensor.

    Args:
      alias: the name to give it.
    """
    tensor.aliases = [*getattr(tensor, "aliases", ()), alias.removesuffix("/")]
    return tensor


@export("contrib.slim.utils.get_tensor_aliases")
def get_tensor_aliases(tensor):
    """The further names of a tensor; its own, without ":0", if it has none."""
    return getattr(tensor, "aliases", [tensor.name.removesuffix(":0")])


@export("contrib.slim.utils.gather_tensors_aliases")
def gather_tensors_aliases(tensors):
    """The names of several tensors, in one list."""
    return [alias for tensor in tensors for alias in get_tensor_aliases(tensor)]


@export("contrib.slim.utils.convert_collection_to_dict")
def convert_collection_to_dict(collection, clear_collection=False):
    """The tensors of a collection by name.

    Args:
      collection: the name of the collection.
      clear_collection: whether to empty it.

    Returns:
      An OrderedDict from each name of a tensor to the tensor.
    """
    graph = get_default_graph()
    named = OrderedDict((alias, t) for t in graph.get_collection(collection) for alias in get_tensor_aliases(t))
    if clear_collection:
        graph.clear_collection(collection)
    return named
