"""A million random numbers: uniform, normal, truncated normal."""

from benchmarks.implementations import SESSIONS, session_config

COUNT = 1000000
SEED = 5


class RandomNumbers:
    def __init__(self, step):
        self.step = step


def session_step(tf, variant):
    make = {"uniform": tf.random_uniform, "normal": tf.random_normal, "truncated": tf.truncated_normal}[variant]
    with tf.Graph().as_default() as graph:
        numbers = make([COUNT], seed=SEED)
    session = tf.Session(graph=graph, config=session_config(tf))
    return lambda: session.run(numbers.op)


def torch_step(torch, variant):
    torch.manual_seed(SEED)
    if variant == "truncated":
        # TensorFlow's truncated normal is cut at two standard deviations, as is this one by default.
        return lambda: torch.nn.init.trunc_normal_(torch.empty(COUNT))
    make = {"uniform": torch.rand, "normal": torch.randn}[variant]
    return lambda: make(COUNT)


def jax_step(jax, variant):
    draw = {
        "uniform": lambda key: jax.random.uniform(key, (COUNT,)),
        "normal": lambda key: jax.random.normal(key, (COUNT,)),
        "truncated": lambda key: jax.random.truncated_normal(key, -2.0, 2.0, (COUNT,)),
    }[variant]
    draw = jax.jit(draw)
    key = jax.random.key(SEED)
    return lambda: jax.block_until_ready(draw(key))


def prepare(name, framework, variant):
    make = session_step if name in SESSIONS else {"torch": torch_step, "jax": jax_step}[name]
    return RandomNumbers(make(framework, variant))
