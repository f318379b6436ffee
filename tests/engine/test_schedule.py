"""The order of effects: reads before writes, control edges, and copies where memory would change under a reader."""

import numpy as np
import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def variable(request):
    return tf.get_variable("v", initializer=[1.0, 2.0], use_resource=request.param)


def _session():
    session = tf.Session()
    session.run(tf.global_variables_initializer())
    return session


def test_reads_come_before_writes(variable):
    doubled = variable * 2.0
    bump = tf.assign_add(variable, [1.0, 1.0])
    session = _session()
    for _ in range(2):
        before = session.run(variable)
        np.testing.assert_array_equal(session.run([bump.op, doubled])[1], 2 * before)


def test_control_edges_put_reads_after_writes(variable):
    bump = tf.assign_add(variable, [1.0, 1.0])
    with tf.control_dependencies([bump]):
        after = variable.read_value() * 10.0
    np.testing.assert_array_equal(_session().run(after), [20, 30])


def test_what_follows_a_change_of_a_reference_sees_it():
    v = tf.Variable([1.0, 2.0])
    bump = tf.assign_add(v, [1.0, 1.0])
    with tf.control_dependencies([bump]):
        after = v * 10.0
    before = v * 10.0
    np.testing.assert_array_equal(_session().run([before, after]), [[10, 20], [20, 30]])


def test_an_old_value_survives_the_write(variable):
    old = variable.read_value()
    with tf.control_dependencies([old]):
        bump = tf.assign_add(variable, [1.0, 1.0])
    with tf.control_dependencies([bump]):
        change = variable.read_value() - old
    session = _session()
    np.testing.assert_array_equal(session.run(change), [1, 1])
    got_old, got_change = session.run([old, change])
    np.testing.assert_array_equal(got_old, [2, 3])
    np.testing.assert_array_equal(got_change, [1, 1])


def test_a_view_of_the_variable_may_be_added_to_it():
    v = tf.Variable([[1.0, 2.0], [3.0, 4.0]])
    with tf.Session() as session:
        session.run(v.initializer)
        session.run(v.assign_add(tf.transpose(v)))
        np.testing.assert_array_equal(session.run(v), [[2, 5], [5, 8]])


def test_variables_may_be_the_gradients_of_each_other():
    v, w = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(v * w))
    session = _session()
    session.run(train)
    np.testing.assert_allclose(session.run(v), [0.7, 1.6], rtol=1e-6)
    np.testing.assert_allclose(session.run(w), [2.9, 3.8], rtol=1e-6)


def test_the_variable_itself_may_be_scattered_to_it(variable):
    swapped = tf.scatter_add(variable, [1, 0], variable)
    np.testing.assert_array_equal(_session().run(tf.convert_to_tensor(swapped)), [3, 3])


def test_chained_updates_run_in_order(variable):
    first = tf.assign(variable, [5.0, 5.0])
    with tf.control_dependencies([first]):
        second = tf.assign_add(variable, [1.0, 1.0])
    with tf.control_dependencies([second]):
        third = tf.assign(variable, variable.read_value() * 2.0)
    session = _session()
    session.run(third.op)
    np.testing.assert_array_equal(session.run(variable), [12, 12])


def test_a_fed_array_is_not_the_variable(variable):
    x = tf.placeholder(tf.float32, [2])
    store = tf.assign(variable, x)
    session = _session()
    fed = np.array([3.0, 4.0], np.float32)
    session.run(store.op, {x: fed})
    fed[:] = 0
    np.testing.assert_array_equal(session.run(variable), [3, 4])


def test_swap(variable):
    other = tf.get_variable("w", initializer=[9.0, 8.0])
    v, w = tf.identity(variable), tf.identity(other)
    with tf.control_dependencies([v, w]):
        swap = tf.group(tf.assign(variable, w).op, tf.assign(other, v).op)
    session = _session()
    session.run(swap)
    np.testing.assert_array_equal(session.run(variable), [9, 8])
    np.testing.assert_array_equal(session.run(other), [1, 2])


def test_a_fetched_reference_variable_has_the_value_that_the_run_leaves():
    step = tf.get_variable("step", initializer=3, use_resource=False)
    bump = tf.assign_add(step, 1)
    session = _session()
    assert session.run([bump.op, step])[1] == 4
    assert session.run([step, bump.op])[0] == 5
