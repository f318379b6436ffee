"""The public random functions: nodes, seeds, values, gradients."""

import numpy as np
from op_recording import Cases

case = Cases()

FUNCTIONS = {
    "uniform": lambda tf: tf.random_uniform([2, 3]),
    "uniform_bounds": lambda tf: tf.random_uniform([2, 3], -2, 5.0, seed=3, name="u"),
    "uniform_int": lambda tf: tf.random_uniform([7], 3, 20, tf.int32),
    "uniform_int64": lambda tf: tf.random_uniform([7], maxval=1 << 40, dtype=tf.int64),
    "uniform_scalar": lambda tf: tf.random_uniform([], dtype=tf.float64),
    "uniform_tensor": lambda tf: tf.random_uniform(tf.constant([2, 2]), tf.constant(1.0), tf.constant(2.0)),
    "normal": lambda tf: tf.random_normal([2, 3]),
    "normal_options": lambda tf: tf.random_normal([2, 3], 1, 2, seed=3, name="n"),
    "normal_dimension": lambda tf: tf.random_normal(tf.zeros([2, 3]).shape),
    "normal_double": lambda tf: tf.random.normal([3], dtype=tf.float64),
    "truncated": lambda tf: tf.truncated_normal([5], stddev=0.1),
    "shuffle": lambda tf: tf.random_shuffle(np.arange(10)),
    "shuffle_rows": lambda tf: tf.random.shuffle(np.arange(12).reshape(4, 3), seed=2, name="s"),
    "shuffle_strings": lambda tf: tf.random_shuffle(["a", "b", "c", "d"]),
    "multinomial": lambda tf: tf.multinomial([[0.0, 1.0, 2.0], [3.0, 0.0, 0.0]], 5),
    "multinomial_type": lambda tf: tf.random.multinomial([[0.0, 1.0]], 5, output_dtype=tf.int32, name="m"),
    "categorical": lambda tf: tf.random.categorical([[0.0, 1.0, 2.0]], 4, dtype=tf.int32, seed=1),
    "gamma": lambda tf: tf.random_gamma([3], [0.5, 1.0, 4.0]),
    "gamma_beta": lambda tf: tf.random_gamma([2], 2.0, [1.0, 10.0], seed=4, name="g"),
    "poisson": lambda tf: tf.random_poisson([0.5, 3.0, 20.0], [4]),
    "poisson_int": lambda tf: tf.random.poisson(4.0, [6], dtype=tf.int32),
    "crop": lambda tf: tf.random_crop(np.arange(60).reshape(5, 4, 3), [2, 3, 3], seed=1),
    "stateless_uniform": lambda tf: tf.random.stateless_uniform([5], [1, 2], -1.0, 1.0),
    "stateless_uniform_int": lambda tf: tf.random.stateless_uniform([5], [1, 2], 0, 100, tf.int32),
    "stateless_normal": lambda tf: tf.random.stateless_normal([5], [1, 2], 3.0, 2.0, name="n"),
    "stateless_truncated": lambda tf: tf.random.stateless_truncated_normal([5], [1, 2]),
    "stateless_categorical": lambda tf: tf.random.stateless_categorical([[0.0, 1.0]], 6, [1, 2]),
    "stateless_multinomial": lambda tf: tf.random.stateless_multinomial([[0.0, 1.0]], 6, [1, 2]),
}


@case.each(name=sorted(FUNCTIONS))
def function(tf, t, name):
    tf.constant(1.0)
    t.out(FUNCTIONS[name](tf), FUNCTIONS[name](tf))


@case.each(name=["uniform", "normal", "truncated", "uniform_int"])
def with_op_seed_alone(tf, t, name):
    tf.get_default_graph().seed = None
    t.out(tf.random_uniform([3], seed=7), tf.random_normal([3], seed=7), tf.random_shuffle(np.arange(5), seed=7))


@case.each(seeds=[(0, 0), (1, 0), (0, 5), (-1, 3), (2 ** 31 - 1, 2 ** 31), (7, None), (None, 7), (None, None)])
def get_seed(tf, t, seeds):
    tf.set_random_seed(seeds[0])
    first, second = tf.get_seed(seeds[1])
    t.out(tf.constant([-1 if s is None else s for s in (first, second)], tf.int64))


@case
def gamma_gradient(tf, t):
    alpha = t.feed(np.array([0.5, 1.0, 4.0], "float32"))
    t.grad(tf.random_gamma([4], alpha, 2.0), [alpha])


@case
def normal_gradient(tf, t):
    mean, deviation = t.feed(t.normal(3)), t.feed(t.normal(3))
    t.grad(tf.random_normal([3], mean, deviation), [mean, deviation])


@case
def shuffle_has_no_gradient(tf, t):
    x = t.feed(t.normal(3))
    tf.gradients(tf.random_shuffle(x), [x])


WRONG = {
    "type": lambda tf: tf.random_uniform([2], dtype=tf.int8),
    "no_maxval": lambda tf: tf.random_uniform([2], dtype=tf.int32),
    "shape": lambda tf: tf.random_uniform([[2]]),
    "logits": lambda tf: tf.multinomial([1.0, 2.0], 3),
    "seed": lambda tf: tf.random.stateless_uniform([2], [1, 2, 3]),
}


@case.each(what=sorted(WRONG))
def wrong(tf, t, what):
    WRONG[what](tf)


RUN_WRONG = {
    "bounds": lambda tf: tf.random_uniform([2], 5, 5, tf.int32),
    "crop": lambda tf: tf.random_crop(np.arange(6), [7]),
    "samples": lambda tf: tf.multinomial([[1.0]], tf.constant(-1)),
}


@case.each(what=sorted(RUN_WRONG))
def wrong_when_run(tf, t, what):
    t.out(RUN_WRONG[what](tf))


GENERATORS = {
    "normal": lambda tf, g: g.normal([3], 1.0, 2.0),
    "truncated": lambda tf, g: g.truncated_normal([2, 2], name="t"),
    "uniform": lambda tf, g: g.uniform([3], -1.0, 1.0, tf.float64),
    "uniform_int": lambda tf, g: g.uniform([3], 0, 100, tf.int32),
    "full_int": lambda tf, g: g.uniform_full_int([3], tf.int64),
    "binomial": lambda tf, g: g.binomial([4], [10.0] * 4, [0.1, 0.3, 0.5, 0.9]),
    "seeds": lambda tf, g: g.make_seeds(2),
    "key": lambda tf, g: g.key,
}


@case.each(name=sorted(GENERATORS))
def generator(tf, t, name):
    g = tf.random.experimental.Generator.from_seed(1234567890123456789012345)
    t.out(GENERATORS[name](tf, g))


@case
def generator_states(tf, t):
    kind = tf.random.experimental.Generator
    t.out(kind.from_key_counter(3, [1, 2], 1).state.read_value(), kind.from_state([2 ** 64 - 1, 0, 5], 1).normal([2]))
    t.out(tf.constant(tf.random.experimental.create_rng_state([1, 2], 1)))


@case
def generator_of_no_kind(tf, t):
    tf.random.experimental.Generator.from_seed(1, alg=9)
