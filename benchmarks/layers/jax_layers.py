"""The layers in JAX, NHWC."""

import numpy as np


class JaxLayers:
    """`p` maps names to arrays in TensorFlow's layout; `key` seeds dropout."""

    def __init__(self, jax, p, training, key):
        self.jax, self.p, self.training, self.key = jax, p, training, key

    def _activate(self, name, x, relu):
        x = x + self.p[name + "_biases"]
        return self.jax.nn.relu(x) if relu else x

    def conv(self, name, x, channels, size, stride=1, padding="SAME", relu=True):
        x = self.jax.lax.conv_general_dilated(
            x, self.p[name + "_weights"], (stride, stride), padding, dimension_numbers=("NHWC", "HWIO", "NHWC")
        )
        return self._activate(name, x, relu)

    def _reduce_window(self, x, start, function, size, stride, padding):
        return self.jax.lax.reduce_window(x, start, function, (1, size, size, 1), (1, stride, stride, 1), padding)

    def max_pool(self, x, size, stride, padding="SAME"):
        return self._reduce_window(x, -np.inf, self.jax.lax.max, size, stride, padding)

    def average_pool(self, x, size, stride, padding="SAME"):
        assert padding == "VALID"
        return self._reduce_window(x, 0.0, self.jax.lax.add, size, stride, padding) / (size * size)

    def lrn(self, x, radius, bias, alpha, beta):
        window = (1, 1, 1, 2 * radius + 1)
        squares = self.jax.lax.reduce_window(x * x, 0.0, self.jax.lax.add, window, (1, 1, 1, 1), "SAME")
        return x * (bias + alpha * squares) ** -beta

    def flatten(self, x):
        return x.reshape(x.shape[0], -1)

    def dense(self, name, x, units, relu=True):
        return self._activate(name, x @ self.p[name + "_weights"], relu)

    def dropout(self, x, rate):
        if not (self.training and rate):
            return x
        keep = self.jax.random.bernoulli(self.key, 1.0 - rate, x.shape)
        return self.jax.numpy.where(keep, x / (1.0 - rate), 0.0)

    def concat(self, parts):
        return self.jax.numpy.concatenate(parts, 3)
