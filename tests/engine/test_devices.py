"""Devices: placement, transfers between virtual CPUs, errors."""

import threading
import types

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine import cost_model
from reflow.engine.devices import list_local_devices
from reflow.engine.placement import Placer
from reflow.engine.plan import build_plan
from reflow.engine.rendezvous import Rendezvous


@pytest.fixture(autouse=True)
def graph():
    with tf.Graph().as_default() as graph:
        yield graph


def _config(cpus=2, **options):
    return tf.ConfigProto(device_count={"CPU": cpus}, **options)


CPUS = [f"/job:localhost/replica:0/task:0/device:CPU:{i}" for i in range(3)]


def test_sessions_list_their_devices():
    tf.constant(1)
    with tf.Session(config=_config(3)) as session:
        assert [d.name for d in session.list_devices()][:3] == CPUS
        assert session.list_devices()[0].device_type == "CPU"


def test_devices_describe_themselves_as_in_tensorflow():
    (local, second) = list_local_devices(_config(2))
    assert local.DESCRIPTOR.full_name == "tensorflow.DeviceAttributes"
    assert (local.name, second.name, local.device_type) == ("/device:CPU:0", "/device:CPU:1", "CPU")
    assert 'name: "/device:CPU:0"\ndevice_type: "CPU"\nmemory_limit: ' in str(local) and "locality {\n}" in str(local)
    with tf.Session() as session:
        assert repr(session.list_devices()[0]).startswith(f"_DeviceAttributes({CPUS[0]}, CPU, ")


@pytest.fixture
def three_gpus(monkeypatch):
    """A machine with three GPUs, as torch would describe it; what is asked of its allocator."""
    fractions = []
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 3)
    properties = {"total_memory": 1000, "major": 7, "minor": 5}
    monkeypatch.setattr(torch.cuda, "get_device_properties",
                        lambda i: types.SimpleNamespace(name=f"card {i}", **properties))  # fmt: skip
    monkeypatch.setattr(torch.cuda, "set_per_process_memory_fraction", lambda *args: fractions.append(args))
    return fractions


def test_gpu_options(three_gpus, capsys):
    options = tf.GPUOptions(visible_device_list="2,0", per_process_gpu_memory_fraction=0.25, allow_growth=True)
    config = tf.ConfigProto(gpu_options=options, log_device_placement=True)
    cpu, *gpus = list_local_devices(config)
    assert [(d.name, d.memory_limit) for d in gpus] == [("/device:GPU:0", 250), ("/device:GPU:1", 250)]
    assert gpus[0].physical_device_desc == "device: 0, name: card 2, compute capability: 7.5"
    with tf.Session(config=config):
        assert three_gpus == [(0.25, 2), (0.25, 0)]
    assert f"{CPUS[0][:-5]}GPU:1 -> device: 1, name: card 0" in capsys.readouterr().err
    assert len(list_local_devices(tf.ConfigProto(device_count={"GPU": 0}))) == 1


@pytest.mark.parametrize("wanted, message", [("7", "invalid GPU id '7' but visible device count is 3"),
                                             ("0,0", "duplicate entry"), ("a", "Could not parse entry")])  # fmt: skip
def test_gpus_that_are_not_there(three_gpus, wanted, message):
    with pytest.raises(tf.errors.InvalidArgumentError, match=message):
        tf.Session(config=tf.ConfigProto(gpu_options=tf.GPUOptions(visible_device_list=wanted)))


def test_without_gpus_their_options_mean_nothing():
    options = tf.GPUOptions(visible_device_list="7", per_process_gpu_memory_fraction=0.25, allow_growth=True)
    with tf.Session(config=tf.ConfigProto(gpu_options=options)) as session:
        assert session.run(tf.constant(2)) == 2


def test_a_step_on_two_devices():
    x = tf.placeholder(tf.float32, [None])
    with tf.device("/cpu:0"):
        a = x * 2.0
    with tf.device("/cpu:1"):
        b = tf.exp(a) + a
        c = tf.sin(a)
    with tf.device("/cpu:0"):
        d = b + c
    fed = np.linspace(0, 1, 7).astype(np.float32)
    with tf.Session(config=_config()) as session:
        got_d, got_a = session.run([d, a], {x: fed})
        source = session.plan(d, {x: fed}).source
    np.testing.assert_allclose(got_d, np.exp(2 * fed) + 2 * fed + np.sin(2 * fed), rtol=1e-6)
    np.testing.assert_allclose(got_a, 2 * fed)
    # One transfer of `a`, though three nodes take it there.
    assert source.count("rendezvous.send(") == 3 and "# /job:localhost/replica:0/task:0/device:CPU:1" in source


