"""Plans with branches: what runs, in which blocks, on several devices, in long plans and partial runs."""

import re

import numpy as np
import pytest
from tensorboard.compat.proto.config_pb2 import ConfigProto, RunMetadata, RunOptions

import reflow as tf
from reflow.engine import pipeline
from reflow.engine.plan import build_plan


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _source(fetches, feeds):
    return tf.Session().plan(fetches, feeds).source


def _plan(fetches, feeds=()):
    return pipeline.optimize(build_plan(list(fetches), [], list(feeds)),
                             pipeline.Options(disabled=frozenset(), verify=True))  # fmt: skip


def _logged(log, name, x):
    def note(value):
        log.append(name)
        return value

    return tf.py_func(note, [x], tf.float32)


def test_only_the_branch_taken_runs():
    log, p = [], tf.placeholder(tf.bool, [])
    out = tf.cond(p, lambda: _logged(log, "true", 1.0), lambda: _logged(log, "false", 2.0))
    with tf.Session() as session:
        assert [session.run(out, {p: way}) for way in (True, False, True)] == [1.0, 2.0, 1.0]
    assert log == ["true", "false", "true"]


def test_a_branch_is_one_block_with_its_else():
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    first = tf.cond(p, lambda: tf.sin(tf.exp(x)), lambda: tf.cos(tf.tanh(x)))
    source = _source([first, tf.gradients(first, x)[0]], [p, x])
    assert len(re.findall(r"^ +if ", source, re.M)) == len(re.findall(r"^ +else:", source, re.M)) == 1


def test_what_only_a_branch_needs_is_freed_behind_it():
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    y = tf.exp(x)
    lines = _source([tf.cond(p, lambda: tf.sin(y), lambda: tf.cos(x)) + 1.0], [p, x]).splitlines()
    freed = next(i for i, line in enumerate(lines) if line.strip() == "del Exp")
    assert lines[freed].startswith("    del") and "if " in "".join(lines[:freed])


def test_constant_conditions_leave_one_branch():
    x = tf.placeholder(tf.float32, [2])
    yes, no = tf.constant(True), tf.constant(2) < 1
    out = tf.cond(yes, lambda: tf.cond(no, lambda: tf.sin(x), lambda: tf.cos(x)), lambda: tf.tan(x))
    plan = _plan([out], [x])
    assert [n.type for n in plan.nodes if n.type not in ("Const", "_Merge")] == ["Cos"]
    assert not any(n.guard for n in plan.nodes)
    np.testing.assert_allclose(tf.Session().run(out, {x: [1.0, 2.0]}), np.cos([1.0, 2.0]), rtol=1e-6)


def test_constant_outer_and_open_inner_condition():
    x, p = tf.placeholder(tf.float32, []), tf.placeholder(tf.bool, [])
    out = tf.cond(tf.constant(False), lambda: x, lambda: tf.cond(p, lambda: x * 2.0, lambda: x * 3.0))
    with tf.Session() as session:
        assert [session.run(out, {x: 1.0, p: way}) for way in (True, False)] == [2.0, 3.0]


def test_one_predicate_is_asked_once():
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [])
    a = tf.cond(p, lambda: x * 2.0, lambda: x)
    b = tf.cond(tf.identity(p), lambda: a + 1.0, lambda: a - 1.0)
    assert [n.type for n in _plan([b], [p, x]).nodes].count("_Condition") == 1


@pytest.mark.parametrize("way", [True, False])
def test_long_plans(way):
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [3])

    def chain(length, step):
        y = x
        for _ in range(length):
            y = step(y)
        return y

    out = tf.cond(p, lambda: chain(700, lambda y: tf.sin(y) + 1.0), lambda: chain(600, lambda y: tf.cos(y) * 0.5))
    fed = np.array([0.1, 0.2, 0.3], "float32")
    y = fed
    for _ in range(700 if way else 600):
        y = np.sin(y) + np.float32(1) if way else np.cos(y) * np.float32(0.5)
    gradient = tf.gradients(out * x, x)[0]
    with tf.Session() as session:
        value, slope = session.run([out, gradient], {p: way, x: fed})
        assert "def part_1" in session.plan([out, gradient], [p, x]).source
    np.testing.assert_allclose(value, y, rtol=1e-3)
    assert np.isfinite(slope).all()


