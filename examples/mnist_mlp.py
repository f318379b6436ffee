"""A network with one hidden layer learns to read handwritten digits.

    reflow run examples/mnist_mlp.py --logdir /tmp/mnist_mlp             # train, and save a checkpoint
    reflow run examples/mnist_mlp.py --logdir /tmp/mnist_mlp --restore   # restore it, and test again

This is an ordinary TensorFlow 1.x program: TensorFlow 1.15 runs it too.
"""

import collections
import os
import sys

import tensorflow as tf
from tensorflow.examples.tutorials.mnist import input_data

tf.app.flags.DEFINE_string("data_dir", "MNIST_data", "Where the MNIST files are, if they are on this machine.")
tf.app.flags.DEFINE_string("logdir", "/tmp/mnist_mlp", "Where checkpoints and summaries go.")
tf.app.flags.DEFINE_integer("epochs", 5, "How often to go through the training images.")
tf.app.flags.DEFINE_integer("batch_size", 100, "How many images make up a training step.")
tf.app.flags.DEFINE_integer("hidden_units", 256, "The size of the hidden layer.")
tf.app.flags.DEFINE_float("learning_rate", 0.001, "The step size of the Adam optimizer.")
tf.app.flags.DEFINE_boolean("restore", False, "Only restore the last checkpoint and test it.")
FLAGS = tf.app.flags.FLAGS

PIXELS = 28 * 28
CLASSES = 10

Network = collections.namedtuple("Network", "images labels accuracy train global_step summaries")


def dense(inputs, size, name):
    """A fully connected layer: inputs * weights + biases."""
    inputs_size = int(inputs.shape[1])
    with tf.name_scope(name):
        weights = tf.Variable(tf.truncated_normal([inputs_size, size], stddev=inputs_size**-0.5), name="weights")
        biases = tf.Variable(tf.zeros([size]), name="biases")
        tf.summary.histogram("weights", weights)
        return tf.matmul(inputs, weights) + biases


def build_network():
    """Builds the graph."""
    tf.set_random_seed(1)
    images = tf.placeholder(tf.float32, [None, PIXELS], name="images")
    labels = tf.placeholder(tf.int64, [None], name="labels")
    hidden = tf.nn.relu(dense(images, FLAGS.hidden_units, "hidden"))
    logits = dense(hidden, CLASSES, "output")
    with tf.name_scope("loss"):
        loss = tf.reduce_mean(tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits))
    with tf.name_scope("accuracy"):
        accuracy = tf.reduce_mean(tf.cast(tf.equal(tf.argmax(logits, 1), labels), tf.float32))
    global_step = tf.train.get_or_create_global_step()
    train = tf.train.AdamOptimizer(FLAGS.learning_rate).minimize(loss, global_step=global_step)
    tf.summary.scalar("loss", loss)
    tf.summary.scalar("accuracy", accuracy)
    tf.summary.image("images", tf.reshape(images, [-1, 28, 28, 1]), max_outputs=3)
    return Network(images, labels, accuracy, train, global_step, tf.summary.merge_all())


def show_progress(epoch, done, total, width=40):
    """Draws a bar over the last one."""
    if sys.stdout.isatty():
        filled = width * done // total
        bar = "#" * filled + "." * (width - filled)
        end = "\n" if done == total else ""
        sys.stdout.write("\rEpoch %d/%d [%s] %d/%d %s" % (epoch, FLAGS.epochs, bar, done, total, end))
        sys.stdout.flush()


def train_epoch(sess, network, data, writer, epoch):
    """Goes through the training images once."""
    steps = data.num_examples // FLAGS.batch_size
    for step in range(1, steps + 1):
        images, labels = data.next_batch(FLAGS.batch_size)
        batch = {network.images: images, network.labels: labels}
        if step % 50:
            sess.run(network.train, batch)
        else:
            fetches = [network.summaries, network.global_step, network.train]
            summary, total_steps, _ = sess.run(fetches, batch)
            writer.add_summary(summary, total_steps)
            show_progress(epoch, step - 1, steps)
    show_progress(epoch, steps, steps)


def train(sess, network, mnist):
    """Trains for a number of epochs, and writes what TensorBoard shows."""
    train_writer = tf.summary.FileWriter(os.path.join(FLAGS.logdir, "train"), sess.graph)
    validation_writer = tf.summary.FileWriter(os.path.join(FLAGS.logdir, "validation"))
    validation = {network.images: mnist.validation.images, network.labels: mnist.validation.labels}
    for epoch in range(1, FLAGS.epochs + 1):
        train_epoch(sess, network, mnist.train, train_writer, epoch)
        fetches = [network.summaries, network.global_step, network.accuracy]
        summary, total_steps, accuracy = sess.run(fetches, validation)
        validation_writer.add_summary(summary, total_steps)
        print("Epoch %d: validation accuracy %.4f" % (epoch, accuracy))
    train_writer.close()
    validation_writer.close()


def main(_):
    mnist = input_data.read_data_sets(FLAGS.data_dir, seed=1)
    network = build_network()
    saver = tf.train.Saver()
    with tf.Session() as sess:
        if FLAGS.restore:
            checkpoint = tf.train.latest_checkpoint(FLAGS.logdir)
            saver.restore(sess, checkpoint)
            print("Restored %s" % checkpoint)
        else:
            sess.run(tf.global_variables_initializer())
            train(sess, network, mnist)
            path = saver.save(sess, os.path.join(FLAGS.logdir, "model.ckpt"), network.global_step)
            print("Saved %s" % path)
        test = {network.images: mnist.test.images, network.labels: mnist.test.labels}
        print("Test accuracy: %.4f" % sess.run(network.accuracy, test))


if __name__ == "__main__":
    tf.app.run()
