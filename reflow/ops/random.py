"""Random numbers drawn by the seeds of their ops; every run of a session continues the op's stream.

The numbers themselves come from the philox modules, which follow TensorFlow's streams.
"""

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.random_seed import seed_attrs
from reflow.graph.registry import define_op, gradient
from reflow.graph.shapes import dimension_value
from reflow.ops import philox_distributions, philox_rejection, philox_sequential
from reflow.ops.incomplete_functions import igamma_gradient_kernel
from reflow.ops.native import random as random_native
from reflow.ops.philox import PhiloxState, blocks
from reflow.ops.resources import ResourceManager
from reflow.ops.shape_rules import broadcast, constant_int, shape_from_input, unchanged_shape, with_rank

_SEEDS = "seed: int = 0, seed2: int = 0"
_FLOAT_RESULT = f"{_SEEDS}, dtype: type in floating, T: type in index"
_REAL = "type in half|float|double"


def philox_resource(resources: ResourceManager, node_name: str, attrs: dict) -> PhiloxState:
    """The stream of a random op: one for each node of a session."""
    return resources.get_or_create("random", b"", node_name, lambda: PhiloxState(attrs["seed"], attrs["seed2"]))


def _from_shape(op):
    return [shape_from_input(op, 0)]


def _random(name: str, signature: str, attrs: str, *, shape=_from_shape, **rules):
    define_op(name, signature, attrs, shape=shape, resource=philox_resource, is_stateful=True, **rules)


# --- uniform and normal numbers -----------------------------------------------------------------------------------

_random("RandomUniform", "shape: T -> output: dtype", _FLOAT_RESULT, kernel=philox_distributions.uniform, host="shape",
        native=random_native.numbers("uniform"), gradient=None)  # fmt: skip
_random("RandomStandardNormal", "shape: T -> output: dtype", _FLOAT_RESULT,
        kernel=philox_distributions.standard_normal, host="shape", native=random_native.numbers("normal"),
        gradient=None)  # fmt: skip
_random("TruncatedNormal", "shape: T -> output: dtype", _FLOAT_RESULT, kernel=philox_distributions.truncated_normal,
        host="shape", gradient=None)  # fmt: skip


def _uniform_int(state: PhiloxState, shape, minval, maxval, Tout):
    if 0 in shape:
        return torch.empty(shape, dtype=Tout)
    return philox_distributions.uniform_int(state, shape, minval, maxval, Tout)


def _uniform_int_shape(op):
    with_rank(op._inputs[1].dims, 0)
    with_rank(op._inputs[2].dims, 0)
    return _from_shape(op)


_random("RandomUniformInt", "shape: T, minval: Tout, maxval: Tout -> output: Tout",
        f"{_SEEDS}, Tout: type in index, T: type in index", kernel=_uniform_int, host="shape minval maxval",
        shape=_uniform_int_shape)  # fmt: skip
_random("ParameterizedTruncatedNormal",
        "shape: T, means: dtype, stdevs: dtype, minvals: dtype, maxvals: dtype -> output: dtype", _FLOAT_RESULT,
        kernel=philox_sequential.parameterized_truncated_normal, host="shape", gradient=None)  # fmt: skip


def shape_tensor(shape):
    """A shape as the integer vector "shape"; an empty list is one of type int32."""
    dtype = None
    if isinstance(shape, (tuple, list)):
        if shape:
            shape = tuple(map(dimension_value, shape))
        else:
            dtype = dtypes.int32
    return to_tensor(shape, dtype, "shape")


def _scaled(rnd, mean, stddev, name):
    """rnd * stddev + mean, the last node named `name`."""
    return call("Add", call("Mul", rnd, stddev, name="mul"), mean, name=name)


_UNIFORM_TYPES = (dtypes.float16, dtypes.bfloat16, dtypes.float32, dtypes.float64, dtypes.int32, dtypes.int64)


def check_uniform_type(dtype, maxval):
    """(DType, maxval) of a uniform distribution, maxval being 1 where a real one has none."""
    dtype = as_dtype(dtype)
    if dtype not in _UNIFORM_TYPES:
        raise ValueError(f"Invalid dtype {dtype!r}")
    if maxval is None:
        if dtype.is_integer:
            raise ValueError(f"Must specify maxval for integer dtype {dtype!r}")
        maxval = 1
    return dtype, maxval