def test_training_with_variables_on_two_devices():
    x = np.random.RandomState(0).randn(16, 3).astype(np.float32)

    def losses(first, second, config):
        with tf.Graph().as_default():
            with tf.device(first):
                v = tf.Variable(tf.ones([3, 4]))
            with tf.device(second):
                w = tf.Variable(tf.ones([4, 1]))
            loss = tf.reduce_mean(tf.square(tf.matmul(tf.tanh(tf.matmul(x, v)), w) - 1.0))
            grads = tf.gradients(loss, [v, w])
            updates = [tf.assign_sub(p, 0.1 * g).op for p, g in zip([v, w], grads, strict=True)]
            with tf.Session(config=config) as session:
                session.run(tf.global_variables_initializer())
                return [session.run([loss, *updates])[0] for _ in range(10)]

    assert losses("/cpu:0", "/cpu:1", _config()) == pytest.approx(losses(None, None, None), rel=1e-6)


def test_control_edges_cross_devices():
    with tf.device("/cpu:1"):
        v = tf.Variable(1.0)
        bump = tf.assign_add(v, 1.0)
    with tf.control_dependencies([bump]), tf.device("/cpu:0"):
        done = tf.constant(5.0) * 1.0
    with tf.Session(config=_config()) as session:
        session.run(v.initializer)
        assert session.run(done) == 5
        assert session.run(v) == 2


def test_a_device_that_is_not_there():
    with tf.device("/gpu:7"):
        x = tf.constant(1.0, name="x") + tf.constant(2.0)
    with tf.Session() as session, pytest.raises(tf.errors.InvalidArgumentError) as info:
        session.run(x)
    assert "Cannot assign a device for operation" in info.value.message
    assert CPUS[0] in info.value.message and "/device:GPU:7" in info.value.message
    with tf.Session(config=tf.ConfigProto(allow_soft_placement=True)) as session:
        assert session.run(x) == 3


def _run_on(device, **options):
    with tf.Graph().as_default():
        x = tf.constant(1.0, name="x")
        x.op._set_device(device)
        with tf.Session(config=_config(**options)) as session:
            return session.run(x)


def test_names_that_are_no_devices():
    with pytest.raises(tf.errors.InvalidArgumentError, match="Malformed device specification '/cpu:x' in node: x"):
        _run_on("/cpu:x")
    assert _run_on("/job:*/replica:*/task:*/cpu:*") == 1
    with pytest.raises(tf.errors.InvalidArgumentError, match="assigned to /job:x/task:\\* but"):
        _run_on("/job:x/task:*")


def test_soft_placement_is_advised_where_it_helps():
    with pytest.raises(tf.errors.InvalidArgumentError) as elsewhere:
        _run_on("/job:x")
    with pytest.raises(tf.errors.InvalidArgumentError) as here:
        _run_on("/gpu:7")
    assert "allow_soft_placement" in here.value.message and "allow_soft" not in elsewhere.value.message


def test_a_session_needs_a_cpu():
    with pytest.raises(tf.errors.NotFoundError, match="No CPU devices are available in this process"):
        tf.Session(config=_config(0))


def test_log_device_placement(capsys):
    x = tf.constant(1.0, name="here")
    with tf.Session(config=tf.ConfigProto(log_device_placement=True)) as session:
        session.run(tf.exp(x))
    log = capsys.readouterr().err
    assert log.startswith("Device mapping: no known devices.") and f"here: (Const): {CPUS[0]}" in log


def test_the_log_names_the_operations_of_the_program(capsys):
    x = tf.placeholder(tf.float32, [], name="x")
    y = tf.cond(tf.greater(x, 0, name="ask"), lambda: tf.exp(x), lambda: x, name="choose")
    with tf.Session(config=_config(log_device_placement=True)) as session:
        session.run(y, {x: 1.0})
    log = capsys.readouterr().err
    assert f"choose/Merge: (Merge): {CPUS[0]}\n" in log and f"ask: (Greater): {CPUS[0]}\n" in log
    assert "(_" not in log


def test_an_error_on_one_device_cancels_the_others():
    x = tf.placeholder(tf.float32, [None, None])
    with tf.device("/cpu:1"):
        wrong = tf.matmul(x, x, name="wrong")
    with tf.device("/cpu:0"):
        y = tf.reduce_sum(wrong) + 1.0
    with tf.Session(config=_config()) as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="wrong"):
            session.run(y, {x: np.ones((2, 3))})
        assert session.run(y, {x: np.ones((2, 2))}) == 9


