"""The Kullback-Leibler divergence between distributions, defined for pairs of classes."""

from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.export import export
from reflow.ops.checks import Assert
from reflow.ops.identity import identity
from reflow.ops.reduction import reduce_any

_DIVERGENCES: dict = {}


def _divergence_between(first, second):
    """The function registered for the pair of ancestors of two classes that is closest to them, or None."""
    pairs = [
        (i + j, i, (a, b)) for i, a in enumerate(first.__mro__) for j, b in enumerate(second.__mro__)
        if (a, b) in _DIVERGENCES
    ]  # fmt: skip
    return _DIVERGENCES[min(pairs)[2]] if pairs else None


@export("distributions.kl_divergence")
def kl_divergence(distribution_a, distribution_b, allow_nan_stats=True, name=None):
    """The Kullback-Leibler divergence of `distribution_b` from `distribution_a`: the mean of log(a / b) under a.

    Args:
      distribution_a: a distribution.
      distribution_b: a distribution of a class for which there is a divergence from that of `distribution_a`.
      allow_nan_stats: whether the result may be NaN; if not, InvalidArgumentError is raised while the graph runs.
      name: a name for the operations.

    Returns:
      A tensor of the shape of the batch.

    Raises:
      NotImplementedError: if no divergence is defined for the two classes.
    """
    function = _divergence_between(type(distribution_a), type(distribution_b))
    if function is None:
        raise NotImplementedError(
            f"No KL(distribution_a || distribution_b) registered for distribution_a type "
            f"{type(distribution_a).__name__} and distribution_b type {type(distribution_b).__name__}"
        )
    with name_scope("KullbackLeibler"):
        divergence = function(distribution_a, distribution_b, name=name)
        if allow_nan_stats:
            return divergence
        divergence = identity(divergence, name="kl")
        message = (f"KL calculation between {distribution_a.name} and {distribution_b.name} returned NaN values "
                   "(and was called with allow_nan_stats=False). Values:")  # fmt: skip
        has_no_nan = call("LogicalNot", reduce_any(call("IsNan", divergence)))
        with control_dependencies([Assert(has_no_nan, [message, divergence])]):
            return identity(divergence, name="checked_kl")


def cross_entropy(ref, other, allow_nan_stats=True, name=None):
    """The cross entropy of `other` under `ref`: the entropy of `ref` and the divergence of `other` from it.

    Args:
      ref: a distribution.
      other: a distribution.
      allow_nan_stats: whether the divergence may be NaN.
      name: a name for the operations.

    Returns:
      A tensor of the shape of the batch.
    """
    with name_scope(name, "cross_entropy"):
        return ref.entropy() + kl_divergence(ref, other, allow_nan_stats=allow_nan_stats)


@export("distributions.RegisterKL")
class RegisterKL:
    """A decorator that defines the divergence of distributions of one class from those of another.

    Args:
      dist_cls_a: the class of the first.
      dist_cls_b: the class of the second.
    """

    def __init__(self, dist_cls_a, dist_cls_b):
        self._key = (dist_cls_a, dist_cls_b)

    def __call__(self, kl_fn):
        """Define it as `kl_fn(a, b, name=None)`.

        Returns:
          `kl_fn`.

        Raises:
          TypeError: if it is no function.
          ValueError: if a divergence is defined for these classes already.
        """
        if not callable(kl_fn):
            raise TypeError(f"kl_fn must be callable, received: {kl_fn}")
        if self._key in _DIVERGENCES:
            raise ValueError(f"KL({self._key[0].__name__} || {self._key[1].__name__}) has already been registered to: "
                             f"{_DIVERGENCES[self._key]}")  # fmt: skip
        _DIVERGENCES[self._key] = kl_fn
        return kl_fn
