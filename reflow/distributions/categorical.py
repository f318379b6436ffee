"""The categorical distribution."""

from reflow.distributions.distribution import NOT_REPARAMETERIZED
from reflow.distributions.divergence import RegisterKL
from reflow.distributions.events import OverNumbers
from reflow.distributions.parameters import checked_classes, checked_integers, logits_and_probs
from reflow.graph import dtypes
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.constant import constant, ones, ones_like, zeros_like
from reflow.ops.cross_entropy import sparse_softmax_cross_entropy_with_logits
from reflow.ops.grids import sequence_mask
from reflow.ops.identity import identity
from reflow.ops.joining import concat
from reflow.ops.permute import transpose
from reflow.ops.random import multinomial
from reflow.ops.reduction import argmax, reduce_sum
from reflow.ops.select import where
from reflow.ops.shape_ops import rank, reshape, shape
from reflow.ops.softmax import log_softmax, softmax


@export("distributions.Categorical")
class Categorical(OverNumbers):
    """Distributions over the numbers of classes.

    Args:
      logits: floating point tensor [..., classes]: logarithms of unnormalized probabilities; or
      probs: floating point tensor [..., classes]: probabilities.
      dtype: the type of the samples.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: accepted; all statistics are defined.
      name: the prefix of the operations' names.

    Raises:
      ValueError: if both `logits` and `probs` or neither are given.
    """

    def __init__(self, logits=None, probs=None, dtype=dtypes.int32, validate_args=False, allow_nan_stats=True,
                 name="Categorical"):  # fmt: skip
        parameters = dict(logits=logits, probs=probs, dtype=dtype, validate_args=validate_args,
                          allow_nan_stats=allow_nan_stats, name=name)  # fmt: skip
        with name_scope(name, values=[logits, probs]) as name:
            self._logits, self._probs = logits_and_probs(logits, probs, validate_args, name, over_classes=True)
            if validate_args:
                self._logits = checked_classes(self._logits)
            self._make_shapes()
        super().__init__(as_dtype(dtype), NOT_REPARAMETERIZED, validate_args, allow_nan_stats, parameters,
                         [self._logits, self._probs], name)  # fmt: skip

    def _make_shapes(self):
        static = self._logits.shape.with_rank_at_least(1)
        if static.ndims is not None:
            self._batch_rank = to_tensor(static.ndims - 1, dtypes.int32, name="batch_rank")
        else:
            with name_scope("batch_rank"):
                self._batch_rank = rank(self._logits) - 1
        logits_shape = shape(self._logits, name="logits_shape")
        size = None if static.ndims is None else static.dims[-1].value
        if size is not None:
            self._event_size = to_tensor(size, dtypes.int32, name="event_size")
        else:
            with name_scope("event_size"):
                self._event_size = logits_shape[self._batch_rank]
        if static[:-1].is_fully_defined():
            self._batch_sizes = constant(static[:-1].as_list(), dtypes.int32, name="batch_shape")
        else:
            with name_scope("batch_shape"):
                self._batch_sizes = logits_shape[:-1]

    @property
    def event_size(self):
        """The number of classes, an int32 scalar."""
        return self._event_size

    @property
    def logits(self):
        """Logarithms of unnormalized probabilities."""
        return self._logits

    @property
    def probs(self):
        """Probabilities."""
        return self._probs

    def _batch_shape_tensor(self):
        return identity(self._batch_sizes)

    def _batch_shape(self):
        return self.logits.shape[:-1]

    def _sample_n(self, n, seed=None):
        logits = self.logits if self.logits.shape.ndims == 2 else reshape(self.logits, [-1, self.event_size])
        dtype = dtypes.int64 if self.dtype.size > 4 else dtypes.int32
        draws = multinomial(logits, n, seed=seed, output_dtype=dtype)
        draws = reshape(transpose(draws), concat([[n], self.batch_shape_tensor()], 0))
        return cast(draws, self.dtype)

    def _event(self, k, parameters):
        """(`k` as integers, `parameters`), broadcast to one another."""
        k = to_tensor(k, name="k")
        if self.validate_args:
            k = checked_integers(k, dtypes.int32)
        if k.dtype.is_floating:
            k = cast(k, dtypes.int32)
        elif not k.dtype.is_integer:
            raise TypeError(f"`value` should have integer `dtype` or `self.dtype` ({self.dtype.base_dtype})")
        static = parameters.shape
        is_known = static.ndims is not None and static[:-1].is_fully_defined() and k.shape.is_fully_defined()
        if not is_known or static[:-1] != k.shape:
            parameters *= ones_like(k[..., None], dtype=parameters.dtype)
            k *= ones(shape(parameters)[:-1], dtype=k.dtype)
            if parameters.shape.ndims is not None:
                k.set_shape(parameters.shape[:-1])
        return k, parameters

    def _cdf(self, k):
        k, probs = self._event(k, self.probs)
        flat_probs = reshape(probs, (-1, self._event_size))
        flat_k = reshape(k, [-1])
        is_below = sequence_mask(flat_k, self._event_size)
        flat_cdf = reduce_sum(where(is_below, flat_probs, zeros_like(flat_probs)), axis=-1)
        return reshape(flat_cdf, shape(k))

    def _log_prob(self, k):
        k, logits = self._event(k, self.logits)
        return -sparse_softmax_cross_entropy_with_logits(labels=k, logits=logits)

    def _entropy(self):
        return -reduce_sum(log_softmax(self.logits) * self.probs, axis=-1)

    def _mode(self):
        mode = cast(argmax(self.logits, axis=self._batch_rank), self.dtype)
        mode.set_shape(self.batch_shape)
        return mode


@RegisterKL(Categorical, Categorical)
def _divergence(a, b, name=None):
    with name_scope(name, "kl_categorical_categorical", values=[a.logits, b.logits]):
        difference = log_softmax(a.logits) - log_softmax(b.logits)
        return reduce_sum(softmax(a.logits) * difference, axis=-1)
