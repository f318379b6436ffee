"""Initializers: objects that make the initial value of a variable from its shape."""

import math

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.dtypes import DType, as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.ops import random
from reflow.ops.constant import constant, ones, zeros

# The standard deviation of a standard normal distribution truncated at two deviations.
_TRUNCATED_DEVIATION = 0.87962566103423978


class Initializer:
    """What makes an initial value. Calling one adds operations to the graph and returns a tensor.

    Subclasses define `__call__(shape, dtype=None, partition_info=None)` and `get_config()`.
    """

    def __call__(self, shape, dtype=None, partition_info=None):
        """The initial value.

        Args:
          shape: the variable's shape, a list of int.
          dtype: its type; the initializer's own if None.
          partition_info: for a part of a variable, where it lies in the whole.
        """
        raise NotImplementedError

    def get_config(self):
        """The arguments that make an equal initializer, as a dict that JSON can hold."""
        return {}

    @classmethod
    def from_config(cls, config):
        """The initializer with these arguments, as `get_config` returns them."""
        return cls(**config)


def float_type(dtype) -> DType:
    """`dtype` as a DType; raises ValueError unless it is a floating type."""
    dtype = as_dtype(dtype)
    if not dtype.is_floating:
        raise ValueError(f"Expected floating point type, got {dtype}.")
    return dtype


@export("zeros_initializer", "initializers.zeros")
class Zeros(Initializer):
    """Zeros.

    Args:
      dtype: the type where a call does not give one.
    """

    def __init__(self, dtype=dtypes.float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return zeros(shape, self.dtype if dtype is None else dtype)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"dtype": self.dtype.name}


@export("ones_initializer", "initializers.ones")
class Ones(Initializer):
    """Ones.

    Args:
      dtype: the type where a call does not give one.
    """

    def __init__(self, dtype=dtypes.float32):
        self.dtype = as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        return ones(shape, self.dtype if dtype is None else dtype)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"dtype": self.dtype.name}


@export("constant_initializer", "initializers.constant")
class Constant(Initializer):
    """Given values.

    Args:
      value: a number, list or array. A list shorter than the variable is filled up with its last element.
      dtype: the type where a call does not give one.
      verify_shape: require the value to have the variable's shape.

    Raises:
      TypeError: for another kind of value.
    """

    def __init__(self, value=0, dtype=dtypes.float32, verify_shape=False):
        if not (np.isscalar(value) or isinstance(value, (list, tuple, np.ndarray))):
            raise TypeError(f"Invalid type for initial value: {type(value)} (expected Python scalar, list or tuple of "
                            "values, or numpy.ndarray).")  # fmt: skip
        self.value = value
        self.dtype = as_dtype(dtype)
        self._verify_shape = verify_shape

    def __call__(self, shape, dtype=None, partition_info=None, verify_shape=None):
        dtype = self.dtype if dtype is None else dtype
        verify_shape = self._verify_shape if verify_shape is None else verify_shape
        return constant(self.value, dtype=dtype, shape=shape, verify_shape=verify_shape)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"value": self.value, "dtype": self.dtype.name}


@export("random_uniform_initializer", "initializers.random_uniform")
class RandomUniform(Initializer):
    """Uniformly distributed numbers.

    Args:
      minval: the lower bound, included.
      maxval: the upper bound, excluded; 1 for real types if None.
      seed: int: the seed of the op.
      dtype: the type where a call does not give one.
    """

    def __init__(self, minval=0, maxval=None, seed=None, dtype=dtypes.float32):
        self.minval = minval
        self.maxval = maxval
        self.seed = seed
        self.dtype = as_dtype(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        return random.random_uniform(shape, self.minval, self.maxval, dtype, seed=self.seed)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"minval": self.minval, "maxval": self.maxval, "seed": self.seed, "dtype": self.dtype.name}


class _Normal(Initializer):
    """Normal numbers in one form or another."""

    def __init__(self, mean=0.0, stddev=1.0, seed=None, dtype=dtypes.float32):
        self.mean = mean
        self.stddev = stddev
        self.seed = seed
        self.dtype = float_type(dtype)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"mean": self.mean, "stddev": self.stddev, "seed": self.seed, "dtype": self.dtype.name}


@export("random_normal_initializer", "initializers.random_normal")
class RandomNormal(_Normal):
    """Normally distributed numbers.

    Args:
      mean: the mean.
      stddev: the standard deviation.
      seed: int: the seed of the op.
      dtype: the type where a call does not give one, a floating type.
    """

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        return random.random_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


