"""Records timeline.json.gz: step statistics of TensorFlow 1.15.5 on two devices, and the traces it makes of them."""

import base64
import gzip
import json
import pathlib

import numpy as np
import tensorflow.compat.v1 as tf
from tensorflow.python.client import timeline


def _statistics():
    x = tf.placeholder(tf.float32, [None, 30], name="x")
    w = tf.Variable(np.ones([30, 20], np.float32), name="w")
    with tf.device("/cpu:1"):
        y = tf.matmul(x, w, name="y")
    with tf.device("/cpu:0"):
        top = tf.nn.top_k(tf.nn.relu(y), 1, name="top")
        total = tf.add(top.values, tf.cast(top.indices, tf.float32), name="total")
    metadata = tf.RunMetadata()
    options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        session.run(w.initializer)
        session.run(total, {x: np.ones([4, 30])}, options, metadata)
    return metadata.step_stats


def _traces(stats):
    for dataflow in (True, False):
        for memory in (True, False):
            trace = timeline.Timeline(stats).generate_chrome_trace_format(dataflow, memory)
            yield {"show_dataflow": dataflow, "show_memory": memory, "trace": json.loads(trace)}


def _maxima(stats):
    most = timeline.Timeline(stats).analyze_step_stats().allocator_maximums
    return {name: [each.timestamp, each.num_bytes, sorted(each.tensors)] for name, each in most.items()}


stats = _statistics()
golden = {"stats": base64.b64encode(stats.SerializeToString()).decode(), "traces": list(_traces(stats)),
          "maxima": _maxima(stats)}  # fmt: skip
path = pathlib.Path(__file__).with_name("timeline.json.gz")
with path.open("wb") as raw, gzip.GzipFile("", "wb", fileobj=raw, mtime=0) as file:
    file.write(json.dumps(golden).encode())
