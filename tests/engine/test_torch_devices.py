"""Data on GPUs: what is moved where, on a simulated GPU; and a small net on a real one, where there is one."""

import threading
import types

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine import emit, gpu_kernels, torch_devices
from reflow.engine.rendezvous import Rendezvous
from reflow.graph import errors
from tests.simulated_gpu.tensors import GpuTensor

v1 = tf.compat.v1
GPU = "/job:localhost/replica:0/task:0/device:GPU:0"


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _session(**options):
    return tf.Session(config=tf.ConfigProto(**options))


def test_feeds_and_constants_go_to_the_gpu_once_and_fetches_come_back(gpu):
    x = v1.placeholder(tf.float32, [2, 3])
    with tf.device("/gpu:0"):
        y = tf.tanh(x) * [[1.0, 2.0, 3.0]] + tf.exp(x)
    with _session() as session:
        fed = np.ones((2, 3), np.float32)
        np.testing.assert_allclose(session.run(y, {x: fed}), np.tanh(1) * np.array([[1, 2, 3]] * 2) + np.e, rtol=1e-6)
        assert gpu.moves == [("gpu", (1, 3)), ("gpu", (2, 3)), ("host", (2, 3))]
        gpu.moves.clear()
        session.run(y, {x: fed})
        assert gpu.moves == [("gpu", (2, 3)), ("host", (2, 3))]  # The constant is there by now.


def test_a_tensor_is_sent_once_each_way(gpu):
    x = v1.placeholder(tf.float32, [4])
    with tf.device("/cpu:0"):
        a = tf.sqrt(x)
    with tf.device("/gpu:0"):
        b = tf.exp(a) + tf.tanh(a)
    with tf.device("/cpu:0"):
        c = tf.reduce_sum(b) + tf.reduce_max(b)
    with _session() as session:
        value = session.run(c, {x: np.arange(4, dtype=np.float32)})
    root = np.sqrt(np.arange(4))
    made = np.exp(root) + np.tanh(root)
    np.testing.assert_allclose(value, made.sum() + made.max(), rtol=1e-6)
    assert gpu.moves == [("gpu", (4,)), ("host", (4,))]


def test_random_numbers_are_made_by_the_host(gpu):
    with tf.device("/gpu:0"):
        drawn = tf.exp(tf.random.uniform([5], seed=7))
    with _session() as session:
        found = session.run(drawn)
        assert "on_host(" in session.plan(drawn).source
    assert ("gpu", (5,)) in gpu.moves and gpu.moves[-1] == ("host", (5,))
    with tf.Graph().as_default(), _session() as session:
        tf.random.set_random_seed(1)
        again = tf.exp(tf.random.uniform([5], seed=7))
        assert found.shape == session.run(again).shape


def test_variables_live_where_they_are_placed_and_are_saved_through_the_cpu(gpu, tmp_path):
    with tf.device("/gpu:0"):
        w = v1.get_variable("w", initializer=np.arange(3, dtype=np.float32))
        more = v1.assign_add(w, [1.0, 1.0, 1.0])
    saver = v1.train.Saver()
    path = str(tmp_path / "model")
    with _session() as session:
        session.run(w.initializer)
        session.run(more)
        (state,) = session._resources.of_kind("variable")
        assert isinstance(state.value, GpuTensor)
        saver.save(session, path)
    with _session() as session:
        saver.restore(session, path)
        (state,) = session._resources.of_kind("variable")
        assert isinstance(state.value, GpuTensor)
        np.testing.assert_array_equal(session.run(w), [1, 2, 3])


def test_a_variable_stays_where_it_was_made(gpu):
    w = v1.get_variable("w", initializer=np.ones(3, np.float32))
    with _session() as session:
        session.run(w.initializer)
        home = session.plan(w.initializer).plan.nodes[-1].device
        with tf.device("/gpu:0"):
            changed = v1.assign_add(w, tf.exp(w))
        session.run(changed)
        devices = {n.name: n.device for n in session.plan(changed).plan.nodes}
        assert devices["w"] == devices[changed.op.name] == home


