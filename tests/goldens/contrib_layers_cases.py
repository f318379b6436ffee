"""tf.contrib.layers: what TensorFlow 1.15.5 makes of it. Both systems run these functions (Python 3.7)."""

import functools

import numpy as np
from contrib_layers_inputs import collections, images, names, rows
from op_recording import Cases

case = Cases()

# --- fully connected ----------------------------------------------------------------------------------------------


@case
def fully_connected(tf, t):
    x = rows(t)
    y = t.out(tf.contrib.layers.fully_connected(x, 3))
    collections(tf, t)
    t.grad(y, [x] + tf.trainable_variables())


@case
def fully_connected_everything(tf, t):
    layers = tf.contrib.layers
    t.out(
        layers.fully_connected(
            rows(t), 3, activation_fn=tf.nn.tanh, weights_initializer=tf.random_normal_initializer(stddev=0.1),
            weights_regularizer=layers.l2_regularizer(0.1), biases_initializer=tf.constant_initializer(0.2),
            biases_regularizer=layers.l1_regularizer(0.1), variables_collections={"weights": ["w"], "biases": ["b"]},
            outputs_collections="outs", scope="fc",
        )
    )
    collections(tf, t, "w", "b", "outs")
    t.out(*tf.get_collection("regularization_losses"))


@case
def fully_connected_normalized(tf, t):
    layers = tf.contrib.layers
    params = {"is_training": True, "scale": True, "decay": 0.9}
    y = layers.fully_connected(rows(t), 3, normalizer_fn=layers.batch_norm, normalizer_params=params)
    t.out(y, *tf.get_collection("update_ops"))
    collections(tf, t)


@case
def fully_connected_without_biases(tf, t):
    t.out(tf.contrib.layers.fully_connected(rows(t), 3, biases_initializer=None, activation_fn=None))
    t.out(tf.contrib.layers.fully_connected(t.feed(t.normal(2, 3, 4), shape=[None, 3, 4]), 3, scope="deep"))


@case
def fully_connected_reuse(tf, t):
    layers = tf.contrib.layers
    x = rows(t)
    a = layers.fully_connected(x, 4, scope="fc")
    b = layers.fully_connected(a, 4, scope="fc", reuse=True)
    with tf.variable_scope("outer", reuse=tf.AUTO_REUSE):
        c = layers.fully_connected(b, 2)
        d = layers.linear(b, 2, scope="lin")
        e = layers.linear(b, 2, scope="lin")
    t.out(a, b, c, d, e, layers.fully_connected(x, 4), layers.fully_connected(x, 4))
    collections(tf, t)


@case
def fully_connected_partitioned(tf, t):
    with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(2)):
        t.out(tf.contrib.layers.fully_connected(rows(t), 3, variables_collections=["mine"]))
    collections(tf, t, "mine")


@case
def partials(tf, t):
    layers = tf.contrib.layers
    x = rows(t)
    t.out(layers.relu(x, 2), layers.relu6(x, 2), layers.elu(x, 2), layers.linear(x, 2))


@case.each(size=[3.0, "3"])
def fully_connected_bad_size(tf, t, size):
    tf.contrib.layers.fully_connected(rows(t), size)


@case
def legacy(tf, t):
    layers = tf.contrib.layers
    x = t.feed(t.normal(2, 3, 4), shape=[None, 3, 4])
    y = layers.legacy_relu(x, 5, weight_regularizer=layers.l2_regularizer(0.5), name="first")
    t.out(y, layers.legacy_linear(rows(t), 2), layers.legacy_fully_connected(rows(t), 2, bias_init=None))
    collections(tf, t, "weights", "biases", "activations")


@case
def legacy_vector(tf, t):
    tf.contrib.layers.legacy_linear(t.feed(t.normal(3)), 2)


