"""The ops that a GraphDef uses."""

import reflow as tf


def test_ops_of_a_graph_and_its_functions():
    with tf.Graph().as_default() as graph:
        tf.identity(tf.constant(1) + 2)
    graph_def = graph.as_graph_def()
    assert sorted(tf.contrib.util.ops_used_by_graph_def(graph_def)) == ["AddV2", "Const", "Identity"]
    body = graph_def.library.function.add()
    body.signature.name = "f"
    body.node_def.add(op="Neg", name="negative")
    body.node_def.add(op="f", name="again")
    graph_def.node.add(op="f", name="call")
    assert sorted(tf.contrib.util.ops_used_by_graph_def(graph_def)) == ["AddV2", "Const", "Identity", "Neg"]


def test_definitions_of_the_ops():
    with tf.Graph().as_default() as graph:
        tf.constant(1)
    assert [op.name for op in tf.contrib.util.stripped_op_list_for_graph(graph.as_graph_def()).op] == ["Const"]
