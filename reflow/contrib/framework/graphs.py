"""Looking at a graph."""

from reflow.graph.context import graph_of
from reflow.graph.export import export
from reflow.graph.graph import Graph, get_default_graph


@export("contrib.framework.get_placeholders")
def get_placeholders(graph):
    """The placeholders of a graph, as a list of tensors; raises TypeError if it is no Graph."""
    if not isinstance(graph, Graph):
        raise TypeError(f"Input graph needs to be a Graph: {graph}")
    return [op.outputs[0] for op in graph.get_operations() if op.type == "Placeholder"]


@export("contrib.framework.get_name_scope")
def get_name_scope():
    """The current name scope of the default graph, without a closing "/"."""
    return get_default_graph().get_name_scope()


@export("contrib.framework.get_graph_from_inputs")
def get_graph_from_inputs(op_input_list, graph=None):
    """The graph that inputs belong to.

    Args:
      op_input_list: tensors, operations, or what converts to them.
      graph: the graph that they have to belong to, or None.

    Returns:
      `graph`, else the inputs' graph, else the default graph.

    Raises:
      ValueError: if they belong to different graphs.
    """
    found = graph_of(op_input_list)
    if graph is not None and found is not None and found is not graph:
        raise ValueError(f"{op_input_list[0]} is not from the passed-in graph.")
    return graph or found or get_default_graph()
