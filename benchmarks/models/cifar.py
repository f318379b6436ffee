"""The network of TensorFlow's CIFAR-10 tutorial: 24x24 crops, local response normalization, weight decay, SGD.

The learning rate is a hundredth of the tutorial's: on the benchmark's images, which are noise, larger steps let
rounding decide which units die, and the losses of two implementations part.
"""

from benchmarks.models.convnet import ConvNet

LRN = {"radius": 4, "bias": 1.0, "alpha": 0.001 / 9.0, "beta": 0.75}


class Cifar(ConvNet):
    name = "cifar"
    batch = 128
    size, classes = 24, 10
    learning_rate = 0.001
    decay = {"local3_weights": 0.004, "local4_weights": 0.004}

    def network(self, layers, images):
        x = layers.conv("conv1", images, 64, 5)
        x = layers.lrn(layers.max_pool(x, 3, 2), **LRN)
        x = layers.conv("conv2", x, 64, 5)
        x = layers.max_pool(layers.lrn(x, **LRN), 3, 2)
        x = layers.dense("local3", layers.flatten(x), 384)
        x = layers.dense("local4", x, 192)
        return layers.dense("logits", x, self.classes, relu=False)


MODEL = Cifar()
