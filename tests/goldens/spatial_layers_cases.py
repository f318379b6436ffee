"""tf.layers over space: convolutions and pooling. Both TensorFlow 1.15.5 and Reflow run these functions."""

from op_recording import Cases

case = Cases()

_INPUTS = {1: (2, 9, 3), 2: (2, 9, 8, 3), 3: (2, 5, 6, 5, 2)}
FORMATS = ["channels_last", "channels_first"]


def feed(t, rank, dynamic=True):
    sizes = _INPUTS[rank]
    return t.feed(t.normal(*sizes), shape=([None] if dynamic else [sizes[0]]) + list(sizes[1:]))


def weights(tf):
    return tf.trainable_variables()


# --- convolution --------------------------------------------------------------------------------------------------


@case.each(rank=[1, 2, 3])
def conv(tf, t, rank):
    x = feed(t, rank, dynamic=False)
    y = t.out(getattr(tf.layers, "conv%dd" % rank)(x, 4, 3))
    t.grad(y, [x] + weights(tf))


@case.each(rank=[1, 2, 3])
def conv_strides_same_activation(tf, t, rank):
    y = getattr(tf.layers, "conv%dd" % rank)(feed(t, rank), 4, 2, strides=2, padding="same", activation=tf.nn.relu)
    t.out(y)


@case.each(rank=[1, 2, 3])
def conv_dilated(tf, t, rank):
    x = feed(t, rank)
    t.out(getattr(tf.layers, "conv%dd" % rank)(x, 2, 2, dilation_rate=2, padding="valid"))


@case.each(rank=[1, 2])
def conv_dilated_same(tf, t, rank):
    x = feed(t, rank, dynamic=False)
    t.out(getattr(tf.layers, "conv%dd" % rank)(x, 2, 3, dilation_rate=2, padding="same", use_bias=False))


@case.each(rank=[1, 2, 3])
def conv_channels_first(tf, t, rank):
    # The nodes only: TensorFlow cannot run it on a CPU.
    tf.layers.__dict__["conv%dd" % rank](feed(t, rank), 4, 2, data_format="channels_first")


@case
def conv1d_causal(tf, t):
    t.out(tf.layers.conv1d(feed(t, 1), 4, 3, padding="causal", dilation_rate=2))


@case
def conv2d_uneven(tf, t):
    t.out(tf.layers.conv2d(feed(t, 2), 4, (3, 2), strides=(1, 2), padding="SAME", name="c"))


@case
def conv2d_twice_and_shared(tf, t):
    x = feed(t, 2)
    layer = tf.layers.Conv2D(3, 3, padding="same", activation=tf.nn.tanh)
    t.out(layer(layer(x)), tf.layers.conv2d(x, 3, 3, name="conv2d", reuse=True, padding="same"))
    t.out(tf.constant([v.name for v in tf.global_variables()]))


@case
def conv2d_all_arguments(tf, t):
    def decay(w):
        return tf.nn.l2_loss(w)

    t.out(
        tf.layers.conv2d(
            feed(t, 2, dynamic=False), 4, [3, 3], activation="relu",
            kernel_initializer=tf.truncated_normal_initializer(stddev=0.1),
            bias_initializer=tf.constant_initializer(0.1), kernel_regularizer=decay, bias_regularizer=decay,
            activity_regularizer=decay, kernel_constraint=tf.nn.relu, trainable=False,
        ),
        *tf.losses.get_regularization_losses() if hasattr(tf, "losses") else tf.get_collection("regularization_losses")
    )


@case.each(kernel_size=[(3, 3, 3), "no", 3.0])
def conv2d_bad_kernel(tf, t, kernel_size):
    tf.layers.conv2d(feed(t, 2), 4, kernel_size)


@case
def conv2d_bad_rank(tf, t):
    tf.layers.conv2d(feed(t, 1), 4, 3)


@case
def conv2d_bad_padding(tf, t):
    tf.layers.conv2d(feed(t, 2), 4, 3, padding="full")


@case
def conv2d_bad_format(tf, t):
    tf.layers.conv2d(feed(t, 2), 4, 3, data_format="NHWC")


