"""Jit scopes: operations made inside are marked to be compiled together, by the attributes that TensorFlow gives them.

The attributes are `_XlaCompile`, `_XlaSeparateCompiledGradients` and, from the outermost scope, `_XlaScope`.
"""

import contextlib

from tensorboard.compat.proto import attr_value_pb2

from reflow.graph.export import export
from reflow.graph.graph import get_default_graph
from reflow.graph.operation import Operation

_NO_SCOPE = contextlib.nullcontext()
# The collection in which a graph counts its jit scopes.
_COUNTER_KEY = ("__xla_scope",)


class _Counter:
    """How many outermost jit scopes a graph has had, and how many are open."""

    def __init__(self):
        self.count = 0
        self.depth = 0


@export("xla.experimental.jit_scope", "contrib.compiler.jit.experimental_jit_scope")
@contextlib.contextmanager
def experimental_jit_scope(compile_ops=True, separate_compiled_gradients=False):
    """A context: the operations made inside are to be compiled together, as far as they can be.

    Args:
      compile_ops: False to keep operations from being compiled, or a function from a NodeDef to True or False.
      separate_compiled_gradients: True to compile the gradients of these operations apart from them, each call of
        `tf.gradients` by itself.

    Yields:
      Nothing.
    """
    graph = get_default_graph()
    counters = graph.get_collection_ref(_COUNTER_KEY)
    if not counters:
        counters.append(_Counter())
    counter = counters[0]

    def compile_value(node_def):
        return attr_value_pb2.AttrValue(b=bool(compile_ops(node_def)))

    attrs = {
        "_XlaCompile": compile_value if callable(compile_ops) else attr_value_pb2.AttrValue(b=compile_ops),
        "_XlaSeparateCompiledGradients": attr_value_pb2.AttrValue(b=bool(separate_compiled_gradients)),
    }
    if counter.depth == 0:
        attrs["_XlaScope"] = attr_value_pb2.AttrValue(s=f"jit_scope_{counter.count}".encode())
        counter.count += 1
    counter.depth += 1
    try:
        with graph._attr_scope(attrs):
            yield
    finally:
        counter.depth -= 1


def gradient_scope(operation: Operation, name: str):
    """A context for the operations of an operation's gradient: compiled where the operation is.

    Args:
      operation: the operation that is differentiated.
      name: the name scope of the gradients.
    """
    attrs = operation.attrs
    if not attrs.get("_XlaCompile") or "_XlaScope" not in attrs or "_XlaSeparateCompiledGradients" not in attrs:
        return _NO_SCOPE
    scope = attrs["_XlaScope"]
    if attrs["_XlaSeparateCompiledGradients"]:
        scope += f"_grad_{name.rstrip('/').replace('/', '_')}".encode()
    return operation.graph._attr_scope({
        "_XlaCompile": attr_value_pb2.AttrValue(b=True), "_XlaScope": attr_value_pb2.AttrValue(s=scope),
    })  # fmt: skip