def test_what_has_no_kernel_for_a_gpu(gpu):
    with tf.device("/gpu:0"):
        text = tf.strings.join(["a", "b"], name="text")
    with _session() as session, pytest.raises(errors.InvalidArgumentError, match="no supported kernel for GPU devices"):
        session.run(text)
    with _session(allow_soft_placement=True) as session:
        assert session.run(text) == b"ab"


def test_no_kernel_in_c_and_no_pass_for_one_on_a_gpu(gpu):
    x, loss, train = _small_net("/gpu:0")
    with _session(allow_soft_placement=True) as session:
        session.run(v1.global_variables_initializer())
        plan = session.plan([loss, train], {x: _images()})
    types_there = {n.type for part in plan.parts for n in part.nodes if n.device == GPU}
    assert "Conv2D" in types_there or "_FusedConv2D" in types_there
    of_the_host = {"_FusedConv2DMaxPool", "_FusedConv2DMaxPoolWithPlaces", "_PackedConv2D", "_PackedMatMul",
                   "_WinogradConv2D", "_DirectConv2D", "_ReluGradAndBiasAddGrad"}  # fmt: skip
    assert not types_there & of_the_host
    assert "mkldnn" not in plan.source


def test_a_session_without_gpus_moves_nothing(monkeypatch):
    for name in ("to_device", "on_gpu", "on_host"):
        monkeypatch.setattr(torch_devices, name, None)
        monkeypatch.setattr(emit, name, None)
    monkeypatch.setattr(gpu_kernels, "runs_on_gpu", None)
    x, loss, train = _small_net("")
    config = tf.ConfigProto(device_count={"CPU": 2, "GPU": 0})
    with tf.Session(config=config) as session:
        session.run(v1.global_variables_initializer())
        session.run([loss, train], {x: _images()})


def test_memory_that_runs_out_names_the_operation(gpu, monkeypatch):
    def exhausted(*args, **keywords):
        raise torch.OutOfMemoryError("CUDA out of memory.")

    x = v1.placeholder(tf.float32, [2])
    with tf.device("/gpu:0"):
        y = tf.tanh(x, name="full")
    monkeypatch.setattr(torch, "tanh", exhausted)
    with _session() as session, pytest.raises(errors.ResourceExhaustedError, match="node full"):
        session.run(y, {x: [1.0, 2.0]})


def test_what_leaves_a_gpu_is_there_when_its_copy_is_done(monkeypatch):
    from torch._subclasses.fake_tensor import FakeTensorMode

    with FakeTensorMode():
        value = torch.empty(3, device="cuda")
    under_way, copy = threading.Event(), torch.ones(3)
    done = types.SimpleNamespace(synchronize=under_way.wait)
    monkeypatch.setattr(torch_devices, "_copy_to_host", lambda tensor: (copy, done))
    rendezvous = Rendezvous()
    key = f"{GPU};{GPU.replace('GPU', 'CPU')};edge_1_x:0"
    torch_devices._Crossing(rendezvous, torch.device("cuda", 0)).send(key, value)
    assert key not in rendezvous._values  # The sender goes on, and the tensor is not there yet.
    under_way.set()
    assert rendezvous.recv(key) is copy


def test_visible_gpus_are_counted_by_the_session():
    assert torch_devices.torch_device(GPU, (2, 0)) == torch.device("cuda", 2)
    assert torch_devices.torch_device(GPU[:-1] + "1", (2, 0)) == torch.device("cuda", 0)
    assert torch_devices.torch_device("/job:localhost/replica:0/task:0/device:CPU:0", (2, 0)) == torch.device("cpu")


@pytest.mark.parametrize("build, runs", [
    (lambda: tf.tanh(tf.ones([2, 2])), True),
    (lambda: tf.matmul(tf.ones([2, 2]), tf.ones([2, 2])), True),
    (lambda: tf.matmul(tf.ones([2, 2], tf.int32), tf.ones([2, 2], tf.int32)), False),
])  # fmt: skip
def test_kernels_are_tried_without_data(build, runs):
    from reflow.engine.plan import build_plan

    node = build_plan([build()], [], []).nodes[-1]
    assert gpu_kernels.may_stand_on_gpu(node)
    assert gpu_kernels.runs_on_gpu(node) is runs


# --- a small net ------------------------------------------------------------------------------------------------------


