"""Threads that keep queues filled."""

import pytest

import reflow as tf


@pytest.fixture
def session():
    with tf.Graph().as_default(), tf.Session() as session:
        yield session


def _counter(session, limit):
    counter = tf.Variable(0, trainable=False)
    session.run(counter.initializer)
    return counter.count_up_to(limit)


def _taken_until_the_end(session, tensor):
    values = []
    with pytest.raises(tf.errors.OutOfRangeError):
        while True:
            values.append(session.run(tensor))
    return values


@pytest.mark.parametrize("with_coordinator", [False, True])
def test_a_queue_is_filled_and_closed(session, with_coordinator):
    queue = tf.FIFOQueue(3, tf.int32, ())
    count = _counter(session, 20)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(count)])
    tf.train.add_queue_runner(runner)
    assert tf.get_collection(tf.GraphKeys.QUEUE_RUNNERS) == [runner]
    coordinator = tf.train.Coordinator() if with_coordinator else None
    threads = tf.train.start_queue_runners(coord=coordinator)
    assert [t.name for t in threads][0] == "QueueRunnerThread-fifo_queue-fifo_queue_enqueue"
    assert len(threads) == 1 + with_coordinator and all(t.daemon for t in threads)
    assert _taken_until_the_end(session, queue.dequeue()) == list(range(20))
    if with_coordinator:
        coordinator.request_stop()
        coordinator.join(threads, stop_grace_period_secs=10)
    assert runner.exceptions_raised == []


def test_the_last_of_several_threads_closes(session):
    queue = tf.FIFOQueue(100, tf.int32, ())
    ends = [_counter(session, 5), _counter(session, 9)]
    runner = tf.train.QueueRunner(queue, [queue.enqueue(end) for end in ends])
    for thread in runner.create_threads(session, start=True):
        thread.join(10)
    assert session.run([queue.is_closed(), queue.size()]) == [True, 14]


def test_no_second_set_of_threads_while_one_is_at_work(session):
    queue = tf.FIFOQueue(1, tf.int32, ())
    runner = tf.train.QueueRunner(queue, [queue.enqueue(1)])
    coordinator = tf.train.Coordinator()
    threads = runner.create_threads(session, coordinator, start=True)
    assert runner.create_threads(session, coordinator, start=True) == []
    coordinator.request_stop()
    coordinator.join(threads, stop_grace_period_secs=10)
    assert session.run(queue.is_closed())
    assert len(runner.create_threads(session)) == 1


def test_errors_go_to_the_coordinator_or_are_kept(session):
    queue = tf.FIFOQueue(1, tf.float32, ())
    bad = tf.check_numerics(tf.constant(0.0) / tf.placeholder_with_default(0.0, ()), "not a number")
    runner = tf.train.QueueRunner(queue, [queue.enqueue(bad)])
    coordinator = tf.train.Coordinator()
    threads = runner.create_threads(session, coordinator, start=True)
    with pytest.raises(tf.errors.InvalidArgumentError, match="not a number"):
        coordinator.join(threads, stop_grace_period_secs=10)
    (thread,) = runner.create_threads(session)
    with pytest.raises(tf.errors.InvalidArgumentError):
        thread.run()
    assert [type(e) for e in runner.exceptions_raised] == [tf.errors.InvalidArgumentError]


def test_threads_end_with_their_session(session):
    queue = tf.FIFOQueue(1, tf.int32, ())
    closed = (tf.errors.OutOfRangeError, tf.errors.CancelledError)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(1)], queue_closed_exception_types=closed)
    (thread,) = runner.create_threads(session, daemon=True, start=True)
    thread.join(0.1)
    assert thread.is_alive()
    session.close()
    thread.join(10)
    assert not thread.is_alive()


def test_protos(session):
    queue = tf.FIFOQueue(3, tf.int32, ())
    closed = (tf.errors.OutOfRangeError, tf.errors.CancelledError)
    runner = tf.train.QueueRunner(queue, [queue.enqueue(1), queue.enqueue(2)], queue_closed_exception_types=closed)
    tf.train.add_queue_runner(runner)
    meta = tf.train.export_meta_graph()
    # As TensorFlow 1.15.5 writes it.
    recorded = (b"\n\nfifo_queue\x12\x12fifo_queue_enqueue\x12\x14fifo_queue_enqueue_1\x1a\x10fifo_queue_Close\"\x12"
                b"fifo_queue_Close_1*\x02\x0b\x01")  # fmt: skip
    assert list(meta.collection_def["queue_runners"].bytes_list.value) == [recorded]
    with tf.Graph().as_default():
        tf.train.import_meta_graph(meta, import_scope="scope")
        (found,) = tf.get_collection("queue_runners")
        assert found.name == "scope/fifo_queue" and found.queue_closed_exception_types == closed
        assert [op.name for op in found.enqueue_ops] == ["scope/fifo_queue_enqueue", "scope/fifo_queue_enqueue_1"]
        assert found.cancel_op.get_attr("cancel_pending_enqueues")
        assert found.to_proto("scope").SerializeToString() == recorded
        assert found.to_proto("other") is None
        with tf.Session() as other:
            coordinator = tf.train.Coordinator()
            threads = tf.train.start_queue_runners(other, coordinator)
            assert len(threads) == 3
            coordinator.request_stop()
            coordinator.join(threads, stop_grace_period_secs=10)


def test_what_does_not_fit(session):
    queue = tf.FIFOQueue(3, tf.int32, ())
    enqueue = queue.enqueue(1)
    with pytest.raises(ValueError, match="Must provide queue and enqueue_ops."):
        tf.train.QueueRunner(queue)
    with pytest.raises(TypeError, match="must be a tuple of tf.error types"):
        tf.train.QueueRunner(queue, [enqueue], queue_closed_exception_types=(ValueError,))
    with pytest.raises(ValueError, match="mutually exclusive"):
        tf.train.QueueRunner(queue, queue_runner_def=tf.train.QueueRunner(queue, [enqueue]).to_proto())
    with pytest.raises(TypeError, match="sess must be a `tf.Session` object"):
        tf.train.start_queue_runners("session")


def test_there_must_be_a_session():
    with pytest.raises(ValueError, match="Cannot start queue runners: No default session is registered"):
        tf.train.start_queue_runners()
