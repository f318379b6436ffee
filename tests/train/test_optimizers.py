"""Optimizers: arguments, slots, what they refuse; learning rates and averages beside NumPy."""

import numpy as np
import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _refused(error, message, function):
    with pytest.raises(error, match=message):
        function()


def test_what_minimize_refuses():
    v = tf.Variable([1.0, 2.0])
    optimizer = tf.train.GradientDescentOptimizer(0.1)
    _refused(ValueError, "No gradients provided for any variable", lambda: optimizer.minimize(tf.constant(1.0)))
    _refused(ValueError, "No variables to optimize", lambda: optimizer.minimize(tf.reduce_sum(v), var_list=[]))
    _refused(ValueError, "Invalid type", lambda: optimizer.minimize(tf.constant(1)))
    loss = tf.reduce_sum(v)
    _refused(ValueError, "gate_gradients must be one of", lambda: optimizer.minimize(loss, gate_gradients=7))
    _refused(NotImplementedError, "unsupported type", lambda: optimizer.minimize(loss, var_list=[3]))
    _refused(ValueError, "No variables provided", lambda: optimizer.apply_gradients([]))
    _refused(ValueError, "No gradients provided", lambda: optimizer.apply_gradients([(None, v)]))
    _refused(ValueError, "Must specify the optimizer name", lambda: tf.train.Optimizer(False, ""))


def test_a_constraint_on_rows_is_refused():
    table = tf.Variable(tf.ones([4, 2]), constraint=tf.nn.relu)
    loss = tf.reduce_sum(tf.gather(table, [1]))
    optimizer = tf.train.AdagradOptimizer(0.1)
    _refused(RuntimeError, "constraint function on a sparse variable", lambda: optimizer.minimize(loss))


@pytest.mark.parametrize("make", [
    lambda: tf.train.AdagradOptimizer(0.1, initial_accumulator_value=0.0),
    lambda: tf.train.FtrlOptimizer(0.1, learning_rate_power=0.5),
    lambda: tf.train.FtrlOptimizer(0.1, l1_regularization_strength=-0.5),
    lambda: tf.train.ProximalAdagradOptimizer(0.1, initial_accumulator_value=-1.0),
])  # fmt: skip
def test_numbers_of_the_wrong_sign(make):
    with pytest.raises(ValueError, match="positive|negative"):
        make()


def test_slots():
    v = tf.Variable([1.0, 2.0], name="v")
    w = tf.Variable(3.0, name="w", use_resource=True)
    optimizer = tf.train.AdamOptimizer()
    optimizer.minimize(tf.reduce_sum(v) * w)
    assert optimizer.get_slot_names() == ["m", "v"]
    assert optimizer.get_slot(v, "m").name == "v/Adam:0"
    assert optimizer.get_slot(w, "v").name == "w/Adam_1:0"
    assert optimizer.get_slot(w, "v").op.type == "VarHandleOp"
    assert optimizer.get_slot(v, "momentum") is None
    names = ["beta1_power:0", "beta2_power:0", "v/Adam:0", "v/Adam_1:0", "w/Adam:0", "w/Adam_1:0"]
    assert [x.name for x in optimizer.variables()] == names


def test_an_optimizer_of_ones_own():
    """What programs that subclass Optimizer rely on."""

    class Halving(tf.train.Optimizer):
        def __init__(self):
            super().__init__(use_locking=False, name="Halving")

        def _create_slots(self, var_list):
            for v in var_list:
                self._zeros_slot(v, "steps", self._name)

        def _prepare(self):
            self._half = tf.constant(0.5)

        def _apply_dense(self, grad, var):
            steps = self.get_slot(var, "steps")
            return tf.group(tf.assign(var, var * self._half), tf.assign_add(steps, tf.ones_like(steps)))

    v = tf.Variable([4.0, 8.0])
    optimizer = Halving()
    train = optimizer.minimize(tf.reduce_sum(v))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for _ in range(2):
            session.run(train)
        np.testing.assert_array_equal(session.run(v), [1, 2])
        np.testing.assert_array_equal(session.run(optimizer.get_slot(v, "steps")), [2, 2])


def test_one_optimizer_in_two_graphs():
    optimizer = tf.train.AdamOptimizer(0.1)
    for _ in range(2):
        with tf.Graph().as_default(), tf.Session() as session:
            v = tf.Variable([1.0])
            train = optimizer.minimize(tf.reduce_sum(v))
            session.run(tf.global_variables_initializer())
            session.run(train)
            np.testing.assert_allclose(session.run(v), [0.9], rtol=1e-5)


@pytest.mark.parametrize("gate", [0, 1, 2])
def test_gates(gate):
    v, w = tf.Variable([1.0, 2.0]), tf.Variable([3.0, 4.0])
    train = tf.train.GradientDescentOptimizer(0.1).minimize(tf.reduce_sum(v * w), gate_gradients=gate)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(train)
        np.testing.assert_allclose(session.run(v), [0.7, 1.6], rtol=1e-6)
        np.testing.assert_allclose(session.run(w), [2.9, 3.8], rtol=1e-6)


def test_the_global_step():
    assert tf.train.get_global_step() is None
    step = tf.train.get_or_create_global_step()
    assert tf.train.get_global_step() is step and step.dtype.base_dtype is tf.int64
    _refused(ValueError, "already exists", tf.train.create_global_step)
    _refused(TypeError, "integer type", lambda: tf.train.assert_global_step(tf.constant(1.0)))
    _refused(TypeError, "not scalar", lambda: tf.train.assert_global_step(tf.constant([1])))
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(tf.assign_add(step, 3))
        assert tf.train.global_step(session, step) == 3


def test_schedules_make_equal_ones():
    schedules = tf.keras.optimizers.schedules
    for schedule in (schedules.ExponentialDecay(0.1, 10, 0.9), tf.keras.experimental.CosineDecayRestarts(0.1, 5)):
        again = schedules.deserialize(schedules.serialize(schedule))
        assert type(again) is type(schedule) and again.get_config() == schedule.get_config()
    _refused(ValueError, "Unknown decay", lambda: schedules.deserialize({"class_name": "none", "config": {}}))


def test_boundaries_of_another_type_are_refused():
    _refused(ValueError, "must have the same dtype",
             lambda: tf.train.piecewise_constant(tf.constant(1), [1.0], [0.1, 0.2]))  # fmt: skip
    _refused(ValueError, "elements all with the same dtype",
             lambda: tf.train.piecewise_constant(tf.constant(1.0), [1.0], [0.1, 2]))  # fmt: skip


@pytest.mark.parametrize("zero_debias", [False, True])
def test_assign_moving_average(zero_debias):
    from reflow.train.moving_averages import assign_moving_average

    average, x = tf.Variable(0.0), tf.placeholder(tf.float32, [])
    update = assign_moving_average(average, x, 0.9, zero_debias=zero_debias)
    biased = 0.0
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for t, value in enumerate([3.0, -1.0, 5.0], start=1):
            biased += 0.1 * (value - biased)
            expected = biased / (1 - 0.9**t) if zero_debias else biased
            np.testing.assert_allclose(session.run(update, {x: value}), expected, rtol=1e-5)


def test_averages_of_other_types_are_refused():
    averages = tf.train.ExponentialMovingAverage(0.9)
    _refused(TypeError, "must be half, float, or double", lambda: averages.apply([tf.Variable(1)]))
    v = tf.Variable(1.0, name="v")
    assert averages.average(v) is None
    assert averages.average_name(v) == "v/ExponentialMovingAverage"
