"""Softmax with cross entropy: only what is wanted of it is computed, and both at once where both are wanted."""

import re

import numpy as np
import pytest

import reflow as tf
from reflow.engine.pipeline import Options, optimize
from reflow.engine.plan import build_plan
from tests.engine.passes.plans import compared, plan_of, random_feed, source_of, types

LABELS = [1, 0, 3, 2]
NAME = "_CrossEntropyGradient"


def _sparse(logits):
    return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.constant(LABELS), logits=logits)


def _dense(logits):
    return tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.one_hot(LABELS, 5), logits=logits)


@pytest.mark.parametrize("cost, op", [(_sparse, "_CrossEntropyGradient"), (_dense, "_CrossEntropyGradient")])
def test_a_gradient_needs_no_loss(cost, op):
    x = tf.placeholder(tf.float32, [4, 5])
    with_pass, without = compared(tf.gradients(tf.reduce_mean(cost(x)), x), random_feed(x), "cross_entropy")
    assert op in types(with_pass) and not any("WithLogits" in t for t in types(with_pass))
    assert any("WithLogits" in t for t in types(without))


def test_a_loss_needs_no_gradient():
    x = tf.placeholder(tf.float32, [4, 5])
    with_pass, _ = compared([_sparse(x)], random_feed(x), "cross_entropy")
    assert types(with_pass) == ["_SparseCrossEntropyLoss"]


@pytest.mark.parametrize("cost", [_sparse, _dense])
def test_both_are_computed_once(cost):
    x = tf.placeholder(tf.float32, [4, 5])
    loss = cost(x)
    fetches = [loss, *tf.gradients(tf.reduce_mean(loss), x)]
    plan, _ = compared(fetches, random_feed(x), "cross_entropy")
    assert sum("CrossEntropy" in t for t in types(plan)) == 1
    assert len(re.findall(r"cross_entropy\w*\(", source_of(plan))) == 1


@pytest.mark.parametrize("scale", [1.0, 1e4, 1e-4])
@pytest.mark.parametrize("fetch", ["loss", "gradient", "both"])
def test_large_and_small_logits(scale, fetch):
    x = tf.placeholder(tf.float32, [4, 5])
    loss = _sparse(x)
    gradient = tf.gradients(loss, x)[0]
    feed = {x: (random_feed(x)[x] * scale).astype(np.float32)}
    exact = feed[x].astype(np.float64)
    exact -= exact.max(1, keepdims=True)
    logarithms = exact - np.log(np.exp(exact).sum(1, keepdims=True))
    wants = -logarithms[range(4), LABELS], np.exp(logarithms) - np.eye(5)[LABELS]
    chosen = {"loss": [0], "gradient": [1], "both": [0, 1]}[fetch]
    with tf.Session() as session:
        got = session.run([(loss, gradient)[i] for i in chosen], feed)
    for i, result in zip(chosen, got, strict=True):
        np.testing.assert_allclose(result, wants[i], rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("fetch", ["loss", "gradient", "both", "sums"])
def test_labels_that_are_no_classes_are_refused(fetch):
    x, labels = tf.placeholder(tf.float32, [2, 3]), tf.placeholder(tf.int32, [2])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    gradient = tf.gradients(loss, x)
    fetches = {"loss": [loss], "gradient": gradient, "both": [loss, *gradient],
               "sums": [tf.reduce_sum(tf.gradients(tf.reduce_mean(loss), x)[0], 0)]}[fetch]  # fmt: skip
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="label value of 3"):
        session.run(fetches, {x: np.zeros((2, 3)), labels: [0, 3]})


def test_masked_logits_and_no_rows():
    x = tf.placeholder(tf.float32, [None, 3])
    labels = tf.placeholder(tf.int32, [None])
    loss = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    masked = np.array([[0.0, -np.inf, 0.0], [0.0, -np.inf, 0.0]], np.float32)
    with tf.Session() as session:
        for fetches in (loss, [loss, tf.gradients(loss, x)[0]]):
            got = session.run(fetches, {x: masked, labels: [0, 1]})
            np.testing.assert_allclose(got if fetches is loss else got[0], [np.log(2), np.inf], rtol=1e-6)
        assert session.run(loss, {x: np.zeros((0, 3)), labels: np.zeros(0)}).shape == (0,)