@case
def with_arg_scope(tf, t):
    layers, framework = tf.contrib.layers, tf.contrib.framework
    with framework.arg_scope(
        [layers.conv2d, layers.fully_connected], activation_fn=tf.nn.relu6,
        weights_regularizer=layers.l2_regularizer(0.01), normalizer_fn=layers.batch_norm,
    ), framework.arg_scope([layers.batch_norm], is_training=False, scale=True):
        net = layers.conv2d(images(t), 3, 3, stride=2)
        net = layers.flatten(net)
        t.out(layers.fully_connected(net, 5, normalizer_fn=None))
    collections(tf, t)


# --- convolution --------------------------------------------------------------------------------------------------


@case
def conv2d(tf, t):
    x = images(t, dynamic=False)
    y = t.out(tf.contrib.layers.conv2d(x, 3, [3, 3]))
    collections(tf, t)
    t.grad(y, [x] + tf.trainable_variables())


@case
def conv2d_valid_dilated(tf, t):
    layers = tf.contrib.layers
    t.out(layers.conv2d(images(t), 3, 3, stride=2, padding="VALID", activation_fn=None, scope="a"))
    t.out(layers.convolution2d(images(t), 3, 3, rate=2, outputs_collections=["outs"], variables_collections=["mine"]))
    collections(tf, t, "outs", "mine")


@case
def conv1d_and_3d(tf, t):
    layers = tf.contrib.layers
    t.out(layers.conv1d(t.feed(t.normal(2, 7, 3)), 4, 3), layers.conv3d(t.feed(t.normal(1, 4, 5, 4, 2)), 3, 2))
    t.out(layers.convolution(t.feed(t.normal(2, 7, 3)), 4, 3, data_format="NWC"))


@case
def conv2d_channels_first(tf, t):
    tf.contrib.layers.conv2d(images(t), 3, 3, data_format="NCHW")


@case
def conv2d_of_sequence(tf, t):
    tf.contrib.layers.conv2d(t.feed(t.normal(2, 7, 3)), 4, 3)


@case
def convolution_of_matrix(tf, t):
    tf.contrib.layers.convolution(rows(t), 4, 3)


@case
def convolution_bad_format(tf, t):
    tf.contrib.layers.convolution(images(t), 4, 3, data_format="CHWN")


@case
def in_plane(tf, t):
    layers = tf.contrib.layers
    t.out(layers.conv2d_in_plane(images(t), [1, 2], activation_fn=None, padding="VALID"))
    t.out(layers.conv2d_in_plane(images(t), 3, stride=2, biases_initializer=None))


@case
def transposed(tf, t):
    layers = tf.contrib.layers
    t.out(layers.conv2d_transpose(images(t), 3, 3, stride=2))
    t.out(layers.conv2d_transpose(images(t), 2, [2, 3], padding="VALID", scope="up", biases_initializer=None))
    t.out(layers.conv3d_transpose(t.feed(t.normal(1, 3, 4, 3, 2)), 3, 2, stride=2))
    collections(tf, t)


@case
def transposed_bad_format(tf, t):
    tf.contrib.layers.conv2d_transpose(images(t), 3, 3, data_format="NWHC")


@case
def separable(tf, t):
    layers = tf.contrib.layers
    t.out(layers.separable_conv2d(images(t), 3, 3, depth_multiplier=2, weights_regularizer=layers.l2_regularizer(0.1)))
    t.out(layers.separable_conv2d(images(t), None, [3, 3], 1, scope="depthwise"))
    t.out(layers.separable_conv2d(images(t), 3, 3, normalizer_fn=layers.batch_norm, stride=2))
    t.out(layers.separable_conv2d(images(t), None, 3, 2, normalizer_fn=layers.batch_norm, rate=2, padding="VALID"))
    collections(tf, t)


# --- pooling ------------------------------------------------------------------------------------------------------


@case
def pooling(tf, t):
    layers = tf.contrib.layers
    x, volume = images(t), t.feed(t.normal(1, 4, 5, 4, 2))
    t.out(layers.max_pool2d(x, 2), layers.avg_pool2d(x, [3, 2], stride=1, padding="SAME", scope="avg"))
    t.out(layers.max_pool3d(volume, 2, outputs_collections="outs"), layers.avg_pool3d(volume, 2, stride=1))
    names(tf, t, tf.get_collection("outs"))


