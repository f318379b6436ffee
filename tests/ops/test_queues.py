"""Queues against what TensorFlow 1.15.5 does, and from several threads."""

import threading
import time

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("queues")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


class _Run(threading.Thread):
    """A step in a thread of its own: its result or error, or neither while it waits."""

    def __init__(self, session, fetch, feeds=None):
        super().__init__(daemon=True)
        self._call = session, fetch, feeds
        self.result = self.error = None
        self.start()
        self.join(0.1)

    def run(self):
        session, fetch, feeds = self._call
        try:
            self.result = session.run(fetch, feeds)
        except tf.errors.OpError as error:
            self.error = error

    @property
    def waits(self):
        return self.is_alive()

    def end(self):
        self.join(10)
        assert not self.is_alive()
        return self

    def check_error(self, kind, words):
        assert type(self.end().error) is kind
        assert words in str(self.error).splitlines()[0]


def test_who_adds_waits_for_room(session):
    queue = tf.FIFOQueue(2, tf.int32, ())
    adding = _Run(session, queue.enqueue_many([[1, 2, 3, 4]]))
    assert adding.waits and session.run(queue.size()) == 2
    take = queue.dequeue()
    assert session.run(take) == 1
    assert adding.waits and session.run(queue.size()) == 2
    assert [session.run(take) for _ in range(3)] == [2, 3, 4]
    adding.end()


def test_a_batch_may_be_larger_than_the_queue(session):
    queue = tf.FIFOQueue(2, tf.int32, ())
    x = tf.placeholder(tf.int32, ())
    add = queue.enqueue(x)
    taking = _Run(session, queue.dequeue_many(5))
    for i in range(5):
        assert taking.waits
        session.run(add, {x: i})
    np.testing.assert_array_equal(taking.end().result, range(5))


def test_steps_are_served_in_order(session):
    queue = tf.FIFOQueue(5, tf.int32, ())
    x = tf.placeholder(tf.int32, ())
    add = queue.enqueue(x)
    batch = _Run(session, queue.dequeue_many(2))
    one = _Run(session, queue.dequeue())
    session.run(add, {x: 1})
    assert one.waits
    session.run(add, {x: 2})
    session.run(add, {x: 3})
    assert batch.end().result.tolist() == [1, 2] and one.end().result == 3


def test_a_batch_that_cannot_be_filled_goes_back(session):
    queue = tf.FIFOQueue(5, tf.int32, ())
    session.run(queue.enqueue_many([[1, 2, 3]]))
    taking = _Run(session, queue.dequeue_many(4))
    assert taking.waits and session.run(queue.size()) == 0
    session.run(queue.close())
    taking.check_error(tf.errors.OutOfRangeError, "insufficient elements (requested 1, current size 0)")
    assert session.run(queue.dequeue_up_to(4)).tolist() == [1, 2, 3]


def test_closing_lets_those_in_who_wait(session):
    queue = tf.FIFOQueue(1, tf.int32, ())
    adding = _Run(session, queue.enqueue_many([[1, 2, 3]]))
    closing = _Run(session, queue.close())
    assert adding.waits and closing.waits and not session.run(queue.is_closed())
    assert session.run(queue.dequeue_many(3)).tolist() == [1, 2, 3]
    adding.end()
    closing.end()
    assert session.run(queue.is_closed())


def test_closing_may_cancel_those_who_wait(session):
    queue = tf.FIFOQueue(1, tf.int32, ())
    adding = _Run(session, queue.enqueue_many([[1, 2, 3]]))
    session.run(queue.close(cancel_pending_enqueues=True))
    adding.check_error(tf.errors.CancelledError, "Enqueue operation was cancelled")
    assert session.run(queue.dequeue()) == 1


def test_elements_stay_for_the_mix_until_the_queue_is_closed(session):
    queue = tf.RandomShuffleQueue(10, 3, tf.int32, ())
    session.run(queue.enqueue_many([[1, 2, 3]]))
    taking = _Run(session, queue.dequeue())
    assert taking.waits
    session.run(queue.close())
    assert taking.end().result in (1, 2, 3)


@pytest.mark.parametrize(
    "make, words",
    [
        (lambda: tf.FIFOQueue(1, tf.int32).dequeue(), "Dequeue operation was cancelled"),
        (lambda: tf.FIFOQueue(1, tf.int32).enqueue_many([[1, 2]]), "Enqueue operation was cancelled"),
        (lambda: tf.ConditionalAccumulator(tf.float32).take_grad(1), "TakeGrad operation was cancelled"),
        (lambda: tf.contrib.staging.StagingArea([tf.int32]).get(), "Take operation was cancelled"),
    ],
)
def test_closing_the_session_wakes_who_waits(session, make, words):
    waiting = _Run(session, make())
    assert waiting.waits
    session.close()
    waiting.check_error(tf.errors.CancelledError, words)


@pytest.mark.parametrize("with_trace", [False, True])
def test_a_time_limit_ends_the_wait(session, with_trace):
    queue = tf.FIFOQueue(5, tf.int32, ())
    take = queue.dequeue_many(2)
    session.run(queue.enqueue(1))
    options = tf.RunOptions(timeout_in_ms=100)
    if with_trace:
        options.trace_level = tf.RunOptions.FULL_TRACE
    with pytest.raises(tf.errors.DeadlineExceededError, match="Timed out waiting for notification"):
        session.run(take, options=options)
    time.sleep(0.05)
    # The step that gave up took nothing with it.
    assert session.run(queue.size()) == 1


def test_a_time_limit_of_all_runs():
    with tf.Graph().as_default():
        queue = tf.FIFOQueue(5, tf.int32, ())
        take, size = queue.dequeue(), queue.size()
        with tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=100)) as session:
            assert session.run(size) == 0
            for run in (lambda: session.run(take), session.make_callable(take)):
                with pytest.raises(tf.errors.DeadlineExceededError):
                    run()


def test_a_time_limit_holds_on_all_devices():
    config = tf.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        with tf.device("/cpu:1"):
            queue = tf.FIFOQueue(5, tf.int32, ())
            taken = queue.dequeue()
        with tf.device("/cpu:0"):
            result = taken + tf.random.uniform([], maxval=3, dtype=tf.int32)
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(result, options=tf.RunOptions(timeout_in_ms=100))
        session.run(queue.enqueue(1))
        assert session.run(queue.size()) == 1


def test_elements_are_kept_as_they_were(session):
    queue = tf.FIFOQueue(5, tf.float32, (2,))
    v = tf.Variable([1.0, 2.0])
    session.run(v.initializer)
    session.run(queue.enqueue(v))
    session.run(v.assign_add([1.0, 1.0]))
    np.testing.assert_array_equal(session.run(queue.dequeue()), [1, 2])


def test_many_threads_lose_nothing(session):
    queue = tf.RandomShuffleQueue(7, 2, tf.int32, ())
    x = tf.placeholder(tf.int32, [None])
    add, take = queue.enqueue_many(x), queue.dequeue_many(5)
    adding = [_Run(session, add, {x: range(i * 50, i * 50 + 50)}) for i in range(4)]
    taking = [_Run(session, take) for _ in range(39)]
    session.run(queue.close())
    rest = session.run(queue.dequeue_many(5)).tolist()
    assert sorted(sum((run.end().result.tolist() for run in taking), rest)) == list(range(200))
    assert all(run.end().error is None for run in adding)
