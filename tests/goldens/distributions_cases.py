"""Programs of tf.distributions, run under TensorFlow 1.15.5 and Reflow. Runs under Python 3.7 as well."""

import numpy as np
from op_recording import Cases

case = Cases()
F = "float32"


def _positive(t, *shape):
    return t.feed((t.random.rand(*shape) * 3 + 1.2).astype(F))


def _any(t, *shape):
    return t.feed(t.normal(*shape))


def _shares(t, *shape):
    shares = t.random.rand(*shape) + 0.1
    return t.feed((shares / shares.sum(-1, keepdims=True)).astype(F))


# How to make each distribution, with parameters that broadcast, and its parameters.
def _made(tf, t, name, **options):
    d = tf.distributions
    if name == "Multinomial":
        p = [t.feed(np.array([4, 6], F)), _any(t, 2, 3)]
    elif name == "DirichletMultinomial":
        p = [t.feed(np.array(4, F)), _positive(t, 2, 3)]
    elif name == "Dirichlet":
        p = [_positive(t, 2, 3)]
    elif name in ("Bernoulli", "Categorical"):
        p = [_any(t, 2, 3)]
    elif name == "Uniform":
        p = [_any(t, 2, 1), _positive(t, 3)]
        return d.Uniform(p[0], p[0] + p[1], **options), p
    elif name == "Exponential":
        p = [_positive(t, 3)]
    elif name == "Gamma":
        p = [_positive(t, 2, 1), _positive(t, 3)]
    elif name == "Beta":
        p = [_positive(t, 2, 3), _positive(t, 2, 3)]
    elif name == "StudentT":
        p = [_positive(t, 2, 3), _any(t, 3), _positive(t, 2, 1)]
    else:
        p = [_any(t, 2, 1), _positive(t, 3)]
    return getattr(d, name)(*p, **options), p


def _value(t, name):
    if name in ("Multinomial", "DirichletMultinomial"):
        return t.feed(np.array([[1, 3, 0], [2, 1, 3 if name == "Multinomial" else 1]], F))
    if name == "Dirichlet":
        return _shares(t, 2, 3)
    if name == "Bernoulli":
        return t.feed(t.integers(0, 2, 2, 3))
    if name == "Categorical":
        return t.feed(t.integers(0, 3, 2))
    if name == "Beta":
        return t.feed(t.random.rand(2, 3).astype(F))
    return _positive(t, 2, 3) if name in ("Gamma", "Exponential") else _any(t, 2, 3)


SCALARS = ["Normal", "Laplace", "Uniform", "Gamma", "Exponential", "StudentT", "Beta", "Bernoulli", "Categorical"]
VECTORS = ["Dirichlet", "Multinomial", "DirichletMultinomial"]
STATISTICS = ["entropy", "mean", "variance", "stddev", "covariance", "mode"]
DENSITIES = ["log_prob", "prob", "log_cdf", "cdf", "log_survival_function", "survival_function"]


@case.each(name=SCALARS + VECTORS)
def _statistics(tf, t, name):
    distribution, parameters = _made(tf, t, name)
    t.out(distribution.batch_shape_tensor(), distribution.event_shape_tensor())
    t.out(distribution.is_scalar_batch(), distribution.is_scalar_event())
    # TensorFlow's mode of a batch of Dirichlet distributions does not broadcast.
    for statistic in STATISTICS[: -1 if name == "Dirichlet" else None]:
        try:
            value = t.out(getattr(distribution, statistic)())
        except NotImplementedError as error:
            t.out(tf.constant(str(error)))
        else:
            if statistic in ("entropy", "variance") and "Multinomial" not in name:
                t.grad(value, parameters)


@case.each(name=SCALARS + VECTORS)
def _density(tf, t, name):
    distribution, parameters = _made(tf, t, name)
    value = _value(t, name)
    for density in DENSITIES:
        try:
            result = t.out(getattr(distribution, density)(value))
        except NotImplementedError as error:
            t.out(tf.constant(str(error)))
        else:
            if density == "log_prob":
                t.grad(result, parameters)


@case.each(name=[n for n in SCALARS + VECTORS if n != "Multinomial"])
def _sample(tf, t, name):
    tf.set_random_seed(7)
    distribution, parameters = _made(tf, t, name)
    t.out(distribution.sample())
    t.out(distribution.sample(4, seed=3))
    t.out(distribution.sample([2, 2], seed=5))
    t.one_by_one()


@case.each(name=["Normal", "Laplace", "Uniform", "Exponential"])
def _sample_gradient(tf, t, name):
    distribution, parameters = _made(tf, t, name)
    t.grad(t.out(distribution.sample(3, seed=1)), parameters)


@case.each(name=["Gamma", "StudentT", "Beta", "Dirichlet"])
def _sample_gradient_of_gamma(tf, t, name):
    distribution, parameters = _made(tf, t, name)
    t.values_only()
    t.grad(t.out(distribution.sample(3, seed=1)), parameters)


