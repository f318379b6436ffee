"""Graphs built for their size: a deep dense network and chains of small operations, with their gradients."""

import numpy as np

WIDTH = 8
DENSE_LAYERS = 100
# Six operations of a link; with their gradients a chain of n operations makes a graph of 11/3 n.
LINK = 6


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


def gated_chain(tf, length):
    """A chain of `length` operations (dense layer, tanh, gate, sigmoid, sign) and its gradient by its input."""
    x = first = tf.placeholder(tf.float32, [WIDTH, WIDTH])
    w, b, gate = (tf.constant(value) for value in small_matrices(3))
    for _ in range(length // LINK):
        x = tf.negative(tf.sigmoid(tf.multiply(tf.tanh(tf.add(tf.matmul(x, w), b)), gate)))
    return first, tf.gradients(x, first)[0]


def small_matrices(count):
    """Matrices [8, 8], float32, of entries small enough for long chains."""
    random = np.random.RandomState(0)
    return [random.uniform(-0.3, 0.3, (WIDTH, WIDTH)).astype(np.float32) for _ in range(count)]
