"""GoogLeNet v1 without the auxiliary classifiers (Szegedy et al., "Going deeper with convolutions", 2014, table 1)."""

from benchmarks.models.convnet import ConvNet

# Channels of: 1x1; the 1x1 before 3x3, 3x3; the 1x1 before 5x5, 5x5; the 1x1 after the pool.
# None: a pool between stages.
MODULES = {
    "3a": (64, 96, 128, 16, 32, 32),
    "3b": (128, 128, 192, 32, 96, 64),
    "pool3": None,
    "4a": (192, 96, 208, 16, 48, 64),
    "4b": (160, 112, 224, 24, 64, 64),
    "4c": (128, 128, 256, 24, 64, 64),
    "4d": (112, 144, 288, 32, 64, 64),
    "4e": (256, 160, 320, 32, 128, 128),
    "pool4": None,
    "5a": (256, 160, 320, 32, 128, 128),
    "5b": (384, 192, 384, 48, 128, 128),
}


def inception(layers, name, x, one, three_in, three, five_in, five, pooled):
    """One module: four branches, concatenated along the channels."""
    branch3 = layers.conv(name + "_3x3", layers.conv(name + "_3x3_reduce", x, three_in, 1), three, 3)
    branch5 = layers.conv(name + "_5x5", layers.conv(name + "_5x5_reduce", x, five_in, 1), five, 5)
    branch1 = layers.conv(name + "_1x1", x, one, 1)
    branch_pool = layers.conv(name + "_pool", layers.max_pool(x, 3, 1), pooled, 1)
    return layers.concat([branch1, branch3, branch5, branch_pool])


class GoogLeNet(ConvNet):
    name = "googlenet"
    batch = 16

    def network(self, layers, images):
        x = layers.max_pool(layers.conv("conv1", images, 64, 7, stride=2), 3, 2)
        x = layers.conv("conv2", layers.conv("conv2_reduce", x, 64, 1), 192, 3)
        x = layers.max_pool(x, 3, 2)
        for name, channels in MODULES.items():
            x = inception(layers, "inception" + name, x, *channels) if channels else layers.max_pool(x, 3, 2)
        x = layers.flatten(layers.average_pool(x, 7, 1, padding="VALID"))
        return layers.dense("logits", x, self.classes, relu=False)


MODEL = GoogLeNet()