@case.each(name=["Normal", "Gamma", "Beta", "Dirichlet", "Bernoulli", "Categorical", "Exponential"])
def _divergence(tf, t, name):
    first, parameters = _made(tf, t, name)
    second, others = _made(tf, t, name)
    t.out(first.kl_divergence(second), first.cross_entropy(second))
    value = t.out(tf.distributions.kl_divergence(first, second, name="kl"))
    t.grad(value, parameters + others)


@case.each(name=["Laplace", "StudentT", "Multinomial"])
def _no_divergence(tf, t, name):
    distribution, _ = _made(tf, t, name)
    distribution.kl_divergence(distribution)


@case
def _divergence_checked(tf, t):
    a = tf.distributions.Normal(_any(t, 2), _positive(t, 2), allow_nan_stats=False)
    t.values_only()
    t.out(a.kl_divergence(tf.distributions.Normal(0.0, 1.0)))


@case.each(name=SCALARS + VECTORS)
def _checked(tf, t, name):
    distribution, _ = _made(tf, t, name, validate_args=True, allow_nan_stats=False)
    t.values_only()
    t.out(distribution.mean() if name not in ("Categorical", "StudentT") else distribution.batch_shape_tensor())
    t.out(distribution.log_prob(_value(t, name)))


@case.each(name=["Beta", "Gamma", "Dirichlet", "StudentT"])
def _undefined(tf, t, name):
    low = t.feed(np.array([0.5, 1.5, 2.5], F))
    d = tf.distributions
    made = {"Beta": lambda: d.Beta(low, 2.0), "Gamma": lambda: d.Gamma(low, 1.0),
            "Dirichlet": lambda: d.Dirichlet(tf.stack([low, low + 1, low + 2])),
            "StudentT": lambda: d.StudentT(low, 0.0, 1.0)}[name]()  # fmt: skip
    t.out(made.mode(), made.mean(), made.variance())
    if name == "StudentT":
        t.grad(made.variance(), low)


@case.each(dtype=["float32", "float64"])
def _normal_tails(tf, t, dtype):
    x = np.array([-np.inf, -40, -21, -20, -12, -10, -9.5, -5, -1, -0.5, 0, 0.3, 1, 4.9, 5.1, 8.5, 12, np.inf, np.nan])
    x = t.feed(x.astype(dtype))
    normal = tf.distributions.Normal(tf.constant(0, dtype), tf.constant(1, dtype))
    value = t.out(normal.log_cdf(x), normal.cdf(x), normal.survival_function(x))[0]
    t.grad(value, x)
    p = t.feed(np.array([-0.5, 0, 1e-30, 1e-16, 1e-10, 1e-3, 0.1, 0.135, 0.14, 0.5, 0.86, 0.87, 0.999, 1, 2], dtype))
    t.out(normal.quantile(p))


@case
def _laplace_tails(tf, t):
    x = t.feed(np.array([-200, -20, -1, -0.1, 0, 0.1, 1, 20, 200], F))
    laplace = tf.distributions.Laplace(0.0, 1.0)
    value = t.out(laplace.log_cdf(x), laplace.log_survival_function(x), laplace.cdf(x))[0]
    t.grad(value, x)


@case
def _uniform_edges(tf, t):
    x = t.feed(np.array([-1, 0, 0.5, 1, 2, np.nan], F))
    uniform = tf.distributions.Uniform()
    t.out(uniform.prob(x), uniform.cdf(x), uniform.log_prob(x), uniform.range())
    t.out(uniform.sample(3, seed=1))


@case.each(probs=[False, True])
def _bernoulli(tf, t, probs):
    share = t.feed(t.random.rand(3).astype(F))
    made = tf.distributions.Bernoulli(**{"probs" if probs else "logits": share, "dtype": tf.float32, "name": "coin"})
    t.out(made.sample(5, seed=2), made.log_prob([1.0, 0.0, 1.0]), made.log_prob(1), made.prob(tf.constant([[0], [1]])))
    t.out(made.logits, made.probs, made.mode(), made.entropy())


@case.each(probs=[False, True])
def _categorical(tf, t, probs):
    share = _shares(t, 2, 2, 4)
    made = tf.distributions.Categorical(**{"probs" if probs else "logits": share, "dtype": tf.int64})
    t.out(made.sample(5, seed=2), made.log_prob([[1, 0], [2, 3]]), made.log_prob(1), made.event_size)
    t.out(made.cdf([[1, 0], [2, 3]]), made.prob(t.feed(t.integers(0, 4, 3, 2, 2))), made.mode(), made.log_prob(2.0))


@case
def _categorical_of_unknown_shape(tf, t):
    made = tf.distributions.Categorical(t.feed(t.normal(2, 4), shape=[None, None]))
    t.out(made.sample(3, seed=2), made.log_prob(t.feed(t.integers(0, 4, 2), shape=[None])), made.event_size)
    t.out(made.batch_shape_tensor(), made.mode(), made.entropy())


@case
def _categorical_of_unknown_rank(tf, t):
    made = tf.distributions.Categorical(t.feed(t.normal(2, 4), shape=None))
    t.out(made.event_size, made.batch_shape_tensor(), made.entropy())


