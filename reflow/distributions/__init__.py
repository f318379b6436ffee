"""`tf.distributions`: probability distributions whose samples, densities and statistics are tensors."""

from reflow.distributions import (  # noqa: F401
    bernoulli,
    beta,
    categorical,
    dirichlet,
    dirichlet_multinomial,
    distribution,
    divergence,
    exponential,
    gamma,
    laplace,
    multinomial,
    normal,
    student_t,
    uniform,
)
