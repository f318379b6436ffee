"""Variables' ops against TensorFlow 1.15.5."""

import threading

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("state")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


@pytest.fixture(params=[False, True], ids=["reference", "resource"])
def counter(request):
    with tf.Graph().as_default():
        yield tf.get_variable("counter", initializer=np.float64(0), use_resource=request.param)


def test_a_variable_without_a_value(counter):
    with tf.Session() as session:
        for read in (counter, counter + 1.0, tf.identity(counter)):
            with pytest.raises(tf.errors.FailedPreconditionError, match="counter"):
                session.run(read)
        update = tf.assign_add(counter, 1.0)
        with pytest.raises((tf.errors.FailedPreconditionError, tf.errors.NotFoundError), match="counter"):
            session.run(update)
        assert not session.run(tf.is_variable_initialized(counter))


def test_sessions_have_variables_of_their_own(counter):
    bump = tf.assign_add(counter, 1.0)
    with tf.Session() as one, tf.Session() as other:
        one.run(counter.initializer)
        other.run(counter.initializer)
        one.run([bump])
        assert one.run(counter) == 1
        assert other.run(counter) == 0


def test_locked_updates_of_many_threads_all_count(counter):
    bump = tf.assign_add(counter, 1.0, use_locking=True)
    with tf.Session() as session:
        session.run(counter.initializer)

        def work():
            for _ in range(100):
                session.run(bump.op)

        threads = [threading.Thread(target=work) for _ in range(6)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert session.run(counter) == 600


def test_the_assigned_array_stays_the_callers():
    with tf.Graph().as_default(), tf.Session() as session:
        x = tf.placeholder(tf.float32, [2])
        v = tf.Variable([0.0, 0.0])
        session.run(v.initializer)
        array = np.ones(2, np.float32)
        session.run(tf.assign(v, x).op, {x: array})
        session.run(tf.assign_add(v, [1.0, 1.0]).op)
        np.testing.assert_array_equal(array, [1, 1])
        fetched = session.run(v)
        session.run(tf.assign_add(v, [1.0, 1.0]).op)
        np.testing.assert_array_equal(fetched, [2, 2])


def test_nodes_with_one_shared_name_share_the_variable():
    with tf.Graph().as_default(), tf.Session() as session:
        one, two = (tf.raw_ops.VariableV2(shape=[], dtype=tf.int32, shared_name="shared") for _ in range(2))
        session.run(tf.assign(one, 3))
        assert session.run(two) == 3


def test_load_and_eval(counter):
    with tf.Session() as session:
        counter.load(5.0)
        assert counter.eval() == 5
        counter.load(7.0, session)
        assert counter.eval(session) == 7
    with pytest.raises(ValueError, match="session"):
        counter.load(1.0)


@pytest.mark.parametrize("dtype", ["uint16", "bfloat16", "bool"])
def test_types_that_torch_adds_badly(dtype):
    with tf.Graph().as_default(), tf.Session() as session:
        kind = tf.as_dtype(dtype)
        v = tf.Variable(tf.constant([1, 0], dtype=kind) if dtype != "bool" else [True, False])
        session.run(v.initializer)
        if dtype == "bool":
            assert session.run(tf.assign(v, [False, False])).tolist() == [False, False]
        else:
            changed = session.run(tf.assign_sub(tf.assign_add(v, tf.constant([2, 7], kind)), tf.constant([1, 1], kind)))
            assert changed.astype("float32").tolist() == [2, 6]
