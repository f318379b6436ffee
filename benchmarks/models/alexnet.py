"""AlexNet in one column (Krizhevsky, "One weird trick for parallelizing convolutional neural networks", 2014)."""

from benchmarks.models.convnet import ConvNet


class AlexNet(ConvNet):
    name = "alexnet"
    batch = 16
    size = 227

    def network(self, layers, images):
        x = layers.conv("conv1", images, 64, 11, stride=4, padding="VALID")
        x = layers.max_pool(x, 3, 2, padding="VALID")
        x = layers.conv("conv2", x, 192, 5)
        x = layers.max_pool(x, 3, 2, padding="VALID")
        x = layers.conv("conv3", x, 384, 3)
        x = layers.conv("conv4", x, 256, 3)
        x = layers.conv("conv5", x, 256, 3)
        x = layers.flatten(layers.max_pool(x, 3, 2, padding="VALID"))
        x = layers.dense("affine1", x, 4096)
        x = layers.dense("affine2", x, 4096)
        return layers.dense("logits", x, self.classes, relu=False)


MODEL = AlexNet()
