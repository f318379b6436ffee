"""Programs of all kinds on simulated GPUs give what they give on the CPU."""

import numpy as np
import pytest
from tensorboard.compat.proto.summary_pb2 import Summary

import reflow as tf
from benchmarks.cases import CASES
from benchmarks.drivers import session_driver
from reflow.engine.devices import list_local_devices
from reflow.graph import errors
from tests.simulated_gpu.machine import simulated_gpus

v1 = tf.compat.v1
train = v1.train
GPU0, GPU1 = (f"/job:localhost/replica:0/task:0/device:GPU:{i}" for i in range(2))


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _session(soft=True, **options):
    return tf.Session(config=tf.ConfigProto(allow_soft_placement=soft, **options))


def _on(device, program, steps=3, gpus=1, **options):
    """What `program(device)`, which builds a graph and returns (fetches, feeds), gives in a few steps."""
    with tf.Graph().as_default():
        tf.random.set_random_seed(1)
        fetches, feeds = program(device)
        with _session(**options) as session:
            session.run(v1.global_variables_initializer())
            return [session.run(fetches, feeds) for _ in range(steps)]


def _same_on_gpu(program, **options):
    expected = _on("/cpu:0", program, **options)
    with simulated_gpus(1) as machine:
        found = _on("/gpu:0", program, **options)
    assert machine.moves
    for ours, theirs in zip(tf.nest.flatten(found), tf.nest.flatten(expected), strict=True):
        if theirs is not None:
            np.testing.assert_allclose(ours, theirs, rtol=2e-5, atol=1e-6)


# --- training ---------------------------------------------------------------------------------------------------------

_OPTIMIZERS = {
    "sgd": lambda: train.GradientDescentOptimizer(0.1),
    "momentum": lambda: train.MomentumOptimizer(0.1, 0.9),
    "nesterov": lambda: train.MomentumOptimizer(0.1, 0.9, use_nesterov=True),
    "adam": lambda: train.AdamOptimizer(0.1),
    "adagrad": lambda: train.AdagradOptimizer(0.1),
    "adadelta": lambda: train.AdadeltaOptimizer(0.1),
    "rmsprop": lambda: train.RMSPropOptimizer(0.1),
    "centered": lambda: train.RMSPropOptimizer(0.1, centered=True),
    "ftrl": lambda: train.FtrlOptimizer(0.1),
    "proximal": lambda: train.ProximalGradientDescentOptimizer(0.1),
    "proximal_adagrad": lambda: train.ProximalAdagradOptimizer(0.1),
    "adagrad_da": lambda: train.AdagradDAOptimizer(0.1, train.get_or_create_global_step()),
}


@pytest.mark.parametrize("is_sparse", [False, True])
@pytest.mark.parametrize("optimizer", _OPTIMIZERS)
def test_optimizers(optimizer, is_sparse):
    def program(device):
        with tf.device(device):
            table = v1.get_variable("table", initializer=np.linspace(-1, 1, 20, dtype=np.float32).reshape(5, 4))
            scale = tf.Variable(np.full(4, 0.5, np.float32), use_resource=True)
            y = tf.nn.embedding_lookup(table, [0, 2, 2]) if is_sparse else tf.matmul(tf.ones([3, 5]), table)
            loss = tf.reduce_mean(tf.square(tf.tanh(y) * scale - 1.0))
        return [loss, _OPTIMIZERS[optimizer]().minimize(loss)], {}

    _same_on_gpu(program)


def _network(device, optimizer=lambda: train.MomentumOptimizer(0.1, 0.9)):
    """Convolution, batch normalization, pool, LRN, dense layers, labels, weight decay, clipped gradients."""
    images, labels = v1.placeholder(tf.float32, [None, 8, 8, 3]), v1.placeholder(tf.int64, [None])
    with tf.device(device):
        net = v1.layers.conv2d(images, 6, 3, strides=2, padding="same")
        net = tf.nn.relu(v1.layers.batch_normalization(net, training=True))
        net = tf.nn.lrn(v1.layers.max_pooling2d(net, 2, 2))
        logits = v1.layers.dense(v1.layers.flatten(net), 5)
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
        loss += 0.01 * tf.add_n([tf.nn.l2_loss(v) for v in v1.trainable_variables()])
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
    variables = v1.trainable_variables()
    gradients, norm = tf.clip_by_global_norm(tf.gradients(loss, variables), 1.0)
    with tf.control_dependencies(v1.get_collection(tf.GraphKeys.UPDATE_OPS)):
        step = optimizer().apply_gradients(zip(gradients, variables, strict=True))
    random = np.random.RandomState(0)
    feeds = {images: random.rand(4, 8, 8, 3).astype(np.float32), labels: random.randint(0, 5, 4)}
    return [loss, accuracy, norm, step], feeds


