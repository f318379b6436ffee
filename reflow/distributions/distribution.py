"""The base of all distributions: public methods over what each distribution defines."""

import contextlib

import numpy as np

from reflow.distributions.divergence import cross_entropy, kl_divergence
from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.shapes import TensorShape, as_shape
from reflow.ops.elementwise import exp, log, log1p, sqrt, square
from reflow.ops.joining import concat
from reflow.ops.reduction import reduce_prod
from reflow.ops.select import where, where_v2
from reflow.ops.shape_ops import rank, reshape, shape
from reflow.ops.slicing import slice_


@export("distributions.ReparameterizationType")
class ReparameterizationType:
    """Whether gradients flow from samples to the parameters of a distribution.

    Args:
      rep_type: what it is called.
    """

    def __init__(self, rep_type):
        self._rep_type = rep_type

    def __repr__(self):
        return f"<Reparameterization Type: {self._rep_type}>"

    def __eq__(self, other):
        return self is other

    __hash__ = object.__hash__


FULLY_REPARAMETERIZED = ReparameterizationType("FULLY_REPARAMETERIZED")
NOT_REPARAMETERIZED = ReparameterizationType("NOT_REPARAMETERIZED")
export("distributions.FULLY_REPARAMETERIZED")(FULLY_REPARAMETERIZED)
export("distributions.NOT_REPARAMETERIZED")(NOT_REPARAMETERIZED)


