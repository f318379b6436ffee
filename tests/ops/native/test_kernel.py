"""Functions in C as kernels: what a call makes, and when PyTorch's function runs in its place; by both ways to call."""

import ctypes
import inspect

import pytest
import torch

from reflow.ops.native import extensions
from reflow.ops.native import kernel as kernels
from reflow.ops.native.kernel import bind

FLOATS = ((2, 3), torch.float32)
SIX = 6


@pytest.fixture(params=["extension", "ctypes"], autouse=True)
def _way(request, monkeypatch):
    if request.param == "ctypes":
        monkeypatch.setattr(kernels, "extension", lambda: None)
    elif kernels.extension() is None:
        pytest.skip("no C++ compiler")


def _function(body, words):
    """A function for `bind`, in Python. It gets its words as integers."""
    function = ctypes.CFUNCTYPE(ctypes.c_int64, *[ctypes.c_int64] * words)(body)
    function.__name__ = "reflow_sample"
    return function


def _floats(address, count=SIX):
    return (ctypes.c_float * count).from_address(address)


def _double(x, out, count, threads):
    for i, value in enumerate(_floats(x, count)):
        _floats(out, count)[i] = 2 * value + (threads - 1) * 100
    return 0


def _plain(x, scale=3):
    return x.float() * scale


def _bound(**options):
    return bind(_function(_double, 4), _plain, [FLOATS], [FLOATS], [SIX], **options)


def test_the_function_fills_the_output():
    x = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(_bound()(x), 2 * x)


def test_an_output_can_be_given():
    x = torch.arange(6.0).reshape(2, 3)
    assert _bound()(x, out=x) is x
    assert x.sum() == 30


@pytest.mark.parametrize(
    "x",
    [torch.ones(3, 2).t(), torch.ones(2, 3, dtype=torch.float64), torch.ones(2, 2), torch.ones(2, 3).requires_grad_()],
    ids=["transposed", "float64", "of another size", "plain"],
)
def test_other_layouts_types_and_sizes_are_left_to_pytorch(x):
    plain = x.is_contiguous() and x.dtype is torch.float32 and x.numel() == SIX
    assert torch.equal(_bound()(x, scale=3).detach(), torch.full_like(x, 2 if plain else 3, dtype=torch.float32))


def test_a_subclass_is_left_to_pytorch():
    class Subclass(torch.Tensor):
        pass

    assert _bound()(torch.ones(2, 3).as_subclass(Subclass)).sum() == 18


def test_what_pytorch_makes_goes_to_the_given_output():
    out = torch.zeros(3, 2)
    assert _bound()(torch.ones(2, 3).t(), out=out) is out
    assert out.sum() == 18


def test_any_status_but_0_is_left_to_pytorch():
    kernel = bind(_function(lambda *words: 1, 4), _plain, [FLOATS], [FLOATS], [SIX])
    assert kernel(torch.ones(2, 3), scale=5).sum() == 30


def test_all_threads_if_parallel():
    x = torch.zeros(2, 3)
    assert _bound(parallel=True)(x)[0, 0] == (torch.get_num_threads() - 1) * 100


def test_inputs_of_any_size():
    kernel = bind(_function(_double, 4), _plain, [((), torch.float32)], [((), torch.float32)], [0], any_size=True)
    for shape in (), (0, 2), (4,), (2, 3):
        result = kernel(torch.ones(shape))
        assert result.shape == shape and torch.equal(result, torch.full(shape, 2.0))


def test_numbers_pointers_and_what_is_ignored_or_not_wanted():
    scale = ctypes.c_double(0.5)
    seen = []

    def body(x, number, ignored, first, second, third, address, threads):
        seen.append((number, ignored, second, ctypes.c_double.from_address(address).value, threads))
        _floats(first)[0], _floats(third, 1)[0] = 1, 3
        return 0

    single = ((1,), torch.float32)
    kernel = bind(_function(body, 8), _plain, [FLOATS, None, ...], [FLOATS, None, single], [scale])
    first, third = kernel(torch.ones(2, 3), -7, "ignored")
    assert (first.shape, first[0, 0], third.tolist()) == ((2, 3), 1, [3])
    assert seen == [(-7, 0, 0, 0.5, 1)]


def test_rows_of_the_output_are_counted_first():
    def rows(x, limit):
        return int(_floats(x)[0]) if _floats(x)[0] <= limit else -1

    def body(x, out, limit, count, threads):
        _floats(out, 2 * count)[:] = [count] * 2 * count
        return 0

    kernel = bind(_function(body, 5), _plain, [FLOATS], [((0, 2), torch.float32)], [4], rows=_function(rows, 2))
    assert kernel(torch.full((2, 3), 3.0)).tolist() == [[3, 3]] * 3
    assert kernel(torch.full((2, 3), 5.0)).tolist() == [[15] * 3] * 2


def test_a_name_and_the_signature_of_the_plain_function_for_the_emitted_source():
    kernel = _bound()
    assert kernel.__name__ == "native_sample"
    assert list(inspect.signature(kernel).parameters)[:2] == ["x", "scale"]


def test_errors_of_the_plain_function_are_raised():
    with pytest.raises(TypeError, match="unexpected"):
        _bound()(torch.ones(2, 2), unexpected=1)


def test_no_extension_where_tensor_objects_look_different(monkeypatch):
    assert extensions.have_known_layout()
    monkeypatch.setattr(extensions, "have_known_layout", lambda: False)
    assert extensions.load.__wrapped__(kernels._SOURCE) is None


def test_inputs_from_a_list():
    def body(x, y, out, count, threads):
        _floats(out)[:] = [a + b for a, b in zip(_floats(x), _floats(y), strict=True)]
        return 0

    kernel = bind(_function(body, 5), lambda tensors: sum(tensors), [FLOATS, FLOATS], [FLOATS], [SIX], from_list=True)
    x = torch.arange(6.0).reshape(2, 3)
    assert torch.equal(kernel([x, x]), 2 * x)
    assert torch.equal(kernel([x, x.double()]), 2 * x.double())
    assert torch.equal(kernel([x]), x)