@case
def conv2d_causal(tf, t):
    tf.layers.conv2d(feed(t, 2), 4, 3, padding="causal")


@case
def conv2d_unknown_channels(tf, t):
    tf.layers.conv2d(tf.placeholder(tf.float32, [1, 5, 5, None]), 4, 3)


@case
def conv2d_strides_and_dilation(tf, t):
    tf.layers.conv2d(feed(t, 2), 4, 3, strides=2, dilation_rate=2)


# --- transposed and separable ---------------------------------------------------------------------------------------


@case.each(rank=[2, 3])
def conv_transpose(tf, t, rank):
    x = feed(t, rank)
    y = t.out(getattr(tf.layers, "conv%dd_transpose" % rank)(x, 4, 3, strides=2))
    t.grad(y, [x] + weights(tf))


@case.each(rank=[2, 3])
def conv_transpose_same(tf, t, rank):
    x = feed(t, rank, dynamic=False)
    t.out(getattr(tf.layers, "conv%dd_transpose" % rank)(x, 4, 3, strides=2, padding="same", activation=tf.sigmoid))


@case
def conv2d_transpose_channels_first(tf, t):
    # TensorFlow asks Keras's session whether there is a GPU, which leaves nodes of its own.
    t.values_only()
    t.out(tf.layers.conv2d_transpose(feed(t, 2), 4, 3, strides=(2, 1), data_format="channels_first"))


@case
def conv3d_transpose_channels_first(tf, t):
    tf.layers.conv3d_transpose(feed(t, 3), 4, 3, data_format="channels_first", use_bias=False)


@case.each(rank=[1, 2])
def separable(tf, t, rank):
    x = feed(t, rank)
    y = t.out(getattr(tf.layers, "separable_conv%dd" % rank)(x, 4, 3, depth_multiplier=2, activation=tf.nn.elu))
    t.grad(y, [x] + weights(tf))


@case.each(rank=[1, 2])
def separable_same(tf, t, rank):
    x = feed(t, rank)
    t.out(getattr(tf.layers, "separable_conv%dd" % rank)(x, 4, 3, strides=2, padding="same", use_bias=False))


@case
def separable_dilated(tf, t):
    t.out(tf.layers.separable_conv2d(feed(t, 2), 4, 2, dilation_rate=2))
    t.out(tf.constant([v.name for v in tf.global_variables()]))


@case
def separable_causal(tf, t):
    t.out(tf.layers.SeparableConv1D(4, 3, padding="causal")(feed(t, 1)))


# --- pooling ------------------------------------------------------------------------------------------------------


@case.each(which=["max_pooling1d", "max_pooling2d", "max_pooling3d", "average_pooling1d", "average_pooling2d",
                  "average_pooling3d"])  # fmt: skip
def pooling(tf, t, which):
    pool = getattr(tf.layers, which)
    x = feed(t, int(which[-2]), dynamic=False)
    y = t.out(pool(x, 2, 2), pool(x, 3, 2, "same", name="named"))[0]
    t.grad(y, x)


@case.each(which=["max_pooling1d", "max_pooling2d", "max_pooling3d", "average_pooling1d", "average_pooling3d"])
def pooling_channels_first(tf, t, which):
    y = getattr(tf.layers, which)(feed(t, int(which[-2])), 2, 1, data_format="channels_first")
    if "2d" not in which:
        t.out(y)


@case
def pooling_uneven(tf, t):
    t.out(tf.layers.MaxPooling2D((2, 3), (1, 2))(feed(t, 2)))


@case
def pooling_without_strides(tf, t):
    tf.layers.max_pooling2d(feed(t, 2), 2, None)


@case
def small_network(tf, t):
    x = t.feed(t.normal(3, 28, 28, 1), shape=[None, 28, 28, 1])
    net = tf.layers.conv2d(x, 4, 5, activation=tf.nn.relu, padding="same")
    net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.conv2d(net, 8, 5, activation=tf.nn.relu)
    net = tf.layers.max_pooling2d(net, 2, 2)
    net = tf.layers.dense(tf.layers.flatten(net), 16, activation=tf.nn.relu)
    net = tf.layers.dropout(net, 0.4, training=True)
    t.out(tf.layers.dense(net, 10))
