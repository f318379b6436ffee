"""Collective ops: groups on several virtual CPUs against NumPy, and what TensorFlow 1.15.5 does with wrong groups."""

import json
import pathlib

import numpy as np
import pytest

import reflow as tf
from reflow.graph.export import EXPORTS

all_reduce, all_gather, broadcast_send, broadcast_recv = (
    EXPORTS[f"python.ops.collective_ops.{name}"]
    for name in ("all_reduce", "all_gather", "broadcast_send", "broadcast_recv"))
MERGE = {"Add": np.add, "Mul": np.multiply, "Max": np.maximum, "Min": np.minimum}


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _run(fetches, feed_dict=None, cpus=3):
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": cpus})) as session:
        return session.run(fetches, feed_dict)


def _members(values, make, first=0):
    """`make(tensor, i)` for each value, each on a device of its own."""
    made = []
    for i, value in enumerate(values, first):
        with tf.device(f"/cpu:{i}"):
            made.append(make(tf.identity(value), i - first))
    return made


def _reduce(tensor, i, **attrs):
    attrs = {"group_size": 2, "group_key": 1, "instance_key": 1, "merge_op": "Add", "final_op": "Id",
             "subdiv_offsets": [0], **attrs}  # fmt: skip
    return tf.raw_ops.CollectiveReduce(input=tensor, **attrs)


def _gather(tensor, i, **attrs):
    attrs = {"group_size": 2, "group_key": 1, "instance_key": 1, "shape": [0], **attrs}
    return tf.raw_ops.CollectiveGather(input=tensor, **attrs)


VALUES = np.array([[1, 2, 3, -4, 5], [2, 4, 6, -8, 10], [1, 1, 2, 2, 7]])


@pytest.mark.parametrize("dtype", ["float16", "float32", "float64", "int32", "int64"])
@pytest.mark.parametrize("final_op", ["Id", "Div"])
@pytest.mark.parametrize("merge_op", MERGE)
@pytest.mark.parametrize("size", [2, 3])
def test_all_reduce(size, merge_op, final_op, dtype):
    values = VALUES[:size].astype(dtype)
    reduced = _run(_members(values, lambda t, i: all_reduce(t, size, 1, 1, merge_op, final_op)))
    expected = MERGE[merge_op].reduce(values)
    if final_op == "Div":
        expected = (expected / size).astype(dtype)
    for result in reduced:
        assert result.dtype == dtype
        np.testing.assert_allclose(result, expected, rtol=1e-3 if dtype == "float16" else 1e-6)


RECORDED = json.loads((pathlib.Path(__file__).parents[1] / "goldens" / "collectives.json").read_text())


def _recorded_member(case):
    """The member that a recorded case makes of a tensor and its number."""
    if case["kind"] == "all_reduce":
        return lambda t, i: all_reduce(t, case["size"], 1, 1, case["merge_op"], case["final_op"])
    if case["kind"] == "all_gather":
        return lambda t, i: all_gather(t, case["size"], 1, 1)
    return lambda t, i: (broadcast_recv(t.shape, t.dtype, case["size"], 1, 1) if i
                         else broadcast_send(t, t.shape, t.dtype, case["size"], 1, 1))  # fmt: skip


@pytest.mark.parametrize("case", RECORDED["cases"], ids=lambda c: "-".join(map(str, list(c.values())[-3:])))
def test_recorded_groups(graph, case):
    """Values and nodes of TensorFlow 1.15.5."""
    member = _recorded_member(case)
    made = []
    for i in range(case["size"]):
        with tf.device(f"/cpu:{i}"):
            made.append(member(tf.constant(np.array(RECORDED["values"][i], case["dtype"])), i))
    assert [[n.name, n.op, list(n.input)] for n in graph.as_graph_def().node] == case["nodes"]
    for result in _run(made):
        assert result.dtype == case["dtype"]
        np.testing.assert_allclose(result, case["result"], rtol=1e-6)


def test_integers_as_in_tensorflow():
    """Values of TensorFlow 1.15.5: division towards zero, sums that wrap around."""
    values = np.array([[-4, 4], [-3, 3]], np.int32)
    assert _run(_members(values, lambda t, i: _reduce(t, i, final_op="Div")))[1].tolist() == [-3, 3]
    values = np.full([2, 1], 2**31 - 1, np.int32)
    assert _run(_members(values, lambda t, i: _reduce(t, i, instance_key=2)))[0].tolist() == [-2]


def test_results_are_the_members_own():
    first, second = _run(_members(np.ones([2, 3]), _reduce))
    first += 1
    assert second.tolist() == [2, 2, 2]


def test_all_gather():
    made = {}
    for i in (2, 0, 1):
        with tf.device(f"/cpu:{i}"):
            made[i] = all_gather(tf.constant(VALUES[i].reshape(5, 1)), 3, 1, 1)
    assert made[0].shape == (15, 1)
    for result in _run(list(made.values())):
        np.testing.assert_array_equal(result, VALUES.reshape(15, 1))


@pytest.mark.parametrize("size", [2, 3])
def test_broadcast(size):
    with tf.device("/cpu:0"):
        made = [broadcast_send(tf.constant([1.0, 2.0]), (2,), tf.float32, size, 1, 1)]
    for i in range(1, size):
        with tf.device(f"/cpu:{i}"):
            made.append(broadcast_recv((2,), tf.float32, size, 1, 1))
    assert all(m.shape == (2,) for m in made)
    assert [r.tolist() for r in _run(made)] == [[1, 2]] * size


