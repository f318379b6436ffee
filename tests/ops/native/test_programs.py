"""Programs in C: registers, layouts, threads, and PyTorch's functions in their place."""

import pytest
import torch

from reflow.engine.passes.elementwise_programs import _run, _run_to_one
from reflow.ops.native import kernel as kernels
from reflow.ops.native import programs

pytestmark = pytest.mark.skipif(programs.library() is None, reason="no C compiler")
STEPS = (("Mul", 0, 1), ("Tanh", 2), ("Sub", 3, 0), ("Mul", 2, 4))


@pytest.fixture(params=["extension", "ctypes"], autouse=True)
def _way(request, monkeypatch):
    programs._kernel.cache_clear()
    if request.param == "ctypes":
        monkeypatch.setattr(kernels, "extension", lambda: None)
    elif kernels.extension() is None:
        pytest.skip("no C++ compiler")
    yield
    programs._kernel.cache_clear()


def _unused(inputs, steps, results):
    raise AssertionError("PyTorch's functions ran")


def _compare(plain, x, y, dims, steps=STEPS, results=(3, 5)):
    kernel = programs._kernel(plain, dims, (tuple(x.shape), tuple(y.shape)), steps, results)
    got = kernel([x, y], steps=steps, results=results)
    for a, b in zip(got, _run([x, y], steps, results), strict=True):
        torch.testing.assert_close(a, b, rtol=2e-6, atol=1e-6)


@pytest.mark.parametrize("dims", [(), (5,), (3, 7), (300, 70), (3, 1000), (4, 5, 6)])
def test_shapes(dims):
    x = torch.randn(dims)
    _compare(_unused, x, torch.randn(dims), dims)
    _compare(_unused, x, torch.randn(()), dims)
    _compare(_unused, x, torch.randn(dims[-1:]), dims)


def test_rows_that_are_apart():
    large = torch.randn(40, 900)
    _compare(_unused, large[:, 100:400], torch.randn(300), (40, 300))
    _compare(_unused, large[:, 100:400], large[:, 600:], (40, 300))
    _compare(_unused, large[::2, :3], torch.randn(20, 3), (20, 3))
    _compare(_unused, large.view(4, 10, 900)[:, :, 5:17], torch.randn(12), (4, 10, 12))
    _compare(_unused, large[:1].expand(40, 900), large, (40, 900))


def test_other_views_go_through_pytorch():
    x = torch.randn(6, 6)
    for view in (x.t(), x[:, ::2], x.view(2, 3, 6)[:, :2]):
        calls = []

        def plain(inputs, steps, results, calls=calls):
            calls.append(1)
            return _run(inputs, steps, results)

        _compare(plain, view, torch.randn(tuple(view.shape)), tuple(view.shape))
        assert calls


def test_an_output_in_the_memory_of_an_input():
    for at in (0, 1):
        inputs = [torch.randn(500, 80) for _ in range(2)]
        want = _run_to_one(inputs, STEPS, (5,))
        kernel = programs._kernel(_unused, (500, 80), ((500, 80),) * 2, STEPS, (5,))
        assert kernel(inputs, steps=STEPS, results=(5,), out=inputs[at]) is inputs[at]
        torch.testing.assert_close(inputs[at], want, rtol=2e-6, atol=1e-6)


def test_the_number_of_threads_changes_nothing():
    x, y = torch.randn(300, 500), torch.randn(300, 500)
    kernel = programs._kernel(_unused, (300, 500), ((300, 500),) * 2, STEPS, (5,))
    threads = torch.get_num_threads()
    try:
        results = []
        for count in (1, 2):
            torch.set_num_threads(count)
            results.append(kernel([x, y], steps=STEPS, results=(5,)))
    finally:
        torch.set_num_threads(threads)
    assert torch.equal(*results)


def test_registers_are_used_again_but_not_those_of_results():
    steps = tuple(("Exp", i) for i in range(10))
    assert programs._registers(1, steps, (10,))[1] == 1
    assert programs._registers(1, steps, tuple(range(1, 11)))[1] == 10
    assert programs.fits(1, steps, (10,)) and not programs.fits(1, steps * 3, tuple(range(1, 31)))
