"""Recurrent cells with a matrix for the input and another for the state: one product with the inputs of all steps."""

import numpy as np
import pytest

import reflow as tf
from tests.engine.passes.plans import compared, plan_of, random_feed, types

STEPS, BATCH, INPUTS, UNITS = 5, 4, 3, 2


def _placeholders(*shapes):
    return [tf.placeholder(tf.float32, shape) for shape in shapes]


def _matrices(gates):
    """For each gate the matrix of the input, that of the state, and the bias."""
    return [_placeholders([INPUTS, UNITS], [UNITS, UNITS], [UNITS]) for _ in range(gates)]


def _simple(steps, h, gates):
    ((u, v, b),) = gates
    for x in steps:
        h = tf.tanh(tf.matmul(x, u) + tf.matmul(h, v) + b)
        yield h


def _bias_first(steps, h, gates):
    ((u, v, b),) = gates
    for x in steps:
        h = tf.tanh(tf.matmul(h, v) + (tf.matmul(x, u) + b))
        yield h


def _gru(steps, h, gates):
    (uz, vz, bz), (ur, vr, br), (uc, vc, bc) = gates
    for x in steps:
        z = tf.sigmoid(tf.matmul(x, uz) + tf.matmul(h, vz) + bz)
        r = tf.sigmoid(tf.nn.bias_add(tf.matmul(x, ur) + tf.matmul(h, vr), br))
        candidate = tf.tanh(tf.matmul(x, uc) + tf.matmul(r * h, vc) + bc)
        h = (1.0 - z) * h + z * candidate
        yield h


def _reset_after(steps, h, gates):
    """The product of the state is scaled before it is added: it stays by itself."""
    (ur, vr, br), (uc, vc, bc) = gates
    for x in steps:
        r = tf.sigmoid(tf.matmul(x, ur) + tf.matmul(h, vr) + br)
        h = tf.tanh(tf.matmul(x, uc) + r * (tf.matmul(h, vc) + bc))
        yield h


def _lstm(steps, h, gates):
    c = h
    for x in steps:
        i, f, o, j = (tf.matmul(x, u) + tf.matmul(h, v) + b for u, v, b in gates)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        yield h


CELLS = [(_simple, 1), (_bias_first, 1), (_gru, 3), (_reset_after, 2), (_lstm, 4)]


@pytest.mark.parametrize("axis", [0, 1], ids=["time first", "batch first"])
@pytest.mark.parametrize("cell, count", CELLS)
def test_a_cell_and_its_gradient(cell, count, axis):
    x, h = _placeholders([STEPS, BATCH, INPUTS] if axis == 0 else [BATCH, STEPS, INPUTS], [BATCH, UNITS])
    gates = _matrices(count)
    outputs = tf.stack(list(cell(tf.unstack(x, axis=axis), h, gates)))
    feeds = [x, h, *(matrix for gate in gates for matrix in gate)]
    fetches = [outputs, *tf.gradients(tf.reduce_sum(tf.square(outputs)), feeds)]
    with_pass, _ = compared(fetches, random_feed(*feeds), "shared_weights", rtol=1e-4, atol=1e-5)
    notes = [note for note in with_pass.notes if f"one product for {STEPS} time steps" in note]
    # The inputs by each U, and the gradients by each U'.
    assert len(notes) == 2 * count
    left = [n.inputs[0].dims for n in with_pass.nodes if "MatMul" in n.type and not n.attrs["transpose_a"]]
    assert left.count((STEPS * BATCH, INPUTS)) == count and (BATCH, INPUTS) not in left


def _column_simple(steps, h, gates):
    ((u, v, b),) = gates
    for x in steps:
        h = tf.tanh(tf.matmul(u, x) + tf.matmul(v, h) + b)
        yield h


def _column_bias_first(steps, h, gates):
    ((u, v, b),) = gates
    for x in steps:
        h = tf.tanh(tf.add_n([tf.matmul(u, x) + b, tf.matmul(v, h)]))
        yield h


def _column_gru(steps, h, gates):
    (uz, vz, bz), (ur, vr, br), (uc, vc, bc) = gates
    for x in steps:
        z = tf.sigmoid(tf.matmul(uz, x) + tf.matmul(vz, h) + bz)
        r = tf.sigmoid(tf.matmul(ur, x) + tf.matmul(vr, h) + br)
        h = (1.0 - z) * h + z * tf.tanh(tf.matmul(uc, x) + tf.matmul(vc, r * h) + bc)
        yield h


