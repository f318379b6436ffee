"""Recurrent cells out of single ops: one product with all inputs, whatever the cell."""

import numpy as np
import pytest

import reflow as tf
from tests.engine.passes.plans import compared, plan_of, random_feed, types

STEPS, BATCH, INPUTS, UNITS = 5, 4, 3, 2


def _placeholders(*shapes):
    return [tf.placeholder(tf.float32, shape) for shape in shapes]


def _notes(plan, words):
    """How many notes on all time steps have these words."""
    return sum(words in note and f"{STEPS} time steps" in note for note in plan.notes)


def _lstm(x, state, kernel, bias):
    c, h = state, tf.tanh(state)
    outputs = []
    for value in tf.unstack(x, axis=1):
        gates = tf.nn.bias_add(tf.matmul(tf.concat([value, h], 1), kernel), bias)
        i, j, f, o = tf.split(gates, 4, 1)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
        outputs.append(h)
    return tf.stack(outputs, 1)


def _gru(x, state, kernel, bias):
    """The gates as one product, the candidate left out; the state comes first in the joined inputs."""
    h = state
    outputs = []
    for value in tf.unstack(x, axis=1):
        reset, update, candidate, _ = tf.split(tf.matmul(tf.concat([h, value], 1), kernel) + bias, 4, 1)
        h = tf.sigmoid(update) * h + (1.0 - tf.sigmoid(update)) * tf.tanh(tf.sigmoid(reset) * candidate)
        outputs.append(h)
    return tf.stack(outputs, 1)


def _simple(x, state, kernel, bias):
    h = state
    outputs = []
    for value in tf.unstack(x, axis=1):
        h = tf.tanh(tf.matmul(tf.concat([value, h], 1), kernel)[:, :UNITS]) + bias[0]
        outputs.append(h)
    return tf.stack(outputs, 1)


@pytest.mark.parametrize("cell", [_lstm, _gru, _simple])
def test_a_cell_and_its_gradient(cell):
    x, state, kernel, bias = _placeholders([BATCH, STEPS, INPUTS], [BATCH, UNITS], [INPUTS + UNITS, 4 * UNITS],
                                           [4 * UNITS])  # fmt: skip
    outputs = cell(x, state, kernel, bias)
    fetches = [outputs, *tf.gradients(tf.reduce_sum(tf.square(outputs)), [x, state, kernel, bias])]
    with_pass, without = compared(fetches, random_feed(x, state, kernel, bias), "recurrent_products")
    assert _notes(with_pass, "apart for") == 2 and _notes(with_pass, "one product for") == 2
    sizes = [n.inputs[0].dims for n in with_pass.nodes if n.type in ("MatMul", "_FusedMatMul")]
    assert (STEPS * BATCH, INPUTS) in sizes and (BATCH, INPUTS + UNITS) not in sizes
    assert (BATCH, INPUTS + UNITS) in [n.inputs[0].dims for n in without.nodes if "MatMul" in n.type]


def _column_lstm(x, state, kernel, bias):
    c, h = state, tf.tanh(state)
    for value in tf.unstack(tf.transpose(x, [1, 2, 0])):
        i, j, f, o = tf.split(tf.matmul(kernel, tf.concat([value, h], 0)) + bias, 4, 0)
        c = c * tf.sigmoid(f + 1.0) + tf.sigmoid(i) * tf.tanh(j)
        h = tf.tanh(c) * tf.sigmoid(o)
    return h


def _column_simple(x, state, kernel, bias):
    """The weight is transposed, and the state comes first."""
    h = state
    for value in tf.unstack(tf.transpose(x, [1, 2, 0])):
        joined = tf.concat([h, value], 0)
        h = tf.tanh(tf.matmul(tf.transpose(kernel), joined, transpose_a=True) + bias)[:UNITS]
    return h


