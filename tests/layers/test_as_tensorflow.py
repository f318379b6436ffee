"""The graphs, numbers and errors of all layers against TensorFlow 1.15.5."""

from tests.ops.recorded import Recorded

plain = Recorded("layers")
spatial = Recorded("spatial_layers")


@plain.each_case
def test_plain_layers(name):
    plain.check(name)


@spatial.each_case
def test_spatial_layers(name):
    spatial.check(name)
