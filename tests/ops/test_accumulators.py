"""Conditional accumulators, stacks and barriers against what TensorFlow 1.15.5 does, and from several threads."""

import threading

import numpy as np
import pytest

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("accumulators")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_a_take_waits_for_other_threads():
    with tf.Graph().as_default(), tf.Session() as session:
        accumulator = tf.ConditionalAccumulator("float32", shape=[])
        x = tf.placeholder(tf.float32, [])
        apply, take = accumulator.apply_grad(x), accumulator.take_grad(2)
        results = []
        taker = threading.Thread(target=lambda: results.append(session.run(take)))
        taker.start()
        session.run(apply, {x: 1.0})
        taker.join(0.05)
        assert taker.is_alive() and not results
        session.run(apply, {x: 3.0})
        taker.join(10)
        assert results == [2.0]


def test_accumulators_of_one_shared_name():
    with tf.Graph().as_default(), tf.Session() as session:
        first = tf.ConditionalAccumulator("float32", shape=[], shared_name="sum")
        second = tf.ConditionalAccumulator("float32", shape=[], shared_name="sum")
        other = tf.ConditionalAccumulator("float32", shape=[2], shared_name="sum")
        session.run(first.apply_grad(4.0))
        assert session.run(second.num_accumulated()) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="another type or shape"):
            session.run(other.num_accumulated())


def test_accumulator_behind_a_reference():
    """What files of older versions have."""
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.raw_ops.ConditionalAccumulator(dtype=tf.float32, shape=[2])
        session.run(tf.raw_ops.AccumulatorSetGlobalStep(handle=handle, new_global_step=1))
        for step in (0, 1):
            session.run(tf.raw_ops.AccumulatorApplyGradient(handle=handle, local_step=step, gradient=[1.0, 2.0]))
        assert session.run(tf.raw_ops.AccumulatorNumAccumulated(handle=handle)) == 1
        taken = tf.raw_ops.AccumulatorTakeGradient(handle=handle, num_required=1, dtype=tf.float32)
        np.testing.assert_array_equal(session.run(taken), [1.0, 2.0])


def test_stack_behind_a_reference():
    with tf.Graph().as_default(), tf.Session() as session:
        handle = tf.raw_ops.Stack(elem_type=tf.string)
        with tf.control_dependencies([tf.raw_ops.StackPush(handle=handle, elem=["a"])]):
            popped = tf.raw_ops.StackPop(handle=handle, elem_type=tf.string)
        with tf.control_dependencies([popped]):
            closed = tf.raw_ops.StackClose(handle=handle)
        assert session.run([popped, closed])[0].tolist() == [b"a"]


@pytest.fixture
def barrier():
    from reflow.ops.barriers import Barrier

    with tf.Graph().as_default(), tf.Session() as session:
        yield session, Barrier([tf.float32, tf.string], shapes=[[], [2]], name="b")


def test_barrier(barrier):
    session, b = barrier
    session.run(b.insert_many(0, ["x", "y", "z"], [1.0, 2.0, 3.0]))
    session.run(b.insert_many(1, ["z", "x"], [["c", "d"], ["a", "b"]]))
    assert session.run([b.ready_size(), b.incomplete_size()]) == [2, 1]
    indices, keys, (numbers, texts) = session.run(b.take_many(2))
    assert indices.tolist() == [-(1 << 63), -(1 << 63)]
    assert keys.tolist() == [b"z", b"x"] and numbers.tolist() == [3.0, 1.0]
    assert texts.tolist() == [[b"c", b"d"], [b"a", b"b"]]
    assert b.take_many(2).values[1].shape.as_list() == [2, 2]


def test_closed_barrier(barrier):
    session, b = barrier
    session.run(b.insert_many(0, ["x"], [1.0]))
    session.run(b.close())
    with pytest.raises(tf.errors.CancelledError, match="closed"):
        session.run(b.insert_many(0, ["new"], [1.0]))
    session.run(b.insert_many(1, ["x"], [["a", "b"]]))
    with pytest.raises(tf.errors.OutOfRangeError, match="insufficient elements"):
        session.run(b.take_many(2))
    assert session.run(b.take_many(2, allow_small_batch=True)).keys.tolist() == [b"x"]


def test_barrier_that_takes_nothing_more(barrier):
    session, b = barrier
    session.run(b.insert_many(0, ["x"], [1.0]))
    session.run(b.close(cancel_pending_enqueues=True))
    with pytest.raises(tf.errors.CancelledError):
        session.run(b.insert_many(1, ["x"], [["a", "b"]]))


def test_wrong_insertions(barrier):
    session, b = barrier
    session.run(b.insert_many(0, ["x"], [1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="already has a value for component 0"):
        session.run(b.insert_many(0, ["x"], [1.0]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="Shape mismatch"):
        session.run(b.insert_many(1, ["x"], [["a"]]))
    with pytest.raises(tf.errors.InvalidArgumentError, match="out of range"):
        session.run(b.insert_many(2, ["x"], [1.0]))
    with pytest.raises(tf.errors.DeadlineExceededError):
        session.run(b.take_many(1, timeout=10))
    with pytest.raises(ValueError, match="Empty tensors"):
        type(b)([tf.float32], shapes=[[0]])


def test_nodes_of_barriers(barrier):
    _, b = barrier
    made = [b.insert_many(0, ["x"], [1.0]), b.take_many(1, name="t").keys.op, b.close(), b.ready_size().op,
            b.incomplete_size().op]  # fmt: skip
    assert [(op.type, op.name) for op in made] == [
        ("BarrierInsertMany", "b_BarrierInsertMany"), ("BarrierTakeMany", "t"), ("BarrierClose", "b_BarrierClose"),
        ("BarrierReadySize", "b_BarrierReadySize"), ("BarrierIncompleteSize", "b_BarrierIncompleteSize"),
    ]  # fmt: skip


def test_barrier_takes_tuples_in_tensorflows_order():
    """By the insertion that began them, then by when they were complete (recorded from TensorFlow 1.15.5)."""
    from reflow.ops.barriers import Barrier

    with tf.Graph().as_default(), tf.Session() as session:
        barrier = Barrier((tf.float32, tf.string), shapes=((), ()))
        for keys, values in (["k1", "k2"], [1.0, 2.0]), (["k3"], [3.0]), (["k4", "k5"], [4.0, 5.0]):
            session.run(barrier.insert_many(0, keys, values))
        for keys in ["k2"], ["k5", "k4"], ["k1", "k3"]:
            session.run(barrier.insert_many(1, keys, [f"{key}!" for key in keys]))
        taken = session.run(barrier.take_many(5))
    assert (taken.indices - np.iinfo(np.int64).min).tolist() == [0, 0, 1, 2, 2]
    assert taken.keys.tolist() == [b"k2", b"k1", b"k3", b"k5", b"k4"]
    assert taken.values[0].tolist() == [2, 1, 3, 5, 4]
    assert taken.values[1].dtype == object
    assert taken.values[1].tolist() == [b"k2!", b"k1!", b"k3!", b"k5!", b"k4!"]