def test_the_formula_written_out_stays():
    x = tf.placeholder(tf.float32, [4, 5])
    cost = -tf.reduce_sum(tf.one_hot(LABELS, 5) * tf.log(tf.nn.softmax(x)), 1)
    assert "Log" in types(plan_of([cost], [x]))


# --- the gradient times the weights of rows, and its sums -------------------------------------------------------------

# By name, from the losses of the rows and their weights [batch] to what is minimized.
_TOTALS = {
    "mean": lambda losses, weights: tf.reduce_mean(losses),
    "sum": lambda losses, weights: tf.reduce_sum(losses),
    "weighted": lambda losses, weights: tf.reduce_sum(losses * weights),
    "mean of those with a weight": lambda losses, weights: tf.losses.compute_weighted_loss(losses, weights),
    "quotient": lambda losses, weights: tf.reduce_sum(losses) / tf.reduce_sum(weights),
}
_BIASES = {"add": lambda x, bias: x + bias, "bias_add": tf.nn.bias_add}


def _program(dtype, labels_type, batch, classes, total="mean", bias="add"):
    """(losses, gradients by x and by the bias, what to feed)."""
    x, b, weights = (tf.placeholder(dtype, dims) for dims in ([batch, classes], [classes], [batch]))
    feed = random_feed(x, b)
    random = np.random.RandomState(1)
    if labels_type == "dense":
        labels = tf.placeholder(dtype, [batch, classes])
        shares = random.rand(batch, classes)
        feed[labels] = (shares / shares.sum(1, keepdims=True)).astype(dtype.as_numpy_dtype)
        cost = tf.nn.softmax_cross_entropy_with_logits_v2
    else:
        labels = tf.placeholder(labels_type, [batch])
        feed[labels] = random.randint(0, classes, batch).astype(labels_type)
        cost = tf.nn.sparse_softmax_cross_entropy_with_logits
    losses = cost(labels=labels, logits=_BIASES[bias](x, b))
    objective = _TOTALS[total](losses, weights)
    if total not in ("mean", "sum"):
        feed[weights] = random.rand(batch).astype(dtype.as_numpy_dtype)
    return losses, tf.gradients(objective, [x, b]), feed


def _attrs(plan):
    (node,) = [n for n in plan.nodes if n.type == NAME]
    return node.attrs["loss"], node.attrs["W"], node.attrs["sums"]


def _is_one_pass(plan):
    """True if neither a product nor a sum of matrices is left."""
    left = [n for n in plan.nodes if n.type in ("Mul", "Sum", "BiasAddGrad") and len(n.inputs[0].dims) == 2]
    return not left and types(plan).count(NAME) == 1


@pytest.mark.parametrize("with_loss", [True, False])
@pytest.mark.parametrize("batch, classes", [(1, 10), (7, 10), (33, 1000), (400, 10), (2, 3)])
@pytest.mark.parametrize("labels_type", ["int32", "int64", "dense"])
@pytest.mark.parametrize("dtype", [tf.float32, tf.float64])
def test_gradients_of_a_mean(dtype, labels_type, batch, classes, with_loss):
    losses, gradients, feed = _program(dtype, labels_type, batch, classes)
    with_pass, without = compared([*gradients, *[losses] * with_loss], feed, "cross_entropy")
    # A batch of one has a weight of 1.
    assert _is_one_pass(with_pass) and _attrs(with_pass) == (with_loss, int(batch > 1), True)
    assert batch == 1 or not _is_one_pass(without)