@case
def pooling_channels_first(tf, t):
    tf.contrib.layers.max_pool2d(images(t), 2, data_format="NCHW")


@case
def pooling_bad_format(tf, t):
    tf.contrib.layers.avg_pool2d(images(t), 2, data_format="NDHWC")


# --- shaping ------------------------------------------------------------------------------------------------------


@case
def dropout(tf, t):
    layers = tf.contrib.layers
    x = rows(t)
    t.out(layers.dropout(x, 0.7), layers.dropout(x, is_training=False), layers.dropout(x, seed=3, scope="d"))
    t.out(layers.dropout(x, 0.5, noise_shape=[None, 1], outputs_collections="outs"))


@case.each(training=[False, True])
def dropout_fed(tf, t, training):
    t.out(tf.contrib.layers.dropout(rows(t), 0.7, is_training=t.feed(np.array(training))))


@case
def flat_and_hot(tf, t):
    layers = tf.contrib.layers
    labels = t.feed(t.integers(0, 4, 3))
    t.out(layers.flatten(images(t)), layers.flatten(images(t), scope="f", outputs_collections="outs"))
    t.out(layers.one_hot_encoding(labels, 4), layers.one_hot_encoding(labels, 5, on_value=2.0, off_value=-1.0))
    t.out(layers.one_hot_encoding(t.feed(t.integers(0, 4, 2, 3, dtype="int64")), 4))


@case
def sequences(tf, t):
    layers = tf.contrib.layers
    x = images(t, dynamic=False)
    columns = layers.images_to_sequence(x)
    t.out(columns, layers.images_to_sequence(x, data_format="NCHW"))
    t.out(layers.sequence_to_images(t.feed(t.normal(6, 14, 4)), 7))
    t.out(layers.sequence_to_images(t.feed(t.normal(6, 14, 4), shape=[6, None, 4]), 7, "channels_first"))


@case
def sparse(tf, t):
    s = tf.contrib.layers.dense_to_sparse(t.feed(t.integers(0, 3, 3, 4)))
    t.out(s.indices, s.values, s.dense_shape)


@case
def maxout(tf, t):
    layers = tf.contrib.layers
    t.out(layers.maxout(t.feed(t.normal(2, 6)), 3), layers.maxout(images(t), 2, axis=3))


@case
def maxout_uneven(tf, t):
    tf.contrib.layers.maxout(t.feed(t.normal(2, 6)), 4)


@case
def softmax(tf, t):
    t.out(tf.contrib.layers.softmax(rows(t)), tf.contrib.layers.softmax(t.feed(t.normal(2, 3, 4), [None, 3, 4])))


@case.each(data_format=["NHWC", "NCHW"])
def spatial_softmax(tf, t, data_format):
    x = images(t)
    t.out(tf.contrib.layers.spatial_softmax(x, data_format=data_format))
    t.out(tf.contrib.layers.spatial_softmax(x, 0.5, name="warm", trainable=False, data_format=data_format))
    collections(tf, t)


@case
def bias_add(tf, t):
    layers = tf.contrib.layers
    one = tf.ones_initializer()
    t.out(layers.bias_add(rows(t), tf.nn.relu, initializer=one), layers.bias_add(images(t), data_format="NCHW"))
    collections(tf, t)


@case
def bias_add_unknown(tf, t):
    tf.contrib.layers.bias_add(tf.placeholder(tf.float32, [2, None]))


@case.each(rank=[3, 4, 5])
def gdn(tf, t, rank):
    x = t.feed(t.normal(*[2, 3, 4, 3, 2][:rank - 1] + [3]))
    y = t.out(tf.contrib.layers.gdn(x), tf.contrib.layers.gdn(x, inverse=True, name="inverse"))[0]
    collections(tf, t)
    t.grad(y, [x] + tf.trainable_variables())