def test_an_error_ends_the_waiting_on_other_devices():
    with tf.device("/cpu:1"):
        queue = tf.FIFOQueue(1, tf.float32, [[]])
        never = queue.dequeue()
    with tf.device("/cpu:0"):
        wrong = tf.check_numerics(tf.log(tf.constant(-1.0)), "no number")
    with tf.Session(config=_config()) as session:
        with pytest.raises(tf.errors.InvalidArgumentError, match="no number"):
            session.run([never, wrong], options=tf.RunOptions(timeout_in_ms=20_000))
        # The queue serves later steps as if nothing had waited.
        session.run(queue.enqueue(3.0))
        assert session.run(never) == 3


@pytest.mark.parametrize("use_resource", [False, True])
def test_what_changes_a_variable_stands_with_it(use_resource):
    """Whatever device it asks for: towers read and change variables that stand elsewhere."""
    with tf.device("/cpu:1"):
        v = tf.Variable([1.0], use_resource=use_resource)
        queue = tf.FIFOQueue(1, tf.float32, [[1]])
    with tf.device("/cpu:2"):
        if use_resource:
            change = tf.raw_ops.AssignAddVariableOp(resource=v.handle, value=[2.0])
        else:
            change = tf.raw_ops.AssignAdd(ref=v._ref(), value=[2.0]).op
        put, doubled = queue.enqueue(v), v * 2.0
    with tf.Session(config=_config(3)) as session:
        session.run(v.initializer)
        session.run(change)
        session.run(put)
        np.testing.assert_array_equal(session.run([queue.dequeue(), doubled]), [[3.0], [6.0]])
        placed = session.plan([change, put, doubled]).plan
    assert {n.name: n.device for n in placed.nodes}[change.name] == CPUS[1]
    # The graph itself colocates what takes a reference with the variable.
    told = f"asked for /device:CPU:2, but has to stand with {v.op.name}" if use_resource else "asked for /device:CPU:1"
    assert placed.placement[change.name].startswith(told)


def test_nodes_that_cannot_stand_together():
    with tf.device("/cpu:1"):
        a = tf.identity(tf.constant([1.0]), name="a")
    with tf.colocate_with(a):
        b = tf.identity(a, name="b")
    b.op._set_device("/device:CPU:2")
    message = "Cannot colocate nodes b and a: Cannot merge devices with incompatible ids: '/device:CPU:2' and '/dev"
    with tf.Session(config=_config(3)) as session, pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(b)
    with tf.Session(config=_config(3, allow_soft_placement=True)) as session:
        assert session.run(b) == 1


def test_soft_placement_stays_in_the_job():
    with tf.device("/job:ps/task:1"):
        x = tf.constant(1.0) * 2.0
    message = "explicitly assigned to /job:ps/task:1 but available"
    config = _config(allow_soft_placement=True)
    with tf.Session(config=config) as session, pytest.raises(tf.errors.InvalidArgumentError, match=message):
        session.run(x)


def test_constraints_hold_groups_together():
    with tf.device("/cpu:1"):
        v = tf.Variable(tf.zeros([2]))
    with tf.colocate_with(v):
        near = tf.constant([1.0, 2.0]) * 2.0
    plan = Placer(CPUS).place(build_plan([near], [tf.assign(v, near).op], []))
    devices = {n.name: n.device for n in plan.nodes}
    assert devices[v.op.name] == devices[near.op.name] == CPUS[1]


def test_large_independent_work_spreads_and_small_work_stays():
    def used(size):
        with tf.Graph().as_default():
            x = tf.placeholder(tf.float32, [size, size])
            branches = [tf.matmul(tf.matmul(x, x), x) for _ in range(2)]
            plan = Placer(CPUS[:2]).place(build_plan(branches, [], [x]))
            return {n.device for n in plan.nodes}

    assert used(8) == {CPUS[0]}
    assert used(2048) == set(CPUS[:2])


def test_rendezvous():
    rendezvous = Rendezvous()
    got = []
    thread = threading.Thread(target=lambda: got.append(rendezvous.recv("k")))
    thread.start()
    rendezvous.send("k", 3)
    thread.join(10)
    assert got == [3]
    rendezvous.abort(ValueError("first"))
    rendezvous.abort(ValueError("second"))
    with pytest.raises(tf.errors.CancelledError):
        rendezvous.recv("never")
    assert str(rendezvous.failure) == "first"


def test_the_config_says_how_many_threads():
    before = torch.get_num_threads()
    tf.constant(1)
    try:
        with tf.Session(config=tf.ConfigProto(intra_op_parallelism_threads=2)):
            assert torch.get_num_threads() == 2
        with tf.Session():
            assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)


