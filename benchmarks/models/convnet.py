"""Convolutional networks: described once, as a function of a `layers` object; see `benchmarks/layers/`."""

import numpy as np

from benchmarks.layers.shapes import ShapeLayers
from benchmarks.models.base import Model


class ConvNet(Model):
    """A network of images [batch, size, size, channels] to logits [batch, classes].

    A subclass writes `network(layers, images)`. Given TensorFlow's layers it is a 1.x program, given PyTorch's or JAX's
    it is theirs, and given `ShapeLayers` it tells the parameters' shapes and counts the multiply-adds.
    """

    size = 224
    channels = 3
    classes = 1000

    def network(self, layers, images):
        raise NotImplementedError

    def _shapes(self, batch):
        layers = ShapeLayers()
        self.network(layers, (batch, self.size, self.size, self.channels))
        return layers

    def parameters(self):
        return self._shapes(1).parameters

    def inputs(self, random, batch):
        return {
            "images": random.random_sample((batch, self.size, self.size, self.channels)).astype(np.float32) - 0.5,
            "labels": random.randint(0, self.classes, batch).astype(np.int32),
        }

    def multiply_adds(self, batch):
        products = self._shapes(batch).multiply_adds
        return sum(products), products[0]

    def tf_logits(self, tf, p, x, training):
        from benchmarks.layers.tensorflow_layers import TensorFlowLayers

        return self.network(TensorFlowLayers(tf, p, training), x["images"])

    def torch_logits(self, torch, p, x, training):
        from benchmarks.layers.torch_layers import TorchLayers

        # NHWC memory seen as channels_last NCHW: a view.
        return self.network(TorchLayers(torch, p, training), x["images"].permute(0, 3, 1, 2))

    def jax_logits(self, jax, p, x, training, key):
        from benchmarks.layers.jax_layers import JaxLayers

        return self.network(JaxLayers(jax, p, training, key), x["images"])

    def to_torch(self, name, value):
        return value.transpose(3, 2, 0, 1) if value.ndim == 4 else value
