"""tf.layers: what TensorFlow 1.15.5 makes of each layer. Both systems run these functions, so they are Python 3.7."""

import numpy as np
from op_recording import Cases

case = Cases()


def collection(tf, t, name):
    """Record the names of what a collection holds."""
    t.out(tf.constant([item.name for item in tf.get_collection(name)], dtype=tf.string))


def l2(tf):
    """A regularizer."""
    return lambda weights: 0.01 * tf.nn.l2_loss(weights)


# --- dense --------------------------------------------------------------------------------------------------------


@case
def dense(tf, t):
    x = t.feed(t.normal(5, 4), shape=[None, 4])
    y = t.out(tf.layers.dense(x, 3))
    t.grad(y, [x] + tf.trainable_variables())


@case
def dense_activation_and_second_layer(tf, t):
    x = t.feed(t.normal(5, 4), shape=[None, 4])
    hidden = tf.layers.dense(x, 6, activation=tf.nn.relu)
    t.out(tf.layers.dense(hidden, 2, activation=tf.nn.softmax), hidden)
    collection(tf, t, "trainable_variables")


@case
def dense_named_in_scopes(tf, t):
    x = t.feed(t.normal(5, 4))
    with tf.variable_scope("outer"):
        a = tf.layers.dense(x, 3, name="fc")
        with tf.name_scope("ops"):
            b = tf.layers.dense(a, 3)
    with tf.name_scope("only_ops"):
        c = tf.layers.dense(b, 3)
    t.out(a, b, c)
    collection(tf, t, "variables")


@case
def dense_reuse(tf, t):
    x = t.feed(t.normal(5, 4))
    a = tf.layers.dense(x, 4, name="fc")
    b = tf.layers.dense(a, 4, name="fc", reuse=True)
    with tf.variable_scope("s", reuse=tf.AUTO_REUSE):
        c = tf.layers.dense(b, 2, name="fc")
        d = tf.layers.dense(b, 2, name="fc")
    t.out(a, b, c, d)
    collection(tf, t, "variables")


@case
def dense_object_called_twice(tf, t):
    x = t.feed(t.normal(5, 4))
    layer = tf.layers.Dense(4, activation=tf.nn.tanh, kernel_initializer=tf.random_normal_initializer(stddev=0.5))
    t.out(layer(layer(x)), tf.constant(layer.name), tf.constant(layer.scope_name))
    t.out(*[tf.constant(v.name) for v in layer.trainable_weights])


@case
def dense_scope_initializer(tf, t):
    with tf.variable_scope("s", initializer=tf.constant_initializer(0.5), regularizer=l2(tf)):
        t.out(tf.layers.dense(t.feed(t.normal(5, 4)), 2, use_bias=False))
    collection(tf, t, "regularization_losses")


@case
def dense_regularizers(tf, t):
    x = t.feed(t.normal(5, 4), shape=[None, 4])
    t.out(
        tf.layers.dense(x, 2, kernel_regularizer=l2(tf), bias_regularizer=l2(tf), activity_regularizer=l2(tf)),
        *tf.get_collection("regularization_losses")
    )
    collection(tf, t, "regularization_losses")
    # A shared variable has its loss once.
    tf.layers.dense(x, 2, kernel_regularizer=l2(tf), name="dense", reuse=True)
    collection(tf, t, "regularization_losses")


@case.each(rank=[3, 4])
def dense_of_rank(tf, t, rank):
    x = t.feed(t.normal(*range(2, 2 + rank)), shape=[None] + list(range(3, 2 + rank)))
    y = t.out(tf.layers.dense(x, 3, activation=tf.sigmoid))
    t.grad(y, [x] + tf.trainable_variables())


@case.each(dtype=["float16", "float64"])
def dense_of_type(tf, t, dtype):
    t.out(tf.layers.dense(t.feed(t.normal(3, 4, dtype=dtype)), 2))


@case
def dense_by_name(tf, t):
    x = t.feed(t.normal(5, 4))
    t.out(tf.layers.dense(x, 3, activation="relu", kernel_initializer="ones", bias_initializer="zeros"))


@case
def dense_constraint_and_untrained(tf, t):
    x = t.feed(t.normal(5, 4))
    t.out(tf.layers.dense(x, 3, kernel_constraint=tf.nn.relu, trainable=False))
    collection(tf, t, "trainable_variables")


@case
def dense_of_array(tf, t):
    t.out(tf.layers.dense(t.normal(2, 3), 2))


@case
def dense_resource_variables(tf, t):
    with tf.variable_scope("s", use_resource=True):
        t.out(tf.layers.dense(t.feed(t.normal(5, 4)), 3))


@case
def dense_partitioned(tf, t):
    with tf.variable_scope("s", partitioner=tf.fixed_size_partitioner(2)):
        t.out(tf.layers.dense(t.feed(t.normal(5, 4)), 3, kernel_regularizer=l2(tf)))
    collection(tf, t, "variables")
    collection(tf, t, "regularization_losses")


