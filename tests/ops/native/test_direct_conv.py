"""Direct convolutions against ATen's in double precision."""

import pytest
import torch

from reflow.ops.native import direct_conv
from reflow.ops.native.direct_conv import Frame
from reflow.ops.native.ending import NOTHING, Ending
from reflow.ops.output_activations import activated

pytestmark = pytest.mark.skipif(direct_conv.load() is None, reason="the C kernel cannot be built here")

# images, window, columns of each part, strides, pads before, pads behind
_CASES = {
    "products": ((1, 7, 7, 50), (1, 1), (16, 40, 3), (1, 1), (0, 0), (0, 0)),
    "products of several images": ((3, 5, 11, 7), (1, 1), (33,), (1, 1), (0, 0), (0, 0)),
    "more images than a chunk": ((5, 30, 31, 24), (1, 1), (32, 20), (1, 1), (0, 0), (0, 0)),
    "inception": ((1, 14, 14, 24), (5, 5), (64,), (1, 1), (2, 2), (2, 2)),
    "GoogLeNet": ((1, 23, 20, 3), (7, 7), (64,), (2, 2), (2, 3), (3, 3)),
    "without borders": ((2, 9, 16, 5), (2, 3), (17,), (1, 2), (0, 0), (0, 0)),
    "strides and pads that differ": ((2, 9, 17, 2), (3, 4), (32,), (2, 3), (1, 0), (0, 2)),
    "a stride beyond the window": ((1, 16, 16, 4), (2, 1), (48,), (5, 4), (0, 0), (0, 0)),
    "1x1 with a stride": ((2, 9, 9, 12), (1, 1), (16,), (2, 2), (0, 0), (0, 0)),
    "many chunks with borders": ((4, 40, 37, 8), (3, 3), (96,), (1, 1), (1, 1), (1, 1)),
}


@pytest.fixture(params=_CASES)
def case(request):
    """Images, filters, window, frame, and paddings as ATen takes them."""
    sizes, window, columns, strides, before, behind = _CASES[request.param]
    generator = torch.Generator().manual_seed(3)
    images = torch.randn(sizes, generator=generator)
    filters = [torch.randn(*window, sizes[3], count, generator=generator) for count in columns]
    places = [(size + a + b - w) // stride + 1
              for size, a, b, w, stride in zip(sizes[1:3], before, behind, window, strides, strict=True)]  # fmt: skip
    return images, filters, window, Frame(strides, before, places), (before[1], behind[1], before[0], behind[0])


def _by_definition(images, filter, bias, frame, pads):
    padded = torch.nn.functional.pad(images.double().permute(0, 3, 1, 2), pads)
    filter, bias = filter.double().permute(3, 2, 0, 1), None if bias is None else bias.double()
    return torch.conv2d(padded, filter, bias, stride=frame.strides).permute(0, 2, 3, 1)


@pytest.mark.parametrize("with_bias, activation", [(False, ""), (True, ""), (True, "Relu"), (True, "Relu6")])
def test_convolution(case, with_bias, activation):
    images, filters, window, frame, pads = case
    biases = [torch.randn(f.shape[3]) if with_bias else None for f in filters]
    packed = torch.cat([direct_conv.packed(f) for f in filters])
    packed_bias = torch.cat([direct_conv.packed_bias(b, f.shape[3]) for b, f in zip(biases, filters, strict=True)])
    parts = [(f.shape[3], activation) for f in filters]
    results = direct_conv.convolve(images, packed, packed_bias, window, frame, parts)
    for result, filter, bias in zip(results, filters, biases, strict=True):
        want = _by_definition(images, filter, bias, frame, pads)
        want = activated(want, activation)
        torch.testing.assert_close(result, want.float(), rtol=1e-5, atol=1e-4)


def test_parts_have_a_relu_each():
    images, filter = torch.full((1, 1, 2, 1), -1.0), torch.ones(1, 1, 1, 3)
    packed, bias = direct_conv.packed(filter), direct_conv.packed_bias(None, 3)
    frame = Frame((1, 1), (0, 0), (1, 2))
    with_relu, without = direct_conv.convolve(
        images, torch.cat([packed] * 2), torch.cat([bias] * 2), (1, 1), frame, [(3, "Relu"), (3, "")]
    )  # fmt: skip
    assert (with_relu == 0).all() and (without == -1).all()


def test_a_nan_stays_one():
    images, filter = torch.full((1, 1, 20, 1), float("nan")), torch.ones(1, 1, 1, 16)
    frame = Frame((1, 1), (0, 0), (1, 20))
    (result,) = direct_conv.convolve(
        images, direct_conv.packed(filter), direct_conv.packed_bias(None, 16), (1, 1), frame, [(16, "Relu")]
    )  # fmt: skip
    assert result.isnan().all()


def test_too_few_pixels_and_dilations_do_not_suit():
    assert direct_conv.suits((1, 1), 1, (7, 7))
    assert not direct_conv.suits((2, 1), 1, (7, 7))
    assert not direct_conv.suits((1, 1), 1, (2, 2))


@pytest.mark.parametrize("depth, columns", [(16, 32), (50, 23), (7, 48)])
def test_products_with_filters_that_are_not_packed(depth, columns):
    images, filter, bias = torch.randn(3, 5, 6, depth), torch.randn(1, 1, depth, columns), torch.randn(columns)
    frame = Frame((1, 1), (0, 0), (5, 6))
    want = images.double() @ filter[0, 0].double()
    plain = direct_conv.convolve_plain(images, filter, NOTHING, frame)
    torch.testing.assert_close(plain, want.float(), rtol=1e-5, atol=1e-4)
    with_bias = direct_conv.convolve_plain(images, filter, Ending(bias, "Relu"), frame)
    torch.testing.assert_close(with_bias, torch.relu(want + bias).float(), rtol=1e-5, atol=1e-4)
    gradients = torch.randn(3, 5, 6, columns)
    by_images = direct_conv.input_gradient(filter, gradients)
    wanted = (gradients.double() @ filter[0, 0].double().t()).float()
    torch.testing.assert_close(by_images, wanted, rtol=1e-5, atol=1e-4)