def _small_net(device):
    tf.random.set_random_seed(1)
    x = v1.placeholder(tf.float32, [4, 8, 8, 3])
    with tf.device(device):
        net = v1.layers.conv2d(x, 8, 3, padding="same", activation=tf.nn.relu)
        net = v1.layers.flatten(v1.layers.max_pooling2d(net, 2, 2))
        loss = tf.reduce_mean(tf.square(v1.layers.dense(net, 2) - 1.0))
    return x, loss, v1.train.AdamOptimizer(0.01).minimize(loss)


def _images():
    return np.random.RandomState(0).rand(4, 8, 8, 3).astype(np.float32)


def _losses(device):
    with tf.Graph().as_default():
        x, loss, train = _small_net(device)
        with _session(allow_soft_placement=True) as session:
            session.run(v1.global_variables_initializer())
            return [session.run([loss, train], {x: _images()})[0] for _ in range(5)]


def test_a_net_on_a_simulated_gpu_learns_as_on_the_cpu(gpu):
    np.testing.assert_allclose(_losses("/gpu:0"), _losses("/cpu:0"), rtol=1e-5)
    assert gpu.shapes("gpu").count((4, 8, 8, 3)) >= 5


@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_net_on_a_gpu_learns_as_on_the_cpu():
    np.testing.assert_allclose(_losses("/gpu:0"), _losses("/cpu:0"), rtol=1e-3)


def _layers(batch):
    """The operations of common layers and their gradients, of a batch that is known or not."""
    x, w, b = (v1.placeholder(tf.float32, dims) for dims in ([batch, 8, 8, 4], [3, 3, 4, 4], [4]))
    logits, labels, m = (v1.placeholder(*each) for each in ((tf.float32, [batch, 5]), (tf.int32, [batch]),
                                                            (tf.float32, [5, 7])))  # fmt: skip
    made = [(tf.nn.conv2d(x, w, [1, s, s, 1], padding), [x, w]) for padding in ("SAME", "VALID") for s in (1, 2)]
    made += [(tf.nn.bias_add(x, b), [x, b]), (tf.nn.lrn(x), [x]), (tf.matmul(logits, m), [logits, m])]
    made += [(pool(x, [1, 3, 3, 1], [1, 2, 2, 1], "SAME"), [x]) for pool in (tf.nn.max_pool, tf.nn.avg_pool)]
    made += [(v1.nn.fused_batch_norm(x, b, b, mean, mean, is_training=mean is None)[0], [x, b]) for mean in (None, b)]
    made += [(v1.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits), [logits]),
             (v1.nn.softmax_cross_entropy_with_logits(labels=logits, logits=logits), [logits]),
             (tf.nn.embedding_lookup(m, labels), [m]), (tf.one_hot(labels, 5), [])]  # fmt: skip
    made += [(tf.concat([x, x], 3), [x]), (tf.split(x, [1, 3], 3)[1], [x]), (tf.transpose(x, [0, 3, 1, 2]), [x])]
    gradients = [g for y, inputs in made if inputs for g in tf.gradients(y, inputs)]
    return [y for y, _ in made] + [g.values if isinstance(g, tf.IndexedSlices) else g for g in gradients]


@pytest.mark.parametrize("batch", [4, None])
def test_layers_and_their_gradients_run_there(gpu, batch):
    from reflow.engine.plan import build_plan

    plan = build_plan(_layers(batch), [], [])
    floats = [n for n in plan.nodes if n.type != "Placeholder" and any(v.dtype is tf.float32 for v in n.outputs)]
    assert len({n.type for n in floats}) >= 25
    assert [n for n in floats if not gpu_kernels.runs_on_gpu(n)] == []


def test_shapes_are_asked_where_the_tensor_is(gpu):
    x = v1.placeholder(tf.float32, [None, 1000])
    with tf.device("/gpu:0"):
        y = tf.exp(x)
    rows = tf.shape(y)[0] * 2
    with _session() as session:
        for n in range(8):  # The last runs by a plan for any shape.
            gpu.moves.clear()
            assert session.run(rows, {x: np.ones((n + 1, 1000))}) == 2 * (n + 1)
    assert gpu.shapes("host") == [()]
