"""Float32 tensors between machines as 16 bits, on a loopback edge: two tasks whose rendezvous is this process's."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine.parallel import CompiledParts
from reflow.engine.passes.lossy_transfers import truncate_to_bfloat16
from reflow.engine.pipeline import Options, optimize
from reflow.engine.placement import Placer
from reflow.engine.plan import build_plan
from reflow.ops.resources import ResourceManager

_TASKS = [f"/job:worker/replica:0/task:{task}/device:CPU:{cpu}" for task in (0, 1) for cpu in (0, 1)]


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _compiled(fetches, feeds, lossy):
    plan = optimize(build_plan(fetches, [], feeds), Options(placer=Placer(_TASKS)))
    return CompiledParts(plan, ResourceManager(), lossy)


def _edge(dtype, target="/job:worker/task:1"):
    """(placeholder on one device, what another makes of it)."""
    x = tf.placeholder(dtype, [3])
    with tf.device("/job:worker/task:0/cpu:0"):
        y = tf.negative(x)
    with tf.device(f"{target}/cpu:1"):
        return x, tf.identity(tf.negative(y), name="out")


def _run(x, y, values, lossy):
    compiled = _compiled([y], [x], lossy)
    return compiled.run([torch.tensor(values, dtype=getattr(torch, x.dtype.name))])[0], compiled


def test_an_edge_between_tasks_carries_the_upper_half():
    x, y = _edge(tf.float32)
    values = [1.0, 1.00390625 + 2**-9, -3.14159274]
    exact, _ = _run(x, y, values, lossy=False)
    np.testing.assert_array_equal(exact, np.float32(values))
    lossy, compiled = _run(x, y, values, lossy=True)
    upper = (np.float32(values).view(np.uint32) & 0xFFFF0000).view(np.float32)
    np.testing.assert_array_equal(lossy, upper)
    assert lossy[2] != np.float32(values[2]) and lossy.dtype == np.float32
    assert "truncate_to_bfloat16(" in compiled.source


@pytest.mark.parametrize("dtype, target", [(tf.float64, "/job:worker/task:1"), (tf.int32, "/job:worker/task:1"),
                                           (tf.float32, "/job:worker/task:0")])  # fmt: skip
def test_other_types_and_edges_inside_a_machine_stay_exact(dtype, target):
    x, y = _edge(dtype, target)
    result, compiled = _run(x, y, [3, 257, 100003], lossy=True)
    np.testing.assert_array_equal(result, [3, 257, 100003])
    assert "truncate" not in compiled.source and "rendezvous.send" in compiled.source


def test_one_tensor_for_several_nodes_and_fetched():
    x = tf.placeholder(tf.float32, [2])
    with tf.device("/job:worker/task:0/cpu:0"):
        y = tf.exp(x)
    with tf.device("/job:worker/task:1/cpu:0"):
        z = [tf.sin(y), tf.cos(y)]
    compiled = _compiled([y, *z], [x], lossy=True)
    made, sine, cosine = compiled.run([torch.tensor([0.1, 0.2])])
    sent = (made.view(np.uint32) & 0xFFFF0000).view(np.float32)
    np.testing.assert_allclose(sine, np.sin(sent), rtol=1e-6)
    np.testing.assert_allclose(cosine, np.cos(sent), rtol=1e-6)
    assert compiled.source.count("rendezvous.send(") == 1


def test_what_is_no_number_stays_so():
    bits = np.array([0x7F800001, 0xFF800001, 0x7F800000, 0xFF800000, 0x80000000], np.uint32)
    result = truncate_to_bfloat16(torch.from_numpy(bits.view(np.float32))).float().numpy()
    np.testing.assert_array_equal(np.isnan(result), [True, True, False, False, False])
    np.testing.assert_array_equal(result[2:], [np.inf, -np.inf, -0.0])
    assert np.signbit(result[4])


def test_sessions_ask_for_it_by_their_config():
    for wanted in (True, False):
        config = tf.ConfigProto()
        config.graph_options.enable_bfloat16_sendrecv = wanted
        with tf.Session(config=config) as session:
            assert session._options.lossy_transfers is wanted
