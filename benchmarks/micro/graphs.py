"""Graphs built for their size: a deep dense network and chains of small operations, with their gradients."""

import numpy as np

WIDTH = 8
DENSE_LAYERS = 100
# Operations of a link, constants included.
LINK = 5


def dense_network(tf):
    """A perceptron of 100 layers with softmax cross-entropy and its gradients."""
    x = tf.placeholder(tf.float32, [None, WIDTH])
    labels = tf.placeholder(tf.int32, [None])
    variables = []
    for layer in range(DENSE_LAYERS):
        with tf.variable_scope(f"layer{layer}"):
            w = tf.get_variable("w", [WIDTH, WIDTH], initializer=tf.zeros_initializer())
            b = tf.get_variable("b", [WIDTH], initializer=tf.zeros_initializer())
        variables += [w, b]
        x = tf.nn.relu(tf.matmul(x, w) + b)
    loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=x))
    return tf.gradients(loss, variables)


def scalar_chain(tf, length):
    """A chain of `length` operations (scale, shift, tanh, and their two constants), its input, and its gradient."""
    x = first = tf.placeholder(tf.float32, [WIDTH, WIDTH])
    for _ in range(length // LINK):
        x = tf.tanh(x * 0.9 + 0.1)
    return first, tf.gradients(x, first)[0]


def small_matrices(count):
    """Matrices [8, 8], float32, of entries small enough for long chains."""
    random = np.random.RandomState(0)
    return [random.uniform(-0.3, 0.3, (WIDTH, WIDTH)).astype(np.float32) for _ in range(count)]