@case
def dense_integers(tf, t):
    tf.layers.dense(t.feed(t.integers(0, 5, 2, 3)), 2)


@case
def dense_unknown_size(tf, t):
    tf.layers.dense(tf.placeholder(tf.float32, [2, None]), 2)


@case
def dense_unknown_rank(tf, t):
    tf.layers.dense(tf.placeholder(tf.float32), 2)


@case
def dense_vector(tf, t):
    tf.layers.dense(t.feed(t.normal(3)), 2)


@case
def dense_name_taken(tf, t):
    x = t.feed(t.normal(3, 4))
    tf.layers.dense(x, 2, name="fc")
    tf.layers.dense(x, 2, name="fc")


@case
def dense_reuse_of_nothing(tf, t):
    tf.layers.dense(t.feed(t.normal(3, 4)), 2, name="fc", reuse=True)


@case
def dense_other_size(tf, t):
    layer = tf.layers.Dense(2)
    layer(t.feed(t.normal(3, 4)))
    layer(t.feed(t.normal(3, 5)))


# --- layers of a program's own --------------------------------------------------------------------------------------


@case
def own_layer(tf, t):
    class Scale(tf.layers.Layer):
        def build(self, input_shape):
            self.scale = self.add_variable("scale", [int(input_shape[-1])], initializer=tf.ones_initializer())
            self.count = self.add_weight("count", [], dtype=tf.int32, trainable=False)
            super(Scale, self).build(input_shape)

        def call(self, inputs, training=False):
            self.add_update(tf.assign_add(self.count, 1))
            self.add_loss(tf.reduce_sum(inputs), inputs=inputs)
            return inputs * self.scale if training else inputs

    layer = Scale(name="mine")
    t.out(layer(t.feed(t.normal(3, 4)), training=True), layer.losses[0], *[u.outputs[0] for u in layer.updates])
    t.out(tf.constant([w.name for w in layer.weights]), tf.constant([w.name for w in layer.trainable_weights]))
    collection(tf, t, "update_ops")


@case
def own_layer_of_layers(tf, t):
    class Block(tf.layers.Layer):
        def build(self, input_shape):
            self.first = tf.layers.Dense(3, name="first")
            self.second = tf.layers.Dense(2)

        def call(self, inputs):
            return self.second(self.first(inputs))

    t.out(Block()(t.feed(t.normal(3, 4))))
    collection(tf, t, "variables")


@case
def keras_style(tf, t):
    with tf.layers.experimental.keras_style_scope():
        x = t.feed(t.normal(3, 4))
        layer = tf.layers.Dense(3, name="fc", kernel_regularizer=l2(tf))
        with tf.variable_scope("s"):
            t.out(layer(x), *layer.losses)
            t.out(tf.layers.Dense(3, name="fc")(x))
    collection(tf, t, "variables")


# --- dropout and flatten ----------------------------------------------------------------------------------------


@case
def dropout_in_inference(tf, t):
    t.out(tf.layers.dropout(t.feed(t.normal(3, 4)), 0.3))


@case
def dropout_in_training(tf, t):
    x = t.feed(t.normal(6, 5), shape=[None, 5])
    y = t.out(tf.layers.dropout(x, 0.4, training=True))
    t.grad(y, x)


@case
def dropout_noise_shape_and_seed(tf, t):
    x = t.feed(t.normal(6, 5, 2), shape=[None, 5, 2])
    t.out(tf.layers.dropout(x, 0.5, noise_shape=[None, 1, 2], seed=7, training=True, name="drop"))


@case
def dropout_constant_condition(tf, t):
    t.out(tf.layers.dropout(t.feed(t.normal(6, 5)), training=tf.constant(True)))


@case
def flatten(tf, t):
    t.out(tf.layers.flatten(t.feed(t.normal(2, 3, 4), shape=[None, 3, 4])))


@case
def flatten_unknown_sizes(tf, t):
    t.out(tf.layers.flatten(t.feed(t.normal(2, 3, 4), shape=[2, None, 4])))
    t.out(tf.layers.flatten(t.feed(t.normal(2), shape=[None]), name="vector"))


@case
def flatten_channels_first(tf, t):
    t.out(tf.layers.flatten(t.feed(t.normal(2, 3, 4, 2)), data_format="channels_first"))


# --- batch normalization ------------------------------------------------------------------------------------------


@case.each(training=[False, True])
def batch_normalization(tf, t, training):
    x = t.feed(t.normal(4, 3, 5, 2))
    y = t.out(tf.layers.batch_normalization(x, training=training))
    t.out(*[op.outputs[0] for op in tf.get_collection("update_ops")])
    collection(tf, t, "update_ops")
    collection(tf, t, "trainable_variables")
    collection(tf, t, "variables")
    t.grad(y, [x] + tf.trainable_variables())


@case.each(training=[False, True])
def batch_normalization_of_matrix(tf, t, training):
    x = t.feed(t.normal(6, 4), shape=[None, 4])
    y = t.out(tf.layers.batch_normalization(x, training=training, momentum=0.9, epsilon=1e-5, name="bn"))
    t.out(*[op.outputs[0] for op in tf.get_collection("update_ops")])
    collection(tf, t, "update_ops")
    t.grad(y, [x] + tf.trainable_variables())