@case
def repeat_and_stack(tf, t):
    layers = tf.contrib.layers
    x = images(t)
    t.out(layers.repeat(x, 2, layers.conv2d, 3, [3, 3]), layers.repeat(x, 2, layers.conv2d, 3, 3, scope="conv1"))
    t.out(layers.stack(rows(t), layers.fully_connected, [3, 5], scope="fc"))
    t.out(layers.stack(rows(t), layers.linear, [[3], [2, ]], biases_initializer=None))
    t.out(layers.stack(x, layers.conv2d, [(2, [3, 3]), (3, [1, 1])], padding="VALID"))
    t.out(layers.repeat(rows(t), 2, functools.partial(layers.fully_connected, num_outputs=2)))
    collections(tf, t)


@case
def stack_bad(tf, t):
    tf.contrib.layers.stack(rows(t), tf.contrib.layers.linear, 3)


@case
def scale_gradient(tf, t):
    t.values_only()
    x = rows(t)
    y = t.out(tf.contrib.layers.scale_gradient(x, 0.5))
    t.grad(y, x)


# --- embeddings ---------------------------------------------------------------------------------------------------


@case
def embeddings(tf, t):
    layers = tf.contrib.layers
    ids = t.feed(t.integers(0, 6, 3, 4))
    t.out(layers.embed_sequence(ids, 6, 3, scope="e"), layers.embed_sequence(ids, scope="e", reuse=True))
    t.out(layers.embed_sequence(ids, 6, 3, unique=True), layers.bow_encoder(ids, 6, 2, sparse_lookup=False))
    collections(tf, t)


@case
def embeddings_without_sizes(tf, t):
    tf.contrib.layers.embed_sequence(t.feed(t.integers(0, 6, 3)), 6)


# --- initializers and regularizers ----------------------------------------------------------------------------------


@case.each(mode=["FAN_IN", "FAN_OUT", "FAN_AVG"])
def variance_scaling(tf, t, mode):
    layers = tf.contrib.layers
    for uniform in (False, True):
        init = layers.variance_scaling_initializer(2.5, mode, uniform)
        for shape in ([], [3], [3, 4], [2, 2, 3, 4]):
            t.out(init(shape))


@case
def xavier(tf, t):
    layers = tf.contrib.layers
    t.out(layers.xavier_initializer()([3, 4]), layers.xavier_initializer(uniform=False, seed=3)([3, 4], tf.float64))
    t.out(tf.get_variable("v", [5, 2], initializer=layers.xavier_initializer_conv2d(dtype=tf.float32)))


@case
def variance_scaling_bad_mode(tf, t):
    tf.contrib.layers.variance_scaling_initializer(mode="FAN")


@case
def variance_scaling_of_integers(tf, t):
    tf.contrib.layers.variance_scaling_initializer(dtype=tf.int32)


@case
def regularizers(tf, t):
    layers = tf.contrib.layers
    w = tf.get_variable("w", initializer=t.normal(3, 2))
    l1, l2 = layers.l1_regularizer(0.1), layers.l2_regularizer(0.2, scope="mine")
    t.out(l1(w), l2(w), layers.l1_l2_regularizer(0.1, 0.2)(w), layers.l1_l2_regularizer(0.0, 0.2, "s")(w))
    t.out(layers.sum_regularizer([l1, None, layers.l2_regularizer(0.0), l2])(w))
    t.out(layers.apply_regularization(l2, [w, 2 * w]))
    tf.add_to_collection("weights", w)
    t.out(layers.apply_regularization(layers.l1_regularizer(0.0)), layers.l1_l2_regularizer(0.5, 0.0)(w))
    assert layers.sum_regularizer([None]) is None
    collections(tf, t)


@case.each(scale=[-1.0, 1])
def regularizer_bad_scale(tf, t, scale):
    tf.contrib.layers.l2_regularizer(scale)


@case
def regularization_of_nothing(tf, t):
    tf.contrib.layers.apply_regularization(tf.contrib.layers.l2_regularizer(0.1))


@case
def regularizer_no_scalar(tf, t):
    tf.contrib.layers.apply_regularization(lambda w: w, [t.feed(t.normal(2))])


