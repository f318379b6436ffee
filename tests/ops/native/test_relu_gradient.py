"""The gradient of a ReLU with its sums, in C, against PyTorch's in double precision."""

import numpy as np
import pytest
import torch

import reflow as tf
from reflow.ops.native import relu_gradient
from reflow.ops.native.kernel import row_stride

pytestmark = pytest.mark.skipif(relu_gradient.load() is None, reason="the C kernel cannot be built here")


def _numbers(shape):
    generator = torch.Generator().manual_seed(3)
    return torch.randn(shape, generator=generator), torch.randn(shape, generator=generator).relu_()


@pytest.mark.parametrize("threads", [1, 2])
@pytest.mark.parametrize("shape", [(1, 1), (7, 3), (256, 16), (257, 37), (3, 20, 30, 20), (5, 9, 65)])
def test_values_and_sums(shape, threads, monkeypatch):
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    monkeypatch.setattr(relu_gradient, "_PARALLEL", 0)
    gradients, features = _numbers(shape)
    expected = gradients.double() * (features > 0)
    for out in None, gradients:
        values, sums = relu_gradient.native_relu_and_bias_gradient(gradients, features, out=out)
        assert torch.equal(values.double(), expected)
        torch.testing.assert_close(sums.double(), expected.flatten(0, -2).sum(0), rtol=1e-6, atol=1e-5)
        assert sums.is_contiguous()
    assert values is gradients


def test_sums_do_not_depend_on_the_number_of_threads(monkeypatch):
    numbers = _numbers((3000, 50))
    sums = []
    for threads in 1, 2:
        monkeypatch.setattr(torch, "get_num_threads", lambda n=threads: n)
        sums.append(relu_gradient.native_relu_and_bias_gradient(*numbers)[1])
    assert torch.equal(*sums)


def test_many_rows_are_summed_exactly():
    """One after the other, a million numbers of 0.1 would be summed with an error of 1 %."""
    gradients = torch.full((1 << 20, 1), 0.1)
    _, sums = relu_gradient.native_relu_and_bias_gradient(gradients, torch.ones_like(gradients))
    np.testing.assert_allclose(sums, [0.1 * (1 << 20)], rtol=1e-5)


def test_a_gradient_beside_a_nan_passes_as_it_does_without_the_kernel():
    gradients, features = torch.tensor([[1.0, 2.0, torch.nan]]), torch.tensor([[torch.nan, -1.0, 1.0]])
    values, sums = relu_gradient.native_relu_and_bias_gradient(gradients, features)
    plain, plain_sums = relu_gradient._relu_and_bias_gradient(gradients, features)
    torch.testing.assert_close(values, plain, equal_nan=True)
    torch.testing.assert_close(sums, plain_sums, equal_nan=True)


@pytest.mark.parametrize("in_place", [False, True])
def test_tensors_of_other_strides(in_place):
    gradients, features = (t.transpose(0, 1) for t in _numbers((40, 30)))
    expected = gradients * (features > 0)
    values, sums = relu_gradient.native_relu_and_bias_gradient(gradients, features, gradients if in_place else None)
    assert torch.equal(values, expected)
    torch.testing.assert_close(sums, expected.sum(0))


@pytest.mark.parametrize("shape", [(0, 3), (2, 0), (0, 2, 4)])
def test_no_numbers(shape):
    values, sums = relu_gradient.native_relu_and_bias_gradient(torch.ones(shape), torch.ones(shape))
    assert values.shape == shape
    assert torch.equal(sums, torch.zeros(shape[-1]))


def test_what_fits():
    assert relu_gradient.fits(tf.float32)
    assert not relu_gradient.fits(tf.float64)


def test_some_channels_of_larger_tensors(monkeypatch):
    gradients, features = _numbers((3, 20, 30, 40))
    part = gradients[..., 4:24], features[..., 15:35]
    monkeypatch.setattr(relu_gradient, "_relu_and_bias_gradient", None)
    values, sums = relu_gradient.native_relu_and_bias_gradient(*part)
    wanted, wanted_sums = relu_gradient.native_relu_and_bias_gradient(*(t.contiguous() for t in part))
    assert values.is_contiguous() and torch.equal(values, wanted) and torch.equal(sums, wanted_sums)


def test_rows_that_are_not_equally_far_apart():
    gradients, features = _numbers((4, 6, 5))
    part = gradients[:, ::2][:, 1:], features[:, 2:4]
    values, sums = relu_gradient.native_relu_and_bias_gradient(gradients[:, 2:4], features[:, 2:4])
    assert torch.equal(values, gradients[:, 2:4] * (features[:, 2:4] > 0))
    assert row_stride(part[0]) is None
    torch.testing.assert_close(sums, values.sum((0, 1)))
