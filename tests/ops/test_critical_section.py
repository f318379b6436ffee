"""tf.CriticalSection: against TensorFlow 1.15.5, and from several threads."""

import threading

import pytest

import reflow as tf
from reflow.ops.critical_section import Mutex
from tests.ops.recorded import Recorded

recorded = Recorded("critical_section")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def _in_threads(count, function):
    threads = [threading.Thread(target=function) for _ in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert not any(thread.is_alive() for thread in threads)


def test_no_count_is_lost_among_threads():
    with tf.Graph().as_default(), tf.Session() as session:
        v, section = tf.get_variable("v", initializer=0, use_resource=True), tf.CriticalSection()
        pause = threading.Event()

        def wait(x):
            pause.wait(0.001)  # Long enough for another thread to read the same number.
            return x

        def count():
            value = v.read_value()
            waited = tf.py_func(wait, [value], tf.int32)
            with tf.control_dependencies([v.assign(waited + 1)]):
                return tf.identity(value)

        counted = section.execute(count)
        session.run(v.initializer)
        found = []
        _in_threads(4, lambda: found.extend([session.run(counted) for _ in range(25)]))
        assert sorted(found) == list(range(100))


def test_a_section_in_a_conditional():
    with tf.Graph().as_default(), tf.Session() as session:
        v, section = tf.get_variable("v", initializer=0, use_resource=True), tf.CriticalSection()
        wanted = tf.placeholder(tf.bool, [])

        def count():
            value = v.read_value()
            with tf.control_dependencies([value]), tf.control_dependencies([v.assign_add(1)]):
                return tf.identity(value)

        both = [tf.cond(wanted, lambda: section.execute(count), lambda: tf.constant(-1)), section.execute(count)]
        session.run(v.initializer)
        assert sorted(session.run(both, {wanted: True})) == [0, 1]
        assert session.run(both, {wanted: False}) == [-1, 2]


def test_a_section_that_fails_is_left():
    with tf.Graph().as_default(), tf.Session() as session:
        section, x = tf.CriticalSection(), tf.placeholder(tf.float32, [])
        y = section.execute(lambda: tf.check_numerics(x, "bad"))
        with pytest.raises(tf.errors.InvalidArgumentError):
            session.run(y, {x: float("nan")})
        assert session.run(y, {x: 3.0}) == 3
        _in_threads(1, lambda: session.run(y, {x: 3.0}))


def test_a_mutex_is_held_by_one_thread():
    mutex, order = Mutex(), []
    first = mutex.lock()

    def second():
        lock = mutex.lock()
        order.append("second")
        lock.release()

    thread = threading.Thread(target=second)
    thread.start()
    order.append("first")
    first.release()
    thread.join(60)
    assert order == ["first", "second"]
    first.release()  # Once more does nothing.
