"""Groups in the schedule: order, cycles, failures, and many runs."""

import numpy as np
import pytest

import reflow as tf
from reflow.graph.export import EXPORTS

all_reduce = EXPORTS["python.ops.collective_ops.all_reduce"]
CONFIG = tf.ConfigProto(device_count={"CPU": 3})
pytestmark = pytest.mark.timeout(120)


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _reduce(tensor, instance, size=2):
    return all_reduce(tensor, size, 1, instance, "Add", "Id")


def test_all_members_wait_for_what_one_waits_for():
    v = tf.Variable([0.0])
    bump = tf.assign_add(v, [1.0])
    with tf.device("/cpu:0"), tf.control_dependencies([bump]):
        a = _reduce(tf.identity([10.0]), 1)
    with tf.device("/cpu:1"):
        b = _reduce(tf.identity([20.0]), 1)
        with tf.control_dependencies([b]):
            seen = v.read_value()
    with tf.Session(config=CONFIG) as session:
        session.run(v.initializer)
        assert [r.tolist() for r in session.run([a, b, seen])] == [[30], [30], [1]]


def test_groups_in_opposite_orders():
    """The members of two groups are made in another order on each device."""
    reduced = {}
    for device, order in ((0, (1, 2)), (1, (2, 1))):
        with tf.device(f"/cpu:{device}"):
            for instance in order:
                reduced[device, instance] = _reduce(tf.identity([float(instance)]), instance)
    with tf.Session(config=CONFIG) as session:
        assert {k: v.tolist() for k, v in session.run(reduced).items()} == {
            (0, 1): [2], (0, 2): [4], (1, 1): [2], (1, 2): [4]}  # fmt: skip


def test_a_group_that_waits_for_itself():
    with tf.device("/cpu:0"):
        a = _reduce(tf.identity([1.0]), 1)
    with tf.device("/cpu:1"):
        b = _reduce(a * 2.0, 1)
    with tf.Session(config=CONFIG) as session, pytest.raises(tf.errors.InvalidArgumentError, match="waits for itself"):
        session.run([a, b])


def test_two_groups_that_wait_for_each_other():
    with tf.device("/cpu:0"):
        a = _reduce(tf.identity([1.0]), 1)
        c = _reduce(a + 1.0, 2)
    with tf.device("/cpu:1"):
        d = _reduce(tf.identity([1.0]), 2)
        b = _reduce(d + 1.0, 1)
    with tf.Session(config=CONFIG) as session, pytest.raises(tf.errors.InvalidArgumentError, match="waits for itself"):
        session.run([a, b, c, d])


def test_a_member_that_fails():
    x = tf.placeholder(tf.float32, [1])
    with tf.device("/cpu:0"):
        a = _reduce(tf.identity(x), 1)
    with tf.device("/cpu:1"):
        b = _reduce(tf.check_numerics(x, "bad"), 1)
    with tf.Session(config=CONFIG) as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="bad"):
            session.run([a, b], {x: [np.nan]})
        assert session.run([a, b], {x: [2.0]})[0].tolist() == [4]


def test_members_under_a_condition():
    condition = tf.placeholder(tf.bool, [])

    def reduced():
        results = []
        for i in range(2):
            with tf.device(f"/cpu:{i}"):
                results.append(_reduce(tf.identity([i + 1.0]), 1))
        return tf.add_n(results)

    y = tf.cond(condition, reduced, lambda: tf.constant([0.0]))
    with tf.Session(config=CONFIG) as session:
        assert [session.run(y, {condition: c}).tolist() for c in (True, False)] == [[6], [0]]


@pytest.mark.parametrize("disabled", ["", "all"])
def test_training_of_three_replicas_many_times(monkeypatch, disabled):
    """Each replica updates its own weights with the mean of all gradients: they stay equal, and are NumPy's."""
    monkeypatch.setenv("REFLOW_DISABLE_PASSES", disabled)
    x = tf.placeholder(tf.float32, [3, 4])
    weights, steps = [], []
    for i in range(3):
        with tf.device(f"/cpu:{i}"):
            w = tf.Variable(tf.ones([4]))
            gradient = w * 0.1 + tf.tanh(x[i])
            mean = all_reduce(gradient, 3, 1, 1, "Add", "Div")
            weights.append(w)
            steps.append(tf.assign_sub(w, 0.1 * mean).op)
    expected = np.ones(4, np.float32)
    random = np.random.RandomState(0)
    with tf.Session(config=CONFIG) as session:
        session.run(tf.global_variables_initializer())
        for _ in range(200):
            fed = random.randn(3, 4).astype(np.float32)
            session.run(steps, {x: fed})
            expected = expected - 0.1 * (expected * 0.1 + np.tanh(fed).mean(0))
        for w in session.run(weights):
            np.testing.assert_allclose(w, expected, rtol=1e-4)