@case
def summaries(tf, t):
    layers = tf.contrib.layers
    x = rows(t)
    y = tf.nn.relu6(x)
    tf.get_variable("w", [2])
    tf.add_to_collection("activations", tf.nn.relu(x))
    t.out(layers.summarize_activation(y), layers.summarize_tensor(tf.reduce_sum(y)), layers.summarize_tensor(y, "y"))
    t.out(*layers.summarize_tensors([x, y]) + layers.summarize_collection("variables", name_filter="w"))
    t.out(*layers.summarize_activations())
    assert layers.summarize_tensor(tf.constant("text")) is None
    names(tf, t, tf.get_collection("summaries"))


# --- optimize_loss ------------------------------------------------------------------------------------------------


def small_loss(tf, t):
    x = rows(t)
    y = tf.contrib.layers.fully_connected(x, 3, weights_initializer=tf.ones_initializer())
    return tf.reduce_mean(tf.square(y - 1.0))


@case.each(optimizer=["SGD", "Adam", "Momentum", "Adagrad", "RMSProp", "Ftrl"])
def optimize_loss(tf, t, optimizer):
    step = tf.train.get_or_create_global_step()
    train = tf.contrib.layers.optimize_loss(small_loss(tf, t), step, 0.1, optimizer)
    names(tf, t, tf.get_collection("summaries"))
    names(tf, t, tf.global_variables())
    with tf.control_dependencies([train]):
        t.out(train, *[tf.identity(v.read_value()) for v in tf.trainable_variables()])


@case
def optimize_loss_everything(tf, t):
    step = tf.train.get_or_create_global_step()
    loss = small_loss(tf, t)
    train = tf.contrib.layers.optimize_loss(
        loss, step, tf.constant(0.5), lambda rate: tf.train.MomentumOptimizer(rate, 0.5), clip_gradients=0.1,
        gradient_noise_scale=0.1, gradient_multipliers={tf.trainable_variables()[0]: 2.0},
        learning_rate_decay_fn=lambda rate, n: tf.train.exponential_decay(rate, n, 10, 0.5), name="training",
        summaries=["loss", "learning_rate", "gradients", "gradient_norm"], increment_global_step=False,
    )
    names(tf, t, tf.get_collection("summaries"))
    with tf.control_dependencies([train]):
        t.out(train, *[tf.identity(v.read_value()) for v in tf.trainable_variables()])


@case
def optimize_loss_of_optimizer(tf, t):
    step = tf.train.get_or_create_global_step()
    train = tf.contrib.layers.optimize_loss(
        small_loss(tf, t), step, None, tf.train.GradientDescentOptimizer(0.1),
        update_ops=[tf.no_op(name="before")], variables=tf.trainable_variables()[:1],
        gradient_multipliers={"fully_connected/weights:0": np.float32(0.5)},
    )
    with tf.control_dependencies([train]):
        t.out(train, *[tf.identity(v.read_value()) for v in tf.trainable_variables()])


@case.each(options=[{}, {"static_max_norm": 0.2}, {"std_factor": 0.0, "decay": 0.5, "epsilon": 0.1}])
def optimize_loss_adaptive_clipping(tf, t, options):
    step = tf.train.get_or_create_global_step()
    clip = tf.contrib.slim.adaptive_clipping_fn(global_step=step, report_summary=True, **options)
    train = tf.contrib.layers.optimize_loss(small_loss(tf, t), step, 0.1, "SGD", clip_gradients=clip)
    names(tf, t, tf.get_collection("summaries"))
    with tf.control_dependencies([train]):
        t.out(train, *[tf.identity(v.read_value()) for v in tf.trainable_variables()])


@case.each(bad=[
    {"optimizer": "Nadam"}, {"optimizer": 3}, {"learning_rate": -1.0}, {"learning_rate": 1}, {"learning_rate": None},
    {"summaries": ["all"]}, {"clip_gradients": 1}, {"optimizer": abs},
])  # fmt: skip
def optimize_loss_bad(tf, t, bad):
    step = tf.train.get_or_create_global_step()
    options = {"learning_rate": 0.1, "optimizer": "SGD"}
    options.update(bad)
    tf.contrib.layers.optimize_loss(small_loss(tf, t), step, **options)
