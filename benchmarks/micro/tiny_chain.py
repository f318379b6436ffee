"""Microseconds an executed operation: a chain of 8x8 matrix products, additions and tanh."""

from benchmarks.implementations import SESSIONS, session_config
from benchmarks.micro.graphs import small_matrices

LINKS = 1000


class TinyChain:
    """`runs` is the number of operations that a step executes."""

    runs = 3 * LINKS

    def __init__(self, step):
        self.step = step


def session_step(tf):
    w, b, value = small_matrices(3)
    with tf.Graph().as_default() as graph:
        x = y = tf.placeholder(tf.float32, value.shape)
        w, b = tf.Variable(w), tf.Variable(b)
        for _ in range(LINKS):
            y = tf.tanh(tf.add(tf.matmul(y, w), b))
        session = tf.Session(graph=graph, config=session_config(tf))
        session.run(tf.global_variables_initializer())
    return lambda: session.run(y, feed_dict={x: value})


def torch_step(torch):
    w, b, value = (torch.from_numpy(matrix) for matrix in small_matrices(3))

    def step():
        y = value
        with torch.no_grad():
            for _ in range(LINKS):
                y = torch.tanh(torch.add(torch.mm(y, w), b))

    return step


def jax_step(jax):
    w, b, value = small_matrices(3)

    @jax.jit
    def chain(y, w, b):
        for _ in range(LINKS):
            y = jax.numpy.tanh(jax.numpy.add(y @ w, b))
        return y

    return lambda: jax.block_until_ready(chain(value, w, b))


def prepare(name, framework, variant):
    make = session_step if name in SESSIONS else {"torch": torch_step, "jax": jax_step}[name]
    return TinyChain(make(framework))
