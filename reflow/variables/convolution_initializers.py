"""Initializers that make convolutions orthogonal: the output has the norm of the input.

Source: Xiao, Bahri, Sohl-Dickstein, Schoenholz, Pennington, "Dynamical isometry and a mean field theory of CNNs: How to
train 10,000-layer vanilla convolutional neural networks", arXiv:1806.05393.
"""

import functools
import itertools

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.export import export
from reflow.ops import random
from reflow.variables.initializers import Initializer, float_type, orthogonal_matrix


class _ConvolutionInitializer(Initializer):
    """The arguments that these initializers share."""

    def __init__(self, gain=1.0, seed=None, dtype=dtypes.float32):
        self.gain = gain
        self.dtype = float_type(dtype)
        self.seed = seed

    def get_config(self):
        """The arguments of an equal initializer."""
        return {"gain": self.gain, "seed": self.seed, "dtype": self.dtype.name}


def _check_filters(shape):
    if shape[-2] > shape[-1]:
        raise ValueError("In_filters cannot be greater than out_filters.")


@export("contrib.framework.convolutional_delta_orthogonal")
class ConvolutionDeltaOrthogonal(_ConvolutionInitializer):
    """Kernels that are an orthogonal matrix in their center and zero elsewhere, in one to three dimensions.

    Args:
      gain: a factor.
      seed: int: the seed of the op.
      dtype: the type where a call does not give one, a floating type.
    """

    def __call__(self, shape, dtype=None, partition_info=None):
        from reflow.ops.casting import cast
        from reflow.ops.scattering import scatter_nd
        from reflow.ops.shape_ops import expand_dims

        dtype = self.dtype if dtype is None else dtype
        if len(shape) < 3 or len(shape) > 5:
            raise ValueError("The tensor to initialize must be at least three-dimensional and at most five-dimensional")
        _check_filters(shape)
        q = orthogonal_matrix(shape[-1], shape[-1], dtype, self.seed)[: shape[-2], :]
        q *= cast(self.gain, dtype=dtype)
        center = [(size - 1) // 2 for size in shape[:-2]]
        return scatter_nd([center], expand_dims(q, 0), shape)


class _ConvolutionOrthogonal(_ConvolutionInitializer):
    """Orthogonal kernels: the convolution of many that are two wide along each axis.

    Subclasses say over how many axes (`_axes`), and which index of a factor stands for its projection.
    """

    _axes = 0
    _words = ""

    def __call__(self, shape, dtype=None, partition_info=None):
        from reflow.ops.casting import cast

        dtype = self.dtype if dtype is None else dtype
        if len(shape) != self._axes + 2:
            raise ValueError(f"The tensor to initialize must be {self._words}-dimensional")
        _check_filters(shape)
        if any(size != shape[0] for size in shape[: self._axes]):
            raise ValueError("Kernel sizes must be equal.")
        kernel = self._orthogonal_kernel(shape[0], shape[-2], shape[-1])
        return kernel * cast(self.gain, dtype=dtype)

    def _orthogonal_kernel(self, size, inputs, outputs):
        from reflow.ops.matmul import matmul
        from reflow.ops.shape_ops import expand_dims

        orthogonal = self._orthogonal_matrix(outputs)[0:inputs, :]
        if size == 1:
            for _ in range(self._axes):
                orthogonal = expand_dims(orthogonal, 0)
            return orthogonal
        kernel = self._block(outputs)
        for _ in range(size - 2):
            kernel = self._convolved(kernel, self._block(outputs))
        for index in itertools.product(range(size), repeat=self._axes):
            kernel[index] = matmul(orthogonal, kernel[index])
        return self._stacked(kernel, size, ())

    def _next_seed(self):
        """The seed for the next random op: successive ones, if a seed is given."""
        seed = self.seed
        if self.seed:
            self.seed += 1
        return seed

    def _orthogonal_matrix(self, n):
        return orthogonal_matrix(n, n, self.dtype, self._next_seed())

    def _projection(self, n):
        """A random symmetric projection matrix."""
        from reflow.ops.casting import cast
        from reflow.ops.matmul import matmul
        from reflow.ops.permute import matrix_transpose

        q = self._orthogonal_matrix(n)
        mask = cast(random.random_normal([n], seed=self._next_seed()) > 0, self.dtype)
        columns = call("Mul", q, mask)
        return matmul(columns, matrix_transpose(columns))

    def _block(self, n):
        """An orthogonal kernel that is two wide along each axis: index -> matrix."""
        from reflow.ops.linalg import eye
        from reflow.ops.matmul import matmul

        projections = [self._projection(n) for _ in range(self._axes)]
        identity = eye(n, dtype=self.dtype)
        block = {}
        for index in itertools.product(range(2), repeat=self._axes):
            factors = [self._factor(i, p, identity) for i, p in zip(index, projections, strict=True)]
            block[index] = functools.reduce(matmul, factors)
        return block

    def _factor(self, index, projection, identity):
        return identity - projection if index else projection

    def _convolved(self, a, b):
        """The convolution of two kernels of matrices."""
        from reflow.ops.constant import zeros
        from reflow.ops.matmul import matmul

        k, m = (round(len(kernel) ** (1 / self._axes)) for kernel in (a, b))
        n = a[(0,) * self._axes].shape.as_list()[0]
        result = {}
        for index in itertools.product(range(k + m - 1), repeat=self._axes):
            total = zeros([n, n], self.dtype)
            for left in itertools.product(*(range(min(k, i + 1)) for i in index)):
                right = tuple(i - j for i, j in zip(index, left, strict=True))
                if all(j < m for j in right):
                    total += matmul(a[left], b[right])
            result[index] = total
        return result

    def _stacked(self, kernel, size, prefix):
        """The matrices of a kernel as one tensor."""
        from reflow.ops.joining import stack

        if len(prefix) == self._axes:
            return kernel[prefix]
        return stack([self._stacked(kernel, size, (*prefix, i)) for i in range(size)])


@export("contrib.framework.convolutional_orthogonal_1d")
class ConvolutionOrthogonal1D(_ConvolutionOrthogonal):
    """Orthogonal kernels of 1-D convolutions, of shape [width, inputs, outputs].

    Args:
      gain: a factor.
      seed: int: the seed of the first op.
      dtype: the type, a floating type.
    """

    _axes, _words = 1, "three"


@export("contrib.framework.convolutional_orthogonal_2d")
class ConvolutionOrthogonal2D(_ConvolutionOrthogonal):
    """Orthogonal kernels of 2-D convolutions, of shape [width, width, inputs, outputs].

    Args:
      gain: a factor.
      seed: int: the seed of the first op.
      dtype: the type, a floating type.
    """

    _axes, _words = 2, "four"


@export("contrib.framework.convolutional_orthogonal_3d")
class ConvolutionOrthogonal3D(_ConvolutionOrthogonal):
    """Orthogonal kernels of 3-D convolutions, of shape [width, width, width, inputs, outputs].

    Args:
      gain: a factor.
      seed: int: the seed of the first op.
      dtype: the type, a floating type.
    """

    _axes, _words = 3, "five"

    def _factor(self, index, projection, identity):
        """The other way round than in fewer dimensions, and with the nodes that TensorFlow makes."""
        return index * projection + (1 - index) * (identity - projection)
