"""RunMetadata in an event file: what TensorBoard's graph page is served to colour nodes by device, time and memory."""

import numpy as np
import pytest
from google.protobuf import text_format
from tensorboard.backend.event_processing import data_provider, plugin_event_multiplexer
from tensorboard.context import RequestContext
from tensorboard.plugins import base_plugin
from tensorboard.plugins.graph import graphs_plugin

import reflow as tf


@pytest.fixture
def logs(tmp_path):
    """(folder, graph) of a run on two devices."""
    config = tf.ConfigProto(device_count={"CPU": 2})
    with tf.Graph().as_default() as graph, tf.Session(config=config) as session:
        x = tf.placeholder(tf.float32, [100, 40], name="x")
        w = tf.Variable(tf.zeros([40, 30]), name="w")
        with tf.device("/cpu:1"):
            y = tf.exp(x, name="far")
        with tf.device("/cpu:0"):
            loss = tf.reduce_sum(tf.matmul(y, w, name="product"), name="loss")
        session.run(tf.global_variables_initializer())
        metadata = tf.RunMetadata()
        session.run(loss, {x: np.ones([100, 40])}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
        with tf.summary.FileWriter(str(tmp_path), graph) as writer:
            writer.add_run_metadata(metadata, "step 7", 7)
    return tmp_path, graph


def test_tensorboard_offers_the_statistics(logs):
    folder, graph = logs
    multiplexer = plugin_event_multiplexer.EventMultiplexer()
    multiplexer.AddRunsFromDirectory(str(folder))
    multiplexer.Reload()
    context = base_plugin.TBContext(logdir=str(folder),
                                    data_provider=data_provider.MultiplexerDataProvider(multiplexer, str(folder)))
    plugin = graphs_plugin.GraphsPlugin(context)
    (run,) = plugin.info_impl(RequestContext(), experiment="").values()
    assert run["run_graph"] and run["tags"]["step 7"]["profile"]

    text, _ = plugin.run_metadata_impl(RequestContext(), "", ".", "step 7")
    served = text_format.Parse(text, tf.RunMetadata())
    nodes = {stats.node_name: (device.device, stats)
             for device in served.step_stats.dev_stats for stats in device.node_stats}  # fmt: skip
    names = {operation.name for operation in graph.get_operations()}
    assert {"far", "product", "loss"} <= set(nodes) & names
    assert nodes["far"][0] == "/job:localhost/replica:0/task:0/device:CPU:1"
    assert nodes["product"][0] == "/job:localhost/replica:0/task:0/device:CPU:0"
    every = [output for _, stats in nodes.values() for output in stats.output]
    assert all(output.tensor_description.HasField("shape") for output in every)  # Or the page colours nothing.
    for name, count in (("far", 100 * 40), ("product", 100 * 30), ("loss", 1)):
        _, stats = nodes[name]
        assert stats.all_start_micros > 0 and stats.all_end_rel_micros > 0
        assert sum(memory.total_bytes for memory in stats.memory) == 4 * count
        assert np.prod([d.size for d in stats.output[0].tensor_description.shape.dim]) == count
