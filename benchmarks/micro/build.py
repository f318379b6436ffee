"""Microseconds an operation to build a graph with its gradients; the operations in the graph are the denominator."""

import gc
from time import perf_counter

from benchmarks.micro import graphs

BUILDERS = {
    "dense": graphs.dense_network,
    "chain": lambda tf: graphs.scalar_chain(tf, 1200),
}


class Build:
    def __init__(self, tf, builder):
        self._tf, self._builder = tf, builder
        self.facts = {}

    def timed_step(self):
        gc.collect()
        start = perf_counter()
        with self._tf.Graph().as_default() as graph:
            self._builder(self._tf)
        seconds = perf_counter() - start
        self.facts["ops"] = len(graph.get_operations())
        return {"": seconds / self.facts["ops"]}


def prepare(name, framework, variant):
    return Build(framework, BUILDERS[variant])
