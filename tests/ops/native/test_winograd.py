"""Winograd's convolutions against ATen's in double precision."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops import native
from reflow.ops.native import max_pool, winograd
from reflow.ops.native.ending import NOTHING, Ending

pytestmark = pytest.mark.skipif(winograd.load() is None, reason="the C kernel cannot be built here")

# batch, height, width, depth, out_depth, window, pads before, pads behind
_CASES = {
    "square, 3x3": (2, 16, 16, 16, 32, 3, (1, 1), (1, 1)),
    "square, 5x5": (2, 16, 16, 32, 16, 5, (2, 2), (2, 2)),
    "no multiple of the tile, 3x3": (3, 13, 7, 16, 16, 3, (1, 1), (1, 1)),
    "no multiple of the tile, 5x5": (3, 9, 14, 16, 48, 5, (2, 2), (2, 2)),
    "no padding": (2, 11, 12, 48, 16, 3, (0, 0), (0, 0)),
    "one-sided padding": (2, 10, 9, 16, 16, 5, (0, 3), (4, 1)),
    "smaller than a tile": (5, 2, 3, 16, 16, 3, (1, 1), (1, 1)),
    "many tiles": (9, 29, 29, 16, 16, 3, (1, 1), (1, 1)),
    "large filter": (1, 14, 14, 192, 208, 3, (1, 1), (1, 1)),
    "a filter larger than the images": (3, 13, 11, 32, 80, 3, (1, 1), (1, 1)),
    "a larger filter, 5x5": (1, 7, 7, 48, 128, 5, (2, 2), (2, 2)),
}


@pytest.fixture(params=_CASES)
def case(request):
    """Images, filter, gradients of the result, and the paddings as ATen and as our functions take them."""
    batch, height, width, depth, out_depth, window, before, behind = _CASES[request.param]
    generator = torch.Generator().manual_seed(7)
    images = torch.randn(batch, height, width, depth, generator=generator)
    filter = torch.randn(window, window, depth, out_depth, generator=generator) / (window * depth**0.5)
    sizes = [size + a + b - window + 1 for size, a, b in zip((height, width), before, behind, strict=True)]
    gradients = torch.randn(batch, *sizes, out_depth, generator=generator)
    return images, filter, gradients, before, behind


def _by_definition(images, filter, before, behind):
    padded = torch.nn.functional.pad(images.permute(0, 3, 1, 2), (before[1], behind[1], before[0], behind[0]))
    return torch.conv2d(padded, filter.permute(3, 2, 0, 1)).permute(0, 2, 3, 1)


def _check_close(value, expected, tolerance):
    """To a share of the largest number: a transform mixes numbers of a tile, so the small ones are not more exact."""
    assert value.shape == expected.shape
    np.testing.assert_allclose(value, expected, rtol=0, atol=tolerance * float(expected.abs().max()))


def test_convolution(case):
    images, filter, gradients, before, behind = case
    value = winograd.convolve(images, filter, NOTHING, before, gradients.shape[1:3])[0]
    _check_close(value, _by_definition(images.double(), filter.double(), before, behind), 5e-6)


def test_gradients(case):
    images, filter, gradients, before, behind = case
    x, w = images.double().requires_grad_(), filter.double().requires_grad_()
    _by_definition(x, w, before, behind).backward(gradients.double())
    _check_close(winograd.input_gradient(filter, gradients, before, images.shape[1:3]), x.grad, 3e-5)
    _check_close(winograd.filter_gradient(images, gradients, before, filter.shape[0]), w.grad, 3e-5)


@pytest.mark.parametrize("numbers", [1, 100_000])
def test_the_gradient_of_a_large_filter_comes_block_by_block(case, numbers, monkeypatch):
    images, filter, gradients, before, _ = case
    expected = winograd.filter_gradient(images, gradients, before, filter.shape[0])
    monkeypatch.setattr(winograd, "_LARGEST_COPY", 0)
    monkeypatch.setattr(winograd, "_SHARED_NUMBERS", numbers)
    monkeypatch.setattr(winograd, "_GRADIENT_BLOCK", 3)
    _check_close(winograd.filter_gradient(images, gradients, before, filter.shape[0]), expected, 1e-5)


@pytest.mark.parametrize("out_depth", [32, 144])
def test_a_transformed_filter(out_depth):
    images, filter, bias = torch.randn(1, 8, 9, 16), torch.randn(3, 3, 16, out_depth), torch.randn(out_depth)
    rest = Ending(bias, "Relu"), (1, 1), (8, 9)
    value, _ = winograd.convolve_transformed(images, winograd.transformed(filter), 3, *rest)
    torch.testing.assert_close(value, winograd.convolve(images, filter, *rest)[0])


@pytest.mark.parametrize("out_depth", [32, 144])
def test_bias_and_relu(out_depth):
    images, filter = torch.randn(1, 8, 8, 16), torch.randn(3, 3, 16, out_depth)
    bias = torch.randn(out_depth)
    plain, with_bias, both = (winograd.convolve(images, filter, ending, (1, 1), (8, 8))[0]
                              for ending in (NOTHING, Ending(bias), Ending(bias, "Relu")))  # fmt: skip
    torch.testing.assert_close(with_bias, plain + bias)
    torch.testing.assert_close(both, torch.relu(plain + bias))


@pytest.mark.parametrize("with_places", [True, False])
@pytest.mark.parametrize("sizes", [(8, 8), (6, 10)])
@pytest.mark.parametrize(("window", "out_depth"), [(3, 32), (5, 32), (3, 144)])
def test_pool(window, out_depth, sizes, with_places):
    images, filter = torch.randn(2, *sizes, 16), torch.randn(window, window, 16, out_depth)
    bias = torch.randn(out_depth)
    images[0, 0, 0] = torch.nan
    pads = (window // 2, window // 2)
    whole, _ = winograd.convolve(images, filter, Ending(bias, "Relu"), pads, sizes)
    value, places = winograd.convolve(images, filter, Ending(bias, "Relu", True, with_places), pads, sizes)
    expected, expected_places = max_pool.max_pool_with_places(whole, [1, 2, 2, 1], [1, 2, 2, 1], b"VALID")
    torch.testing.assert_close(value, expected, rtol=0, atol=0, equal_nan=True)
    assert places is None if not with_places else torch.equal(places, expected_places)


def test_relu_keeps_nan():
    images = torch.full((1, 8, 8, 16), torch.nan)
    result, _ = winograd.convolve(images, torch.ones(3, 3, 16, 16), Ending(None, "Relu"), (1, 1), (8, 8))
    assert result.isnan().all()


def test_equal_bits_in_every_run():
    images, filter = torch.randn(4, 24, 24, 64), torch.randn(5, 5, 64, 64)
    gradients = torch.randn(4, 24, 24, 64)
    for function in [lambda: winograd.convolve(images, filter, NOTHING, (2, 2), (24, 24))[0],
                     lambda: winograd.filter_gradient(images, gradients, (2, 2), 5)]:  # fmt: skip
        assert torch.equal(function(), function())


@pytest.mark.parametrize(("window", "strides", "dilations", "depth", "out_depth", "expected"), [
    ((3, 3), (1, 1), (1, 1), 16, 32, True),
    ((5, 5), (1, 1), (1, 1), 64, 64, True),
    ((3, 5), (1, 1), (1, 1), 16, 32, False),
    ((1, 1), (1, 1), (1, 1), 16, 32, False),
    ((3, 3), (2, 1), (1, 1), 16, 32, False),
    ((3, 3), (1, 1), (2, 2), 16, 32, False),
    ((3, 3), (1, 1), (1, 1), 3, 64, False),
    ((3, 3), (1, 1), (1, 1), 16, 24, False),
    ((3, 3), (1, 1), (1, 1), 0, 16, False),
])  # fmt: skip
def test_what_suits(window, strides, dilations, depth, out_depth, expected):
    assert winograd.suits(window, strides, dilations, depth, out_depth) is expected


def _steps():
    """Losses of a few steps of a net whose convolutions suit, and the source of the step."""
    with tf.Graph().as_default():
        random = np.random.RandomState(0)
        x = tf.placeholder(tf.float32, [None, 20, 20, 16])
        hidden = x
        for i, window in enumerate((3, 5)):
            w = tf.Variable(random.randn(window, window, 16, 16).astype("f") * 0.05, name=f"w{i}")
            b = tf.Variable(np.zeros(16, "f"), name=f"b{i}")
            hidden = tf.nn.relu(tf.nn.bias_add(tf.nn.conv2d(hidden, w, [1, 1, 1, 1], "SAME"), b))
        loss = tf.reduce_mean(tf.square(hidden - 1))
        train = tf.train.GradientDescentOptimizer(0.1).minimize(loss)
        data = random.randn(4, 20, 20, 16).astype("f")
        with tf.Session() as session:
            session.run(tf.global_variables_initializer())
            plan = session.plan([loss, train]).source
            return [session.run([loss, train], {x: data})[0] for _ in range(4)], plan


def test_sessions_use_it_for_training(monkeypatch):
    used = []
    for name in ("convolve", "input_gradient", "filter_gradient"):
        function = getattr(winograd, name)
        monkeypatch.setattr(winograd, name, lambda *a, n=name, f=function: used.append(n) or f(*a))
    losses, source = _steps()
    assert "torch.conv2d" not in source
    assert {name: used.count(name) for name in used} == {"convolve": 8, "input_gradient": 4, "filter_gradient": 8}
    monkeypatch.setattr(winograd, "load", lambda: None)
    plain_losses, plain_source = _steps()
    assert "torch.conv2d" in plain_source
    np.testing.assert_allclose(losses, plain_losses, rtol=1e-5)


def test_the_environment_turns_it_off(monkeypatch):
    monkeypatch.setenv("REFLOW_WINOGRAD", "0")
    winograd.load.cache_clear()
    assert winograd.load() is None
    monkeypatch.delenv("REFLOW_WINOGRAD")
    winograd.load.cache_clear()
    assert winograd.load() is native.load(winograd._SOURCE, winograd._prepare)