@export("distributions.Distribution")
class Distribution:
    """A batch of distributions over events of one shape.

    A subclass defines `_sample_n`, `_log_prob` or `_prob`, `_batch_shape`, `_event_shape` and so on, without names or
    checks; what it leaves out raises NotImplementedError unless it follows from what it defines.

    Args:
      dtype: the type of the samples.
      reparameterization_type: FULLY_REPARAMETERIZED if gradients flow from samples to parameters, else
        NOT_REPARAMETERIZED.
      validate_args: whether parameters and values are checked while the graph runs.
      allow_nan_stats: whether statistics that are not defined are NaN; if not they raise.
      parameters: dict of the arguments that the distribution was made of, for `copy`.
      graph_parents: the tensors that it depends on.
      name: the prefix of its operations' names; the name of the class if None.
    """

    def __init__(self, dtype, reparameterization_type, validate_args, allow_nan_stats, parameters=None,
                 graph_parents=None, name=None):  # fmt: skip
        graph_parents = [] if graph_parents is None else graph_parents
        for i, parent in enumerate(graph_parents):
            if not isinstance(parent, Tensor):
                raise ValueError(f"Graph parent item {i} is not a Tensor; {parent}.")
        if not name or not name.endswith("/"):
            with name_scope(name or type(self).__name__) as name:
                pass
        self._dtype = dtype
        self._reparameterization_type = reparameterization_type
        self._allow_nan_stats = allow_nan_stats
        self._validate_args = validate_args
        self._parameters = parameters or {}
        self._graph_parents = graph_parents
        self._name = name

    # --- what it is -----------------------------------------------------------------------------------------------

    @property
    def name(self):
        """The name scope of its operations, with a slash behind."""
        return self._name

    @property
    def dtype(self):
        """The type of the samples."""
        return self._dtype

    @property
    def parameters(self):
        """dict of the arguments it was made of."""
        return {key: value for key, value in self._parameters.items() if not key.startswith("__") and key != "self"}

    @property
    def reparameterization_type(self):
        """FULLY_REPARAMETERIZED or NOT_REPARAMETERIZED."""
        return self._reparameterization_type

    @property
    def allow_nan_stats(self):
        """Whether statistics that are not defined are NaN; if not they raise."""
        return self._allow_nan_stats

    @property
    def validate_args(self):
        """Whether parameters and values are checked while the graph runs."""
        return self._validate_args

    def copy(self, **override_parameters_kwargs):
        """A distribution made of the same arguments, but for those given here."""
        return type(self)(**{**self.parameters, **override_parameters_kwargs})

    @classmethod
    def param_shapes(cls, sample_shape, name="DistributionParamShapes"):
        """The shapes that parameters need for samples of `sample_shape`: dict from names to int32 vectors."""
        with name_scope(name, values=[sample_shape]):
            return cls._param_shapes(sample_shape)

    @classmethod
    def param_static_shapes(cls, sample_shape):
        """`param_shapes` as a dict of TensorShapes.

        Raises:
          ValueError: if `sample_shape` is not known in full.
        """
        if isinstance(sample_shape, TensorShape):
            if not sample_shape.is_fully_defined():
                raise ValueError("TensorShape sample_shape must be fully defined")
            sample_shape = sample_shape.as_list()
        static = {}
        for parameter, tensor in cls.param_shapes(sample_shape).items():
            sizes = constant_value(tensor)
            if sizes is None:
                raise ValueError("sample_shape must be a fully-defined TensorShape or list/tuple")
            static[parameter] = TensorShape(list(sizes))
        return static

    # --- shapes ---------------------------------------------------------------------------------------------------

    @property
    def batch_shape(self):
        """The static shape of the batch: one distribution at each place."""
        return as_shape(self._batch_shape())

    @property
    def event_shape(self):
        """The static shape of one sample of one distribution."""
        return as_shape(self._event_shape())

    def batch_shape_tensor(self, name="batch_shape_tensor"):
        """The shape of the batch as an int32 vector."""
        with self._name_scope(name):
            if self.batch_shape.is_fully_defined():
                return to_tensor(self.batch_shape.as_list(), dtypes.int32, name="batch_shape")
            return self._batch_shape_tensor()

    def event_shape_tensor(self, name="event_shape_tensor"):
        """The shape of one sample as an int32 vector."""
        with self._name_scope(name):
            if self.event_shape.is_fully_defined():
                return to_tensor(self.event_shape.as_list(), dtypes.int32, name="event_shape")
            return self._event_shape_tensor()

    def is_scalar_event(self, name="is_scalar_event"):
        """bool scalar: whether one sample is a scalar."""
        with self._name_scope(name):
            return to_tensor(_is_scalar(self.event_shape, self.event_shape_tensor), name="is_scalar_event")

    def is_scalar_batch(self, name="is_scalar_batch"):
        """bool scalar: whether there is a single distribution."""
        with self._name_scope(name):
            return to_tensor(_is_scalar(self.batch_shape, self.batch_shape_tensor), name="is_scalar_batch")

    # --- samples and densities ------------------------------------------------------------------------------------

    def sample(self, sample_shape=(), seed=None, name="sample"):
        """Samples.

        Args:
          sample_shape: int32 scalar or vector: how many of each distribution.
          seed: the op seed, or None.
          name: a name for the operations.

        Returns:
          A tensor [sample_shape, batch_shape, event_shape].
        """
        with self._name_scope(name, [sample_shape]):
            sample_shape = to_tensor(sample_shape, dtypes.int32, name="sample_shape")
            sample_shape, count = _as_vector(sample_shape)
            samples = self._sample_n(count, seed)
            samples = reshape(samples, concat([sample_shape, shape(samples)[1:]], 0))
            return self._with_static_shape(samples, sample_shape)

    def _value_of(self, value, name, function, other, from_other):
        """`function(value)`, or what `from_other` makes of `other(value)` if that is not implemented."""
        with self._name_scope(name, [value]):
            value = to_tensor(value, name="value", preferred_dtype=self.dtype)
            return _either(lambda: function(value), lambda: from_other(other(value)))

    def log_prob(self, value, name="log_prob"):
        """The logarithm of the density (or probability) of each value, of the broadcast shape of value and batch."""
        return self._value_of(value, name, self._log_prob, self._prob, log)

    def prob(self, value, name="prob"):
        """The density (or probability) of each value."""
        return self._value_of(value, name, self._prob, self._log_prob, exp)

    def log_cdf(self, value, name="log_cdf"):
        """The logarithm of the probability of a sample up to each value."""
        return self._value_of(value, name, self._log_cdf, self._cdf, log)

    def cdf(self, value, name="cdf"):
        """The probability of a sample up to each value."""
        return self._value_of(value, name, self._cdf, self._log_cdf, exp)

    def log_survival_function(self, value, name="log_survival_function"):
        """The logarithm of the probability of a sample above each value."""
        return self._value_of(value, name, self._log_survival_function, self.cdf, lambda cdf: log1p(-cdf))

    def survival_function(self, value, name="survival_function"):
        """The probability of a sample above each value."""
        return self._value_of(value, name, self._survival_function, self.cdf, lambda cdf: 1.0 - cdf)

    def quantile(self, value, name="quantile"):
        """The value up to which each given probability lies."""
        with self._name_scope(name, [value]):
            return self._quantile(to_tensor(value, name="value", preferred_dtype=self.dtype))

    # --- statistics -----------------------------------------------------------------------------------------------

    def entropy(self, name="entropy"):
        """The Shannon entropy in nats."""
        with self._name_scope(name):
            return self._entropy()

    def mean(self, name="mean"):
        """The mean of each distribution."""
        with self._name_scope(name):
            return self._mean()

    def variance(self, name="variance"):
        """The variance of each distribution, elementwise over events."""
        with self._name_scope(name):
            return _either(self._variance, lambda: square(self._stddev()))

    def stddev(self, name="stddev"):
        """The standard deviation of each distribution, elementwise over events."""
        with self._name_scope(name):
            return _either(self._stddev, lambda: sqrt(self._variance()))

    def covariance(self, name="covariance"):
        """The covariance matrices of distributions over vectors."""
        with self._name_scope(name):
            return self._covariance()

    def mode(self, name="mode"):
        """The most probable event of each distribution."""
        with self._name_scope(name):
            return self._mode()

    def cross_entropy(self, other, name="cross_entropy"):
        """The cross entropy of `other` under this distribution, in nats."""
        with self._name_scope(name):
            return self._cross_entropy(other)

    def kl_divergence(self, other, name="kl_divergence"):
        """The Kullback-Leibler divergence of `other` from this distribution, in nats."""
        with self._name_scope(name):
            return self._kl_divergence(other)

    # --- what a subclass may define -------------------------------------------------------------------------------

    @staticmethod
    def _param_shapes(sample_shape):
        raise NotImplementedError("_param_shapes not implemented")

    def _batch_shape(self):
        return TensorShape(None)

    def _event_shape(self):
        return TensorShape(None)

    def _cross_entropy(self, other):
        return cross_entropy(self, other, allow_nan_stats=self.allow_nan_stats)

    def _kl_divergence(self, other):
        return kl_divergence(self, other, allow_nan_stats=self.allow_nan_stats)

    def _missing(self, what):
        return NotImplementedError(f"{what} is not implemented: {type(self).__name__}")

    def _batch_shape_tensor(self):
        raise self._missing("batch_shape_tensor")

    def _event_shape_tensor(self):
        raise self._missing("event_shape_tensor")

    def _sample_n(self, n, seed=None):
        raise self._missing("sample_n")

    def _log_prob(self, value):
        raise self._missing("log_prob")

    def _prob(self, value):
        raise self._missing("prob")

    def _log_cdf(self, value):
        raise self._missing("log_cdf")

    def _cdf(self, value):
        raise self._missing("cdf")

    def _log_survival_function(self, value):
        raise self._missing("log_survival_function")

    def _survival_function(self, value):
        raise self._missing("survival_function")

    def _quantile(self, value):
        raise self._missing("quantile")

    def _entropy(self):
        raise self._missing("entropy")

    def _mean(self):
        raise self._missing("mean")

    def _variance(self):
        raise self._missing("variance")

    def _stddev(self):
        raise self._missing("stddev")

    def _covariance(self):
        raise self._missing("covariance")

    def _mode(self):
        raise self._missing("mode")

    # --- helpers --------------------------------------------------------------------------------------------------

    def __str__(self):
        batch, event = self.batch_shape, self.event_shape
        shapes = f", batch_shape={batch}" if batch.ndims is not None else ""
        shapes += f", event_shape={event}" if event.ndims is not None else ""
        return f'tfp.distributions.{type(self).__name__}("{self.name}"{shapes}, dtype={self.dtype.name})'

    def __repr__(self):
        return (f"<tfp.distributions.{type(self).__name__} '{self.name}' batch_shape={self.batch_shape} "
                f"event_shape={self.event_shape} dtype={self.dtype.name}>")  # fmt: skip

    @contextlib.contextmanager
    def _name_scope(self, name=None, values=None):
        with name_scope(self.name), name_scope(name, values=[*(values or ()), *self._graph_parents]) as scope:
            yield scope

    def _with_static_shape(self, samples, sample_shape):
        """`samples`, with what is known of its shape from those of the sample, the batch and the event."""
        static = constant_value(sample_shape)
        parts = [TensorShape(None if static is None else list(static)), self.batch_shape, self.event_shape]
        ndims = [part.ndims for part in parts]
        total = samples.shape.ndims
        if total is None and None not in ndims:
            total = sum(ndims)
        if total is not None and ndims.count(None) == 1:
            ndims[ndims.index(None)] = total - sum(n for n in ndims if n is not None)
        for index, (part, known) in enumerate(zip(parts, ndims, strict=True)):
            before, behind = ndims[:index], ndims[index + 1 :]
            if total is None or known is None or part.ndims is None:
                continue
            if None not in before:
                first = sum(before)
            elif None not in behind:
                first = total - sum(behind) - known
            else:
                continue
            dims = [None] * first + part.as_list()
            samples.set_shape(dims + [None] * (total - len(dims)))
        return samples