@case.each(fused=[False, True])
def batch_normalization_without_parameters(tf, t, fused):
    x = t.feed(t.normal(4, 3, 5, 2))
    t.out(tf.layers.batch_normalization(x, center=False, scale=False, fused=fused, training=True))


@case.each(fused=[False, True])
def batch_normalization_channels_first(tf, t, fused):
    x = t.feed(t.normal(4, 3, 5, 2))
    # TensorFlow has no fused kernel for this layout on a CPU.
    y = tf.layers.batch_normalization(x, axis=1, fused=fused, training=False)
    if not fused:
        t.out(y)


@case
def batch_normalization_of_axes(tf, t):
    x = t.feed(t.normal(4, 3, 5, 2))
    t.out(tf.layers.batch_normalization(x, axis=[1, 2], training=True))
    t.out(*[op.outputs[0] for op in tf.get_collection("update_ops")])


@case.each(clip=[False, True])
def batch_normalization_renorm(tf, t, clip):
    x = t.feed(t.normal(6, 4))
    clipping = {"rmax": 1.5, "rmin": 0.5, "dmax": 0.1} if clip else None
    y = tf.layers.batch_normalization(x, renorm=True, renorm_clipping=clipping, renorm_momentum=0.8, training=True)
    t.out(y)
    collection(tf, t, "update_ops")
    collection(tf, t, "variables")


@case
def batch_normalization_virtual_batches(tf, t):
    x = t.feed(t.normal(8, 3, 3, 2))
    t.out(tf.layers.batch_normalization(x, virtual_batch_size=2, training=True))
    t.out(*[op.outputs[0] for op in tf.get_collection("update_ops")])


@case
def batch_normalization_adjusted(tf, t):
    x = t.feed(t.normal(6, 4))

    def adjustment(shape):
        return tf.random_uniform([1, shape[-1]], 0.9, 1.1), tf.random_uniform([1, shape[-1]], -0.1, 0.1)

    t.out(tf.layers.batch_normalization(x, adjustment=adjustment, training=True))


@case
def batch_normalization_shared(tf, t):
    x = t.feed(t.normal(4, 3))
    layer = tf.layers.BatchNormalization(gamma_regularizer=l2(tf))
    t.out(layer(x, training=True), layer(2 * x))
    collection(tf, t, "update_ops")


@case
def batch_normalization_of_half(tf, t):
    t.out(tf.layers.batch_normalization(t.feed(t.normal(4, 3, 3, 2, dtype="float16")), training=True))


@case.each(axis=[4, -5, "1"])
def batch_normalization_bad_axis(tf, t, axis):
    tf.layers.batch_normalization(t.feed(t.normal(4, 3, 3, 2)), axis=axis)


@case
def batch_normalization_unknown_channels(tf, t):
    tf.layers.batch_normalization(tf.placeholder(tf.float32, [2, None]))


@case
def batch_normalization_unknown_rank(tf, t):
    tf.layers.batch_normalization(tf.placeholder(tf.float32))


# --- conditions that are fed --------------------------------------------------------------------------------------


@case.each(training=[False, True])
def dropout_fed(tf, t, training):
    x = t.feed(t.normal(6, 5), shape=[None, 5])
    y = t.out(tf.layers.dropout(x, 0.4, seed=3, training=t.feed(np.array(training))))
    t.grad(y, x)


@case.each(training=[False, True])
def batch_normalization_fed(tf, t, training):
    x = t.feed(t.normal(4, 3, 5, 2))
    y = t.out(tf.layers.batch_normalization(x, training=t.feed(np.array(training))))
    t.out(*[op.outputs[0] for op in tf.get_collection("update_ops")])
    collection(tf, t, "update_ops")
    t.grad(y, [x] + tf.trainable_variables())


@case.each(training=[False, True])
def batch_normalization_of_matrix_fed(tf, t, training):
    x = t.feed(t.normal(6, 4), shape=[None, 4])
    y = tf.layers.batch_normalization(x, training=t.feed(np.array(training)), fused=False)
    with tf.control_dependencies(tf.get_collection("update_ops")):
        t.out(tf.identity(y), *[tf.identity(v.read_value()) for v in tf.global_variables()])
    t.grad(y, [x] + tf.trainable_variables())


@case.each(training=[False, True])
def batch_normalization_renorm_fed(tf, t, training):
    x = t.feed(t.normal(6, 4))
    y = tf.layers.batch_normalization(x, training=t.feed(np.array(training)), renorm=True, renorm_momentum=0.5)
    with tf.control_dependencies(tf.get_collection("update_ops") + [y]):
        t.out(*[tf.identity(v.read_value()) for v in tf.global_variables()])


@case
def batch_normalization_by_variable(tf, t):
    training = tf.get_variable("training", initializer=True, trainable=False)
    t.out(tf.layers.batch_normalization(t.feed(t.normal(6, 4)), training=training))
