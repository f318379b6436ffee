"""`tf.train.replica_device_setter`: devices as TensorFlow 1.15.5 gives them to the same programs."""

import pytest

import reflow as tf


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def test_variables_in_turn_and_the_rest_on_the_worker():
    setter = tf.train.replica_device_setter(ps_tasks=2, worker_device="/job:worker/task:3")
    with tf.device(setter):
        variables = [tf.Variable(1.0) for _ in range(3)]
        resource = tf.get_variable("resource", [2], use_resource=True)
        product = resource * 2.0
        with tf.device("/gpu:1"):
            placed = tf.Variable(3.0)
            added = variables[0] + 1.0
    assert [v.device for v in variables] == ["/job:ps/task:0", "/job:ps/task:1", "/job:ps/task:0"]
    assert [v.initializer.device for v in variables] == [v.device for v in variables]
    assert {v.initial_value.device for v in variables} == {"/job:worker/task:3"}
    assert resource.device == "/job:ps/task:1" and product.device == "/job:worker/task:3"
    assert placed.device == "/job:ps/task:0/device:GPU:1"
    assert added.device == "/job:worker/task:3/device:GPU:1"


@pytest.mark.parametrize("cluster", [
    {"ps": ["a:1", "b:1", "c:1"], "worker": ["d:1"]},
    tf.train.ClusterDef(job=[tf.train.JobDef(name="ps", tasks={0: "a:1", 1: "b:1", 2: "c:1"})]),
], ids=["dict", "ClusterDef"])  # fmt: skip
def test_the_servers_of_a_cluster(cluster):
    with tf.device(tf.train.replica_device_setter(cluster=cluster)):
        assert [tf.Variable(1.0).device for _ in range(4)] == [f"/job:ps/task:{i}" for i in (0, 1, 2, 0)]


def test_without_merging_a_device_is_kept():
    with tf.device(tf.train.replica_device_setter(ps_tasks=3, merge_devices=False)):
        with tf.device("/cpu:0"):
            kept = tf.Variable(1.0)
        chosen, constant = tf.Variable(1.0), tf.constant(1.0)
    assert [kept.device, chosen.device, constant.device] == ["/device:CPU:0", "/job:ps/task:0", "/job:worker"]


def test_a_strategy_and_other_types():
    setter = tf.train.replica_device_setter(ps_tasks=2, ps_ops=["Const"], ps_strategy=lambda op: len(op.name) % 2)
    with tf.device(setter):
        assert tf.constant(1.0, name="odd").device == "/job:ps/task:1"
        assert tf.constant(1.0, name="even").device == "/job:ps/task:0"
        assert tf.Variable(tf.zeros([2])).device == "/job:worker"


def test_no_servers():
    assert tf.train.replica_device_setter() is None
    assert tf.train.replica_device_setter(cluster={"worker": ["a:1"]}) is None
    with pytest.raises(TypeError, match="ps_strategy must be callable"):
        tf.train.replica_device_setter(ps_tasks=1, ps_strategy=3)
