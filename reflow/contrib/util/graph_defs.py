"""The ops that a GraphDef uses."""

from reflow.graph import op_proto
from reflow.graph.export import export


@export("contrib.util.ops_used_by_graph_def")
def ops_used_by_graph_def(graph_def):
    """The names of the ops that a GraphDef uses, also in the functions that it calls.

    Args:
      graph_def: a GraphDef proto.

    Returns:
      A list of names.
    """
    bodies = {function.signature.name: function.node_def for function in graph_def.library.function}
    used: dict[str, None] = {}
    waiting = [graph_def.node]
    while waiting:
        for node in waiting.pop():
            if node.op not in used:
                used[node.op] = None
                waiting += [bodies[node.op]] if node.op in bodies else []
    return [name for name in used if name not in bodies]


@export("contrib.util.stripped_op_list_for_graph")
def stripped_op_list_for_graph(graph_def):
    """The definitions of the ops that a GraphDef uses, without descriptions, as an OpList proto.

    Args:
      graph_def: a GraphDef.
    """
    return op_proto.stripped_op_list(graph_def)
