"""Run metadata."""

import numpy as np
import pytest

import reflow as tf


@pytest.fixture
def traced():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.reduce_sum(tf.matmul(x, tf.constant(np.ones((3, 2), np.float32)), name="product"), name="total")
        metadata = tf.RunMetadata()
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE, output_partition_graphs=True)
        with tf.Session() as session:
            value = session.run(y, {x: np.ones((4, 3))}, options=options, run_metadata=metadata)
    return value, metadata


def test_every_node_is_timed(traced):
    value, metadata = traced
    assert value == 24
    (device,) = metadata.step_stats.dev_stats
    assert device.device.endswith("CPU:0")
    rows = {n.node_name: n for n in device.node_stats}
    assert {"product", "total"} <= rows.keys()
    assert [d.size for d in rows["product"].output[0].tensor_description.shape.dim] == [4, 2]
    assert rows["product"].output[0].tensor_description.allocation_description.allocated_bytes == 32
    assert rows["total"].all_start_nanos >= rows["product"].all_start_nanos
    assert {n.name for n in metadata.partition_graphs[0].node} >= {"product", "total"}


def test_options_are_checked():
    with tf.Graph().as_default():
        x = tf.constant(1.0)
        with tf.Session() as session, pytest.raises(TypeError, match="RunOptions"):
            session.run(x, options=3)


@pytest.mark.parametrize("level", [tf.RunOptions.NO_TRACE, tf.RunOptions.FULL_TRACE])
def test_partition_graphs(level):
    """One graph a device, with the transfers, whether the nodes are timed or not; those of the last run."""
    metadata = tf.RunMetadata()
    options = tf.RunOptions(output_partition_graphs=True, trace_level=level)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [2])
        with tf.device("/cpu:1"):
            y = tf.exp(x)
        with tf.device("/cpu:0"):
            z = tf.sin(y)
        with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
            for _ in range(2):
                session.run(z, {x: [1, 2]}, options, metadata)
    graphs = {g.node[0].device[-5:]: [n.op for n in g.node] for g in metadata.partition_graphs}
    assert graphs == {"CPU:0": ["_Recv", "Sin"], "CPU:1": ["Exp", "_Send"]}
    sine = next(n for g in metadata.partition_graphs for n in g.node if n.op == "Sin")
    assert sine.attr["T"].type == tf.float32.as_datatype_enum
    assert len(metadata.partition_graphs) == 2 and bool(metadata.step_stats.dev_stats) == bool(level)


@pytest.mark.parametrize("every, after, reports", [(0, 0, [False] * 5), (1, 0, [True] * 5),
                                                   (2, 1, [False, False, True, False, True])])  # fmt: skip
def test_cost_graphs(every, after, reports):
    options = tf.GraphOptions(build_cost_model=every, build_cost_model_after=after)
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        y = tf.nn.top_k(tf.sin(x, name="wave"), 2, name="top")
        z = tf.add(y.values, 1.0, name="sum")
        got = []
        with tf.Session(config=tf.ConfigProto(graph_options=options)) as session:
            for _ in range(5):
                metadata = tf.RunMetadata()
                session.run(z, {x: np.ones((4, 3))}, run_metadata=metadata)
                got.append(bool(metadata.cost_graph.node))
    assert got == reports
    if every:
        nodes = {n.name: n for n in metadata.cost_graph.node}
        assert [(o.size, o.dtype) for o in nodes["top"].output_info] == [(32, tf.float32.as_datatype_enum),
                                                                         (32, tf.int32.as_datatype_enum)]  # fmt: skip
        (taken,) = (i for i in nodes["sum"].input_info if i.preceding_node == nodes["top"].id)
        assert taken.preceding_port == 0 and nodes["wave"].device.endswith("CPU:0")
        assert nodes["wave"].output_info[0].shape.dim[1].size == 3 and not metadata.step_stats.dev_stats


def test_a_constant_step_has_a_device():
    metadata = tf.RunMetadata()
    with tf.Graph().as_default(), tf.Session() as session:
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run(tf.constant(1.0) + 2.0, options=options, run_metadata=metadata)
    assert [d.device[-5:] for d in metadata.step_stats.dev_stats] == ["CPU:0"]


def test_time_limits_below_zero_are_none():
    with tf.Graph().as_default(), tf.Session(config=tf.ConfigProto(operation_timeout_in_ms=-1)) as session:
        x = tf.constant(1.0)
        assert session.run(x) == 1 and session.run(x, options=tf.RunOptions(timeout_in_ms=-5)) == 1


def test_thread_pools_that_are_not_there():
    config = tf.ConfigProto(inter_op_parallelism_threads=3)
    config.session_inter_op_thread_pool.add(num_threads=2)
    with tf.Graph().as_default(), tf.Session(config=config) as session:
        x = tf.constant(1.0)
        assert session.run(x, options=tf.RunOptions(inter_op_thread_pool=0)) == 1
        with pytest.raises(tf.errors.InvalidArgumentError, match="Invalid inter_op_thread_pool: 1"):
            session.run(x, options=tf.RunOptions(inter_op_thread_pool=1))


def test_nodes_on_several_devices_are_timed_each_on_its_own():
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [20])
        with tf.device("/cpu:1"):
            y = tf.exp(x, name="far")
        z = tf.sin(y, name="near")
        metadata = tf.RunMetadata()
        with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
            options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
            with tf.device("/cpu:0"):
                w = tf.cos(z, name="last")
            result = session.run(w, {x: np.ones(20)}, options, metadata)
    np.testing.assert_allclose(result, np.cos(np.sin(np.exp(np.ones(20)))), rtol=1e-6)
    names = {d.device[-5:]: [n.node_name for n in d.node_stats] for d in metadata.step_stats.dev_stats}
    assert "far" in names["CPU:1"] and "last" in names["CPU:0"]
    assert any("recv" in name for name in names["CPU:0"])
