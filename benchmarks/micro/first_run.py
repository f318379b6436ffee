"""A chain of 12,000 operations with its gradient (44,000 in all): the time to build it, and that of its first run."""

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
            x, gradients = graphs.gated_chain(tf, self._length)
        built = perf_counter()
        with tf.Session(graph=graph, config=session_config(tf)) as session:
            session.run(gradients, feed_dict={x: graphs.small_matrices(1)[0]})
        ran = perf_counter()
        self.facts["ops"] = len(graph.get_operations())
        return {"build": built - start, "first run": ran - built, "both": ran - start}


def prepare(name, framework, variant):
    return FirstRun(framework, int(variant or 12000))
