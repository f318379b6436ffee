"""VGG, configuration A (Simonyan & Zisserman, "Very deep convolutional networks", 2014)."""

from benchmarks.models.convnet import ConvNet

STAGES = ((64,), (128,), (256, 256), (512, 512), (512, 512))


class VggA(ConvNet):
    name = "vgg_a"
    batch = 8
    # Gradients of eight convolutions without normalization are large; the others' rate lets rounding grow to 4e-5.
    learning_rate = 1e-6

    def network(self, layers, images):
        x = images
        for stage, widths in enumerate(STAGES, 1):
            for index, channels in enumerate(widths, 1):
                x = layers.conv(f"conv{stage}_{index}", x, channels, 3)
            x = layers.max_pool(x, 2, 2, padding="VALID")
        x = layers.dense("affine1", layers.flatten(x), 4096)
        x = layers.dense("affine2", x, 4096)
        return layers.dense("logits", x, self.classes, relu=False)


MODEL = VggA()