@pytest.mark.parametrize("cell", [_column_lstm, _column_simple])
def test_states_as_columns(cell):
    feeds = _placeholders([BATCH, STEPS, INPUTS], [UNITS, BATCH], [4 * UNITS, INPUTS + UNITS], [4 * UNITS, 1])
    outputs = cell(*feeds)
    fetches = [outputs, *tf.gradients(tf.reduce_sum(tf.square(outputs)), feeds)]
    with_pass, without = compared(fetches, random_feed(*feeds), "recurrent_products")
    assert _notes(with_pass, "apart for") == 2 and _notes(with_pass, "one product for") == 2
    sizes = [n.inputs[1].dims for n in with_pass.nodes if n.type in ("MatMul", "_FusedMatMul")]
    assert (INPUTS, STEPS * BATCH) in sizes and (INPUTS + UNITS, BATCH) not in sizes
    assert (INPUTS + UNITS, BATCH) in [n.inputs[1].dims for n in without.nodes if "MatMul" in n.type]


@pytest.mark.parametrize("columns", [False, True])
def test_gradients_of_inputs_that_nobody_wants_are_not_made(columns):
    kernel_shape = [4 * UNITS, INPUTS + UNITS] if columns else [INPUTS + UNITS, 4 * UNITS]
    x, state, kernel, bias = _placeholders([BATCH, STEPS, INPUTS], [UNITS, BATCH] if columns else [BATCH, UNITS],
                                           kernel_shape, [4 * UNITS, 1] if columns else [4 * UNITS])  # fmt: skip
    outputs = (_column_lstm if columns else _lstm)(x, state, kernel, bias)
    fetches = tf.gradients(tf.reduce_sum(tf.square(outputs)), [kernel, bias])
    plan, without = compared(fetches, random_feed(x, state, kernel, bias), "recurrent_products")
    whole, state_alone = (INPUTS + UNITS, BATCH), (UNITS, BATCH)
    made, made_without = ([n.outputs[0].dims if columns else n.outputs[0].dims[::-1] for n in p.nodes
                           if "MatMul" in n.type] for p in (plan, without))  # fmt: skip
    assert made_without.count(whole) == STEPS - 1 and whole not in made
    assert made.count(state_alone) == STEPS - 1


def test_a_first_state_that_is_constant_has_no_gradient():
    """The step's update waits for all gradients, also for that one, until it turns out that nothing takes it."""
    x = tf.placeholder(tf.float32, [BATCH, STEPS, INPUTS])
    kernel = tf.get_variable("kernel", [INPUTS + UNITS, 4 * UNITS])
    outputs = _lstm(x, tf.zeros([BATCH, UNITS]), kernel, tf.zeros([4 * UNITS]))
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(outputs))
    plan = plan_of([outputs], [x], targets=[train])
    assert (BATCH, INPUTS + UNITS) not in [n.outputs[0].dims for n in plan.nodes if "MatMul" in n.type]


@pytest.mark.parametrize("batch, is_apart", [(255, True), (256, False)])
def test_large_batches_stay_joined(batch, is_apart):
    feeds = _placeholders([batch, STEPS, INPUTS], [batch, UNITS], [INPUTS + UNITS, 4 * UNITS], [4 * UNITS])
    plan, _ = compared([_lstm(*feeds)], random_feed(*feeds), "recurrent_products")
    assert (_notes(plan, "apart for") == 1) == is_apart


def test_layers_on_top_of_each_other():
    feeds = _placeholders([BATCH, STEPS, INPUTS], [BATCH, UNITS], [INPUTS + UNITS, 4 * UNITS], [4 * UNITS],
                          [2 * UNITS, 4 * UNITS])  # fmt: skip
    x, state, kernel, bias, second = feeds
    c1 = c2 = state
    h1 = h2 = tf.tanh(state)
    for value in tf.unstack(x, axis=1):
        i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([value, h1], 1), kernel), bias), 4, 1)
        c1 = c1 * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
        h1 = tf.tanh(c1) * tf.sigmoid(o)
        i, j, f, o = tf.split(tf.nn.bias_add(tf.matmul(tf.concat([h1, h2], 1), second), bias), 4, 1)
        c2 = c2 * tf.sigmoid(f) + tf.sigmoid(i) * tf.tanh(j)
        h2 = tf.tanh(c2) * tf.sigmoid(o)
    fetches = [h2, *tf.gradients(tf.reduce_sum(tf.square(h2)), feeds)]
    with_pass, _ = compared(fetches, random_feed(*feeds), "recurrent_products")
    assert _notes(with_pass, "apart for") == 4 and _notes(with_pass, "one product for") == 4


