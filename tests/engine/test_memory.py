"""The memory high-water mark of plans, counted by hand."""

import numpy as np
import pytest

import reflow as tf
from reflow.engine.memory import high_water_mark, is_view
from tests.engine.passes.plans import plan_of

MB = 1_000_000


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


@pytest.fixture
def x():
    """One million numbers, 4 MB."""
    return tf.placeholder(tf.float32, [1000, 1000])


def test_what_is_needed_at_the_same_time_adds_up(x):
    y = tf.exp(x)
    plan = plan_of([tf.matmul(y, y, name="product")], [x])
    assert high_water_mark(plan) == (8 * MB, "product")


def test_what_nothing_needs_any_more_is_free(x):
    y = x
    for i in range(5):
        y = tf.matmul(y, x, name=f"product{i}")
    assert high_water_mark(plan_of([tf.reduce_sum(y)], [x]))[0] == 8 * MB


def test_in_place_ops_take_nothing_beside_their_input(x):
    plan = plan_of([tf.tanh(tf.matmul(x, x, name="product"))], [x])
    assert high_water_mark(plan)[0] == 4 * MB


def test_a_view_keeps_what_it_is_a_view_of(x):
    columns = tf.transpose(tf.matmul(x, x))
    other = tf.matmul(x, tf.sin(x))
    plan = plan_of([tf.matmul(columns, other, name="last")], [x], disabled=["all"])
    assert high_water_mark(plan)[0] == 12 * MB


def test_batch_normalization_and_tiles_are_no_views():
    image = tf.placeholder(tf.float32, [1, 2, 2, 3])
    mean, variance = tf.exp(tf.zeros([3])), tf.ones([3])
    normalized = tf.nn.fused_batch_norm(image, variance, variance, mean, variance, is_training=False)[0]
    for tensor, expected in [(normalized, False), (tf.tile(image, [2, 1, 1, 1]), False), (image[:, :1], True)]:
        (value,) = plan_of([tensor], [image], disabled=["all"]).fetches
        assert is_view(value) is expected


def test_run_metadata_counts_the_memory_of_batch_normalization():
    image = tf.placeholder(tf.float32, [1, 2, 2, 3])
    ones = tf.Variable(tf.ones([3]))
    y = tf.nn.fused_batch_norm(image, ones, ones, ones, ones, is_training=False, name="norm")[0]
    metadata = tf.RunMetadata()
    with tf.Session() as session:
        session.run(ones.initializer)
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run(y, {image: np.ones([1, 2, 2, 3])}, options, metadata)
    rows = {n.node_name: n for n in metadata.step_stats.dev_stats[0].node_stats}
    assert rows["norm"].memory[0].total_bytes >= 48