def _column_lstm(steps, h, gates):
    c = h
    for x in steps:
        i, f, o, j = (tf.matmul(u, x) + tf.matmul(v, h) + b for u, v, b in gates)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(j)
        h = tf.sigmoid(o) * tf.tanh(c)
        yield h


def _columns(count):
    """An input and a state as columns, and what each gate takes."""
    x, h = _placeholders([STEPS, INPUTS, BATCH], [UNITS, BATCH])
    return x, h, [_placeholders([UNITS, INPUTS], [UNITS, UNITS], [UNITS, 1]) for _ in range(count)]


@pytest.mark.parametrize(
    "cell, count", [(_column_simple, 1), (_column_bias_first, 1), (_column_gru, 3), (_column_lstm, 4)]
)
def test_states_as_columns(cell, count):
    x, h, gates = _columns(count)
    outputs = tf.stack(list(cell(tf.unstack(x), h, gates)))
    feeds = [x, h, *(matrix for gate in gates for matrix in gate)]
    fetches = [outputs, *tf.gradients(tf.reduce_sum(tf.square(outputs)), feeds)]
    with_pass, _ = compared(fetches, random_feed(*feeds), "shared_weights", rtol=1e-4, atol=1e-5)
    right = [n.inputs[1].dims for n in with_pass.nodes if "MatMul" in n.type and not n.attrs["transpose_b"]]
    assert right.count((INPUTS, STEPS * BATCH)) == count and (INPUTS, BATCH) not in right
    assert "BiasAdd" not in types(with_pass) and types(with_pass).count("Sum") == count
    compared(fetches, random_feed(*feeds), "merge_products", rtol=1e-4, atol=1e-5)


def test_a_step_of_columns_is_one_product():
    x, h, gates = _columns(1)
    *_, last = _column_simple(tf.unstack(x), h, gates)
    plan, _ = compared([last], random_feed(x, h, *gates[0]), "shared_weights")
    assert types(plan).count("_FusedMatMul") == STEPS
    # The inputs of all steps, with the bias.
    assert types(plan).count("MatMul") == types(plan).count("AddV2") == 1


def test_a_step_with_relu_is_one_call():
    x, h = _placeholders([STEPS, BATCH, INPUTS], [BATCH, UNITS])
    ((u, v, b),) = gates = _matrices(1)
    last = h
    for value in tf.unstack(x):
        last = tf.nn.relu(tf.matmul(value, u) + tf.matmul(last, v) + b)
    plan, _ = compared([last], random_feed(x, h, *gates[0]), "shared_weights")
    assert types(plan).count("_FusedMatMul") == STEPS + 1 and "Relu" not in types(plan)


@pytest.mark.parametrize("bias_dims", [[1, UNITS], [1, 1], [UNITS], [BATCH, UNITS]])
def test_biases_of_other_shapes(bias_dims):
    x, h, u, v, b = _placeholders([STEPS, BATCH, INPUTS], [BATCH, UNITS], [INPUTS, UNITS], [UNITS, UNITS], bias_dims)
    last = h
    for value in tf.unstack(x):
        last = tf.tanh(tf.matmul(value, u) + tf.matmul(last, v) + b)
    fetches = [last, *tf.gradients(tf.reduce_sum(tf.square(last)), [u, v, b])]
    plan, _ = compared(fetches, random_feed(x, h, u, v, b), "shared_weights")
    assert any("one product for" in note for note in plan.notes)


def test_transposed_weights_and_their_gradients():
    x, h, u, v = _placeholders([STEPS, BATCH, INPUTS], [BATCH, UNITS], [UNITS, INPUTS], [UNITS, UNITS])
    last = h
    for value in tf.unstack(x):
        last = tf.tanh(tf.matmul(value, tf.transpose(u)) + tf.matmul(last, v, transpose_b=True))
    fetches = [last, *tf.gradients(tf.reduce_sum(tf.square(last)), [x, u, v])]
    plan, _ = compared(fetches, random_feed(x, h, u, v), "shared_weights")
    assert sum("one product for" in note for note in plan.notes) == 2
    plan, without = compared(fetches, random_feed(x, h, u, v), "merge_products")
    assert "AddN" in types(without) and "AddN" not in types(plan)


