"""Reuse of memory: what is overwritten, and above all what is not."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine.verify import verify
from tests.engine.passes.plans import PROGRAMS, compared, plan_of, random_feed, run, source_of


def _overwriting(plan):
    return [node.type for node in plan.nodes if node.reuses]


def test_a_chain_is_computed_in_one_place():
    x = tf.placeholder(tf.float32, [4, 3])
    y = tf.nn.relu(tf.tanh(tf.matmul(x, x, transpose_b=True) - 0.1) * 2.0 - 0.5)
    with_pass, without = compared([y], random_feed(x), "in_place", rtol=0)
    assert _overwriting(with_pass) == ["Sub", "Tanh", "Mul", "Sub", "Relu"]
    assert "MatMul.sub_(" in source_of(with_pass)
    assert _overwriting(without) == []


@pytest.mark.parametrize("activation", [tf.nn.elu, tf.nn.selu, tf.nn.relu6])
def test_activations_of_a_value_that_nothing_else_takes(activation):
    x = tf.placeholder(tf.float32, [4, 30])
    with_pass, _ = compared([activation(tf.exp(x) - 1.5)], random_feed(x), "in_place", rtol=0)
    assert len(_overwriting(with_pass)) == 2


@pytest.mark.parametrize(("window", "depth", "data_format"), [(3, 16, "NHWC"), (1, 20, "NHWC"), (3, 16, "NCHW")])
def test_results_of_convolutions_with_packed_filters_are_overwritten(window, depth, data_format):
    x = tf.placeholder(tf.float32, [2, 12, 12, depth] if data_format == "NHWC" else [2, depth, 12, 12])
    filter = np.random.RandomState(0).randn(window, window, depth, 32).astype("f")
    y = tf.exp(tf.nn.conv2d(x, filter * 0.01, [1] * 4, "SAME", data_format=data_format))
    with_pass, _ = compared([y], random_feed(x), "in_place", rtol=0, disabled=["layout"])
    assert _overwriting(with_pass) == ["Exp"]
    assert with_pass.nodes[-1].inputs[0].node.type in ("_WinogradConv2D", "_DirectConv2D", "_PackedConv2D")


def test_products_with_packed_weights_are_overwritten():
    x = tf.placeholder(tf.float32, [3, 100])
    w = np.random.RandomState(0).randn(100, 50).astype("f")
    with_pass, _ = compared([tf.exp(tf.matmul(x, w))], random_feed(x), "in_place", rtol=0)
    assert _overwriting(with_pass) == ["Exp"]


@pytest.mark.parametrize("op", [tf.add, tf.subtract, tf.multiply, tf.divide])
@pytest.mark.parametrize("dying", [0, 1])
def test_either_input_may_be_overwritten(op, dying):
    x, y = (tf.placeholder(tf.float32, [3, 3]) for _ in range(2))
    inputs = [x, x]
    inputs[dying] = tf.exp(y)
    with_pass, _ = compared([op(*inputs)], random_feed(x, y), "in_place", rtol=0)
    assert [n.reuses for n in with_pass.nodes if n.reuses] == [(dying,)]


def test_gradients_of_activations_overwrite_the_gradient_that_comes_in():
    x = tf.placeholder(tf.float32, [4, 4])
    y = tf.nn.relu(tf.sigmoid(tf.tanh(x)) - 0.5)
    fetches = [y, *tf.gradients(tf.reduce_sum(tf.matmul(y, y)), x)]
    with_pass, _ = compared(fetches, random_feed(x), "in_place", rtol=0)
    assert {"ReluGrad", "SigmoidGrad", "TanhGrad"} <= set(_overwriting(with_pass))


def _fetched(x):
    y = tf.exp(x)
    return [y, tf.tanh(y)]


def _fetched_view(x):
    y = tf.exp(x)
    return [tf.transpose(y), tf.tanh(y)]


def _read_later(x):
    y = tf.exp(x)
    return [tf.tanh(y) + tf.reduce_sum(y)]


def _seen_through_a_view(x):
    y = tf.exp(x)
    view = y[0]
    return [tf.matmul(tf.tanh(y), tf.expand_dims(view, 1))]


def _own_transpose(x):
    y = tf.exp(x)
    return [y + tf.transpose(y)]


def _broadcast_to_larger(x):
    return [tf.exp(x[0]) * x]


@pytest.mark.parametrize("program", [
    _fetched, _fetched_view, _read_later, _seen_through_a_view, _own_transpose, _broadcast_to_larger,
    lambda x: [tf.tanh(x)], lambda x: [tf.tanh(tf.identity(x))], lambda x: [tf.tanh(tf.reshape(x, [9]))],
    lambda x: [tf.tanh(tf.broadcast_to(tf.exp(x[:1]), [3, 3]))],
])  # fmt: skip
def test_what_is_still_wanted_is_not_overwritten(program):
    x = tf.placeholder(tf.float32, [3, 3])
    feed = random_feed(x)
    with_pass, _ = compared(program(x), feed, "in_place", rtol=0)
    assert not {"Tanh"} & set(_overwriting(with_pass)) or program is _seen_through_a_view
    before = {k: v.copy() for k, v in feed.items()}
    run(with_pass, feed)
    np.testing.assert_array_equal(feed[x], before[x])


def test_constants_and_variables_keep_their_values():
    v = tf.Variable(np.ones([3], np.float32))
    c = tf.constant(np.ones([3], np.float32)) + 0.0 * tf.random_uniform([3])
    fetches = [tf.tanh(v) + 1.0, tf.nn.relu(v.read_value()), tf.exp(c)]
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        first = session.run(fetches)
        for got, want in zip(session.run(fetches), first, strict=True):
            np.testing.assert_array_equal(got, want)
        np.testing.assert_array_equal(session.run(v), np.ones(3))


def test_what_a_function_of_the_program_keeps_is_not_overwritten():
    kept = []
    x = tf.placeholder(tf.float32, [3])
    y = tf.exp(x)
    with tf.control_dependencies([tf.py_func(kept.append, [y], [])]):
        z = tf.tanh(y)
    with tf.Session() as session:
        session.run(z, {x: [0.0, 1.0, 2.0]})
    np.testing.assert_allclose(kept[0], np.exp([0.0, 1.0, 2.0]), rtol=1e-6)


def test_what_another_device_reads_is_not_overwritten():
    x = tf.placeholder(tf.float32, [1000])
    with tf.device("/cpu:0"):
        y = tf.exp(x)
    with tf.device("/cpu:1"):
        elsewhere = tf.exp(-y)
    with tf.device("/cpu:0"):
        z = tf.tanh(y)
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        fed = np.linspace(0, 1, 1000, dtype=np.float32)
        for _ in range(5):
            got, _ = session.run([elsewhere, z], {x: fed})
            np.testing.assert_allclose(got, np.exp(-np.exp(fed)), rtol=1e-5)
        assert "tanh_" not in session.plan([elsewhere, z], {x: fed}).source


def test_the_verifier_finds_a_value_that_is_taken_after_it_was_overwritten():
    x = tf.placeholder(tf.float32, [3])
    y = tf.exp(x)
    plan = plan_of([tf.tanh(y) + tf.sin(y)], [x], disabled=["late", PROGRAMS])
    next(n for n in plan.nodes if n.type == "Tanh").reuses = (0,)
    with pytest.raises(AssertionError, match="overwrote"):
        verify(plan, "test")


def test_the_verifier_finds_a_fed_value_that_is_overwritten():
    x = tf.placeholder(tf.float32, [3])
    plan = plan_of([tf.tanh(x)], [x])
    plan.nodes[0].reuses = (0,)
    with pytest.raises(AssertionError, match="is not the plan's"):
        verify(plan, "test")
