"""The layers in PyTorch: NCHW tensors in channels_last memory."""

from benchmarks.layers.shapes import same_padding


class TorchLayers:
    """`p` maps names to parameters; a convolution's are [out, in, height, width]."""

    def __init__(self, torch, p, training):
        self.torch, self.p, self.training = torch, p, training
        self.functional = torch.nn.functional

    def conv(self, name, x, channels, size, stride=1, padding="SAME", relu=True):
        before, after = same_padding(x.shape[-1], size, stride) if padding == "SAME" else (0, 0)
        if before != after:
            x = self.functional.pad(x, (before, after, before, after))
            before = 0
        x = self.functional.conv2d(x, self.p[name + "_weights"], self.p[name + "_biases"], stride, before)
        return self.functional.relu(x) if relu else x

    def max_pool(self, x, size, stride, padding="SAME"):
        before, after = same_padding(x.shape[-1], size, stride) if padding == "SAME" else (0, 0)
        # Padding at the end alone is what ceil_mode does; the networks here need no other uneven padding.
        assert before == after or (before == 0 and after < size)
        return self.functional.max_pool2d(x, size, stride, before, ceil_mode=before != after)

    def average_pool(self, x, size, stride, padding="SAME"):
        assert padding == "VALID"
        return self.functional.avg_pool2d(x, size, stride)

    def lrn(self, x, radius, bias, alpha, beta):
        # PyTorch divides alpha by the window's length, TensorFlow does not.
        length = 2 * radius + 1
        return self.functional.local_response_norm(x, length, alpha * length, beta, bias)

    def flatten(self, x):
        return x.permute(0, 2, 3, 1).flatten(1)

    def dense(self, name, x, units, relu=True):
        x = self.torch.addmm(self.p[name + "_biases"], x, self.p[name + "_weights"])
        return self.functional.relu(x) if relu else x

    def dropout(self, x, rate):
        return self.functional.dropout(x, rate, self.training)

    def concat(self, parts):
        return self.torch.cat(parts, 1)