@export("truncated_normal_initializer", "initializers.truncated_normal")
class TruncatedNormal(_Normal):
    """Normally distributed numbers, those dropped that are more than two standard deviations from the mean.

    Args:
      mean: the mean.
      stddev: the standard deviation of the distribution before it is truncated.
      seed: int: the seed of the op.
      dtype: the type where a call does not give one, a floating type.
    """

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        return random.truncated_normal(shape, self.mean, self.stddev, dtype, seed=self.seed)


@export("uniform_unit_scaling_initializer", "initializers.uniform_unit_scaling")
class UniformUnitScaling(Initializer):
    """Uniform numbers within factor * sqrt(3 / inputs), which keep the scale of what flows through.

    Source: Sussillo, Abbott, "Random walk initialization for training very deep feedforward networks", arXiv:1412.6558.

    Args:
      factor: a factor for the bounds.
      seed: int: the seed of the op.
      dtype: the type where a call does not give one, a floating type.
    """

    def __init__(self, factor=1.0, seed=None, dtype=dtypes.float32):
        self.factor = factor
        self.seed = seed
        self.dtype = float_type(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        whole = shape if partition_info is None else partition_info.full_shape
        inputs = max(math.prod(map(float, whole[:-1])), 1.0)
        bound = math.sqrt(3 / inputs) * self.factor
        return random.random_uniform(shape, -bound, bound, dtype, seed=self.seed)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"factor": self.factor, "seed": self.seed, "dtype": self.dtype.name}


@export("variance_scaling_initializer", "initializers.variance_scaling")
class VarianceScaling(Initializer):
    """Random numbers of variance scale / n, where n is the number of inputs, of outputs, or their mean.

    Args:
      scale: a positive number.
      mode: "fan_in", "fan_out" or "fan_avg": what n is.
      distribution: "truncated_normal" (or "normal"), "untruncated_normal" or "uniform".
      seed: int: the seed of the op.
      dtype: the type where a call does not give one, a floating type.

    Raises:
      ValueError: for another scale, mode or distribution.
    """

    def __init__(self, scale=1.0, mode="fan_in", distribution="truncated_normal", seed=None, dtype=dtypes.float32):
        if scale <= 0.0:
            raise ValueError("`scale` must be positive float.")
        if mode not in {"fan_in", "fan_out", "fan_avg"}:
            raise ValueError("Invalid `mode` argument:", mode)
        distribution = distribution.lower()
        if distribution not in {"normal", "uniform", "truncated_normal", "untruncated_normal"}:
            raise ValueError("Invalid `distribution` argument:", distribution)
        self.scale = scale
        self.mode = mode
        self.distribution = distribution
        self.seed = seed
        self.dtype = float_type(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        dtype = self.dtype if dtype is None else dtype
        fan_in, fan_out = compute_fans(shape if partition_info is None else partition_info.full_shape)
        count = {"fan_in": fan_in, "fan_out": fan_out, "fan_avg": (fan_in + fan_out) / 2.0}[self.mode]
        variance = self.scale / max(1.0, count)
        if self.distribution == "uniform":
            bound = math.sqrt(3.0 * variance)
            return random.random_uniform(shape, -bound, bound, dtype, seed=self.seed)
        if self.distribution == "untruncated_normal":
            return random.random_normal(shape, 0.0, math.sqrt(variance), dtype, seed=self.seed)
        return random.truncated_normal(shape, 0.0, math.sqrt(variance) / _TRUNCATED_DEVIATION, dtype, seed=self.seed)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"scale": self.scale, "mode": self.mode, "distribution": self.distribution, "seed": self.seed,
                "dtype": self.dtype.name}  # fmt: skip


def compute_fans(shape) -> tuple[int, int]:
    """(inputs, outputs) of a unit whose weights have that shape; leading axes of a kernel multiply both."""
    if len(shape) < 1:
        return 1, 1
    if len(shape) == 1:
        return int(shape[0]), int(shape[0])
    field = math.prod(shape[:-2])
    return int(shape[-2] * field), int(shape[-1] * field)


@export("glorot_uniform_initializer", "initializers.glorot_uniform")
class GlorotUniform(VarianceScaling):
    """Uniform numbers within sqrt(6 / (inputs + outputs)), also known as Xavier's.

    Source: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Args:
      seed: int: the seed of the op.
      dtype: accepted; a call's type counts.
    """

    def __init__(self, seed=None, dtype=dtypes.float32):
        super().__init__(scale=1.0, mode="fan_avg", distribution="uniform", seed=seed)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"seed": self.seed, "dtype": self.dtype.name}


