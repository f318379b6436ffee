"""Sessions that several threads share: plans that all want at once, errors across devices, and closing meanwhile."""

import threading
import time
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

import reflow as tf

_THREADS = 8


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _config(devices):
    return tf.ConfigProto(device_count={"CPU": devices}, allow_soft_placement=True)


def _outputs(x, devices):
    """The sums of six layers, which stand on the devices in turn, and the gradients of the last one."""
    sums = []
    for number in range(6):
        with tf.device(f"/cpu:{number % devices}"):
            w = tf.get_variable(f"w{number}", [6, 6], initializer=tf.random_normal_initializer(seed=number))
            x = tf.tanh(tf.matmul(x, w) * 0.5 + tf.sigmoid(x) * x - 0.1)
            sums.append(tf.reduce_sum(tf.square(x), 1))
    return [*sums, *tf.gradients(sums[-1], tf.trainable_variables())]


@pytest.mark.parametrize("devices", [1, 3])
def test_threads_that_all_want_plans_which_are_not_compiled_yet(devices):
    x = tf.placeholder(tf.float32, [None, 6])
    outputs = _outputs(x, devices)
    count = tf.get_variable("count", [], tf.int64, initializer=tf.zeros_initializer())
    bump = count.assign_add(1, use_locking=True)
    fetches = [outputs[:1], outputs[2:4], outputs[5:8], [outputs[0], outputs[11]], outputs[6:]]
    feeds = [np.random.RandomState(i).randn(1 + i, 6).astype(np.float32) for i in range(3)]
    sessions = [tf.Session(config=_config(devices)) for _ in range(3)]
    for session in sessions:
        session.run(tf.global_variables_initializer())
    wanted = [[sessions[2].run(fetch, {x: feed}) for feed in feeds] for fetch in fetches]
    start = threading.Barrier(_THREADS)

    def work(number):
        random = np.random.RandomState(number)
        start.wait()
        for i in range(15):
            which, feed = (random.randint(len(fetches)), random.randint(len(feeds))) if i else (number % 2, 0)
            session = sessions[(number + i) % 2]
            results = session.run(fetches[which], {x: feeds[feed]})
            session.run(bump.op)
            for result, other in zip(results, wanted[which][feed], strict=True):
                np.testing.assert_array_equal(result, other)
                result[...] = 7

    with ThreadPoolExecutor(_THREADS) as pool:
        list(pool.map(work, range(_THREADS)))
    assert sum(session.run(count) for session in sessions) == _THREADS * 15


def _run_aside(function):
    """Starts the function in a thread; gives a function that waits for its result or raises its error."""
    pool = ThreadPoolExecutor(1)
    future = pool.submit(function)
    time.sleep(0.1)
    return lambda: future.result(timeout=30)


@pytest.mark.parametrize("devices", [1, 2])
def test_closing_a_session_wakes_those_who_wait(devices):
    with tf.device("/cpu:0"):
        waiting = tf.FIFOQueue(1, [tf.float32], [[]]).dequeue()
    with tf.device(f"/cpu:{devices - 1}"):
        other = tf.tanh(tf.placeholder_with_default([1.0, 2.0], [2]))
    session = tf.Session(config=_config(devices))
    result = _run_aside(lambda: session.run([waiting, other]))
    session.close()
    with pytest.raises(tf.errors.CancelledError, match="Dequeue operation was cancelled"):
        result()
    with pytest.raises(RuntimeError, match="Attempted to use a closed Session"):
        session.run(other)


def test_closing_a_session_while_others_run():
    x = tf.placeholder(tf.float32, [None, None])
    v = tf.get_variable("v", [4], initializer=tf.zeros_initializer())
    fetches = [tf.matmul(x, x), v.assign_add(tf.ones([4]))]
    session = tf.Session()
    session.run(v.initializer)

    def run_on():
        while True:
            session.run(fetches, {x: np.eye(50)})

    results = [_run_aside(run_on) for _ in range(2)]
    session.close()
    for result in results:
        with pytest.raises(RuntimeError, match="Attempted to use a closed Session"):
            result()


def test_an_error_on_one_device_ends_the_waiting_on_another():
    with tf.device("/cpu:0"):
        queue = tf.FIFOQueue(1, [tf.float32], [[]])
        waiting = queue.dequeue()
    with tf.device("/cpu:1"):
        x = tf.placeholder(tf.float32, [2])
        checked = tf.check_numerics(x, "bad x")
    with tf.Session(config=_config(2)) as session:
        for _ in range(2):
            with pytest.raises(tf.errors.InvalidArgumentError, match="bad x : Tensor had NaN"):
                session.run([waiting, checked], {x: [1.0, np.nan]})
        session.run(queue.enqueue(3.0))
        assert session.run([waiting, checked], {x: [1.0, 2.0]})[0] == 3.0


def test_threads_that_put_and_take():
    queue = tf.FIFOQueue(2, [tf.float32], [[]])
    x = tf.placeholder(tf.float32, [])
    put, take = queue.enqueue(x + 1.0), queue.dequeue() * 2.0
    with tf.Session() as session, ThreadPoolExecutor(6) as pool:
        taking = [pool.submit(lambda: [session.run(take) for _ in range(40)]) for _ in range(3)]
        putting = [
            pool.submit(lambda first=first: [session.run(put, {x: first + i}) for i in range(40)])
            for first in (0, 40, 80)
        ]
        for done in putting:
            done.result(timeout=60)
        taken = [number for part in taking for number in part.result(timeout=60)]
    assert sorted(taken) == [2.0 * i for i in range(1, 121)]
