"""Jit scopes: the attributes of operations, as TensorFlow 1.15.5 writes them."""

import pytest

import reflow as tf
from reflow.graph.jit_scope import experimental_jit_scope

# Builds a graph with jit scopes of all kinds; `scope` is experimental_jit_scope.
_PROGRAM = '''
def build(tf, scope):
    """Attributes by operation: [_XlaCompile, _XlaScope, _XlaSeparateCompiledGradients], None where there is none."""
    with tf.Graph().as_default() as graph:
        x = tf.placeholder(tf.float32, [2], name="x")
        with scope():
            a = tf.tanh(x, name="a")
            with scope(compile_ops=False):
                b = tf.exp(a, name="b")
            with scope(separate_compiled_gradients=True):
                c = tf.sin(b, name="c")
        with scope(lambda node: "os" in node.op, separate_compiled_gradients=True):
            d = tf.cos(c, name="d")
            e = tf.exp(d, name="e")
        tf.gradients(tf.square(e, name="f"), x, name="back/wards")
        rows = {}
        for op in graph.get_operations():
            attr = op.node_def.attr
            rows[op.name] = [attr["_XlaCompile"].b if "_XlaCompile" in attr else None,
                             attr["_XlaScope"].s.decode() if "_XlaScope" in attr else None,
                             attr["_XlaSeparateCompiledGradients"].b
                             if "_XlaSeparateCompiledGradients" in attr else None]
        return rows
'''


def _build(tf, scope):
    names: dict = {}
    exec(_PROGRAM, names)
    return names["build"](tf, scope)


def test_scopes_mark_operations_and_their_gradients():
    rows = _build(tf, tf.contrib.compiler.jit.experimental_jit_scope)
    assert rows["x"] == rows["f"] == [None, None, None]
    assert rows["a"] == [True, "jit_scope_0", False]
    assert rows["b"] == [False, "jit_scope_0", False]
    assert rows["c"] == [True, "jit_scope_0", True]
    assert rows["d"] == [True, "jit_scope_1", True]
    assert rows["e"] == [False, "jit_scope_1", True]
    assert rows["back/wards/a_grad/TanhGrad"] == [True, "jit_scope_0", None]
    assert rows["back/wards/c_grad/Cos"] == [True, "jit_scope_0_grad_back_wards", None]
    assert rows["back/wards/b_grad/mul"] == [None, None, None]


@pytest.mark.oracle
def test_the_attributes_are_tensorflows(tensorflow1):
    theirs = tensorflow1(_PROGRAM + "from tensorflow.contrib.compiler import jit\n"
                                    "print(json.dumps(build(tf, jit.experimental_jit_scope)))\n")  # fmt: skip
    assert _build(tf, experimental_jit_scope) == theirs


def test_only_what_stands_in_a_scope_is_compiled():
    x = tf.placeholder(tf.float32, [2])
    with experimental_jit_scope():
        y = tf.exp(tf.tanh(x))
    with experimental_jit_scope():
        z = tf.cos(tf.sin(y))
    with tf.Session() as session:
        segments = session.plan(tf.square(z), [x]).plan.jit.segments
    assert [[n.type for n in s.nodes] for s in segments] == [["Tanh", "Exp"], ["Sin", "Cos"]]


def test_a_graph_with_jit_scopes_is_exported_and_imported():
    with tf.Graph().as_default(), experimental_jit_scope():
        tf.exp(tf.placeholder(tf.float32, [2], name="x"), name="y")
        meta_graph = tf.train.export_meta_graph()
    with tf.Graph().as_default() as graph:
        tf.train.import_meta_graph(meta_graph)
        assert graph.get_operation_by_name("y").get_attr("_XlaScope") == b"jit_scope_0"
