"""Timelines are compared with those that TensorFlow 1.15.5 makes of the same statistics."""

import base64
import gzip
import json
import pathlib

import numpy as np
import pytest
from tensorboard.compat.proto.step_stats_pb2 import StepStats

import reflow as tf
from reflow.engine.timeline import Timeline

GOLDEN = json.loads(gzip.decompress((pathlib.Path(__file__).parents[1] / "goldens/timeline.json.gz").read_bytes()))
STATS = StepStats.FromString(base64.b64decode(GOLDEN["stats"]))


@pytest.mark.parametrize("case", GOLDEN["traces"])
def test_events_are_those_of_tensorflow(case):
    got = Timeline(STATS).generate_chrome_trace_format(case["show_dataflow"], case["show_memory"])
    assert json.loads(got) == case["trace"]


def test_most_memory():
    most = Timeline(STATS).analyze_step_stats().allocator_maximums
    assert {name: [*each[:2], sorted(each.tensors)] for name, each in most.items()} == GOLDEN["maxima"]
    assert Timeline(STATS).analyze_step_stats(show_memory=False).allocator_maximums is None


def _traced(device):
    with tf.Graph().as_default():
        x = tf.placeholder(tf.float32, [None, 3], name="x")
        with tf.device(device):
            y = tf.nn.top_k(tf.sin(x, name="wave"), 2, name="top")
        with tf.device("/cpu:0"):
            z = tf.add(y.values, tf.cast(y.indices, tf.float32), name="sum")
        metadata = tf.RunMetadata()
        with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
            session.run(z, {x: np.ones((4, 3))}, tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), metadata)
    return Timeline(metadata.step_stats).analyze_step_stats()


def test_a_step_on_one_device_is_one_row_without_arrows():
    events = json.loads(_traced("/cpu:0").chrome_trace.format_to_string())["traceEvents"]
    assert {e["tid"] for e in events if e["ph"] == "X"} == {0} and not [e for e in events if e["ph"] in "st"]
    assert {e["args"]["name"]: e["name"] for e in events if e["ph"] == "X"}.items() >= {"wave": "Sin"}.items()


def test_arrows_lead_to_other_devices():
    analysis = _traced("/cpu:1")
    events = json.loads(analysis.chrome_trace.format_to_string())["traceEvents"]
    pids = {e["args"]["name"]: e["pid"] for e in events if e["ph"] == "M"}
    here, there = (pids[f"/job:localhost/replica:0/task:0/device:CPU:{i} Compute"] for i in (0, 1))
    arrows = {(e["name"], e["ph"]): e["pid"] for e in events if e["ph"] in "st"}
    assert arrows == {("top", "s"): there, ("top", "t"): here, ("top:1", "s"): there, ("top:1", "t"): here}
    # Two tensors of 4 x 2 numbers are there in any case.
    assert analysis.allocator_maximums["cpu"].num_bytes >= 64


def test_every_event_is_one_of_chromes_format():
    events = json.loads(_traced("/cpu:1").chrome_trace.format_to_string(pretty=True))["traceEvents"]
    needed = {"M": {"args"}, "X": {"dur", "cat"}, "s": {"id", "cat"}, "t": {"id", "cat"}, "C": {"args"},
              "N": {"id", "cat"}, "O": {"id", "args"}, "D": {"id", "cat"}}  # fmt: skip
    for event in events:
        assert needed[event["ph"]] | {"name", "pid"} <= event.keys()
        assert event["ph"] == "M" or {"tid", "ts"} <= event.keys()
    assert {e["ph"] for e in events} == needed.keys()
