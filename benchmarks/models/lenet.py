"""LeNet on images of MNIST's size: two 5x5 convolutions of 32 and 64 channels, 512 units with dropout, Adam."""

from benchmarks.models.convnet import ConvNet


class LeNet(ConvNet):
    name = "lenet"
    batch = 64
    size, channels, classes = 28, 1, 10
    optimizer = "adam"
    learning_rate = 0.001
    dropout = 0.5

    def network(self, layers, images):
        x = layers.conv("conv1", images, 32, 5)
        x = layers.max_pool(x, 2, 2)
        x = layers.conv("conv2", x, 64, 5)
        x = layers.max_pool(x, 2, 2)
        x = layers.dense("hidden", layers.flatten(x), 512)
        x = layers.dropout(x, self.dropout)
        return layers.dense("logits", x, self.classes, relu=False)


MODEL = LeNet()
