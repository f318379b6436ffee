"""Constant weights in oneDNN's order."""

import numpy as np
import pytest

import reflow as tf
from reflow.ops.native import winograd
from tests.engine.passes.plans import compared, plan_of, random_feed, types

random = np.random.RandomState(0)


def _constant(*shape):
    return tf.constant(random.randn(*shape).astype(np.float32) * 0.1)


@pytest.mark.parametrize("data_format", ["NHWC", "NCHW"])
@pytest.mark.parametrize("padding, stride", [("SAME", 1), ("SAME", 2), ("VALID", 2)])
@pytest.mark.parametrize("bias, relu", [(False, False), (True, False), (True, True)])
def test_a_convolution(data_format, padding, stride, bias, relu):
    first = data_format == "NCHW"
    x = tf.placeholder(tf.float32, [2, 16, 9, 9] if first else [2, 9, 9, 16])
    strides = [1, 1, stride, stride] if first else [1, stride, stride, 1]
    y = tf.nn.conv2d(x, _constant(3, 3, 16, 32), strides, padding, data_format=data_format)
    y = tf.nn.bias_add(y, _constant(32), data_format=data_format) if bias else y
    y = tf.nn.relu(y) if relu else y
    in_c = data_format == "NHWC" and winograd.load() is not None
    by_winograd = in_c and stride == 1
    with_pass, without = compared([y], random_feed(x), "prepack", atol=1e-4 if by_winograd else 1e-5,
                                  disabled=["layout"])  # fmt: skip
    packed = "_WinogradConv2D" if by_winograd else "_DirectConv2D" if in_c else "_PackedConv2D"
    sources = ["_PackedWeights"] * (2 if packed == "_DirectConv2D" else 1)
    assert types(with_pass) == [*sources, packed]
    assert packed not in types(without)


@pytest.mark.parametrize("transpose", [False, True])
@pytest.mark.parametrize("bias, relu", [(False, False), (True, False), (True, True)])
def test_a_product(transpose, bias, relu):
    x = tf.placeholder(tf.float32, [3, 100])
    y = tf.matmul(x, _constant(50, 100) if transpose else _constant(100, 50), transpose_b=transpose)
    y = y + _constant(50) if bias else y
    y = tf.nn.relu(y) if relu else y
    with_pass, _ = compared([y], random_feed(x), "prepack", atol=1e-5)
    assert types(with_pass) == ["_PackedWeights", "_PackedMatMul"]


def test_weights_that_may_change_stay():
    x, w = tf.placeholder(tf.float32, [3, 100]), tf.placeholder(tf.float32, [100, 50])
    variable = tf.Variable(np.ones((100, 50), np.float32))
    plan = plan_of([tf.matmul(x, w), tf.matmul(x, variable)], [x, w])
    assert "_PackedMatMul" not in types(plan)


def test_small_weights_transposed_inputs_and_other_types_stay():
    x = tf.placeholder(tf.float32, [100, 100])
    doubles = tf.placeholder(tf.float64, [3, 100])
    fetches = [tf.matmul(x, _constant(100, 2)), tf.matmul(x, _constant(100, 100), transpose_a=True),
               tf.matmul(doubles, tf.constant(random.randn(100, 100)))]  # fmt: skip
    assert "_PackedMatMul" not in types(plan_of(fetches, [x, doubles]))


def test_a_frozen_graph_for_several_batches():
    x = tf.placeholder(tf.float32, [None, 8, 8, 3])
    y = tf.layers.dense(tf.layers.flatten(tf.layers.conv2d(x, 64, 3, activation=tf.nn.relu)), 10)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        batches = [random.rand(n, 8, 8, 3) for n in range(1, 9)]
        wants = [session.run(y, {x: batch}) for batch in batches]
        frozen = tf.graph_util.convert_variables_to_constants(session, y.graph.as_graph_def(), [y.op.name])
    with tf.Graph().as_default(), tf.Session() as session:
        tf.import_graph_def(frozen, name="")
        assert "packed" in session.plan(y.name, {x.name: batches[1]}).source
        for batch, want in zip(batches, wants, strict=True):
            np.testing.assert_allclose(session.run(y.name, {x.name: batch}), want, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize(("window", "depth"), [(1, 32), (3, 32), (5, 16), (3, 3)])
def test_a_bias_that_is_one_number_repeated(window, depth):
    random = np.random.RandomState(0)
    x = tf.placeholder(tf.float32, [2, 16, 16, depth])
    filter = random.randn(window, window, depth, 64).astype("f")
    y = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(x, filter, [1, 1, 1, 1], "SAME"), tf.ones([64])))
    compared([y], random_feed(x), "prepack", rtol=1e-4, atol=1e-3)
