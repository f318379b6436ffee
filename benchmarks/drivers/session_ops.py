"""An operation's steps as a 1.x graph. Reflow and both TensorFlows run this same file."""

import numpy as np

from benchmarks.implementations import THREADS
from benchmarks.ops.base import GRADIENT, SIZES


def session_steps(tf, op):
    """What `OpProgram` measures: {row: (run a step, run a step of nothing, copies in a step)}."""
    graph = OpGraph(tf, op)
    session = graph.start()
    run_nothing = session.make_callable(graph.nothing)
    # Operations are fetched themselves: what only a `tf.group` waits for is dropped, by TensorFlow and by Reflow.
    return {
        row: (session.make_callable(operations), run_nothing, op.copies[row.replace(GRADIENT, "")])
        for row, operations in graph.rows.items()
    }


class OpGraph:
    """The graph of an operation: `rows` maps each row to the operations of its step."""

    def __init__(self, tf, op):
        self._tf, self._op = tf, op
        self._feeds = {}
        self.rows = {}
        with tf.Graph().as_default() as self._graph:
            tf.set_random_seed(1)
            for size in SIZES:
                (self._add_update if op.is_update else self._add_copies)(size)
            self.nothing = tf.no_op()
            self._initialize = tf.global_variables_initializer()

    def start(self):
        """A session with its variables initialized."""
        tf = self._tf
        # One operation after the other, each on all threads.
        config = tf.ConfigProto(intra_op_parallelism_threads=THREADS, inter_op_parallelism_threads=1)
        session = tf.Session(graph=self._graph, config=config)
        session.run(self._initialize, feed_dict=self._feeds)
        return session

    def _variable(self, array):
        """A variable initialized with a fed array: as a constant, it would make the graph large."""
        placeholder = self._tf.placeholder(array.dtype, array.shape)
        self._feeds[placeholder] = array
        return self._tf.Variable(placeholder)

    def _add_copies(self, size):
        op = self._op
        forward, gradients = [], []
        for copy in range(op.copies[size]):
            inputs = [self._variable(array) for array in op.arrays(size, copy)]
            outputs = op.session(self._tf, *inputs)
            outputs = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
            forward += outputs
            if op.by:
                gradients += self._gradients(outputs, [inputs[i] for i in op.by])
        self.rows[size] = _operations(forward)
        if op.by:
            self.rows[size + GRADIENT] = _operations(forward + gradients)

    def _gradients(self, outputs, inputs):
        random = np.random.RandomState(0)
        by_outputs = [
            self._variable(random.uniform(-1.0, 1.0, tensor.shape.as_list()).astype(tensor.dtype.as_numpy_dtype))
            for tensor in outputs
        ]
        return self._tf.gradients(outputs, inputs, by_outputs)

    def _add_update(self, size):
        op = self._op
        pairs = [[self._variable(array) for array in op.arrays(size, copy)] for copy in range(op.copies[size])]
        variables, gradients = zip(*pairs)
        self.rows[size] = [op.session(self._tf, variables, gradients)]


def _operations(tensors):
    return list({tensor.op: None for tensor in tensors})