def _either(function, otherwise):
    """What `function` returns, or if it is not implemented, what `otherwise` returns."""
    try:
        return function()
    except NotImplementedError as error:
        try:
            return otherwise()
        except NotImplementedError:
            raise error from None


def _is_scalar(static_shape, shape_tensor):
    if static_shape.ndims is not None:
        return static_shape.ndims == 0
    dynamic = shape_tensor()
    if dynamic.shape.ndims is not None and dynamic.shape.dims[0].value is not None:
        return dynamic.shape.as_list() == [0]
    return call("Equal", shape(dynamic)[0], 0)


def _as_vector(sample_shape):
    """(the sample shape as a vector, the number of samples)."""
    static = constant_value(sample_shape)
    count = reduce_prod(sample_shape) if static is None else np.prod(static, dtype=sample_shape.dtype.as_numpy_dtype)
    ndims = sample_shape.shape.ndims
    if ndims is None:
        is_scalar = call("Equal", rank(sample_shape), 0)
        expanded = _picked(is_scalar, np.array([1], np.int32), shape(sample_shape))
        return reshape(sample_shape, expanded), count
    if ndims == 0:
        if static is not None:
            return to_tensor(np.array([static], sample_shape.dtype.as_numpy_dtype), name="sample_shape"), count
        return reshape(sample_shape, [1]), count
    if ndims != 1:
        raise ValueError("Input is neither scalar nor vector.")
    return sample_shape, count


def _picked(condition, if_true, if_false):
    """One of two vectors of different sizes."""
    with name_scope("pick_vector", values=[condition, if_true, if_false]):
        known = constant_value(condition)
        if known is not None:
            return if_true if known else if_false
        if_true, if_false = to_tensor(if_true, name="true_vector"), to_tensor(if_false, name="false_vector")
        size = shape(if_true)[0]
        both = concat([if_true, if_false], 0)
        return slice_(both, [where_v2(condition, 0, size)], [where(condition, size, -1)])
