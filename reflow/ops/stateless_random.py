"""Random numbers that depend on a seed given as an input, and on nothing else."""

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops import philox_distributions
from reflow.ops.philox import PhiloxState
from reflow.ops.random import check_uniform_type, draw_classes, multinomial_shape, shape_tensor
from reflow.ops.shape_rules import shape_from_input, with_rank, with_size

_INDICES = "T: type in index = int32, Tseed: type in index = int64"


def _state(seed) -> PhiloxState:
    if not isinstance(seed, list) or len(seed) != 2:
        raise errors.InvalidArgumentError(None, None, f"seed must have shape [2], not {seed}")
    return PhiloxState.from_stateless_seed(seed)


def _from_shape(op):
    with_size(with_rank(op._inputs[1].dims, 1)[0], 2)
    return [shape_from_input(op, 0)]


def _stateless(name: str, fill) -> None:
    """Define a stateless op whose numbers `fill(state, shape, dtype)` draws."""

    def kernel(shape, seed, dtype):
        return fill(_state(seed), shape, dtype)

    kernel.__name__ = f"stateless_{fill.__name__}"
    define_op(name, "shape: T, seed: Tseed -> output: dtype", f"dtype: type in floating = float, {_INDICES}",
              shape=_from_shape, kernel=kernel, host="shape seed")  # fmt: skip


_stateless("StatelessRandomUniform", philox_distributions.uniform)
_stateless("StatelessRandomNormal", philox_distributions.standard_normal)
_stateless("StatelessTruncatedNormal", philox_distributions.truncated_normal)


def _stateless_uniform_int(shape, seed, minval, maxval, dtype):
    return philox_distributions.uniform_int(_state(seed), shape, minval, maxval, dtype)


def _uniform_int_shape(op):
    with_rank(op._inputs[2].dims, 0)
    with_rank(op._inputs[3].dims, 0)
    return _from_shape(op)


define_op("StatelessRandomUniformInt", "shape: T, seed: Tseed, minval: dtype, maxval: dtype -> output: dtype",
          "dtype: type in index, T: type in index, Tseed: type in index = int64", shape=_uniform_int_shape,
          kernel=_stateless_uniform_int, host="shape seed minval maxval")  # fmt: skip


def _stateless_multinomial_shape(op):
    with_size(with_rank(op._inputs[2].dims, 1)[0], 2)
    return multinomial_shape(op)


def _stateless_multinomial(logits, num_samples, seed, output_dtype):
    return draw_classes(_state(seed), logits, num_samples, output_dtype)


define_op("StatelessMultinomial", "logits: T, num_samples: int32, seed: Tseed -> output: output_dtype",
          "T: type in real, Tseed: type in index = int64, output_dtype: type in index = int64",
          shape=_stateless_multinomial_shape, kernel=_stateless_multinomial, host="num_samples seed")  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------


@export("random.stateless_uniform")
def stateless_random_uniform(shape, seed, minval=0, maxval=None, dtype=dtypes.float32, name=None):
    """Uniformly distributed numbers in [minval, maxval), the same in every run with the same seed.

    Args:
      shape: 1-D integer tensor or list: the shape of the result.
      seed: integer tensor of shape [2].
      minval: the lower bound, included.
      maxval: the upper bound, excluded; 1 for real numbers if None.
      dtype: float16, bfloat16, float32, float64, int32 or int64.
      name: a name for the operation.

    Returns:
      A tensor of that shape and type.

    Raises:
      ValueError: for another type, or for integers without `maxval`.
    """
    dtype, maxval = check_uniform_type(dtype, maxval)
    with name_scope(name, "stateless_random_uniform", [shape, seed, minval, maxval]) as name:
        shape = shape_tensor(shape)
        minval = to_tensor(minval, dtype, "min")
        maxval = to_tensor(maxval, dtype, "max")
        if dtype.is_integer:
            return call("StatelessRandomUniformInt", shape, seed, minval, maxval, name=name)
        rnd = call("StatelessRandomUniform", shape, seed, dtype=dtype)
        return call("Add", call("Mul", rnd, call("Sub", maxval, minval, name="sub"), name="mul"), minval, name=name)


def _normal(op_name, default_name, shape, seed, mean, stddev, dtype, name):
    dtype = as_dtype(dtype)
    with name_scope(name, default_name, [shape, seed, mean, stddev]) as name:
        shape = shape_tensor(shape)
        mean = to_tensor(mean, dtype, "mean")
        stddev = to_tensor(stddev, dtype, "stddev")
        rnd = call(op_name, shape, seed, dtype=dtype)
        return call("Add", call("Mul", rnd, stddev, name="mul"), mean, name=name)


@export("random.stateless_normal")
def stateless_random_normal(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
    """Normally distributed numbers, the same in every run with the same seed.

    Args:
      shape: 1-D integer tensor or list: the shape of the result.
      seed: integer tensor of shape [2].
      mean: the mean.
      stddev: the standard deviation.
      dtype: float16, bfloat16, float32 or float64.
      name: a name for the operation.

    Returns:
      A tensor of that shape and type.
    """
    return _normal("StatelessRandomNormal", "stateless_random_normal", shape, seed, mean, stddev, dtype, name)


@export("random.stateless_truncated_normal")
def stateless_truncated_normal(shape, seed, mean=0.0, stddev=1.0, dtype=dtypes.float32, name=None):
    """As `stateless_normal`, those numbers dropped that are more than two standard deviations from the mean."""
    return _normal("StatelessTruncatedNormal", "stateless_truncated_normal", shape, seed, mean, stddev, dtype, name)


def _classes(logits, num_samples, dtype, seed):
    return call("StatelessMultinomial", to_tensor(logits, name="logits"), num_samples, seed, output_dtype=dtype)


@export("random.stateless_multinomial")
def stateless_multinomial(logits, num_samples, seed, output_dtype=dtypes.int64, name=None):
    """Classes drawn with given unnormalized log-probabilities; the spelling before `stateless_categorical`.

    Args:
      logits: [batch, classes] tensor of unnormalized log-probabilities.
      num_samples: scalar int32: classes to draw for each row.
      seed: integer tensor of shape [2].
      output_dtype: int32 or int64.
      name: a name scope.

    Returns:
      A [batch, num_samples] tensor of class numbers.
    """
    with name_scope(name, "stateless_multinomial", [logits, seed]):
        return _classes(logits, num_samples, output_dtype, seed)


@export("random.stateless_categorical")
def stateless_categorical(logits, num_samples, seed, dtype=dtypes.int64, name=None):
    """Classes drawn with given unnormalized log-probabilities; the arguments are those of `stateless_multinomial`.

    Only `dtype` has another name: int32 or int64, the type of the result.
    """
    with name_scope(name, "stateless_categorical", [logits, seed]):
        return _classes(logits, num_samples, dtype, seed)