def test_the_stack_of_gradients_is_made_once():
    x, state, kernel, bias = _placeholders([BATCH, STEPS, INPUTS], [BATCH, UNITS], [INPUTS + UNITS, 4 * UNITS],
                                           [4 * UNITS])  # fmt: skip
    loss = tf.reduce_sum(tf.square(_lstm(x, state, kernel, bias)))
    plan = plan_of(tf.gradients(loss, [x, kernel, bias]), [x, state, kernel, bias])
    stacked = [n for n in plan.nodes if n.type == "ConcatV2" and n.outputs[0].dims == (STEPS * BATCH, 4 * UNITS)]
    assert len(stacked) == 1
    assert types(plan).count("BiasAddGrad") == 1


def test_a_weight_that_is_shared_without_recurrence_is_left_alone():
    x, kernel = _placeholders([BATCH, STEPS, INPUTS], [2 * INPUTS, UNITS])
    outputs = [tf.matmul(tf.concat([value, tf.sin(value)], 1), kernel) for value in tf.unstack(x, axis=1)]
    plan = plan_of([tf.add_n(outputs)], [x, kernel])
    assert types(plan).count("MatMul") == STEPS


def test_an_input_that_depends_on_the_step_before_is_no_input():
    """A decoder feeds its output back: neither part of what it joins is known beforehand."""
    x, kernel = _placeholders([BATCH, UNITS], [2 * UNITS, UNITS])
    value = h = x
    for _ in range(STEPS):
        h = tf.tanh(tf.matmul(tf.concat([value, h], 1), kernel))
        value = tf.sin(h)
    fetches = [h, *tf.gradients(tf.reduce_sum(h), [x, kernel])]
    with_pass, _ = compared(fetches, random_feed(x, kernel), "recurrent_products")
    assert not any("time steps" in note for note in with_pass.notes)


def test_fetched_products_are_kept():
    x, state, kernel, bias = _placeholders([BATCH, STEPS, INPUTS], [BATCH, UNITS], [INPUTS + UNITS, 4 * UNITS],
                                           [4 * UNITS])  # fmt: skip
    outputs = _lstm(x, state, kernel, bias)
    products = [op.outputs[0] for op in outputs.graph.get_operations() if op.type == "MatMul"]
    gradients = tf.gradients(tf.reduce_sum(outputs), products)
    compared([outputs, *products, *gradients], random_feed(x, state, kernel, bias), "recurrent_products")


def test_training_gives_the_same_losses():
    x, state = _placeholders([BATCH, STEPS, INPUTS], [BATCH, UNITS])
    random = np.random.RandomState(0)
    kernel = tf.Variable(random.randn(INPUTS + UNITS, 4 * UNITS).astype(np.float32))
    bias = tf.Variable(np.zeros(4 * UNITS, np.float32))
    loss = tf.reduce_mean(tf.square(_lstm(x, state, kernel, bias) - 0.3))
    train = tf.train.AdamOptimizer(0.05).minimize(loss)
    feed = random_feed(x, state)

    def losses():
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            return [session.run([loss, train], feed)[0] for _ in range(20)]

    with_pass = losses()
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REFLOW_DISABLE_PASSES", "all")
        without = losses()
    np.testing.assert_allclose(with_pass, without, rtol=1e-4)
    assert with_pass[-1] < with_pass[0]
