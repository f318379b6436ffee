"""Functions recorded as CUDA graphs, and segments of plans that are, on simulated GPUs."""

import threading

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.engine.jit import inductor
from reflow.engine.jit.cuda_graphs import Replay

v1 = tf.compat.v1


def _on(device, *arrays):
    return [torch.from_numpy(np.asarray(array, np.float32)).to(device) for array in arrays]


@pytest.fixture(params=["cuda:0", "cuda:1"])
def device(request, gpus):
    """Either of two GPUs; as in a step, it is the current one."""
    with torch.inference_mode(), torch.cuda.device(request.param), torch.device(request.param):
        yield torch.device(request.param)


def test_a_recording_is_replayed_on_its_own_tensors(device):
    calls = []

    def function(a, b):
        calls.append(1)
        return [a + b, (a * b).sum()]

    replay = Replay(function, device)
    first = replay(*_on(device, [1, 2], [3, 4]))
    recorded = len(calls)
    second = replay(*_on(device, [5, 6], [7, 8]))
    assert len(calls) == recorded == 4  # Three times to warm up, once to record.
    assert [r.tolist() for r in first] == [[4, 6], 11]
    assert [r.tolist() for r in second] == [[12, 14], 83]


def test_results_are_the_callers(device):
    replay = Replay(lambda a: [a + 1], device)
    (first,) = replay(*_on(device, [1, 2]))
    first.zero_()
    (second,) = replay(*_on(device, [3, 4]))
    assert first.tolist() == [0, 0] and second.tolist() == [4, 5]


def test_layouts_are_kept(device):
    """What is compiled counts on the strides of its inputs, and what comes after on those of its results."""
    seen = []

    def function(a, b):
        seen.append((a.stride(), b.stride()))
        return [a.t() + 1, (a + b).sum(0).expand(3, 2)]

    transposed, repeated = _on(device, np.arange(6).reshape(2, 3))[0].t(), _on(device, [1, 2])[0].expand(3, 2)
    results = Replay(function, device)(transposed, repeated)
    assert set(seen) == {((1, 3), (0, 1))}
    assert [r.stride() for r in results] == [(3, 1), (0, 1)]
    np.testing.assert_array_equal(results[1].cpu(), [[6, 18]] * 3)


def test_what_waits_for_the_host_is_not_recorded(device):
    replay = Replay(lambda a: [a * a.sum().item()], device)
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        replay(*_on(device, [1, 2]))


def test_threads_replay_one_after_the_other(device):
    """All threads compute on the device's one stream, and none overwrites the inputs of another."""
    replay = Replay(lambda a: [a * 2, a + 1], device)
    wrong = []

    def work(number):
        with torch.inference_mode(), torch.cuda.device(device):
            for _ in range(20):
                doubled, more = replay(*_on(device, [number]))
                if doubled.tolist() != [2 * number] or more.tolist() != [number + 1]:
                    wrong.append(number)

    threads = [threading.Thread(target=work, args=[number]) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not wrong


# --- segments of plans ------------------------------------------------------------------------------------------------


@pytest.fixture
def uncompiled(monkeypatch):
    """Inductor compiles nothing for a GPU that is not there: the functions themselves are recorded."""
    monkeypatch.setattr(inductor, "compile_function", lambda function, inputs: function)


def _config(**options):
    config = tf.ConfigProto(**options)
    config.graph_options.optimizer_options.global_jit_level = tf.OptimizerOptions.ON_1
    return config


def _chain(device, dims):
    x = v1.placeholder(tf.float32, dims)
    w = v1.get_variable("w", initializer=np.full((4, 4), 0.25, np.float32))
    with tf.device(device):
        y = x
        for _ in range(3):
            y = tf.tanh(tf.matmul(y, w) + 0.5) * 2.0 - tf.exp(-y)
        return x, tf.reduce_sum(y, 1)



@pytest.mark.parametrize("name", ["/gpu:0", "/gpu:1"])
def test_segments_are_recorded_for_each_shape(gpus, uncompiled, name, monkeypatch):
    graphs = []
    monkeypatch.setattr(torch.cuda, "CUDAGraph", lambda make=torch.cuda.CUDAGraph: graphs.append(make()) or graphs[-1])
    feeds = [np.random.RandomState(i).rand(size, 4).astype(np.float32) for i, size in enumerate((2, 3, 2, 3, 3))]
    with tf.Graph().as_default():
        chain = _chain(name, [None, 4])
        with tf.Session(config=_config(allow_soft_placement=True)) as session:
            session.run(v1.global_variables_initializer())
            found = [session.run(chain[1], {chain[0]: feed}) for feed in feeds]
            plan = session.plan(chain[1], {chain[0]: feeds[0]}).plan
            assert [segment.reason for segment in plan.jit.segments] == [None]
    assert len(graphs) == 2
    with tf.Graph().as_default():
        chain = _chain("/cpu:0", [None, 4])
        with tf.Session() as session:
            session.run(v1.global_variables_initializer())
            for value, feed in zip(found, feeds, strict=True):
                np.testing.assert_allclose(value, session.run(chain[1], {chain[0]: feed}), rtol=1e-6)


def test_sessions_that_see_different_gpus_record_apart(gpus, uncompiled):
    """The first GPU of a session may be any of the machine's."""
    values = []
    for visible in ("0", "1", "0"):
        with tf.Graph().as_default():
            x, y = _chain("/gpu:0", [2, 4])
            options = tf.GPUOptions(visible_device_list=visible)
            with tf.Session(config=_config(gpu_options=options, allow_soft_placement=True)) as session:
                session.run(v1.global_variables_initializer())
                values += [session.run(y, {x: np.ones((2, 4), np.float32)}) for _ in range(2)]
                assert session.plan(y, {x: np.ones((2, 4))}).plan.jit.segments[0].reason is None
    assert len({value.tobytes() for value in values}) == 1


def test_what_cannot_be_recorded_runs_op_by_op(gpu, monkeypatch):
    def compile_function(function, inputs):
        def reads(*tensors):
            torch.cuda.synchronize()
            return function(*tensors)

        return reads

    monkeypatch.setattr(inductor, "compile_function", compile_function)
    with tf.Graph().as_default():
        x, y = _chain("/gpu:0", [2, 4])
        with tf.Session(config=_config(allow_soft_placement=True)) as session:
            session.run(v1.global_variables_initializer())
            first, second = (session.run(y, {x: np.ones((2, 4))}) for _ in range(2))
            (segment,) = session.plan(y, {x: np.ones((2, 4))}).plan.jit.segments
    np.testing.assert_array_equal(first, second)
    assert "not permitted when stream is capturing" in segment.reason
