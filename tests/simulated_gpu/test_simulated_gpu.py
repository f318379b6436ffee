"""The simulated GPU refuses what CUDA refuses."""

import threading

import numpy as np
import pytest
import torch

from tests.simulated_gpu.machine import simulated_gpus
from tests.simulated_gpu.streams import Race


@pytest.fixture(autouse=True)
def gpus():
    with simulated_gpus(2) as machine, torch.inference_mode():
        yield machine


def _on_gpu(array, device="cuda:0"):
    return torch.from_numpy(np.asarray(array, np.float32)).to(device)


@pytest.mark.parametrize("make", [
    lambda: torch.zeros(3), lambda: torch.arange(3), lambda: torch.tensor([1.0, 2.0]), lambda: torch.eye(2),
    lambda: torch.rand(2), lambda: torch.full((2,), 3), lambda: torch.linspace(0, 1, 3), lambda: torch.randperm(4),
])  # fmt: skip
def test_new_tensors_lie_on_the_default_device(make):
    with torch.device("cuda", 1):
        assert make().device == torch.device("cuda", 1)
    assert make().device == torch.device("cpu")


def test_numbers_are_those_of_the_host(gpus):
    a, b = _on_gpu([[1, 2], [3, 4]]), _on_gpu([[5, 6], [7, 8]])
    np.testing.assert_array_equal((a @ b + 1).cpu(), [[20, 23], [44, 51]])
    assert gpus.moves == [("gpu", (2, 2)), ("gpu", (2, 2)), ("host", (2, 2))]
    assert a.sum().item() == 10
    assert gpus.answers == 1


def test_devices_do_not_mix():
    a, other, host = _on_gpu([1, 2]), _on_gpu([1, 2], "cuda:1"), torch.ones(2)
    for left, right in ((a, other), (a, host)):
        with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
            left + right
    with pytest.raises(RuntimeError, match="Expected all tensors to be on the same device"):
        torch.cat([a, torch.tensor([1.0])])
    assert (a + torch.tensor(1.0)).tolist() == [2, 3]  # A single number of the host's is taken along.
    assert a[torch.tensor([1])].tolist() == [2]


def test_the_host_does_not_reach_the_memory():
    a = _on_gpu([1, 2])
    with pytest.raises(TypeError, match="can't convert cuda:0 device type tensor to numpy"):
        a.numpy()
    with pytest.raises(TypeError, match="can't convert cuda:0"):
        np.asarray(a)
    with pytest.raises(AssertionError, match="address"):
        a.data_ptr()


@pytest.mark.parametrize("call", [
    lambda a: a.long() @ a.long(), lambda a: torch.nn.functional.avg_pool2d(a.long()[None], 1),
    lambda a: torch.ops.mkldnn._linear_pointwise(a, a, None, "none", [], ""),
    lambda a: a.to_mkldnn(),
])  # fmt: skip
def test_what_has_no_kernel(call):
    with pytest.raises(RuntimeError):
        call(_on_gpu([[1, 2], [3, 4]]))


def test_a_copy_to_pinned_memory_is_done_when_the_host_has_waited():
    a = _on_gpu([1, 2])
    copy = torch.empty_like(a, device="cpu", pin_memory=True).copy_(a, non_blocking=True)
    assert copy.isnan().all()
    torch.cuda.current_stream().synchronize()
    assert copy.tolist() == [1, 2]


def test_streams_have_to_wait_for_one_another():
    a = _on_gpu([1, 2])
    side = torch.cuda.Stream()
    with torch.cuda.stream(side):
        b = a + 1  # `a` is there: the host waited for it.
    with pytest.raises(Race, match="reads what another"):
        b + 1
    torch.cuda.current_stream().wait_stream(side)
    c = b + 1
    with torch.cuda.stream(side), pytest.raises(Race, match="overwrites what is read"):
        b.add_(1)
    assert c.tolist() == [3, 4]
    with torch.cuda.stream(side):
        b.add_(1)  # The host has waited for all before.


def test_memory_freed_while_another_stream_uses_it(gpus):
    def use(announce):
        a = _on_gpu([1, 2]) + 1
        side = torch.cuda.Stream()
        side.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(side):
            a + 1
        if announce:
            a.record_stream(side)

    use(announce=True)
    assert not gpus.hazards
    use(announce=False)
    assert len(gpus.hazards) == 1
    gpus.hazards.clear()


def test_events_are_recorded_before_they_are_waited_for():
    with pytest.raises(AssertionError, match="not recorded"):
        torch.cuda.current_stream().wait_event(torch.cuda.Event())


# --- CUDA graphs ------------------------------------------------------------------------------------------------------


def _captured(function, **options):
    graph = torch.cuda.CUDAGraph()
    with torch.cuda.graph(graph, **options):
        result = function()
    return graph, result


def test_a_graph_runs_when_it_is_replayed():
    a = _on_gpu([1, 2])
    total = torch.zeros(2, device="cuda")
    graph, doubled = _captured(lambda: total.add_(a) * 2)
    assert doubled.isnan().all() and total.tolist() == [0, 0]
    graph.replay()
    graph.replay()
    assert total.tolist() == [2, 4] and doubled.tolist() == [4, 8]


@pytest.mark.parametrize("call", [
    lambda a: a.sum().item(), lambda a: a.nonzero(), lambda a: a.cpu(), lambda a: torch.cuda.synchronize(),
    lambda a: torch.ones(2).to("cuda"), lambda a: a[torch.tensor([1])],
])  # fmt: skip
def test_what_a_graph_cannot_hold(call):
    a = _on_gpu([1, 2])
    with pytest.raises(RuntimeError, match="not permitted when stream is capturing"):
        _captured(lambda: call(a))


def test_a_graph_is_of_one_device():
    other = _on_gpu([1, 2], "cuda:1")
    with pytest.raises(AssertionError, match="is not in the graph"):
        _captured(lambda: other + 1)


@pytest.mark.parametrize("mode, fails", [("global", True), ("thread_local", False)])
def test_what_other_threads_do_while_a_graph_is_captured(mode, fails):
    a = _on_gpu([1, 2])
    caught = []

    def copy():
        try:
            a.cpu()
        except RuntimeError as error:
            caught.append(error)

    def capture():
        thread = threading.Thread(target=copy)
        thread.start()
        thread.join()
        return a + 1

    _captured(capture, capture_error_mode=mode)
    assert bool(caught) is fails
