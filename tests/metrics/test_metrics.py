"""tf.metrics against TensorFlow 1.15.5."""

import numpy as np

import reflow as tf
from tests.ops.recorded import Recorded

recorded = Recorded("metrics")


@recorded.each_case
def test_as_tensorflow(name):
    recorded.check(name)


def test_batches_add_up_to_the_whole():
    random = np.random.RandomState(0)
    labels, guesses = random.rand(64) > 0.5, random.rand(64).astype("float32")
    x, y = tf.placeholder(tf.bool, [None]), tf.placeholder(tf.float32, [None])
    metrics = [tf.metrics.auc(x, y), tf.metrics.accuracy(x, y > 0.5), tf.metrics.recall(x, y > 0.5)]
    values, updates = zip(*metrics, strict=True)
    with tf.Session() as session:
        results = []
        for batches in (1, 4):
            session.run(tf.local_variables_initializer())
            for part in np.split(np.arange(64), batches):
                session.run(updates, {x: labels[part], y: guesses[part]})
            results.append(session.run(values))
    np.testing.assert_allclose(*results, rtol=1e-6)
    np.testing.assert_allclose(results[0][1], (labels == (guesses > 0.5)).mean(), rtol=1e-6)
