"""tf.graph_util: cutting GraphDefs to what some nodes need, and turning variables into constants."""

import re

from tensorboard.compat.proto import types_pb2
from tensorboard.compat.proto.graph_pb2 import GraphDef
from tensorboard.compat.proto.node_def_pb2 import NodeDef

from reflow.graph.attr_values import to_attr_value
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.tensor_proto import make_tensor_proto

_VARIABLES = ("Variable", "VariableV2")
_TRAINING_NODES = ("CheckNumerics",)


def _node_name(name: str) -> str:
    """The node of an input such as "^a", "a:1" or "a"."""
    return name[1:] if name.startswith("^") else name.split(":")[0]


@export("graph_util.extract_sub_graph")
def extract_sub_graph(graph_def, dest_nodes):
    """The part of a GraphDef that some nodes depend on.

    Args:
      graph_def: a GraphDef.
      dest_nodes: a list of node names.

    Returns:
      A new GraphDef, the nodes in the order they had.

    Raises:
      TypeError: if an argument is of a wrong kind.
      AssertionError: if a node is not in the graph.
    """
    if not isinstance(graph_def, GraphDef):
        raise TypeError("graph_def must be a graph_pb2.GraphDef proto.")
    if isinstance(dest_nodes, str):
        raise TypeError("dest_nodes must be a list.")
    nodes = {_node_name(node.name): node for node in graph_def.node}
    for name in dest_nodes:
        assert name in nodes, f"{name} is not in graph"
    needed: set[str] = set()
    stack = list(dest_nodes)
    while stack:
        name = stack.pop()
        if name not in needed:
            needed.add(name)
            stack.extend(_node_name(i) for i in nodes[name].input)
    result = GraphDef(versions=graph_def.versions, library=graph_def.library)
    result.node.extend(node for node in graph_def.node if node.name in needed)
    return result


@export("graph_util.convert_variables_to_constants")
def convert_variables_to_constants(sess, input_graph_def, output_node_names, variable_names_whitelist=None,
                                   variable_names_blacklist=None):  # fmt: skip
    """A GraphDef in which variables are constants that hold their values: what one ships for inference.

    Args:
      sess: the session whose variables count.
      input_graph_def: its GraphDef.
      output_node_names: the nodes to keep, with what they depend on.
      variable_names_whitelist: convert only these variables; all if None.
      variable_names_blacklist: do not convert these.

    Returns:
      A new GraphDef.
    """
    part = extract_sub_graph(input_graph_def, output_node_names)
    wanted = [
        node for node in part.node
        if node.op in (*_VARIABLES, "VarHandleOp")
        and (variable_names_whitelist is None or node.name in variable_names_whitelist)
        and (variable_names_blacklist is None or node.name not in variable_names_blacklist)
    ]  # fmt: skip
    readers = {node.input[0]: node.name for node in part.node if node.op == "ReadVariableOp"}
    fetched = {n.name: f"{readers.get(n.name, n.name) if n.op == 'VarHandleOp' else n.name}:0" for n in wanted}
    values = dict(zip(fetched, sess.run(list(fetched.values())), strict=True)) if fetched else {}
    result = GraphDef(versions=part.versions, library=part.library)
    for node in part.node:
        copy = result.node.add()
        if node.name in values:
            dtype = as_dtype(node.attr["dtype"].type)
            _set_constant(copy, node.name, dtype, values[node.name])
            continue
        copy.CopyFrom(node)
        if node.op == "ReadVariableOp" and _node_name(node.input[0]) in values:
            _set_identity(copy, node)
    return result


def _set_constant(node: NodeDef, name: str, dtype, value) -> None:
    node.name, node.op = name, "Const"
    node.attr["dtype"].CopyFrom(to_attr_value("type", dtype))
    node.attr["value"].tensor.CopyFrom(make_tensor_proto(value, dtype, getattr(value, "shape", ())))


def _set_identity(node: NodeDef, read: NodeDef) -> None:
    """The read of a variable that has become a constant passes the constant on."""
    dtype = as_dtype(read.attr["dtype"].type)
    node.Clear()
    node.name, node.op, node.device = read.name, "Identity", read.device
    node.input.extend(read.input)
    node.attr["T"].CopyFrom(to_attr_value("type", dtype))


@export("graph_util.remove_training_nodes")
def remove_training_nodes(input_graph, protected_nodes=None):
    """A GraphDef without nodes that only training needs: checks, and identities between other nodes.

    Args:
      input_graph: a GraphDef.
      protected_nodes: names of nodes to keep.

    Returns:
      A new GraphDef.
    """
    protected = set(protected_nodes or ())
    without_checks = _without(input_graph, _TRAINING_NODES, protected)
    return _without(without_checks, ("Identity",), protected)


def _without(graph_def: GraphDef, ops, protected) -> GraphDef:
    """The GraphDef with nodes of some ops left out, what took them taking their input."""
    control = {i[1:] for node in graph_def.node for i in node.input if i.startswith("^")}
    source = {
        node.name: node.input[0]
        for node in graph_def.node
        if node.op in ops and node.name not in protected | control and len(node.input) == 1
        and not node.input[0].startswith("^")
    }  # fmt: skip

    def final(name: str) -> str:
        while name in source:
            name = source[name]
        return name

    result = GraphDef(versions=graph_def.versions, library=graph_def.library)
    for node in graph_def.node:
        if node.name not in source:
            copy = result.node.add()
            copy.CopyFrom(node)
            copy.input[:] = [final(re.sub(r":0$", "", name)) for name in node.input]
    return result


@export("graph_util.must_run_on_cpu")
def must_run_on_cpu(node, pin_variables_on_cpu=False):
    """True if TensorFlow has to run an operation on a CPU: strings, some of int32 or, on request, variables.

    Args:
      node: an Operation or a NodeDef.
      pin_variables_on_cpu: count variables, too.

    Raises:
      AssertionError: for anything else.
    """
    node_def = node if isinstance(node, NodeDef) else getattr(node, "node_def", None)
    assert isinstance(node_def, NodeDef), f"{node!r} is no operation"
    if pin_variables_on_cpu and node_def.op in _VARIABLES:
        return True
    attribute, types = _HOST_TYPES.get(node_def.op, ("", ()))
    return bool(types) and node_def.attr[attribute].type in types


# By op, the attribute and its types that TensorFlow's kernels for GPUs do not take.
_HOST_TYPES = {
    "Const": ("dtype", (types_pb2.DT_STRING, types_pb2.DT_INT32)),
    "DynamicStitch": ("T", (types_pb2.DT_INT32,)),
    "ParallelDynamicStitch": ("T", (types_pb2.DT_INT32,)),
    "Cast": ("SrcT", (types_pb2.DT_INT32,)),
}


@export("graph_util.tensor_shape_from_node_def_name")
def tensor_shape_from_node_def_name(graph, input_name):
    """The static shape of a tensor, found by its name.

    Args:
      graph: a Graph.
      input_name: "node" or "node:index".

    Raises:
      KeyError: if the graph has no such tensor.
    """
    name = input_name if ":" in input_name else f"{input_name}:0"
    return graph.get_tensor_by_name(name.lstrip("^")).get_shape()