def test_measured_times_place_later_nodes():
    """A small node that took long in a traced run is worth a transfer; without that it stays where its input is."""
    config = tf.ConfigProto(device_count={"CPU": 2})
    x = tf.placeholder(tf.float32, [40])
    with tf.Session(config=config) as session:
        fetches = [tf.sin(tf.exp(x)), tf.cos(tf.exp(x))]
        assert len({n.device for n in session.plan(fetches, [x]).plan.nodes}) == 1
        for node in session.plan(fetches, [x]).plan.nodes:
            cost_model.measure(node, 0.01)
        try:
            again = session.plan([tf.sin(tf.exp(x)), tf.cos(tf.exp(x))], [x]).plan
        finally:
            cost_model.forget()
    assert len({n.device for n in again.nodes if n.type in ("Sin", "Cos")}) == 2
    assert "done soonest there in the simulated run" in again.placement.values()


def test_shapes_that_are_fed_place_nodes():
    """A large product is worth a transfer, though the program leaves its size open."""
    x = tf.placeholder(tf.float32, [None, None])
    fetches = [tf.matmul(tf.matmul(x, x), x) for _ in range(2)]
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        def used(size):
            plan = session.plan(fetches, {x: np.ones([size, size], np.float32)}).plan
            return {n.device for n in plan.nodes if n.type == "MatMul"}

        session._options.disabled = frozenset(["common_subexpressions"])
        assert len(used(8)) == 1
        assert len(used(1024)) == 2


@pytest.mark.parametrize("layer, op", [(lambda x, w: tf.matmul(x, w), "MatMul"),
                                       (lambda x, w: tf.nn.conv2d(x, w, 1, "SAME"), "Conv2D")])  # fmt: skip
def test_the_time_of_a_fused_node_is_that_of_its_main_op(layer, op):
    x, w = (tf.placeholder(tf.float32, [1, 1, 8, 8] if op == "Conv2D" else [8, 8]) for _ in range(2))
    product = layer(x, w)
    with tf.Session() as session:
        nodes = session.plan(tf.nn.relu(tf.nn.bias_add(product, tf.ones([8]))), [x, w]).plan.nodes
    (fused,) = [n for n in nodes if n.type == f"_Fused{op}"]
    cost_model.measure(fused, 3.0)
    try:
        (node,) = [n for n in build_plan([product], [], [x, w]).nodes if n.type == op]
        assert cost_model.seconds(node, CPUS[0]) == 3.0
    finally:
        cost_model.forget()


def test_what_the_passes_drop_costs_nothing():
    """Shape arithmetic of gradients would make a device look busy, and send small work to another one."""
    x = tf.placeholder(tf.float32, [8, 16])
    y = tf.tanh(tf.reshape(x, tf.shape(x)[::-1]))
    costs = {n.type: cost_model.seconds(n, CPUS[0]) for n in build_plan([y], [], [x]).nodes}
    assert costs.pop("Tanh") > 0
    assert {"Const", "Reshape", "StridedSlice"} <= set(costs) and not any(costs.values())


def test_a_traced_run_feeds_the_cost_model():
    cost_model.forget()
    x = tf.placeholder(tf.float32, [30, 40])
    y = tf.exp(x)
    with tf.Session() as session:
        options = tf.RunOptions(trace_level=tf.RunOptions.FULL_TRACE)
        session.run(y, {x: np.ones([30, 40])}, options, tf.RunMetadata())
        (node,) = session.plan(y, [x]).plan.nodes
        (took,) = cost_model._measured.values()
        assert cost_model.seconds(node, "/device:CPU:3") == took > 0
    cost_model.forget()


def test_the_reasons_of_placement():
    config = tf.ConfigProto(device_count={"CPU": 2}, allow_soft_placement=True)
    with tf.device("/cpu:1"):
        v = tf.get_variable("placed", [], use_resource=True)
    with tf.device("/gpu:7"):
        y = tf.exp(v, name="exp")
    change = v.assign_add(y, read_value=False)
    with tf.Session(config=config) as session:
        reasons = session.plan(change).plan.placement
    assert reasons["placed"] == "asked for /device:CPU:1"
    assert reasons["exp"] == "asked for /device:GPU:7, which is not there"
    assert reasons[change.name].startswith("has to stand with placed")


def test_a_string_variable_crosses_devices():
    with tf.device("/cpu:0"):
        words = tf.Variable(["a", "b"])
    with tf.device("/cpu:1"):
        joined = tf.string_join([words, words])
    with tf.Session(config=tf.ConfigProto(device_count={"CPU": 2})) as session:
        session.run(tf.global_variables_initializer())
        assert session.run(joined).tolist() == [b"aa", b"bb"]
