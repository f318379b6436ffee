"""OverFeat, the fast model (Sermanet et al., "OverFeat: Integrated Recognition, Localization and Detection", 2013)."""

from benchmarks.models.convnet import ConvNet


class OverFeat(ConvNet):
    name = "overfeat"
    batch = 8
    size = 231

    def network(self, layers, images):
        x = layers.conv("conv1", images, 96, 11, stride=4, padding="VALID")
        x = layers.max_pool(x, 2, 2, padding="VALID")
        x = layers.conv("conv2", x, 256, 5, padding="VALID")
        x = layers.max_pool(x, 2, 2, padding="VALID")
        x = layers.conv("conv3", x, 512, 3)
        x = layers.conv("conv4", x, 1024, 3)
        x = layers.conv("conv5", x, 1024, 3)
        x = layers.flatten(layers.max_pool(x, 2, 2, padding="VALID"))
        x = layers.dense("affine1", x, 3072)
        x = layers.dense("affine2", x, 4096)
        return layers.dense("logits", x, self.classes, relu=False)


MODEL = OverFeat()
