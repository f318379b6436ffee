"""Graphs built for their size: a deep dense network and chains of small operations, with their gradients."""

import numpy as np

WIDTH = 8
DENSE_LAYERS = 100
# Operations of a link; with its gradients a chain of n operations makes a graph of 11/3 n.
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
    """A chain of `length` operations (product, tanh, gate, product, sigmoid, sign), its input, and its gradients.

    The gradients are by the input and by the weights that all links share. The batch size is open, so that the gate's
    gradient looks at shapes when it runs, as in a real program.
    """
    x = first = tf.placeholder(tf.float32, [None, WIDTH])
    left, right = (tf.constant(value) for value in small_matrices(2))
    gate = tf.constant(small_matrices(1)[0][0])
    for _ in range(length // LINK):
        x = tf.multiply(tf.tanh(tf.matmul(x, left)), gate)
        x = tf.negative(tf.sigmoid(tf.matmul(x, right)))
    return first, tf.gradients(x, [first, left, right, gate])


def small_matrices(count):
    """Matrices [8, 8], float32, of entries small enough for long chains."""
    random = np.random.RandomState(0)
    return [random.uniform(-0.3, 0.3, (WIDTH, WIDTH)).astype(np.float32) for _ in range(count)]
