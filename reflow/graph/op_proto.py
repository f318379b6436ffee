"""OpDef protos of registered ops: what a MetaGraphDef lists as the ops that its producer knew."""

from tensorboard.compat.proto import op_def_pb2

from reflow.graph import attr_values
from reflow.graph.registry import OPS, ArgDef, AttrDef, OpDef


def op_def_proto(op_def: OpDef) -> op_def_pb2.OpDef:
    """The OpDef proto of an op."""
    proto = op_def_pb2.OpDef(
        name=op_def.name, is_stateful=op_def.is_stateful, is_commutative=op_def.is_commutative,
        is_aggregate=op_def.is_aggregate, allows_uninitialized_input=op_def.allows_uninitialized_input,
    )  # fmt: skip
    proto.input_arg.extend(map(_arg_proto, op_def.inputs))
    proto.output_arg.extend(map(_arg_proto, op_def.outputs))
    proto.attr.extend(_attr_proto(op_def.attrs[name]) for name in sorted(op_def.attrs))
    return proto


def _arg_proto(arg: ArgDef) -> op_def_pb2.OpDef.ArgDef:
    proto = op_def_pb2.OpDef.ArgDef(name=arg.name, type_attr=arg.type_attr, number_attr=arg.number_attr,
                                    type_list_attr=arg.type_list_attr, is_ref=arg.is_ref)  # fmt: skip
    if arg.dtype is not None:
        proto.type = arg.dtype.as_datatype_enum
    return proto


def _attr_proto(attr: AttrDef) -> op_def_pb2.OpDef.AttrDef:
    proto = op_def_pb2.OpDef.AttrDef(name=attr.name, type=attr.type)
    if attr.has_default:
        proto.default_value.CopyFrom(attr_values.to_attr_value(attr.type, attr.default))
    if attr.minimum is not None:
        proto.has_minimum, proto.minimum = True, attr.minimum
    if attr.allowed is not None:
        kind = "list(type)" if attr.type.endswith(("type", "type)")) else "list(string)"
        proto.allowed_values.CopyFrom(attr_values.to_attr_value(kind, list(attr.allowed)))
    return proto


def stripped_op_list(graph_def) -> op_def_pb2.OpList:
    """The OpDefs of the ops that occur in a GraphDef, sorted by name."""
    used = {node.op for node in graph_def.node}
    used.update(node.op for function in graph_def.library.function for node in function.node_def)
    return op_def_pb2.OpList(op=[op_def_proto(OPS[name]) for name in sorted(used) if name in OPS])


def strip_default_attrs(graph_def) -> None:
    """Remove from the nodes of a GraphDef, in place, attributes that have their default value."""
    for node in [*graph_def.node, *(n for function in graph_def.library.function for n in function.node_def)]:
        op_def = OPS.get(node.op)
        if op_def is None:
            continue
        for name, attr in op_def.attrs.items():
            if not attr.has_default or name not in node.attr:
                continue
            if node.attr[name] == attr_values.to_attr_value(attr.type, attr.default):
                del node.attr[name]