@export("random.uniform", "random_uniform")
def random_uniform(shape, minval=0, maxval=None, dtype=dtypes.float32, seed=None, name=None):
    """Uniformly distributed numbers in [minval, maxval).

    Args:
      shape: 1-D integer tensor or list: the shape of the result.
      minval: the lower bound, included.
      maxval: the upper bound, excluded; 1 for real numbers if None.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      seed: int: the op's seed.
      name: a name for the operation.

    Returns:
      A tensor of that shape and type.

    Raises:
      ValueError: for another type, or for integers without `maxval`.
    """
    dtype, maxval = check_uniform_type(dtype, maxval)
    with name_scope(name, "random_uniform", [shape, minval, maxval]) as name:
        shape = shape_tensor(shape)
        minval = to_tensor(minval, dtype, "min")
        maxval = to_tensor(maxval, dtype, "max")
        seeds = seed_attrs(seed)
        if dtype.is_integer:
            return call("RandomUniformInt", shape, minval, maxval, name=name, **seeds)
        rnd = call("RandomUniform", shape, dtype=dtype, **seeds)
        return _scaled(rnd, minval, call("Sub", maxval, minval, name="sub"), name)


def _normal(op_name, default_name, shape, mean, stddev, dtype, seed, name):
    dtype = as_dtype(dtype)
    with name_scope(name, default_name, [shape, mean, stddev]) as name:
        shape = shape_tensor(shape)
        mean = to_tensor(mean, dtype, "mean")
        stddev = to_tensor(stddev, dtype, "stddev")
        return _scaled(call(op_name, shape, dtype=dtype, **seed_attrs(seed)), mean, stddev, name)


