"""Normalization of tf.contrib.layers: what TensorFlow 1.15.5 makes of it."""

import numpy as np
from contrib_layers_inputs import collections, images, rows
from op_recording import Cases

case = Cases()

# --- batch normalization ------------------------------------------------------------------------------------------


@case.each(training=[False, True])
def batch_norm(tf, t, training):
    x = images(t, dynamic=False)
    y = t.out(tf.contrib.layers.batch_norm(x, is_training=training, scale=True))
    t.out(*[op.outputs[0] for op in tf.get_collection("update_ops")])
    collections(tf, t)
    t.grad(y, [x] + tf.trainable_variables())


@case.each(training=[False, True])
def batch_norm_updates_at_once(tf, t, training):
    x = images(t, dynamic=False)
    y = tf.contrib.layers.batch_norm(
        x, is_training=training, updates_collections=None, center=False, activation_fn=tf.nn.relu, epsilon=0.1
    )
    t.out(y)
    collections(tf, t)
    t.grad(y, x)


@case.each(training=[False, True])
def batch_norm_of_matrix(tf, t, training):
    y = tf.contrib.layers.batch_norm(
        rows(t), is_training=training, decay=0.9, scope="bn", outputs_collections=["outs"],
        variables_collections=["mine"], param_initializers={"beta": tf.ones_initializer()},
        param_regularizers={"beta": tf.contrib.layers.l2_regularizer(0.1)},
    )
    t.out(y, *tf.get_collection("update_ops"))
    collections(tf, t, "mine", "outs")


@case.each(training=[False, True])
def batch_norm_weighted(tf, t, training):
    t.out(
        tf.contrib.layers.batch_norm(
            images(t, dynamic=False), is_training=training, batch_weights=[0.25, 0.75], scale=True,
        ),
        *tf.get_collection("update_ops")
    )
    collections(tf, t)


@case
def batch_norm_unfused_at_once(tf, t):
    x = rows(t)
    t.out(tf.contrib.layers.batch_norm(x, updates_collections=None, fused=False))
    t.out(tf.contrib.layers.batch_norm(x, fused=False, scale=True))
    t.out(tf.contrib.layers.batch_norm(t.feed(t.normal(2, 3, 4)), fused=True, is_training=True))


@case
def batch_norm_without_bias(tf, t):
    t.out(tf.contrib.layers.batch_norm(rows(t), zero_debias_moving_mean=True), *tf.get_collection("update_ops"))
    collections(tf, t)


@case
def batch_norm_channels_first(tf, t):
    x = images(t)
    tf.contrib.layers.batch_norm(x, data_format="NCHW", is_training=False)
    t.out(tf.contrib.layers.batch_norm(x, data_format="NCHW", updates_collections=None, fused=False, scale=True))
    tf.contrib.layers.batch_norm(rows(t), data_format="NCHW")


@case
def batch_norm_renorm(tf, t):
    t.out(tf.contrib.layers.batch_norm(rows(t), renorm=True, renorm_decay=0.8))
    collections(tf, t)


@case
def batch_norm_renorm_at_once(tf, t):
    tf.contrib.layers.batch_norm(rows(t), renorm=True, updates_collections=None)


@case
def batch_norm_shared(tf, t):
    x = images(t)
    a = tf.contrib.layers.batch_norm(x, scope="bn", is_training=True)
    b = tf.contrib.layers.batch_norm(x, scope="bn", is_training=False, reuse=True)
    t.out(a, b)
    collections(tf, t)


@case.each(shape=[None, (None, None), (2, 3, None)])
def batch_norm_unknown(tf, t, shape):
    tf.contrib.layers.batch_norm(tf.placeholder(tf.float32, shape))


@case
def batch_norm_bad_format(tf, t):
    tf.contrib.layers.batch_norm(images(t), data_format="NCWH")


# --- other normalization ------------------------------------------------------------------------------------------


