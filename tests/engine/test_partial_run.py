"""partial_run: feeding and fetching one run in pieces."""

import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_pieces_share_one_run():
    a, b, c = (tf.placeholder(tf.float32, []) for _ in range(3))
    first = a + b
    noise = tf.random_uniform([]) + first
    second = (noise - noise) + first * c
    with tf.Session() as session:
        handle = session.partial_run_setup([first, noise, second], [a, b, c])
        assert session.partial_run(handle, first, {a: 1, b: 2}) == 3
        drawn = session.partial_run(handle, noise)
        assert 3 <= drawn < 4
        assert session.partial_run(handle, second, {c: 10}) == 30


def test_nothing_is_computed_twice():
    v = tf.Variable(0.0)
    a = tf.placeholder(tf.float32, [])
    bump = tf.assign_add(v, 1.0)
    with tf.control_dependencies([bump]):
        first = a * 1.5
    second = first + 1.0
    with tf.Session() as session:
        session.run(v.initializer)
        handle = session.partial_run_setup([first, second], [a])
        session.partial_run(handle, first, {a: 2})
        assert session.partial_run(handle, second) == 4
        assert session.run(v) == 1


def test_misuse():
    a, b = tf.placeholder(tf.float32, []), tf.placeholder(tf.float32, [])
    total = a + b
    with tf.Session() as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="setup"):
            session.partial_run("nothing", total)
        handle = session.partial_run_setup([total], [a, b])
        with pytest.raises(tf.errors.InvalidArgumentError, match="Must feed"):
            session.partial_run(handle, total, {a: 1})
        handle = session.partial_run_setup([total], [a])
        with pytest.raises(tf.errors.InvalidArgumentError, match="not specified in partial_run_setup"):
            session.partial_run(handle, total, {b: 1})