def test_a_network():
    _same_on_gpu(_network)


@pytest.mark.parametrize("device", ["/gpu:0", ""])
def test_a_network_runs_on_the_gpu_alone(gpu, device):
    """Forward, backward and update, asked for or not; of a batch that is known and of one that is not."""
    with tf.Graph().as_default():
        fetches, feeds = _network(device)
        with _session() as session:
            session.run(v1.global_variables_initializer())
            known = session.plan(fetches, feeds)
            unknown = session.plan(fetches, [*feeds])
    beside = {(n.type, n.name) for part in known.parts for n in part.nodes if n.device != GPU0}
    assert {kind for kind, _ in beside} <= {"Const", "NoOp", "_Feed", "_Send", "_Recv"}, beside
    heavy = {"Conv2D", "_FusedConv2D", "Conv2DBackpropFilter", "FusedBatchNormV3", "FusedBatchNormGradV3",
             "MaxPoolGrad", "MatMul", "_FusedMatMul", "LRN", "LRNGrad", "BiasAddGrad"}  # fmt: skip
    for plan in (known, unknown):
        nodes = [n for part in plan.parts for n in part.nodes]
        assert {n.device for n in nodes if n.type in heavy or n.type.startswith("_Sparse")} == {GPU0}
        assert "on_host(" not in plan.source


@pytest.mark.parametrize("name, batch", [
    ("mlp", 4), *(pytest.param(*case, marks=pytest.mark.slow) for case in
                  [("lenet", 2), ("cifar", 2), ("lstm_small", 2), ("googlenet", 1), ("alexnet", 1)]),
])  # fmt: skip
def test_benchmark_models(name, batch, monkeypatch):
    monkeypatch.setattr(session_driver, "session_config", lambda tf: tf.ConfigProto(allow_soft_placement=True))

    def losses():
        program = session_driver.SessionProgram(v1, CASES[name].model, "train", batch, 2)
        return [program.loss() for _ in range(3)]

    expected = losses()
    with simulated_gpus(1) as machine:
        np.testing.assert_allclose(losses(), expected, rtol=1e-4)
    assert machine.moves


def test_towers_on_two_gpus(gpus):
    """Each GPU computes gradients of its part of the batch; the CPU has the variables and takes the means."""

    def program(devices):
        x = v1.placeholder(tf.float32, [4, 3])
        optimizer, towers = train.AdamOptimizer(0.1), []
        for i, (device, part) in enumerate(zip(devices, tf.split(x, 2), strict=True)):
            with tf.device(device), v1.variable_scope("net", reuse=i > 0):
                with tf.device("/cpu:0"):
                    w = v1.get_variable("w", initializer=np.full((3, 2), 0.5, np.float32))
                loss = tf.reduce_mean(tf.square(tf.tanh(tf.matmul(part, w)) - 0.1))
                towers.append(optimizer.compute_gradients(loss))
        with tf.device("/cpu:0"):
            pairs = zip(*towers, strict=True)
            means = [(tf.add_n([g for g, _ in pair]) / 2.0, pair[0][1]) for pair in pairs]
            return [loss, optimizer.apply_gradients(means)], {x: np.random.RandomState(0).rand(4, 3)}

    found = _on(["/gpu:0", "/gpu:1"], program)
    assert len(gpus.shapes("gpu")) >= 12
    expected = _on(["/cpu:0", "/cpu:0"], program)
    np.testing.assert_allclose([row[0] for row in found], [row[0] for row in expected], rtol=1e-5)