@pytest.mark.parametrize("bias", _BIASES)
@pytest.mark.parametrize("total", _TOTALS)
@pytest.mark.parametrize("labels_type", ["int32", "dense"])
def test_weights_and_biases(labels_type, total, bias):
    losses, gradients, feed = _program(tf.float32, labels_type, 21, 17, total, bias)
    with_pass, _ = compared([*gradients, losses], feed, "cross_entropy")
    assert _is_one_pass(with_pass) and _attrs(with_pass) == (True, int(total != "sum"), True)


def test_what_was_done_is_noted():
    _, gradients, feed = _program(tf.float32, "int32", 8, 5)
    notes = plan_of(gradients, feed).notes
    assert any("only the gradient, multiplied as gradients/" in n and "summed as gradients/" in n for n in notes)


def test_a_fetched_product_is_fused_and_its_sums_need_not_be_wanted():
    x = tf.placeholder(tf.float32, [4, 5])
    with_pass, _ = compared(tf.gradients(tf.reduce_mean(_sparse(x)), x), random_feed(x), "cross_entropy")
    assert types(with_pass) == [NAME] and _attrs(with_pass) == (False, 1, False)


def test_weights_that_are_made_after_the_loss_but_without_it():
    x, w = tf.placeholder(tf.float32, [4, 5]), tf.placeholder(tf.float32, [4])
    losses = _sparse(x)
    gradient = tf.gradients(losses, x, tf.tanh(w))
    with_pass, _ = compared([tf.exp(losses), *gradient], random_feed(x, w), "cross_entropy")
    assert _attrs(with_pass) == (True, 1, False)


def test_weights_in_rows_that_share_memory():
    x, w = tf.placeholder(tf.float32, [4, 5]), tf.placeholder(tf.float32, [1, 1])
    product = tf.broadcast_to(w, [4, 1]) * _backprop(x)
    assert _attrs(compared([product], random_feed(x, w), "cross_entropy")[0]) == (False, 1, False)


def _backprop(x):
    return tf.raw_ops.SparseSoftmaxCrossEntropyWithLogits(features=x, labels=tf.constant(LABELS))[1]


def _focal(x, w):
    """Rows that are easy count less: the weights depend on the losses."""
    losses = _sparse(x)
    return tf.gradients(losses, x, (1.0 - tf.exp(-losses)) * losses)


def _backprop_used_twice(x, w):
    backprop = _backprop(x)
    return [backprop * w, tf.exp(backprop)]


def _backprop_fetched(x, w):
    backprop = _backprop(x)
    return [backprop * w, backprop]


def _after_something(x, w):
    backprop = _backprop(x)
    with tf.control_dependencies([tf.print("")]):
        return [backprop * w]


def _weights_of_columns(x, w):
    return [_backprop(x) * tf.ones([1, 5]) * 2.0]


@pytest.mark.parametrize("program", [_focal, _backprop_used_twice, _backprop_fetched, _after_something,
                                     _weights_of_columns])  # fmt: skip
def test_products_that_stay(program):
    x, w = tf.placeholder(tf.float32, [4, 5]), tf.placeholder(tf.float32, [4, 1])
    with_pass, _ = compared(program(x, w), random_feed(x, w), "cross_entropy")
    assert "Mul" in types(with_pass) and not any(n.attrs["W"] for n in with_pass.nodes if n.type == NAME)


def test_a_product_that_is_run_for_itself_stays():
    x, w = tf.placeholder(tf.float32, [4, 5]), tf.placeholder(tf.float32, [4, 1])
    product = _backprop(x) * w
    assert types(plan_of([product], [x, w], targets=[product.op])) == [NAME, "Mul"]


def test_two_nets_that_weigh_each_other():
    x, y = tf.placeholder(tf.float32, [4, 5]), tf.placeholder(tf.float32, [4, 5])
    a, b = _sparse(x), _sparse(y)
    fetches = [*tf.gradients(a, x, tf.exp(-b)), *tf.gradients(b, y, tf.exp(-a))]
    with_pass, _ = compared(fetches, random_feed(x, y), "cross_entropy")
    # Each could get its weights, if the other one got none.
    assert types(with_pass).count("Mul") == 1 and _attrs(with_pass)[1] == 1