def test_a_group_of_one():
    with tf.device("/cpu:0"):
        x = tf.constant([1.0, 2.0])
        made = [_reduce(x, 0, group_size=1, final_op="Div"), _gather(x, 0, group_size=1, group_key=2),
                tf.raw_ops.CollectiveBcastSend(input=x, shape=[2], group_size=1, group_key=3, instance_key=1)]
    assert [r.tolist() for r in _run(made, cpus=1)] == [[1, 2]] * 3
    lonely = tf.raw_ops.CollectiveBcastRecv(T=tf.float32, shape=[2], group_size=1, group_key=4, instance_key=1)
    with pytest.raises(tf.errors.InternalError, match="no source for broadcast"):
        _run(lonely)


def test_attributes():
    made = _members(VALUES[:2], lambda t, i: _reduce(t, i, subdiv_offsets=[[0], [0, 9]][i], wait_for=[77]))
    assert _run(made)[0].tolist() == [3, 6, 9, -12, 15]
    with pytest.raises(ValueError, match="merge_op"):
        _reduce(tf.constant([1.0]), 0, merge_op="Div")
    with pytest.raises(ValueError, match="at least rank 1"):
        _gather(tf.constant(1.0), 0)


def test_shapes_that_only_the_run_tells():
    x, y = tf.placeholder(tf.float32), tf.placeholder(tf.float32)
    gathered = _members([x, y], _gather)
    assert _run(gathered, {x: [1], y: [2]})[1].tolist() == [1, 2]
    for wrong, words in ((2, "scalar"), ([2, 3], "Shape mismatch"), ([[2]], "Shape mismatch")):
        with pytest.raises(tf.errors.InvalidArgumentError, match=words):
            _run(gathered, {x: [1], y: wrong})


def test_functions_check_their_arguments():
    x = tf.constant([1.0])
    with pytest.raises(ValueError, match="Device assignment"):
        all_reduce(x, 2, 1, 1, "Add", "Id")
    with tf.device("/cpu:0"):
        y = tf.constant([1.0])
        for call in (lambda: all_reduce(y, 1, 1, 1, "Add", "Id"), lambda: all_gather(y, 1, 1, 1),
                     lambda: broadcast_recv((1,), tf.float32, 1, 1, 1)):  # fmt: skip
            with pytest.raises(ValueError, match="group_size"):
                call()
        with pytest.raises(ValueError, match="shape"):
            broadcast_send(y, (2,), tf.float32, 2, 1, 1)
        with pytest.raises(ValueError, match="type"):
            broadcast_send(y, (1,), tf.int32, 2, 1, 1)


PAIR = np.ones([2, 2], np.float32)
THREE = np.ones([3, 2], np.float32)
WRONG = {
    "missing": (tf.errors.InvalidArgumentError, lambda: _members(PAIR, lambda t, i: _reduce(t, i, group_size=3))),
    "sizes": (tf.errors.InternalError, lambda: _members(PAIR, lambda t, i: _reduce(t, i, group_size=1 + i))),
    "too many": (tf.errors.InternalError, lambda: _members(THREE, _reduce)),
    "size 0": (tf.errors.InternalError, lambda: _members(PAIR[:1], lambda t, i: _reduce(t, i, group_size=0))),
    "size -1": (tf.errors.InternalError, lambda: _members(PAIR[:1], lambda t, i: _reduce(t, i, group_size=-1))),
    "one device": (tf.errors.InternalError, lambda: [_reduce(tf.constant(v), 0) for v in PAIR]),
    "types": (tf.errors.InvalidArgumentError, lambda: _members([PAIR[0], PAIR[0].astype(int)], _reduce)),
    "shapes": (tf.errors.InvalidArgumentError, lambda: _members([PAIR, PAIR[0]], _reduce)),
    "as many elements": (tf.errors.InvalidArgumentError, lambda: _members([PAIR, PAIR.ravel()], _reduce)),
    "gathered shapes": (tf.errors.InvalidArgumentError, lambda: _members([PAIR, PAIR[:1]], _gather)),
    "ops": (tf.errors.InvalidArgumentError, lambda: _members(PAIR, lambda t, i: [_reduce, _gather][i](t, i))),
    "reductions": (tf.errors.InvalidArgumentError,
                   lambda: _members(PAIR, lambda t, i: _reduce(t, i, merge_op=["Add", "Mul"][i]))),
    "no sender": (tf.errors.InternalError, lambda: _members(PAIR, _receive)),
    "two senders": (tf.errors.InternalError, lambda: _members(PAIR, _send)),
    "declared shapes": (tf.errors.InvalidArgumentError,
                        lambda: _members(PAIR, lambda t, i: [_send, _receive][i](t, i, shape=[2 + i]))),
    "declared shape": (tf.errors.InternalError,
                       lambda: _members(PAIR, lambda t, i: [_send, _receive][i](t, i, shape=[3]))),
    "no such device": (tf.errors.InvalidArgumentError, lambda: _members(PAIR, _reduce, first=2)),
}  # fmt: skip


def _send(tensor, i, shape=(2,)):
    return tf.raw_ops.CollectiveBcastSend(input=tensor, shape=shape, group_size=2, group_key=1, instance_key=1)


def _receive(tensor, i, shape=(2,)):
    return tf.raw_ops.CollectiveBcastRecv(T=tensor.dtype, shape=shape, group_size=2, group_key=1, instance_key=1)


@pytest.mark.parametrize("case", WRONG)
@pytest.mark.timeout(60)
def test_wrong_groups(case):
    error, make = WRONG[case]
    with pytest.raises(error, match="Collective|collective|device|Instance|Declared") as info:
        _run(make())
    assert type(info.value) is error
