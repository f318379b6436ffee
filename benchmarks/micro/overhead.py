"""`Session.run` of a trivial graph with one feed."""

import numpy as np

from benchmarks.implementations import session_config


class Overhead:
    runs = 200

    def __init__(self, tf):
        with tf.Graph().as_default() as graph:
            x = tf.placeholder(tf.float32, [2])
            self._y = x + 1.0
            self._feed = {x: np.zeros(2, np.float32)}
        self._session = tf.Session(graph=graph, config=session_config(tf))

    def step(self):
        run, y, feed = self._session.run, self._y, self._feed
        for _ in range(self.runs):
            run(y, feed_dict=feed)


def prepare(name, framework, variant):
    return Overhead(framework)
