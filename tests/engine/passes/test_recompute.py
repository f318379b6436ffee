"""Recomputation: less memory for the same bits, and only on request."""

import numpy as np
import pytest
from tensorboard.compat.proto.rewriter_config_pb2 import RewriterConfig

import reflow as tf
from reflow.engine import pipeline
from reflow.engine.memory import high_water_mark
from reflow.engine.plan import build_plan
from tests.engine.passes.plans import random_feed, run


def _plan(fetches, feeds, recompute, targets=()):
    options = pipeline.Options(verify=True, recompute=recompute)
    return pipeline.optimize(build_plan(list(fetches), list(targets), list(feeds)), options)


def _deep_net(x, layers=6):
    y = x
    for _ in range(layers):
        y = tf.nn.elu(tf.sigmoid(tf.matmul(y, y)) * 2.0 - 1.0) * tf.tanh(y)
    return [*tf.gradients(tf.reduce_sum(tf.square(y)), x)]


def test_less_memory_and_the_same_bits():
    x = tf.placeholder(tf.float32, [50, 50])
    fetches = _deep_net(x)
    plain, thrifty = (_plan(fetches, [x], recompute) for recompute in (False, True))
    assert high_water_mark(thrifty)[0] < 0.85 * high_water_mark(plain)[0]
    assert any("computed again" in note for note in thrifty.notes)
    assert not any("computed again" in note for note in plain.notes)
    feed = random_feed(x)
    np.testing.assert_array_equal(run(thrifty, feed)[0], run(plain, feed)[0])


def test_what_is_fetched_is_kept():
    x = tf.placeholder(tf.float32, [50, 50])
    y = tf.sigmoid(x)
    plan = _plan([y, *tf.gradients(tf.reduce_sum(tf.matmul(y, y)), x)], [x], True)
    assert not any(node.name.endswith("/again") for node in plan.nodes)


def test_values_of_variables_are_not_computed_again_after_a_change():
    v = tf.Variable(np.ones((40, 40), np.float32), use_resource=True)
    kept = tf.exp(v)
    with tf.control_dependencies([kept]):
        bump = v.assign_add(tf.matmul(kept, kept))
    with tf.control_dependencies([bump]):
        y = tf.reduce_sum(tf.matmul(tf.sin(tf.ones([40, 40])), tf.matmul(kept, v)) + kept)
    results = []
    for request in (RewriterConfig.NO_MEM_OPT, RewriterConfig.RECOMPUTATION_HEURISTICS):
        with tf.Session(config=_config(request)) as session:
            session.run(tf.global_variables_initializer())
            results.append(session.run(y))
    assert results[0] == results[1]


def _config(request):
    config = tf.ConfigProto()
    config.graph_options.rewrite_options.memory_optimization = request
    return config


@pytest.mark.parametrize("request_name, wanted", [
    ("DEFAULT_MEM_OPT", False), ("NO_MEM_OPT", False), ("RECOMPUTATION_HEURISTICS", True), ("HEURISTICS", True),
])  # fmt: skip
def test_the_session_config_asks_for_it(request_name, wanted):
    x = tf.placeholder(tf.float32, [50, 50])
    fetches = _deep_net(x)
    with tf.Session(config=_config(getattr(RewriterConfig, request_name))) as session:
        notes = session.plan(fetches, [x]).plan.notes
    assert any("computed again" in note for note in notes) is wanted
