"""The layers as a 1.x program writes them."""

DROPOUT_SEED = 11


class TensorFlowLayers:
    """`tf` is a 1.x namespace, `p` maps names to variables."""

    def __init__(self, tf, p, training):
        self.tf, self.p, self.training = tf, p, training

    def _activate(self, name, x, relu):
        x = self.tf.nn.bias_add(x, self.p[name + "_biases"])
        return self.tf.nn.relu(x) if relu else x

    def conv(self, name, x, channels, size, stride=1, padding="SAME", relu=True):
        x = self.tf.nn.conv2d(x, self.p[name + "_weights"], strides=[1, stride, stride, 1], padding=padding)
        return self._activate(name, x, relu)

    def max_pool(self, x, size, stride, padding="SAME"):
        return self.tf.nn.max_pool(x, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding=padding)

    def average_pool(self, x, size, stride, padding="SAME"):
        return self.tf.nn.avg_pool(x, ksize=[1, size, size, 1], strides=[1, stride, stride, 1], padding=padding)

    def lrn(self, x, radius, bias, alpha, beta):
        return self.tf.nn.lrn(x, radius, bias=bias, alpha=alpha, beta=beta)

    def flatten(self, x):
        _, height, width, channels = x.get_shape().as_list()
        return self.tf.reshape(x, [-1, height * width * channels])

    def dense(self, name, x, units, relu=True):
        return self._activate(name, self.tf.matmul(x, self.p[name + "_weights"]), relu)

    def dropout(self, x, rate):
        return self.tf.nn.dropout(x, rate=rate, seed=DROPOUT_SEED) if self.training and rate else x

    def concat(self, parts):
        return self.tf.concat(parts, 3)