def test_two_inputs_are_both_hoisted():
    x, y, h, u, w, v = _placeholders([STEPS, BATCH, INPUTS], [STEPS, BATCH, INPUTS], [BATCH, UNITS], [INPUTS, UNITS],
                                     [INPUTS, UNITS], [UNITS, UNITS])  # fmt: skip
    last = h
    for one, other in zip(tf.unstack(x), tf.unstack(y), strict=True):
        last = tf.tanh(tf.matmul(one, u) + tf.matmul(other, w) + tf.matmul(last, v))
    plan, _ = compared([last], random_feed(x, y, h, u, w, v), "shared_weights")
    assert [n.inputs[0].dims for n in plan.nodes if "MatMul" in n.type].count((STEPS * BATCH, INPUTS)) == 2


def test_a_step_is_one_product():
    x, h = _placeholders([STEPS, BATCH, INPUTS], [BATCH, UNITS])
    gates = _matrices(1)
    *_, last = _simple(tf.unstack(x), h, gates)
    plan, _ = compared([last], random_feed(x, h, *gates[0]), "shared_weights")
    assert types(plan).count("_FusedMatMul") == STEPS + 1
    assert not {"Add", "AddV2", "BiasAdd", "MatMul", "Tanh"} & set(types(plan))


def test_an_output_layer_at_every_step():
    x, h, w, b = _placeholders([STEPS, BATCH, INPUTS], [BATCH, UNITS], [UNITS, 3], [3])
    gates = _matrices(1)
    logits = [tf.matmul(h, w) + b for h in _simple(tf.unstack(x), h, gates)]
    feeds = [x, h, w, b, *gates[0]]
    fetches = [*logits, *tf.gradients(tf.reduce_sum(tf.square(tf.stack(logits))), feeds)]
    plan, _ = compared(fetches, random_feed(*feeds), "shared_weights", atol=1e-5)
    assert (STEPS * BATCH, UNITS) in [n.inputs[0].dims for n in plan.nodes if n.type == "_FusedMatMul"]


def test_an_output_that_is_fed_back_waits_for_its_step():
    start, u, v = _placeholders([BATCH, UNITS], [UNITS, UNITS], [UNITS, UNITS])
    value = h = start
    for _ in range(STEPS):
        h = tf.tanh(tf.matmul(value, u) + tf.matmul(h, v))
        value = tf.sin(h)
    plan, _ = compared([h, *tf.gradients(h, [u, v])], random_feed(start, u, v), "shared_weights")
    assert not any("time steps" in note for note in plan.notes)


def test_branches_that_share_a_weight_without_recurrence_stay():
    x, w = _placeholders([STEPS, BATCH, INPUTS], [INPUTS, UNITS])
    plan = plan_of([tf.add_n([tf.tanh(tf.matmul(each, w)) for each in tf.unstack(x)])], [x, w])
    assert types(plan).count("_ActivatedMatMul") == STEPS


def test_a_bias_that_depends_on_the_products_is_added_at_its_step():
    x, start, u, v = _placeholders([STEPS, BATCH, UNITS], [BATCH, UNITS], [UNITS, UNITS], [UNITS, UNITS])
    h = start
    inputs = tf.unstack(x)
    products = [tf.matmul(each, u) for each in inputs]
    bias = tf.reduce_mean(products[-1], 0)
    for product in products:
        h = tf.tanh(product + tf.matmul(h, v) + bias)
    compared([h, products[0], *tf.gradients(h, [u, v])], random_feed(x, start, u, v), "shared_weights")


def test_fetched_sums_and_control_edges_are_kept(monkeypatch):
    x, start, u, v, b = _placeholders([STEPS, BATCH, INPUTS], [BATCH, UNITS], [INPUTS, UNITS], [UNITS, UNITS], [UNITS])
    h = start
    counter = tf.Variable(0)
    sums = []
    for each in tf.unstack(x):
        sums.append(tf.matmul(each, u) + tf.matmul(h, v))
        h = tf.tanh(sums[-1] + b)
    with tf.control_dependencies([sums[2]]):
        bump = tf.assign_add(counter, 1)

    def results():
        with tf.Session() as session:
            session.run(counter.initializer)
            return session.run([h, bump, *sums], random_feed(x, start, u, v, b))

    got = results()
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", "all")
    for one, other in zip(got, results(), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-4, atol=1e-5)
    assert got[1] == 1