@export("random.normal", "random_normal")
def random_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Normally distributed numbers.

    Args:
      shape: 1-D integer tensor or list: the shape of the result.
      mean: the mean: a number, or a tensor of `dtype` that broadcasts with `shape`.
      stddev: the standard deviation, alike.
      dtype: float16, bfloat16, float32 or float64.
      seed: int: the op's seed.
      name: a name for the operation.

    Returns:
      A tensor of that shape and type.
    """
    return _normal("RandomStandardNormal", "random_normal", shape, mean, stddev, dtype, seed, name)


@export("random.truncated_normal", "truncated_normal")
def truncated_normal(shape, mean=0.0, stddev=1.0, dtype=dtypes.float32, seed=None, name=None):
    """Normally distributed numbers, those dropped that are more than two standard deviations from the mean.

    Args:
      shape: 1-D integer tensor or list: the shape of the result.
      mean: the mean of the normal distribution that is truncated.
      stddev: its standard deviation.
      dtype: float16, bfloat16, float32 or float64.
      seed: int: the op's seed.
      name: a name for the operation.

    Returns:
      A tensor of that shape and type.
    """
    return _normal("TruncatedNormal", "truncated_normal", shape, mean, stddev, dtype, seed, name)


def parameterized_truncated_normal(shape, means=0.0, stddevs=1.0, minvals=-2.0, maxvals=2.0, dtype=dtypes.float32,
                                   seed=None, name=None):  # fmt: skip
    """Normally distributed numbers between bounds, with parameters for each row of the result.

    Args:
      shape: 1-D integer tensor or list: the shape of the result, at least one dimension.
      means, stddevs: parameters of the normal distributions: one, or shape[0] of them.
      minvals, maxvals: their bounds, alike.
      dtype: float16, float32 or float64.
      seed: int: the op's seed.
      name: a name for the operation.

    Returns:
      A tensor of that shape and type.
    """
    dtype = as_dtype(dtype)
    values = [means, stddevs, minvals, maxvals]
    with name_scope(name, "parameterized_truncated_normal", [shape, *values]):
        shape = shape_tensor(shape)
        tensors = [to_tensor(v, dtype, n) for v, n in zip(values, _TRUNCATED_NAMES, strict=True)]
        return call("ParameterizedTruncatedNormal", shape, *tensors, **seed_attrs(seed))


_TRUNCATED_NAMES = ("means", "stddevs", "minvals", "maxvals")


# --- shuffling, cropping, drawing classes -------------------------------------------------------------------------

_random("RandomShuffle", "value: T -> output: T", f"{_SEEDS}, T: type", kernel=philox_sequential.shuffle,
        native=random_native.shuffle(philox_sequential.shuffled), shape=unchanged_shape, aliases=(0,))  # fmt: skip


@export("random.shuffle", "random_shuffle")
def random_shuffle(value, seed=None, name=None):
    """The rows of a tensor in random order.

    Args:
      value: tensor of any type, shuffled along its first dimension.
      seed: int: the op's seed.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape.
    """
    return call("RandomShuffle", value, name=name, **seed_attrs(seed))


def multinomial_shape(op):
    """[batch, samples]."""
    batch = with_rank(op._inputs[0].dims, 2)[0]
    with_rank(op._inputs[1].dims, 0)
    samples = constant_int(op._inputs[1])
    if samples is not None and samples < 0:
        raise ValueError(f"Dimension size, given by scalar input 1, must be non-negative but is {samples}")
    return [(batch, samples)]


def draw_classes(state: PhiloxState, logits, num_samples, output_dtype):
    """The kernel of Multinomial: class numbers [batch, num_samples]."""
    if num_samples < 0:
        raise _invalid(f"num_samples should be nonnegative, got {num_samples}")
    if logits.shape[1] <= 0:
        raise _invalid(f"num_classes should be positive, got {logits.shape[1]}")
    return philox_sequential.multinomial(state, logits, num_samples, output_dtype)


def _invalid(message):
    return errors.InvalidArgumentError(None, None, message)


_random("Multinomial", "logits: T, num_samples: int32 -> output: output_dtype",
        f"{_SEEDS}, T: type in real, output_dtype: type in index = int64", kernel=draw_classes, host="num_samples",
        shape=multinomial_shape, gradient=None)  # fmt: skip


def _classes(logits, num_samples, dtype, seed):
    logits = to_tensor(logits, name="logits")
    attrs = seed_attrs(seed)
    if dtype is not None:
        attrs["output_dtype"] = dtype
    return call("Multinomial", logits, num_samples, **attrs)


@export("random.multinomial", "multinomial")
def multinomial(logits, num_samples, seed=None, name=None, output_dtype=None):
    """Classes drawn with given unnormalized log-probabilities; the spelling before `random.categorical`.

    Args:
      logits: [batch, classes] tensor of unnormalized log-probabilities.
      num_samples: scalar int32: classes to draw for each row.
      seed: int: the op's seed.
      name: a name scope.
      output_dtype: int32 or int64 (the default).

    Returns:
      A [batch, num_samples] tensor of class numbers.
    """
    with name_scope(name, "multinomial", [logits]):
        return _classes(logits, num_samples, output_dtype, seed)


@export("random.categorical")
def categorical(logits, num_samples, dtype=None, seed=None, name=None):
    """Classes drawn with given unnormalized log-probabilities.

    Args:
      logits: [batch, classes] tensor of unnormalized log-probabilities.
      num_samples: scalar int32: classes to draw for each row.
      dtype: int32 or int64 (the default).
      seed: int: the op's seed.
      name: a name scope.

    Returns:
      A [batch, num_samples] tensor of class numbers.
    """
    with name_scope(name, "categorical", [logits]):
        return _classes(logits, num_samples, dtype, seed)


def _crop_shape(op):
    depth = with_rank(op._inputs[0].dims, 3)[2]
    height, width = shape_from_input(op, 1) or (None, None)
    return [(height, width, depth)]


def _crop(state: PhiloxState, image, size):
    """A part of the image at a random place, the row offset drawn before the column offset."""
    spare = [have - want for have, want in zip(image.shape, size, strict=False)]
    if min(spare) < 0:
        raise _invalid(f"Image size {list(image.shape[:2])} is smaller than the crop {list(size)}")
    words = iter(blocks(state.key, state.reserve(1), 1)[0].tolist())
    top, left = (next(words) % (room + 1) if room else 0 for room in spare)
    return image[top: top + size[0], left: left + size[1]].contiguous()


_random("RandomCrop", "image: T, size: int64 -> output: T",
        f"T: type in uint8|int8|int16|int32|int64|float|double, {_SEEDS}", kernel=_crop, host="size",
        shape=_crop_shape, aliases=(0,))  # fmt: skip


@export("image.random_crop", "random_crop")
def random_crop(value, size, seed=None, name=None):
    """A slice of a given size, at a random offset.

    Args:
      value: tensor.
      size: 1-D int32 tensor with one size for each dimension of `value`.
      seed: int: the op's seed.
      name: a name for the operation.

    Returns:
      A tensor of `value`'s type and shape `size`.

    Raises:
      tf.errors.InvalidArgumentError: when it runs, if `size` is larger than `value`.
    """
    from reflow.ops.checks import Assert
    from reflow.ops.control import with_dependencies
    from reflow.ops.reduction import reduce_all
    from reflow.ops.shape_ops import shape as shape_of

    with name_scope(name, "random_crop", [value, size]) as name:
        value = to_tensor(value, name="value")
        size = to_tensor(size, dtypes.int32, "size")
        shape = shape_of(value)
        check = Assert(reduce_all(shape >= size), ["Need value.shape >= size, got ", shape, size], summarize=1000)
        shape = with_dependencies([check], shape)
        limit = shape - size + 1
        offset = random_uniform(shape_of(shape), dtype=size.dtype, maxval=size.dtype.max, seed=seed) % limit
        return call("Slice", value, offset, size, name=name)


# --- gamma and Poisson numbers ------------------------------------------------------------------------------------


def _sample_shape(op):
    """The sample's shape, then that of the parameters."""
    sample, parameters = shape_from_input(op, 0), op._inputs[1].dims
    return [None if sample is None or parameters is None else sample + parameters]


