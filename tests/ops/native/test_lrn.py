"""Local response normalization in C against its definition in double precision."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import lrn as lrn_native

pytestmark = pytest.mark.skipif(lrn_native.load() is None, reason="the C kernel cannot be built here")

# Shapes of images, and the radius: less than a vector, whole ones, a rest; more pixels than a block, and fewer.
_CASES = [
    ((2, 3, 5, 1), 2), ((2, 3, 3, 3), 1), ((1, 4, 4, 16), 5), ((3, 5, 5, 37), 5), ((2, 3, 3, 64), 4),
    ((1, 2, 2, 48), 0), ((1, 1, 1, 33), 16), ((2, 2, 2, 20), 19), ((2, 2, 2, 20), 1000), ((5, 7, 9, 24), 20),
]  # fmt: skip


def _by_definition(images, depth_radius, bias, alpha, beta):
    channels = torch.arange(images.shape[-1])
    band = ((channels[:, None] - channels).abs() <= depth_radius).double()
    return images * (bias + alpha * (images.square() @ band)) ** -beta


@pytest.mark.parametrize("beta", [0.5, 0.75, 1.0])
@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape, radius", _CASES)
def test_values_and_gradients(shape, radius, threads, beta, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(lrn_native, "_PARALLEL", 0)
    generator = torch.Generator().manual_seed(5)
    images, gradients = (torch.randn(shape, generator=generator) for _ in range(2))
    attrs = {"depth_radius": radius, "bias": 1.5, "alpha": 0.3, "beta": beta}
    x = images.double().requires_grad_()
    expected = _by_definition(x, **attrs)
    expected.backward(gradients.double())
    np.testing.assert_allclose(lrn_native.native_lrn(images, **attrs), expected.detach(), rtol=1e-6, atol=1e-7)
    value = lrn_native.native_lrn_grad(gradients, images, **attrs)
    np.testing.assert_allclose(value, x.grad, rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("depth", [5, 40])
def test_zeros_with_a_bias_of_zero(depth):
    """0 / 0 stays where it is: channels beside zeros are numbers."""
    images = torch.ones(1, 1, 2, depth)
    images[0, 0, 0, :3] = 0
    attrs = {"depth_radius": 1, "bias": 0.0, "alpha": 1.0, "beta": 0.5}
    value = lrn_native.native_lrn(images, **attrs)
    assert value[0, 0, 0].isnan().tolist() == [True, True] + [False] * (depth - 2)
    gradient = lrn_native.native_lrn_grad(torch.ones_like(images), images, **attrs)
    assert gradient[0, 0, 0].isfinite().tolist() == [False] * 3 + [True] * (depth - 3)
    assert gradient[0, 0, 1].isfinite().all()


def test_equal_bits_in_every_run():
    images, gradients = torch.randn(9, 12, 12, 64), torch.randn(9, 12, 12, 64)
    attrs = {"depth_radius": 4, "bias": 1.0, "alpha": 0.01, "beta": 0.75}
    for function in [lambda: lrn_native.native_lrn(images, **attrs),
                     lambda: lrn_native.native_lrn_grad(gradients, images, **attrs)]:  # fmt: skip
        assert torch.equal(function(), function())


def test_what_fits():
    assert lrn_native.fits(tf.float32, 2, 0.75)
    assert not lrn_native.fits(tf.float32, 2, 0.6)
    assert not lrn_native.fits(tf.float32, -1, 0.75)
    assert not lrn_native.fits(tf.float16, 2, 0.75)


@pytest.mark.parametrize("shape", [[0, 2, 2, 4], [2, 2, 2, 0]])
def test_no_numbers(shape):
    x = tf.placeholder(tf.float32, [None, 2, 2, None])
    y = tf.nn.lrn(x, 2, beta=0.75)
    for value in tf.Session().run([y, tf.gradients(y, x)[0]], {x: np.zeros(shape)}):
        assert value.shape == tuple(shape)


def test_sessions_use_it(monkeypatch):
    x = tf.placeholder(tf.float32, [2, 3, 4, 8])
    y = tf.nn.lrn(tf.transpose(x, [0, 3, 2, 1]), 2, beta=0.75)  # no contiguous images
    fetches = [y, tf.gradients(tf.reduce_sum(tf.square(y)), x)[0]]
    image = np.random.RandomState(0).randn(2, 3, 4, 8)
    session = tf.Session()
    assert "native_lrn(" in session.plan(fetches, [x]).source
    assert "native_lrn_grad(" in session.plan(fetches, [x]).source
    values = session.run(fetches, {x: image})
    monkeypatch.setattr(lrn_native, "load", lambda: None)
    session = tf.Session()
    assert "native_lrn" not in session.plan(fetches, [x]).source
    for value, expected in zip(values, session.run(fetches, {x: image}), strict=True):
        np.testing.assert_allclose(value, expected, rtol=1e-5, atol=1e-6)