def test_a_tensor_goes_from_one_gpu_to_another(gpus):
    x = v1.placeholder(tf.float32, [3])
    with tf.device("/gpu:0"):
        a = tf.exp(x)
    with tf.device("/gpu:1"):
        b = tf.tanh(a) + tf.sqrt(a)
    with _session() as session:
        np.testing.assert_allclose(session.run(b, {x: [1, 1, 1]}), [np.tanh(np.e) + np.sqrt(np.e)] * 3, rtol=1e-6)
    assert gpus.shapes("peer") == [(3,)]


# --- what else a graph holds ------------------------------------------------------------------------------------------


def test_dropout_draws_what_the_cpu_draws():
    def program(device):
        with tf.device(device):
            return tf.nn.dropout(tf.ones([4, 6]), rate=0.5, seed=3) * tf.random.truncated_normal([6], seed=4), {}

    _same_on_gpu(program)


@pytest.mark.parametrize("choice", [True, False])
def test_conditionals(choice):
    def program(device):
        p = v1.placeholder(tf.bool, [])
        with tf.device(device):
            w = v1.get_variable("w", initializer=np.ones(3, np.float32))
            y = tf.cond(p, lambda: tf.exp(w), lambda: v1.assign_add(w, [1.0, 2.0, 3.0]) * 2.0)
            z = tf.tanh(y) + 1.0
        return [y, z, tf.gradients(z, [w])], {p: choice}

    _same_on_gpu(program)


def test_py_func_and_queues_beside_gpu_nodes():
    def program(device):
        queue = tf.FIFOQueue(8, tf.float32, shapes=[3])
        with tf.device(device):
            put = queue.enqueue_many([tf.exp(tf.reshape(tf.range(9.0), [3, 3]) / 9.0)])
            with tf.control_dependencies([put]):
                y = tf.sqrt(queue.dequeue_many(3))
            return tf.py_func(lambda a: a * 2, [y], tf.float32) + tf.tanh(y), {}

    _same_on_gpu(program)


def test_summaries(gpu):
    with tf.device("/gpu:0"):
        x = tf.exp(tf.ones([4]))
    merged = v1.summary.merge([v1.summary.scalar("mean", tf.reduce_mean(x)), v1.summary.histogram("x", x)])
    with _session() as session:
        summary = Summary.FromString(session.run(merged))
    assert summary.value[0].simple_value == pytest.approx(np.e) and summary.value[1].histo.num == 4


def test_variables_are_saved_and_restored(gpu, tmp_path):
    with tf.device("/gpu:0"):
        w = v1.get_variable("w", initializer=np.arange(6, dtype=np.float32).reshape(2, 3))
        r = v1.get_variable("r", initializer=np.ones(2, np.float32), use_resource=True)
        change = [v1.assign_add(w, tf.ones([2, 3])), r.assign_add([1.0, 2.0])]
    saver, path = train.Saver(), str(tmp_path / "model")
    with _session() as session:
        session.run(v1.global_variables_initializer())
        session.run(change)
        saver.save(session, path)
    with _session() as session:
        saver.restore(session, path)
        np.testing.assert_array_equal(session.run(w), np.arange(6).reshape(2, 3) + 1)
        session.run(change)
        np.testing.assert_array_equal(session.run(r), [3, 5])
    with tf.Graph().as_default(), _session(device_count={"GPU": 0}) as session:
        w = v1.get_variable("w", [2, 3])
        train.Saver([w]).restore(session, path)
        np.testing.assert_array_equal(session.run(w), np.arange(6).reshape(2, 3) + 1)


def test_partial_runs_and_callables(gpu):
    a, b = v1.placeholder(tf.float32, [2]), v1.placeholder(tf.float32, [2])
    with tf.device("/gpu:0"):
        first = tf.exp(a)
        second = first * b
    with _session() as session:
        handle = session.partial_run_setup([first, second], [a, b])
        np.testing.assert_allclose(session.partial_run(handle, first, {a: [0, 1]}), [1, np.e], rtol=1e-6)
        np.testing.assert_allclose(session.partial_run(handle, second, {b: [2, 3]}), [2, 3 * np.e], rtol=1e-6)
        function = session.make_callable(second, [a, b])
        np.testing.assert_allclose(function([0, 1], [2, 3]), [2, 3 * np.e], rtol=1e-6)


