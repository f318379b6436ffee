"""Late scheduling: where nodes run, and how much memory that saves."""

import numpy as np

import reflow as tf
from reflow.engine.memory import high_water_mark
from tests.engine.passes.plans import compared, plan_of, random_feed, types


def test_a_large_value_is_made_just_before_it_is_taken():
    x = tf.placeholder(tf.float32, [100, 1])
    large = tf.matmul(x, x, transpose_b=True)
    row = tf.tanh(tf.cos(tf.sin(x)))
    with_pass, without = compared([tf.matmul(large, row)], random_feed(x), "late", rtol=0)
    assert types(with_pass) == ["Sin", "Cos", "Tanh", "MatMul", "MatMul"]
    assert types(without)[0] == "MatMul"


def test_what_frees_more_than_it_takes_runs_early():
    x = tf.placeholder(tf.float32, [100, 100])
    large = tf.exp(x)
    total = tf.reduce_sum(large)
    y = tf.matmul(tf.sin(x), tf.cos(x))
    with_pass, _ = compared([y * total], random_feed(x), "late", rtol=0, atol=0)
    order = types(with_pass)
    assert order.index("Sum") == order.index("Exp") + 1


def test_gradients_of_weights_wait_for_the_update():
    """Gradients of large weights are made when the activations are gone: a step takes less memory at one time."""
    x = tf.placeholder(tf.float32, [4, 32, 32, 3])
    y = tf.layers.conv2d(x, 8, 3, activation=tf.nn.relu)
    y = tf.layers.dense(tf.layers.flatten(y), 50, activation=tf.nn.relu)
    loss = tf.reduce_sum(tf.square(y))
    train = tf.train.GradientDescentOptimizer(0.01).minimize(loss)
    marks = []
    for disabled in ((), ("late",)):
        marks.append(high_water_mark(plan_of([loss], [x], disabled, [train]))[0])
    assert marks[0] < 0.95 * marks[1]


def test_reads_stay_before_the_change():
    v = tf.Variable(np.ones([4], np.float32), use_resource=True)
    x = tf.placeholder(tf.float32, [])
    doubled = v.read_value() * 2.0
    with tf.control_dependencies([doubled]):
        bump = v.assign_add(tf.ones([4]))
    with tf.control_dependencies([bump]):
        y = doubled * tf.exp(x)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        np.testing.assert_allclose(session.run(y, {x: 0.0}), [2, 2, 2, 2])
        np.testing.assert_allclose(session.run(y, {x: 0.0}), [4, 4, 4, 4])
