"""Maximum pools in C give the numbers of ATen's."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import max_pool as native_pool

pytestmark = pytest.mark.skipif(native_pool.load() is None, reason="no C compiler")

# (shape, window, stride): one channel, fewer than a vector, several vectors, and a rest; places in one group and more.
_CASES = [
    ((2, 7, 9, 1), (3, 3), (2, 2)), ((2, 7, 9, 5), (2, 3), (1, 2)), ((1, 8, 6, 16), (3, 3), (1, 1)),
    ((3, 5, 5, 37), (3, 3), (2, 2)), ((2, 9, 9, 32), (2, 2), (3, 3)), ((1, 4, 4, 18), (4, 4), (4, 4)),
    ((1, 40, 40, 33), (17, 15), (5, 3)), ((2, 11, 9, 70), (4, 4), (1, 1)), ((1, 5, 30, 3), (2, 2), (2, 2)),
    ((1, 1, 1, 1), (1, 1), (1, 1)), ((2, 6, 6, 96), (2, 2), (2, 2)), ((2, 6, 7, 64), (1, 2), (3, 2)),
]  # fmt: skip


def _pooled_by_aten(images, window, strides, padding, grad=None):
    """By PyTorch's autograd: the maxima, and the gradient by the images."""
    images = images.clone().requires_grad_()
    x = images.movedim(-1, 1)
    pads = []
    for size, k, s in zip(x.shape[2:], window, strides, strict=True):
        total = max((-(-size // s) - 1) * s + k - size, 0) if padding == b"SAME" else 0
        pads = [total // 2, total - total // 2, *pads]
    x = torch.nn.functional.pad(x, pads, value=-float("inf"))
    values = torch.nn.functional.max_pool2d(x, window, strides).movedim(1, -1)
    if grad is None:
        return values.detach()
    values.backward(grad)
    return images.grad


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("padding", [b"SAME", b"VALID"])
@pytest.mark.parametrize("shape, window, strides", _CASES)
def test_maxima_and_gradients(shape, window, strides, padding, threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(native_pool, "_NUMBERS_OF_A_THREAD", 0)
    random = torch.Generator().manual_seed(1)
    # Few different numbers: many maxima stand more than once in their window.
    images = torch.randint(-3, 3, shape, generator=random).float()
    attrs = [1, *window, 1], [1, *strides, 1], padding
    values, places = native_pool.max_pool_with_places(images, *attrs)
    want = _pooled_by_aten(images, window, strides, padding)
    torch.testing.assert_close(values, want, rtol=0, atol=0)
    torch.testing.assert_close(native_pool.max_pool(images, *attrs), want, rtol=0, atol=0)
    grad = torch.randint(-9, 9, values.shape, generator=random).float()
    got = native_pool.max_pool_gradient(grad, places, shape, *attrs)
    torch.testing.assert_close(got, _pooled_by_aten(images, window, strides, padding, grad), rtol=0, atol=0)


@pytest.mark.parametrize("depth", [3, 20])
def test_numbers_that_are_none_and_infinite_ones(depth):
    images = torch.full((1, 2, 6, depth), -float("inf"))
    images[0, 0, 1] = float("nan")
    images[0, 1, 3] = 2.0
    window = [1, 2, 2, 1]
    values, places = native_pool.max_pool_with_places(images, window, window, b"VALID")
    want = _pooled_by_aten(images, (2, 2), (2, 2), b"VALID")
    torch.testing.assert_close(values, want, rtol=0, atol=0, equal_nan=True)
    assert places[0, 0, :, 0].tolist() == [1, 3, 0]


def test_what_does_not_fit():
    ones, window = [1, 1, 1, 1], [1, 2, 2, 1]
    assert native_pool.fits(torch.float32, window, window, b"NHWC")
    assert not native_pool.fits(torch.float64, window, window, b"NHWC")
    assert not native_pool.fits(torch.float32, window, window, b"NCHW")
    assert not native_pool.fits(torch.float32, [1, 1, 1, 2], ones, b"NHWC")
    assert not native_pool.fits(torch.float32, [1, 17, 16, 1], ones, b"NHWC")


@pytest.mark.parametrize("shape", [[0, 4, 4, 2], [2, 4, 4, 0]])
def test_no_numbers(shape):
    x = tf.placeholder(tf.float32, [None, 4, 4, None])
    y = tf.nn.max_pool(x, [1, 2, 2, 1], [1, 2, 2, 1], "SAME")
    values, grad = tf.Session().run([y, tf.gradients(y, x)[0]], {x: np.zeros(shape)})
    assert values.shape == (shape[0], 2, 2, shape[3])
    assert grad.shape == tuple(shape)


def test_an_image_that_is_a_view():
    x = tf.placeholder(tf.float32, [1, 3, 4, 4])
    session = tf.Session()
    y = tf.nn.max_pool(tf.transpose(x, [0, 2, 3, 1]), [1, 2, 2, 1], [1, 2, 2, 1], "VALID")
    image = np.arange(48, dtype=np.float32).reshape(1, 3, 4, 4)
    want = image.reshape(3, 2, 2, 2, 2).max((2, 4)).transpose(1, 2, 0)[None]
    np.testing.assert_array_equal(session.run(y, {x: image}), want)
    assert "torch.max_pool2d" not in session.plan(y, [x]).source
