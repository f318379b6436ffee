"""`tensorflow.examples.tutorials.mnist.mnist`: the network of the "TensorFlow Mechanics 101" tutorial."""

import math

from reflow.compat.legacy_module import root

NUM_CLASSES = 10
IMAGE_SIZE = 28
IMAGE_PIXELS = IMAGE_SIZE * IMAGE_SIZE


def _layer(inputs, inputs_size: int, size: int, scope: str):
    """inputs * weights + biases, with the tutorial's variable names and initial values."""
    tf = root()
    with tf.name_scope(scope):
        initial = tf.truncated_normal([inputs_size, size], stddev=1.0 / math.sqrt(float(inputs_size)))
        weights = tf.Variable(initial, name="weights")
        biases = tf.Variable(tf.zeros([size]), name="biases")
        return tf.matmul(inputs, weights) + biases


def inference(images, hidden1_units, hidden2_units):
    """Builds the network: two hidden layers of rectified linear units.

    Args:
      images: float32 [batch, IMAGE_PIXELS].
      hidden1_units: the size of the first hidden layer.
      hidden2_units: the size of the second one.

    Returns:
      The logits, float32 [batch, NUM_CLASSES].
    """
    nn = root().nn
    hidden1 = nn.relu(_layer(images, IMAGE_PIXELS, hidden1_units, "hidden1"))
    hidden2 = nn.relu(_layer(hidden1, hidden1_units, hidden2_units, "hidden2"))
    return _layer(hidden2, hidden2_units, NUM_CLASSES, "softmax_linear")


def loss(logits, labels):
    """The mean cross-entropy of logits and labels.

    Args:
      logits: float32 [batch, NUM_CLASSES].
      labels: int [batch].

    Returns:
      float32 [].
    """
    tf = root()
    cross_entropy = tf.nn.sparse_softmax_cross_entropy_with_logits(
        labels=tf.cast(labels, tf.int64), logits=logits, name="xentropy"
    )
    return tf.reduce_mean(cross_entropy, name="xentropy_mean")


def training(loss, learning_rate):
    """Adds a summary of the loss, and gradient descent that counts its steps in `global_step`.

    Args:
      loss: float32 [].
      learning_rate: the step size, a float.

    Returns:
      The operation that makes a training step.
    """
    tf = root()
    tf.summary.scalar("loss", loss)
    global_step = tf.Variable(0, name="global_step", trainable=False)
    return tf.train.GradientDescentOptimizer(learning_rate).minimize(loss, global_step=global_step)


def evaluation(logits, labels):
    """Counts the examples whose label has the largest logit.

    Args:
      logits: float32 [batch, NUM_CLASSES].
      labels: int [batch].

    Returns:
      int32 [].
    """
    tf = root()
    return tf.reduce_sum(tf.cast(tf.nn.in_top_k(logits, labels, 1), tf.int32))
