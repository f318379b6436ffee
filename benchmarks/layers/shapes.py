"""Layers over shapes: tell a network's parameters and count its multiply-adds."""

from benchmarks.models.base import Parameter


def output_size(size, window, stride, padding):
    """Length of a convolution's or pool's output along one axis."""
    return -(-size // stride) if padding == "SAME" else (size - window) // stride + 1


def same_padding(size, window, stride):
    """TensorFlow's SAME padding along one axis: (before, after)."""
    total = max((output_size(size, window, stride, "SAME") - 1) * stride + window - size, 0)
    return total // 2, total - total // 2


class ShapeLayers:
    """A tensor here is its shape, NHWC; `parameters` and `multiply_adds` (one entry a layer) grow with each call."""

    def __init__(self):
        self.parameters = {}
        self.multiply_adds = []

    def _add(self, name, shape, fan_in):
        # He et al. 2015: keeps the activations' scale through ReLU layers.
        self.parameters[name + "_weights"] = Parameter(shape, (2.0 / fan_in) ** 0.5)
        self.parameters[name + "_biases"] = Parameter(shape[-1:], 0.0)

    def conv(self, name, x, channels, size, stride=1, padding="SAME", relu=True):
        batch, height, width, depth = x
        self._add(name, (size, size, depth, channels), size * size * depth)
        height = output_size(height, size, stride, padding)
        width = output_size(width, size, stride, padding)
        self.multiply_adds.append(batch * height * width * channels * size * size * depth)
        return batch, height, width, channels

    def max_pool(self, x, size, stride, padding="SAME"):
        batch, height, width, channels = x
        return (
            batch,
            output_size(height, size, stride, padding),
            output_size(width, size, stride, padding),
            channels,
        )

    average_pool = max_pool

    def lrn(self, x, radius, bias, alpha, beta):
        return x

    def flatten(self, x):
        batch, height, width, channels = x
        return batch, height * width * channels

    def dense(self, name, x, units, relu=True):
        batch, fan_in = x
        self._add(name, (fan_in, units), fan_in)
        self.multiply_adds.append(batch * fan_in * units)
        return batch, units

    def dropout(self, x, rate):
        return x

    def concat(self, parts):
        return parts[0][:-1] + (sum(part[-1] for part in parts),)
