"""Conditionals in MetaGraphDefs: their contexts as CondContextDef protos, in the collection `cond_context`."""

from reflow.files import protos
from reflow.graph import meta_graph
from reflow.graph.collections import GraphKeys
from reflow.graph.context import prepend_name_scope, strip_name_scope
from reflow.graph.graph import get_default_graph
from reflow.ops.control_flow_context import CondContext

_MESSAGES = protos.load("control_flow")


def to_proto(context, export_scope=None):
    """The CondContextDef of a context, or None if it is outside `export_scope`."""
    if export_scope is not None and not context.name.startswith(export_scope):
        return None

    def inside(name):
        return strip_name_scope(name, export_scope)

    proto = _MESSAGES.CondContextDef(
        context_name=inside(context.name), pred_name=inside(context.pred.name), pivot_name=inside(context.pivot.name),
        branch=context.branch,
    )  # fmt: skip
    proto.values_def.values.extend(inside(name) for name in sorted(value.name for value in context._values))
    for outer, value in context._external_values.items():
        proto.values_def.external_values[inside(outer.name)] = inside(value.name)
    for nested in context._nested_contexts:
        proto.nested_contexts.add().cond_ctxt.CopyFrom(to_proto(nested))
    return proto


def from_proto(proto, import_scope=None):
    """The context that a CondContextDef describes, of operations that are in the default graph already."""
    graph = get_default_graph()

    def tensor(name):
        return graph.as_graph_element(prepend_name_scope(name, import_scope))

    values = {name: tensor(name) for name in proto.values_def.values}
    external = {tensor(outer): tensor(value) for outer, value in proto.values_def.external_values.items()}
    inner = [value for value in values.values() if value not in external]
    context = CondContext.of_made_operations(
        prepend_name_scope(proto.context_name, import_scope), tensor(proto.pred_name), tensor(proto.pivot_name),
        proto.branch, set(values.values()), external, {value.op for value in inner},
    )  # fmt: skip
    context.Enter()
    try:
        for nested in proto.nested_contexts:
            from_proto(nested.cond_ctxt, import_scope)
    finally:
        context.Exit()
    return context


meta_graph.register_proto_function(GraphKeys.COND_CONTEXT, _MESSAGES.CondContextDef, to_proto, from_proto)
