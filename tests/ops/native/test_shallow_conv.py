"""Convolutions of few channels against ATen's in double precision."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import max_pool, shallow_conv
from reflow.ops.native.ending import NOTHING, Ending
from reflow.ops.native.shallow_conv import Frame
from reflow.ops.output_activations import activated

pytestmark = pytest.mark.skipif(shallow_conv.load() is None, reason="the C kernel cannot be built here")

# images, window, channels of the result, strides, pads before, pads behind
_CASES = {
    "LeNet": ((3, 28, 28, 1), (5, 5), 32, (1, 1), (2, 2), (2, 2)),
    "AlexNet": ((2, 35, 35, 3), (11, 11), 64, (4, 4), (0, 0), (0, 0)),
    "GoogLeNet": ((2, 23, 20, 3), (7, 7), 32, (2, 2), (2, 3), (3, 3)),
    "strides and pads that differ": ((2, 9, 17, 2), (3, 4), 32, (2, 3), (1, 0), (0, 2)),
    "a stride beyond the window": ((1, 16, 16, 4), (2, 1), 64, (5, 4), (0, 0), (0, 0)),
    "one place": ((4, 3, 3, 3), (3, 3), 32, (1, 1), (0, 0), (0, 0)),
    "one image": ((1, 40, 37, 3), (3, 3), 96, (1, 1), (1, 1), (1, 1)),
}


@pytest.fixture(params=_CASES)
def case(request):
    """Images, filter, gradients of the result, frame, and paddings as ATen takes them."""
    sizes, window, out_depth, strides, before, behind = _CASES[request.param]
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(sizes, generator=generator)
    filter = torch.randn(*window, sizes[3], out_depth, generator=generator)
    places = [(size + a + b - w) // stride + 1
              for size, a, b, w, stride in zip(sizes[1:3], before, behind, window, strides, strict=True)]  # fmt: skip
    gradients = torch.randn(sizes[0], *places, out_depth, generator=generator)
    return images, filter, gradients, Frame(strides, before, places), (before[1], behind[1], before[0], behind[0])


def _by_definition(images, filter, frame, pads):
    padded = torch.nn.functional.pad(images.permute(0, 3, 1, 2), pads)
    return torch.conv2d(padded, filter.permute(3, 2, 0, 1), stride=frame.strides).permute(0, 2, 3, 1)


def test_convolution(case):
    images, filter, _, frame, pads = case
    expected = _by_definition(images.double(), filter.double(), frame, pads)
    bias = torch.randn(filter.shape[3])
    for activation in ("", "Relu", "Relu6"):
        value, _ = shallow_conv.convolve(images, filter, Ending(bias, activation), frame)
        want = activated(expected + bias, activation)
        torch.testing.assert_close(value, want.float(), rtol=1e-5, atol=1e-4)
    torch.testing.assert_close(
        shallow_conv.convolve(images, filter, NOTHING, frame)[0], expected.float(), rtol=1e-5, atol=1e-4
    )


def test_filter_gradient(case):
    images, filter, gradients, frame, pads = case
    w = filter.double().requires_grad_()
    _by_definition(images.double(), w, frame, pads).backward(gradients.double())
    value = shallow_conv.filter_gradient(images, gradients, frame, filter.shape[:2])
    torch.testing.assert_close(value, w.grad.float(), rtol=1e-5, atol=1e-3)


def test_relu_keeps_nan():
    images = torch.full((1, 6, 6, 1), torch.nan)
    frame = Frame((1, 1), (0, 0), (4, 4))
    assert shallow_conv.convolve(images, torch.ones(3, 3, 1, 32), Ending(None, "Relu"), frame)[0].isnan().all()


@pytest.mark.parametrize("batch", [1, 3])
def test_pool(batch):
    images, filter, bias = torch.randn(batch, 23, 35, 3), torch.randn(4, 5, 3, 64), torch.randn(64)
    images[0, 3, 3, 0] = torch.nan
    frame = Frame((2, 1), (1, 2), (10, 34))
    whole, _ = shallow_conv.convolve(images, filter, Ending(bias, "Relu"), frame)
    value, places = shallow_conv.convolve(images, filter, Ending(bias, "Relu", True, True), frame)
    expected, expected_places = max_pool.max_pool_with_places(whole, [1, 2, 2, 1], [1, 2, 2, 1], b"VALID")
    torch.testing.assert_close(value, expected, rtol=0, atol=0, equal_nan=True)
    assert torch.equal(places, expected_places)


@pytest.mark.parametrize(("dilations", "depth", "out_depth", "expected"), [
    ((1, 1), 3, 64, True), ((1, 1), 1, 32, True), ((2, 2), 3, 64, False), ((1, 1), 5, 64, False),
    ((1, 1), 3, 48, False), ((1, 1), 0, 32, False),
])  # fmt: skip
def test_what_suits(dilations, depth, out_depth, expected):
    assert shallow_conv.suits(dilations, depth, out_depth) is expected


@pytest.mark.parametrize("padding", ["SAME", "VALID", [[0, 0], [1, 2], [0, 3], [0, 0]]])
def test_sessions_use_it(padding, monkeypatch):
    random = np.random.RandomState(0)
    x = tf.placeholder(tf.float32, [None, 21, 19, 3])
    w = tf.Variable(random.randn(4, 5, 3, 32).astype("f"))
    y = tf.nn.relu(tf.nn.conv2d(x, w, [1, 2, 3, 1], padding) + np.float32(0.5) * tf.ones([32]))
    fetches = [y, tf.gradients(tf.square(y), w)[0]]
    data = random.randn(5, 21, 19, 3).astype("f")
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        assert "torch.conv2d" not in session.plan(fetches, {x: data}).source
        values = session.run(fetches, {x: data})
        empty = session.run(fetches, {x: data[:0]})
    monkeypatch.setattr(shallow_conv, "load", lambda: None)
    with tf.Session() as session:
        session.run(tf.global_variables_initializer())
        for value, expected in zip(values, session.run(fetches, {x: data}), strict=True):
            np.testing.assert_allclose(value, expected, rtol=1e-4, atol=1e-3)
        for value, expected in zip(empty, session.run(fetches, {x: data[:0]}), strict=True):
            np.testing.assert_array_equal(value, expected)
