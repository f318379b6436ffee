"""A chain of 12,000 operations with its gradient: the time to build it, and that of its first run.

TensorFlow 1.15 makes 38,407 operations of it, 2.21 makes 43,204."""

import gc
from time import perf_counter

from benchmarks.implementations import session_config
from benchmarks.micro import graphs


class FirstRun:
    def __init__(self, tf, length):
        self._tf, self._length = tf, length
        self.facts = {}

    def timed_step(self):
        tf = self._tf
        gc.collect()
        start = perf_counter()
        with tf.Graph().as_default() as graph:
            x, gradient = graphs.scalar_chain(tf, self._length)
        built = perf_counter()
        with tf.Session(graph=graph, config=session_config(tf)) as session:
            session.run(gradient, feed_dict={x: graphs.small_matrices(1)[0]})
        ran = perf_counter()
        self.facts["ops"] = len(graph.get_operations())
        return {"build": built - start, "first run": ran - built, "both": ran - start}


def prepare(name, framework, variant):
    return FirstRun(framework, int(variant or 12000))
