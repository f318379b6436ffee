"""tf.graph_util: sub graphs, frozen variables, nodes of training."""

import numpy as np
import pytest

import reflow as tf


@pytest.mark.parametrize("use_resource", [False, True])
def test_frozen_variables(use_resource):
    with tf.Graph().as_default() as graph, tf.Session() as session:
        x = tf.placeholder(tf.float32, [None, 2], name="x")
        w = tf.get_variable("w", initializer=[[1.0], [2.0]], use_resource=use_resource)
        y = tf.matmul(x, w, name="y")
        tf.gradients(y, w)
        session.run(tf.global_variables_initializer())
        frozen = tf.graph_util.convert_variables_to_constants(session, graph.as_graph_def(), ["y"])
    assert {n.op for n in frozen.node} <= {"Placeholder", "Const", "Identity", "MatMul"}
    with tf.Graph().as_default(), tf.Session() as session:
        (y,) = tf.import_graph_def(frozen, return_elements=["y:0"], name="")
        np.testing.assert_array_equal(session.run(y, {"x:0": [[3, 4]]}), [[11]])


def test_sub_graphs():
    with tf.Graph().as_default() as graph:
        a = tf.constant(1.0, name="a")
        with tf.control_dependencies([tf.constant(2.0, name="b")]):
            tf.negative(a, name="c")
        tf.exp(a, name="d")
    part = tf.graph_util.extract_sub_graph(graph.as_graph_def(), ["c"])
    assert [n.name for n in part.node] == ["a", "b", "c"]
    with pytest.raises(AssertionError, match="nobody is not in graph"):
        tf.graph_util.extract_sub_graph(graph.as_graph_def(), ["nobody"])
    with pytest.raises(TypeError, match="must be a list"):
        tf.graph_util.extract_sub_graph(graph.as_graph_def(), "c")


def test_training_nodes():
    with tf.Graph().as_default() as graph:
        a = tf.constant(1.0, name="a")
        tf.exp(tf.identity(tf.check_numerics(a, "bad", name="check"), name="copy"), name="out")
    def_ = tf.graph_util.remove_training_nodes(graph.as_graph_def(), protected_nodes=["a"])
    assert [n.name for n in def_.node] == ["a", "out"] and list(def_.node[1].input) == ["a"]


def test_places_and_shapes():
    with tf.Graph().as_default() as graph:
        text = tf.constant("s", name="text")
        number = tf.constant([1, 2], name="number")
        real, given = tf.constant(1.0), tf.placeholder(tf.string)
        cast = tf.cast(number, tf.float32)
    on_cpu = tf.graph_util.must_run_on_cpu
    assert on_cpu(text.op) and on_cpu(number.op.node_def) and on_cpu(cast.op)
    assert not on_cpu(real.op) and not on_cpu(given.op) and not on_cpu(tf.cast(1.0, tf.int32).op)
    assert tf.graph_util.tensor_shape_from_node_def_name(graph, "number").as_list() == [2]