@pytest.mark.parametrize("way", [True, False])
def test_branches_on_two_devices(way):
    p, q, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [2])
    with tf.device("/cpu:0"):
        v = tf.get_variable("v", initializer=np.array([1.0, 2.0], "float32"))
        doubled = x * 2.0

    def then():
        with tf.device("/cpu:1"):
            inner = tf.sin(doubled)
        with tf.device("/cpu:0"), tf.control_dependencies([inner]):
            return tf.cond(q > 0.0, lambda: inner + tf.assign_add(v, [1.0, 1.0]), lambda: inner * 1.0)

    def otherwise():
        with tf.device("/cpu:1"):
            return tf.cos(doubled)

    out = tf.cond(p, then, otherwise)
    gradient = tf.gradients(out, x)[0]
    config = ConfigProto(device_count={"CPU": 2})
    with tf.Session(config=config) as session:
        session.run(tf.global_variables_initializer())
        for sign in (1.0, -1.0):
            value, _ = session.run([out, gradient], {p: way, q: sign, x: [0.5, 1.0]})
            if way:
                expected = np.sin([1.0, 2.0]) + (np.array([2.0, 3.0]) if sign > 0 else 0)
            else:
                expected = np.cos([1.0, 2.0])
            np.testing.assert_allclose(value, expected, rtol=1e-6)
        np.testing.assert_array_equal(session.run(v), [2.0, 3.0] if way else [1.0, 2.0])


def test_timed_steps():
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    out = tf.cond(p, lambda: tf.sin(x), lambda: tf.cos(x))
    metadata = RunMetadata()
    with tf.Session() as session:
        session.run(out, {p: True, x: [1.0, 2.0]}, RunOptions(trace_level=RunOptions.FULL_TRACE), metadata)
    ran = {row.node_name for device in metadata.step_stats.dev_stats for row in device.node_stats}
    assert "cond/Sin" in ran and "cond/Cos" not in ran


def test_partial_runs():
    p, x, y = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    first = tf.cond(p, lambda: x * 2.0, lambda: x * 3.0)
    second = first + y
    with tf.Session() as session:
        handle = session.partial_run_setup([first, second], [p, x, y])
        assert session.partial_run(handle, first, {p: False, x: 1.0}) == 3.0
        assert session.partial_run(handle, second, {y: 1.0}) == 4.0


def test_failures_name_the_node_inside():
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    out = tf.cond(p, lambda: tf.check_numerics(x, "here"), lambda: x)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError, match="here.*") as caught:
        session.run(out, {p: True, x: [1.0, np.nan]})
    assert caught.value.op.name == "cond/CheckNumerics"


@pytest.mark.parametrize("way", [True, False])
def test_training_step_under_a_condition(way):
    """An optimizer in a branch changes its variables only if the branch is taken."""
    p, x = tf.placeholder(tf.bool, []), tf.placeholder(tf.float32, [2])
    w = tf.get_variable("w", initializer=np.ones(2, "float32"))
    u = tf.get_variable("u", initializer=np.ones(2, "float32"))
    loss = tf.reduce_sum(w * x + u)
    optimizer = tf.train.GradientDescentOptimizer(0.5)
    grads = optimizer.compute_gradients(loss)
    step = tf.cond(p, lambda: optimizer.apply_gradients(grads), tf.no_op)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        session.run(step, {p: way, x: [1.0, 2.0]})
        np.testing.assert_array_equal(session.run(w), [0.5, 0.0] if way else [1.0, 1.0])
        np.testing.assert_array_equal(session.run(u), [0.5, 0.5] if way else [1.0, 1.0])