_random("RandomGamma", "shape: S, alpha: T -> output: T", f"{_SEEDS}, S: type in index, T: {_REAL}",
        kernel=philox_rejection.gamma, host="shape", shape=_sample_shape)  # fmt: skip


def _random_gamma_grad(alpha, sample):
    """d sample / d alpha = -(dP(alpha, sample) / d alpha) / density(sample), where P is the distribution function.

    Source: Figurnov, Mohamed, Mnih, "Implicit reparameterization gradients", arXiv:1805.08498.
    """
    a, x = alpha.double(), sample.double()
    log_density = torch.xlogy(a - 1, x) - x - torch.lgamma(a)
    value = -igamma_gradient_kernel(a, x) / torch.exp(log_density)
    return torch.where(x == 0, 0.0, value).to(sample.dtype)


define_op("RandomGammaGrad", "alpha: T, sample: T -> output: T", "T: type in float|double", shape=broadcast,
          kernel=_random_gamma_grad)  # fmt: skip


@gradient("RandomGamma")
def _gamma_gradient(op, grad):
    from reflow.graph.context import control_dependencies
    from reflow.ops.constant import ones
    from reflow.ops.joining import concat
    from reflow.ops.ranges import range as number_range
    from reflow.ops.reduction import reduce_sum
    from reflow.ops.shape_ops import reshape
    from reflow.ops.shape_ops import shape as shape_of

    shape, alpha = op.inputs
    with control_dependencies([grad]):
        rank = shape_of(shape)[0]
        padded = reshape(alpha, concat([ones([rank], dtype=dtypes.int32), shape_of(alpha)], axis=0))
        partial = call("RandomGammaGrad", padded, op.outputs[0])
        return None, reduce_sum(grad * partial, axis=number_range(rank))


@export("random.gamma", "random_gamma")
def random_gamma(shape, alpha, beta=None, dtype=dtypes.float32, seed=None, name=None):
    """Gamma-distributed numbers.

    Args:
      shape: 1-D int32 tensor or list: the shape of the sample drawn for each pair of parameters.
      alpha: the shape parameters, a number or tensor of `dtype`.
      beta: the rate parameters, broadcast with `alpha`; 1 if None.
      dtype: float16, float32 or float64.
      seed: int: the op's seed.
      name: a name scope.

    Returns:
      A tensor of `dtype` and shape `shape` + the parameters' shape. It is differentiable in `alpha` and `beta`.
    """
    from reflow.ops.constant import zeros_like

    dtype = as_dtype(dtype)
    with name_scope(name, "random_gamma", [shape, alpha, beta]):
        shape = to_tensor(shape, dtypes.int32, "shape")
        alpha = to_tensor(alpha, dtype, "alpha")
        beta = to_tensor(1 if beta is None else beta, dtype, "beta")
        broadcast_alpha = alpha + zeros_like(beta)
        sample = call("RandomGamma", shape, broadcast_alpha, **seed_attrs(seed))
        return call("Maximum", np.finfo(dtype.as_numpy_dtype).tiny, sample / beta)


def _poisson(state: PhiloxState, shape, rate, dtype):
    return philox_rejection.poisson(state, shape, rate, dtype)


_POISSON_TYPES = "type in half|float|double|int32|int64"
_random("RandomPoisson", "shape: S, rate: dtype -> output: dtype", f"{_SEEDS}, S: type in index, dtype: {_REAL}",
        kernel=_poisson, host="shape", shape=_sample_shape)  # fmt: skip
_random("RandomPoissonV2", "shape: S, rate: R -> output: dtype",
        f"{_SEEDS}, S: type in index, R: {_POISSON_TYPES} = double, dtype: {_POISSON_TYPES} = int64",
        kernel=_poisson, host="shape", shape=_sample_shape)  # fmt: skip


@export("random.poisson", "random_poisson")
def random_poisson(lam, shape, dtype=dtypes.float32, seed=None, name=None):
    """Poisson-distributed numbers.

    Args:
      lam: the rates, a number or real tensor.
      shape: 1-D int32 tensor or list: the shape of the sample drawn for each rate.
      dtype: float16, float32, float64, int32 or int64.
      seed: int: the op's seed.
      name: a name scope.

    Returns:
      A tensor of `dtype` and shape `shape` + `lam`'s shape.
    """
    with name_scope(name, "random_poisson", [lam, shape]):
        shape = to_tensor(shape, dtypes.int32, "shape")
        return call("RandomPoissonV2", shape, lam, dtype=as_dtype(dtype), **seed_attrs(seed))