def test_weights_after_a_change_of_a_variable():
    x, v = tf.placeholder(tf.float32, [4, 5]), tf.get_variable("v", [4, 1], initializer=tf.zeros_initializer())
    losses = _sparse(x)
    changed = tf.assign_add(v, tf.ones([4, 1]))
    plan = plan_of([losses, _backprop(x) * (changed * 1.0)], [x])
    assert not any(n.attrs.get("W") for n in plan.nodes if n.type == NAME)


@pytest.mark.parametrize("keepdims, axis, fused", [(False, 0, True), (False, -2, True), (True, 0, False),
                                                   (False, 1, False), (False, [0, 1], False)])  # fmt: skip
def test_sums_over_rows_alone(keepdims, axis, fused):
    x, w = tf.placeholder(tf.float32, [4, 5]), tf.placeholder(tf.float32, [4, 1])
    product = _backprop(x) * w
    sums = tf.reduce_sum(product, axis, keepdims)
    with_pass, _ = compared([product, sums], random_feed(x, w), "cross_entropy")
    assert _attrs(with_pass) == (False, 1, fused)


def test_no_rows():
    losses, gradients, feed = _program(tf.float32, "int32", 0, 3, "weighted")
    compared([losses, *gradients], feed, "cross_entropy")


def test_a_batch_of_unknown_size():
    x, labels = tf.placeholder(tf.float32, [None, 5]), tf.placeholder(tf.int32, [None])
    losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x)
    gradient = tf.gradients(tf.reduce_mean(losses), x)[0]
    fetches = [gradient, tf.reduce_sum(gradient, 0)]
    plan = optimize(build_plan(fetches, [], [x, labels]), Options(verify=True))
    assert NAME not in types(plan) and {"Mul", "Sum"} <= set(types(plan))
    random = np.random.RandomState(0)
    with tf.Session() as session:
        # More sizes than a step is compiled for.
        for batch in range(1, 11):
            features = random.randn(batch, 5).astype(np.float32)
            got, sums = session.run(fetches, {x: features, labels: np.arange(batch) % 5})
            powers = np.exp(features)
            want = powers / powers.sum(1, keepdims=True) - np.eye(5)[np.arange(batch) % 5]
            np.testing.assert_allclose(got, want / batch, rtol=1e-5, atol=1e-7)
            np.testing.assert_allclose(sums, (want / batch).sum(0), rtol=1e-5, atol=1e-6)


def _losses_of_training(labels_of):
    random = np.random.RandomState(0)
    with tf.Graph().as_default(), tf.Session() as session:
        hidden = tf.constant(random.randn(50, 12), tf.float32)
        for i, (rows, columns) in enumerate([(12, 16), (16, 10)]):
            weight = tf.Variable(tf.constant(random.randn(rows, columns) * 0.3, tf.float32))
            hidden = tf.matmul(hidden if i == 0 else tf.nn.relu(hidden), weight) + tf.Variable(tf.zeros([columns]))
        loss = tf.reduce_mean(labels_of(random.randint(0, 10, 50), hidden))
        step = tf.train.AdamOptimizer(0.01).minimize(loss)
        session.run(tf.global_variables_initializer())
        return [session.run([loss, step])[0] for _ in range(20)]


@pytest.mark.parametrize("labels_of", [
    lambda labels, logits: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits),
    lambda labels, logits: tf.nn.softmax_cross_entropy_with_logits_v2(labels=tf.one_hot(labels, 10), logits=logits),
])  # fmt: skip
def test_training_goes_as_without_the_pass(labels_of, monkeypatch):
    with_pass = _losses_of_training(labels_of)
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "all")
    np.testing.assert_allclose(with_pass, _losses_of_training(labels_of), rtol=1e-6)
    assert with_pass[-1] < 0.9 * with_pass[0]