@case
def _multinomial_from_probs(tf, t):
    made = tf.distributions.Multinomial(5.0, probs=_shares(t, 3))
    t.out(made.mean(), made.variance(), made.covariance(), made.log_prob([1.0, 2, 2]), made.prob([[0.0, 5, 0]] * 2))


@case
def _unknown_shapes(tf, t):
    made = tf.distributions.Normal(t.feed(t.normal(2, 1), shape=None), t.feed(np.ones(3, F), shape=[None]))
    n = t.feed(np.array([2, 2], "int32"), shape=[None])
    t.out(made.sample(seed=1), made.sample(3, seed=1), made.sample(n, seed=1), made.batch_shape_tensor())
    t.out(made.is_scalar_batch(), made.is_scalar_event(), made.log_prob(0.5))


@case
def _sample_shape_of_unknown_rank(tf, t):
    made = tf.distributions.Normal(t.feed(t.normal(2)), 1.0)
    t.out(made.sample(t.feed(np.array(3, "int32"), shape=None), seed=1))
    t.out(made.sample(t.feed(np.array(3, "int32")), seed=1))
    t.out(made.sample(t.feed(np.array([2, 1], "int32"), shape=None), seed=1))


@case
def _sample_shape_of_matrix(tf, t):
    tf.distributions.Normal(0.0, 1.0).sample([[1]])


@case
def _copies(tf, t):
    made = tf.distributions.Normal(1.0, [2.0, 3], name="first")
    other = made.copy(loc=-1.0, name="second")
    t.out(other.mean(), other.stddev(), tf.constant(str(other)), tf.constant(repr(made)))
    t.out(tf.constant(sorted(other.parameters)), tf.constant(made.name), tf.constant(str(made.batch_shape)))
    t.out(tf.constant(repr(made.reparameterization_type == tf.distributions.FULLY_REPARAMETERIZED)))


@case.each(name=["Normal", "Bernoulli", "Exponential", "StudentT", "Beta"])
def _parameter_shapes(tf, t, name):
    made = getattr(tf.distributions, name)
    for _, shape in sorted(made.param_shapes([3, 2]).items()):
        t.out(shape)
    t.out(tf.constant(str(sorted((k, v.as_list()) for k, v in made.param_static_shapes([4]).items()))))


@case
def _parameter_shapes_missing(tf, t):
    tf.distributions.Categorical.param_shapes([3])


@case.each(which=["both", "neither", "integers", "types", "one_class"])
def _refused(tf, t, which):
    d = tf.distributions
    {"both": lambda: d.Bernoulli(0.5, 0.5), "neither": lambda: d.Categorical(),
     "integers": lambda: d.Bernoulli(logits=[1, 2]), "types": lambda: d.Normal(1.0, tf.constant(1.0, tf.float64)),
     "one_class": lambda: d.Categorical(logits=[[1.0]], validate_args=True)}[which]()  # fmt: skip


@case.each(which=["scale", "probs", "sum", "value", "fraction", "order"])
def _refused_when_run(tf, t, which):
    d = tf.distributions
    bad = t.feed(np.array([-1.0, 2.0], F))
    t.out({
        "scale": lambda: d.Normal(0.0, bad, validate_args=True).mean(),
        "probs": lambda: d.Bernoulli(probs=bad, validate_args=True).mean(),
        "sum": lambda: d.Categorical(probs=tf.abs(bad), validate_args=True).entropy(),
        "value": lambda: d.Gamma(1.0, 1.0, validate_args=True).log_prob(bad),
        "fraction": lambda: d.Categorical(logits=[0.0, 1.0], validate_args=True).log_prob(tf.abs(bad) / 4),
        "order": lambda: d.Uniform(bad, 0.0, validate_args=True).mean(),
    }[which]())  # fmt: skip


@case
def _own(tf, t):
    class Doubled(tf.distributions.Distribution):
        def __init__(self, low, name="Doubled"):
            self.low = tf.convert_to_tensor(low)
            super(Doubled, self).__init__(tf.float32, tf.distributions.NOT_REPARAMETERIZED, False, True,
                                          {"low": low}, [self.low], name)  # fmt: skip

        def _batch_shape(self):
            return self.low.shape

        def _event_shape(self):
            return tf.TensorShape([])

        def _sample_n(self, n, seed=None):
            return tf.ones([n, 1]) * self.low

        def _prob(self, value):
            return value * self.low

        def _cdf(self, value):
            return value * 0.5 + 0 * self.low

        def _stddev(self):
            return self.low * 2

    made = Doubled([1.0, 2.0])
    t.out(made.sample([2, 3]), made.log_prob(0.5), made.log_survival_function(0.25), made.survival_function(0.25))
    t.out(made.variance(), made.copy(low=[3.0]).stddev(), made.batch_shape_tensor())

    @tf.distributions.RegisterKL(Doubled, tf.distributions.Distribution)
    def _kl(a, b, name=None):
        return a.low * 7

    t.out(made.kl_divergence(tf.distributions.Normal(0.0, 1.0)))
