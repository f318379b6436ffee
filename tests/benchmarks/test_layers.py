import math

import pytest

from benchmarks.cases import CASES, NETWORKS
from benchmarks.layers.shapes import ShapeLayers, output_size, same_padding
from benchmarks.models.base import initial_values


@pytest.mark.parametrize(
    ("size", "window", "stride", "padding", "output"),
    [(224, 7, 2, "SAME", 112), (227, 11, 4, "VALID", 55), (24, 3, 2, "SAME", 12), (7, 7, 1, "VALID", 1)],
)
def test_output_size(size, window, stride, padding, output):
    assert output_size(size, window, stride, padding) == output


def test_same_padding_puts_the_odd_one_behind():
    assert same_padding(224, 7, 2) == (2, 3)
    assert same_padding(24, 3, 2) == (0, 1)
    assert same_padding(24, 5, 1) == (2, 2)


def test_convolution_counts_its_multiply_adds():
    layers = ShapeLayers()
    assert layers.conv("c", (2, 10, 10, 3), 8, 5, padding="VALID") == (2, 6, 6, 8)
    assert layers.multiply_adds == [2 * 6 * 6 * 8 * 75]
    assert layers.parameters["c_weights"].shape == (5, 5, 3, 8)


# Parameters and multiply-adds of one image: AlexNet and VGG-A as torchvision's documentation has them, OverFeat's
# connections as in the paper's table, GoogLeNet as usually counted (7.00 million, 1.60 billion).
PUBLISHED = {
    "alexnet": (61_100_840, 0.71e9),
    "vgg_a": (132_863_336, 7.61e9),
    "overfeat": (145e6, 2.81e9),
    "googlenet": (7.00e6, 1.60e9),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_networks_have_the_published_size(name):
    model = CASES[name].model
    size = sum(math.prod(shape) for shape, _ in model.parameters().values())
    parameters, multiply_adds = PUBLISHED[name]
    assert size == pytest.approx(parameters, rel=0.01)
    assert model.multiply_adds(1)[0] == pytest.approx(multiply_adds, rel=0.02)


def test_initial_values_are_the_same_each_time_and_have_their_scale():
    model = CASES["mlp"].model
    first, second = initial_values(model), initial_values(model)
    for name, (shape, scale) in model.parameters().items():
        assert first[name].shape == shape
        assert (first[name] == second[name]).all()
        assert first[name].std() == pytest.approx(scale, rel=0.1)