def test_results_are_the_callers(gpu):
    with tf.device("/gpu:0"):
        w = v1.get_variable("w", initializer=np.ones(3, np.float32))
    with _session() as session:
        session.run(w.initializer)
        session.run(w)[:] = 7
        np.testing.assert_array_equal(session.run(w), [1, 1, 1])


def test_traces_wait_for_the_gpu(gpu, monkeypatch):
    import torch

    waits = []
    stream = type(torch.cuda.current_stream())
    monkeypatch.setattr(stream, "synchronize", lambda self, wait=stream.synchronize: waits.append(self) or wait(self))
    x = v1.placeholder(tf.float32, [2, 2])
    with tf.device("/gpu:0"):
        y = tf.tanh(tf.matmul(tf.exp(x), tf.ones([2, 2])))
    options, metadata = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE), tf.RunMetadata()
    with _session() as session:
        session.run(y, {x: np.ones((2, 2))}, options=options, run_metadata=metadata)
    rows = {d.device: [n.node_name for n in d.node_stats] for d in metadata.step_stats.dev_stats}
    assert {"Exp", "Tanh"} <= set(rows[GPU0])
    assert len(waits) > len(rows[GPU0])


# --- devices ----------------------------------------------------------------------------------------------------------


def test_a_gpu_that_is_not_there(gpus):
    with tf.device("/gpu:3"):
        y = tf.exp(1.0, name="far")
    with _session(soft=False) as session, pytest.raises(errors.InvalidArgumentError, match="far") as info:
        session.run(y)
    assert GPU0 in info.value.message and GPU1 in info.value.message
    with _session() as session:
        assert session.run(y) == pytest.approx(np.e)


def test_without_soft_placement(gpus):
    x = v1.placeholder(tf.float32, [2])
    with tf.device("/gpu:1"):
        y = tf.exp(x)
    with tf.device("/cpu:0"):
        z = tf.sqrt(y)
    with _session(soft=False) as session:
        np.testing.assert_allclose(session.run(z, {x: [1, 1]}), np.sqrt([np.e] * 2), rtol=1e-6)
        devices = {n.name: n.device for part in session.plan(z).parts for n in part.nodes}
    assert devices["Exp"] == GPU1 and devices["Sqrt"] == GPU0.replace("GPU", "CPU")


def test_the_placement_is_told(gpus, capsys):
    with tf.device("/gpu:1"):
        y = tf.exp(tf.ones([2]), name="there")
    with _session(log_device_placement=True) as session:
        session.run(y)
    told = capsys.readouterr().err
    assert f"{GPU0} -> device: 0, name: simulated 0, compute capability: 7.5" in told
    assert f"there: (Exp): {GPU1}" in told


def test_options_of_gpus(gpus):
    options = tf.GPUOptions(visible_device_list="1", per_process_gpu_memory_fraction=0.25, allow_growth=True)
    (cpu, gpu) = list_local_devices(tf.ConfigProto(gpu_options=options))
    assert (gpu.name, gpu.memory_limit) == ("/device:GPU:0", 1 << 29)
    with tf.device("/gpu:0"):
        w = v1.get_variable("w", initializer=np.ones(2, np.float32))
    with _session(gpu_options=options) as session:
        session.run(w.initializer)
        (state,) = session._resources.of_kind("variable")
        assert str(state.value.device) == "cuda:1"
        assert gpus.memory_fractions == {1: 0.25}


def test_threads_share_a_session(gpu):
    import threading

    x = v1.placeholder(tf.float32, [2])
    with tf.device("/gpu:0"):
        y = tf.exp(x) * 2.0
    with tf.device("/cpu:0"):
        z = y + 1.0
    wrong = []
    with _session() as session:

        def work(number):
            for _ in range(10):
                if not np.allclose(session.run(z, {x: [number, 0]}), [2 * np.exp(number) + 1, 3], rtol=1e-5):
                    wrong.append(number)

        threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not wrong