@export("glorot_normal_initializer", "initializers.glorot_normal")
class GlorotNormal(VarianceScaling):
    """Truncated normal numbers of variance 2 / (inputs + outputs).

    Source: Glorot, Bengio, "Understanding the difficulty of training deep feedforward neural networks", AISTATS 2010.

    Args:
      seed: int: the seed of the op.
      dtype: accepted; a call's type counts.
    """

    def __init__(self, seed=None, dtype=dtypes.float32):
        super().__init__(scale=1.0, mode="fan_avg", distribution="truncated_normal", seed=seed)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"seed": self.seed, "dtype": self.dtype.name}


@export("initializers.lecun_normal")
def lecun_normal(seed=None):
    """An initializer: truncated normal numbers of variance 1 / inputs, drawn with the operation seed `seed`.

    Source: LeCun, Bottou, Orr, Mueller, "Efficient BackProp", 1998.
    """
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="truncated_normal", seed=seed)


@export("initializers.lecun_uniform")
def lecun_uniform(seed=None):
    """An initializer: uniform numbers of variance 1 / inputs, with the seed `seed`; source as of `lecun_normal`."""
    return VarianceScaling(scale=1.0, mode="fan_in", distribution="uniform", seed=seed)


@export("initializers.he_normal")
def he_normal(seed=None):
    """An initializer: truncated normal numbers of variance 2 / inputs, drawn with the operation seed `seed`.

    Source: He, Zhang, Ren, Sun, "Delving deep into rectifiers", ICCV 2015.
    """
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="truncated_normal", seed=seed)


@export("initializers.he_uniform")
def he_uniform(seed=None):
    """An initializer: uniform numbers of variance 2 / inputs, with the seed `seed`; source as of `he_normal`."""
    return VarianceScaling(scale=2.0, mode="fan_in", distribution="uniform", seed=seed)


def orthogonal_matrix(rows: int, columns: int, dtype, seed, full_matrices=False):
    """A random matrix with orthonormal columns (rows >= columns), uniformly distributed over all such."""
    numbers = random.random_normal((rows, columns), dtype=dtype, seed=seed)
    q, r = call("Qr", numbers, full_matrices=full_matrices)
    # Without the signs the distribution would not be uniform.
    return q * call("Sign", call("DiagPart", r))


@export("orthogonal_initializer", "initializers.orthogonal")
class Orthogonal(Initializer):
    """Orthogonal matrices, of the shape flattened to two dimensions.

    Source: Saxe, McClelland, Ganguli, "Exact solutions to the nonlinear dynamics of learning in deep linear neural
    networks", arXiv:1312.6120.

    Args:
      gain: a factor.
      seed: int: the seed of the op.
      dtype: the type where a call does not give one, a floating type.
    """

    def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
        self.gain = gain
        self.dtype = float_type(dtype)
        self.seed = seed

    def __call__(self, shape, dtype=None, partition_info=None):
        from reflow.ops.permute import matrix_transpose
        from reflow.ops.shape_ops import reshape

        dtype = self.dtype if dtype is None else dtype
        if len(shape) < 2:
            raise ValueError("The tensor to initialize must be at least two-dimensional")
        rows, columns = int(math.prod(shape[:-1])), int(shape[-1])
        q = orthogonal_matrix(max(rows, columns), min(rows, columns), dtype, self.seed)
        if rows < columns:
            q = matrix_transpose(q)
        return self.gain * reshape(q, shape)

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


@export("initializers.identity")
class Identity(Initializer):
    """The identity matrix, times a factor.

    Args:
      gain: the factor.
      dtype: the type where a call does not give one, a floating type.
    """

    def __init__(self, gain=1.0, dtype=dtypes.float32):
        self.gain = gain
        self.dtype = float_type(dtype)

    def __call__(self, shape, dtype=None, partition_info=None):
        from reflow.ops.linalg import eye
        from reflow.ops.slicing import slice_

        whole = shape if partition_info is None else partition_info.full_shape
        if len(whole) != 2:
            raise ValueError("Identity matrix initializer can only be used for 2D matrices.")
        whole = whole.as_list() if isinstance(whole, TensorShape) else whole
        rows, columns = whole
        matrix = eye(rows, columns, dtype=self.dtype if dtype is None else dtype)
        if partition_info is not None:
            matrix = slice_(matrix, partition_info.var_offset, shape)
        return self.gain * matrix

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"gain": self.gain, "dtype": self.dtype.name}
