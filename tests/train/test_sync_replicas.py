"""SyncReplicasOptimizer: the graphs of TensorFlow 1.15.5, and workers that make one step of the averaged gradient."""

import threading

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("sync_replicas")
INPUTS = np.random.RandomState(7).randn(12, 3).astype("float32")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def _loss(x, is_sparse):
    w = tf.get_variable("w", initializer=[[0.5, -1.0, 2.0], [1.0, 0.25, -0.5]])
    if is_sparse:
        used = tf.gather(w, tf.cast(x[0] > 0, tf.int32))
        return tf.reduce_sum((used - x) ** 2), w
    return tf.reduce_sum((tf.linalg.matvec(w, x) - 1.0) ** 2), w


def _make(name):
    return {"descent": lambda: tf.train.GradientDescentOptimizer(0.05), "adam": lambda: tf.train.AdamOptimizer(0.1),
            "momentum": lambda: tf.train.MomentumOptimizer(0.05, 0.9)}[name]()  # fmt: skip


def _together(name, is_sparse, workers, gradients_a_step):
    """The variable after worker threads of one session have used up the inputs, and the global step."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3])
        loss, w = _loss(x, is_sparse)
        step = tf.train.get_or_create_global_step()
        optimizer = tf.train.SyncReplicasOptimizer(_make(name), gradients_a_step, total_num_replicas=workers)
        train = optimizer.minimize(loss, global_step=step)
        # As many first tokens as the first step needs; more would let a worker run ahead.
        hook = optimizer.make_session_run_hook(is_chief=True, num_tokens=max(gradients_a_step - workers, 0))
        hook.begin()
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            coordinator = tf.train.Coordinator()
            hook.after_create_session(session, coordinator)
            # Else a quick worker may take a slow one's token.
            together = threading.Barrier(workers)

            def work(inputs):
                with coordinator.stop_on_exception():
                    for each in inputs:
                        session.run(train, {x: each})
                        together.wait(30)

            threads = [threading.Thread(target=work, args=(INPUTS[i::workers],), daemon=True) for i in range(workers)]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join(30)
            assert not any(thread.is_alive() for thread in threads)
            coordinator.raise_requested_exception()
            result = session.run([w, step])
            assert session.run(tf.local_variables()[0]) == result[1]
    coordinator.request_stop()
    return result


def _averaged(name, is_sparse, gradients_a_step):
    """The variable after steps of the mean gradient."""
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [3])
        loss, w = _loss(x, is_sparse)
        gradient = tf.convert_to_tensor(tf.gradients(loss, w)[0])
        mean = tf.placeholder(tf.float32, [2, 3])
        train = _make(name).apply_gradients([(mean, w)])
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            for i in range(0, len(INPUTS), gradients_a_step):
                gradients = [session.run(gradient, {x: each}) for each in INPUTS[i : i + gradients_a_step]]
                session.run(train, {mean: np.mean(gradients, axis=0)})
            return session.run(w)


@pytest.mark.parametrize("name", ["descent", "adam", "momentum"])
@pytest.mark.parametrize("workers, gradients_a_step", [(2, 2), (4, 4), (1, 1)])
def test_workers_make_steps_of_the_averaged_gradient(name, workers, gradients_a_step):
    value, step = _together(name, False, workers, gradients_a_step)
    assert step == len(INPUTS) // gradients_a_step
    np.testing.assert_allclose(value, _averaged(name, False, gradients_a_step), rtol=1e-5, atol=1e-6)


def test_rows():
    value, step = _together("descent", True, 1, 1)
    assert step == len(INPUTS)
    np.testing.assert_allclose(value, _averaged("descent", True, 1), rtol=1e-5, atol=1e-6)


def test_fewer_workers_than_gradients():
    _, step = _together("descent", False, 1, 2)
    assert step == len(INPUTS) // 2


def test_late_gradients_are_dropped():
    with tf.Graph().as_default(), tf.Session() as session:
        w = tf.Variable(1.0)
        step = tf.train.get_or_create_global_step()
        optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(1.0), 1)
        train = optimizer.apply_gradients([(tf.constant(0.25), w)], global_step=step)
        synchronize = optimizer.get_chief_queue_runner().enqueue_ops[0]
        tokens = optimizer.get_init_tokens_op(1)
        session.run(tf.global_variables_initializer())
        session.run(step.assign(3))
        session.run(tf.local_variables_initializer())
        session.run(optimizer.chief_init_op)
        session.run(optimizer._local_step.assign(2))
        session.run(tokens)
        # The worker is at step 2, the accumulators at step 3.
        assert session.run(train) == 3
        with pytest.raises(tf.errors.DeadlineExceededError):
            session.run(synchronize, options=tf.RunOptions(timeout_in_ms=100))
        session.run(tokens)
        session.run(train)
        session.run(synchronize)
        assert session.run([w, step]) == [0.75, 4]


def test_the_hook_wants_initialized_variables():
    with tf.Graph().as_default(), tf.Session() as session:
        optimizer = tf.train.SyncReplicasOptimizer(tf.train.GradientDescentOptimizer(1.0), 1)
        optimizer.minimize(tf.Variable(1.0, name="w") * 2, global_step=tf.train.get_or_create_global_step())
        hook = optimizer.make_session_run_hook(is_chief=False)
        hook.begin()
        with pytest.raises(RuntimeError, match="Variables not initialized: w, global_step"):
            hook.after_create_session(session, None)
        session.run(tf.global_variables_initializer())
        hook.after_create_session(session, None)
        assert session.run(optimizer._local_step) == 0