@case
def layer_norm(tf, t):
    x = images(t, dynamic=False)
    y = t.out(tf.contrib.layers.layer_norm(x), tf.contrib.layers.layer_norm(rows(t), center=False, scope="ln"))[0]
    t.out(tf.contrib.layers.layer_norm(x, begin_norm_axis=-1, activation_fn=tf.nn.relu))
    t.out(tf.contrib.layers.layer_norm(x, begin_params_axis=1, scale=False, trainable=False))
    collections(tf, t)
    t.grad(y, x)


@case
def layer_norm_bad_axis(tf, t):
    tf.contrib.layers.layer_norm(rows(t), begin_norm_axis=2)


@case
def layer_norm_unknown(tf, t):
    tf.contrib.layers.layer_norm(tf.placeholder(tf.float32, [None, None]))


@case.each(data_format=["NHWC", "NCHW"])
def instance_norm(tf, t, data_format):
    x = images(t)
    init = {"gamma": tf.constant_initializer(2.0)}
    t.out(tf.contrib.layers.instance_norm(x, data_format=data_format, param_initializers=init))
    t.out(tf.contrib.layers.instance_norm(x, data_format=data_format, center=False, scale=False))


@case
def group_norm(tf, t):
    x = images(t)
    layers = tf.contrib.layers
    t.out(layers.group_norm(x, groups=2), layers.group_norm(x, groups=4, mean_close_to_zero=True, scope="g"))
    t.out(layers.group_norm(x, groups=1, channels_axis=1, reduction_axes=[-2, -1], scale=False))
    t.out(layers.group_norm(t.feed(t.normal(3, 6)), groups=3, reduction_axes=(), activation_fn=tf.nn.relu))


@case.each(groups=[3, 8])
def group_norm_bad_groups(tf, t, groups):
    tf.contrib.layers.group_norm(images(t), groups=groups)


@case
def group_norm_bad_axes(tf, t):
    tf.contrib.layers.group_norm(images(t), groups=2, reduction_axes=(1, 3))


@case.each(dim=[0, 1, 2])
def unit_norm(tf, t, dim):
    t.out(tf.contrib.layers.unit_norm(t.feed(t.normal(2, 3, 4)), dim))


@case
def unit_norm_bad_axis(tf, t):
    tf.contrib.layers.unit_norm(rows(t), -1)


# --- conditions that are fed ------------------------------------------------------------------------------------------


@case.each(training=[False, True])
def batch_norm_fed(tf, t, training):
    x, is_training = images(t, dynamic=False), t.feed(np.array(training))
    y = tf.contrib.layers.batch_norm(x, is_training=is_training)
    with tf.control_dependencies(tf.get_collection("update_ops")):
        t.out(tf.identity(y), *[tf.identity(v.read_value()) for v in tf.global_variables()])
    t.grad(y, [x] + tf.trainable_variables())


@case.each(training=[False, True])
def batch_norm_fed_at_once(tf, t, training):
    x, is_training = images(t, dynamic=False), t.feed(np.array(training))
    options = {"is_training": is_training, "updates_collections": None}
    y, z = tf.contrib.layers.batch_norm(x, **options), tf.contrib.layers.batch_norm(x, fused=False, **options)
    with tf.control_dependencies([y, z]):
        t.out(y, z, *[tf.identity(v.read_value()) for v in tf.global_variables()])
    t.grad([y, z], [x] + tf.trainable_variables())


@case.each(training=[False, True])
def batch_norm_fed_weighted(tf, t, training):
    x, is_training = images(t, dynamic=False), t.feed(np.array(training))
    y = tf.contrib.layers.batch_norm(x, is_training=is_training, batch_weights=[0.25, 0.75])
    with tf.control_dependencies(tf.get_collection("update_ops")):
        t.out(tf.identity(y), *[tf.identity(v.read_value()) for v in tf.global_variables()])


@case.each(training=[False, True])
def batch_norm_fed_without_bias(tf, t, training):
    y = tf.contrib.layers.batch_norm(rows(t), is_training=t.feed(np.array(training)), zero_debias_moving_mean=True)
    with tf.control_dependencies(tf.get_collection("update_ops")):
        t.out(tf.identity(y), *[tf.identity(v.read_value()) for v in tf.global_variables()])
