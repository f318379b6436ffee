"""Circulant matrices, also nested ones: what Fourier transforms make diagonal."""

import numpy as np

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.shapes import TensorShape
from reflow.linear_operators.algebra import hints, hints_of_commuting, rule
from reflow.linear_operators.broadcasting import assert_no_zeros, assert_real, broadcast_batches
from reflow.linear_operators.operator import LinearOperator
from reflow.ops.casting import cast
from reflow.ops.checks import assert_less, assert_positive
from reflow.ops.complex import complex as complex_
from reflow.ops.complex import conj, imag, real
from reflow.ops.constant import ones, zeros_like
from reflow.ops.elementwise import abs as abs_
from reflow.ops.elementwise import log
from reflow.ops.joining import concat
from reflow.ops.linalg import adjoint as adjoint_of
from reflow.ops.permute import transpose
from reflow.ops.ranges import range as range_
from reflow.ops.reduction import reduce_prod, reduce_sum
from reflow.ops.shape_ops import rank, reshape, shape

_TRANSFORMS = {1: ("FFT", "IFFT"), 2: ("FFT2D", "IFFT2D"), 3: ("FFT3D", "IFFT3D")}


def as_complex(x):
    """A tensor as complex128 if it is double, else as complex64."""
    if x.dtype.is_complex:
        return x
    return cast(x, dtypes.complex128 if x.dtype.base_dtype is dtypes.float64 else dtypes.complex64)


def _last_axis_first(x):
    if x.shape.ndims is not None:
        return transpose(x, perm=np.roll(np.arange(x.shape.ndims), 1))
    axes = rank(x)
    return transpose(x, perm=concat([[axes - 1], range_(0, axes - 1)], 0))


def _first_axis_last(x):
    if x.shape.ndims is not None:
        return transpose(x, perm=np.roll(np.arange(x.shape.ndims), -1))
    return transpose(x, perm=concat([range_(1, rank(x)), [0]], 0))


class NestedCirculant(LinearOperator):
    """The base of circulant operators: F^H diag(spectrum) F, where F is a Fourier transform.

    Args:
      spectrum: tensor [..., n1 (, n2 (, n3))]: the eigenvalues.
      block_depth: over how many dimensions the transforms go.
      input_output_dtype: the type of the operator.
      given: the hints of the operator as a dict.
      name: the name.

    Raises:
      ValueError: if there are not enough dimensions or hints contradict.
    """

    def __init__(self, spectrum, block_depth, input_output_dtype, given, name):
        self._name = name
        self._block_depth = block_depth
        with name_scope(name, values=[spectrum]):
            self._spectrum = to_tensor(spectrum, name="spectrum")
            if self._spectrum.shape.ndims is not None and self._spectrum.shape.ndims < block_depth:
                raise ValueError(f"Argument spectrum must have at least {block_depth} dimensions.  "
                                 f"Found: {self._spectrum}")  # fmt: skip
            if not self._spectrum.dtype.is_complex:
                if given["is_self_adjoint"] is False:
                    raise ValueError("A real spectrum always corresponds to a self-adjoint operator.")
                given = {**given, "is_self_adjoint": True}
            if given["is_square"] is False:
                raise ValueError("A [[nested] block] circulant operator is always square.")
            self._block_sizes = shape(self._spectrum)[-block_depth:]
            self._complex = as_complex(self._spectrum)
            self._modulus = abs_(self._spectrum)
            self._conjugate = conj(self._complex)
            super().__init__(as_dtype(input_output_dtype), [self._spectrum], name=name, **{**given, "is_square": True})

    @property
    def block_depth(self):
        """Over how many dimensions the transforms go."""
        return self._block_depth

    @property
    def block_shape(self):
        """The static shape of the dimensions over which they go."""
        return self.spectrum.shape[-self.block_depth :]

    @property
    def spectrum(self):
        """The eigenvalues."""
        return self._spectrum

    def block_shape_tensor(self):
        """The shape of the dimensions over which the transforms go, as an int32 vector."""
        return self._block_sizes

    def convolution_kernel(self, name="convolution_kernel"):
        """What the operator convolves with: the inverse transform of the spectrum."""
        with self._name_scope(name):
            return cast(self._transformed(self._complex, inverse=True), self.dtype)

    def assert_hermitian_spectrum(self, name="assert_hermitian_spectrum"):
        """An operation that fails unless the operator makes real vectors of real ones."""
        epsilon = np.finfo(self.dtype.real_dtype.as_numpy_dtype).eps
        with self._name_scope(name):
            most = epsilon * cast(self.domain_dimension_tensor(), self.dtype.real_dtype)
            imaginary = imag(self.convolution_kernel())
            return assert_less(abs_(imaginary), most, message="Spectrum was not Hermitian")

    def _transformed(self, x, inverse=False):
        return call(_TRANSFORMS[self.block_depth][inverse], x)

    def _shape(self):
        static = self._spectrum.shape
        sizes = static[-self.block_depth :]
        n = int(np.prod(sizes.as_list())) if sizes.is_fully_defined() else None
        return static[: -self.block_depth].concatenate(TensorShape([n, n]))

    def _shape_tensor(self):
        sizes = shape(self._spectrum)
        n = reduce_prod(sizes[-self.block_depth :])
        return concat((sizes[: -self.block_depth], [n, n]), 0)

    def _assert_non_singular(self):
        return assert_no_zeros(self.spectrum, "Singular operator:  Spectrum contained zero values.")

    def _assert_positive_definite(self):
        message = "Not positive definite:  Real part of spectrum was not all positive."
        return assert_positive(real(self.spectrum), message=message)

    def _assert_self_adjoint(self):
        message = "Not self-adjoint:  The spectrum contained non-zero imaginary part."
        return assert_real(self.spectrum, message)

    def _applied(self, x, adjoint, adjoint_arg, to_spectrum):
        """The inverse transform of `to_spectrum(transform of x, spectrum)`."""
        x = adjoint_of(x) if adjoint_arg else x
        spectrum = self._conjugate if adjoint else self._complex
        x = cast(x, spectrum.dtype)
        as_column = reshape(spectrum, concat((self.batch_shape_tensor(), [-1, 1]), axis=0))
        x, as_column = broadcast_batches([x, as_column])
        spectrum = reshape(as_column, concat((shape(x)[:-2], self.block_shape_tensor()), axis=0))
        result = self._transformed(to_spectrum(self._transformed(self._as_blocks(x)), spectrum), inverse=True)
        return cast(self._as_matrices(result), self.dtype)

    def _as_blocks(self, matrices):
        """Matrices [..., n, k] as [k, ..., n1, n2, n3]."""
        vectors = _last_axis_first(matrices)
        if vectors.shape.is_fully_defined() and self.block_shape.is_fully_defined():
            return reshape(vectors, vectors.shape[:-1].concatenate(self.block_shape))
        return reshape(vectors, concat((shape(vectors)[:-1], self.block_shape_tensor()), 0))

    def _as_matrices(self, blocks):
        """Blocks [k, ..., n1, n2, n3] as [..., n, k]."""
        depth = self.block_depth
        if blocks.shape.is_fully_defined():
            sizes = blocks.shape.as_list()
            flat = sizes[:-depth] + [int(np.prod(sizes[-depth:]))]
        else:
            sizes = shape(blocks)
            flat = concat((sizes[:-depth], [reduce_prod(sizes[-depth:])]), 0)
        return _first_axis_last(reshape(blocks, flat))

    def _matmul(self, x, adjoint=False, adjoint_arg=False):
        return self._applied(x, adjoint, adjoint_arg, lambda transformed, spectrum: spectrum * transformed)

    def _solve(self, rhs, adjoint=False, adjoint_arg=False):
        return self._applied(rhs, adjoint, adjoint_arg, lambda transformed, spectrum: transformed / spectrum)

    def _block_axes(self):
        return [-(i + 1) for i in range(self.block_depth)]

    def _determinant(self):
        return cast(reduce_prod(self.spectrum, axis=self._block_axes()), self.dtype)

    def _log_abs_determinant(self):
        return cast(reduce_sum(log(self._modulus), axis=self._block_axes()), self.dtype)

    def _diag_part(self):
        if self.shape.is_fully_defined():
            diagonal_shape, size = self.shape[:-1], self.domain_dimension.value
        else:
            diagonal_shape, size = self.shape_tensor()[:-1], self.domain_dimension_tensor()
        # All elements are the same. Of an empty matrix the trace is 0, the element NaN, and there is none.
        element = self.trace() / cast(size, self.dtype)
        return element[..., None] * ones(diagonal_shape, dtype=self.dtype)

    def _trace(self):
        # The trace is the sum of the eigenvalues.
        real_part = reduce_sum(real(self.spectrum), axis=self._block_axes())
        if not self.dtype.is_complex:
            return cast(real_part, self.dtype)
        if self.is_self_adjoint:
            imaginary_part = zeros_like(real_part)
        else:
            imaginary_part = reduce_sum(imag(self.spectrum), axis=self._block_axes())
        return cast(complex_(real_part, imaginary_part), self.dtype)


def _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square):
    return dict(is_non_singular=is_non_singular, is_self_adjoint=is_self_adjoint,
                is_positive_definite=is_positive_definite, is_square=is_square)  # fmt: skip


@export("linalg.LinearOperatorCirculant")
class LinearOperatorCirculant(NestedCirculant):
    """Circulant matrices, each row of which is the one above, moved on by one.

    Args:
      spectrum: tensor [..., n]: the eigenvalues, the Fourier transform of the first column.
      input_output_dtype: the type of the operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the spectrum is a scalar or hints contradict.
    """

    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=True, name="LinearOperatorCirculant"):  # fmt: skip
        given = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(spectrum, 1, input_output_dtype, given, name)


@export("linalg.LinearOperatorCirculant2D")
class LinearOperatorCirculant2D(NestedCirculant):
    """Circulant matrices of circulant blocks.

    Args:
      spectrum: tensor [..., n1, n2]: the eigenvalues.
      input_output_dtype: the type of the operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the spectrum has less than two dimensions or hints contradict.
    """

    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=True, name="LinearOperatorCirculant2D"):  # fmt: skip
        given = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(spectrum, 2, input_output_dtype, given, name)


@export("linalg.LinearOperatorCirculant3D")
class LinearOperatorCirculant3D(NestedCirculant):
    """Circulant matrices of blocks that are circulant matrices of circulant blocks.

    Args:
      spectrum: tensor [..., n1, n2, n3]: the eigenvalues.
      input_output_dtype: the type of the operator.
      is_non_singular, is_self_adjoint, is_positive_definite, is_square: hints, as of every LinearOperator.
      name: the name.

    Raises:
      ValueError: if the spectrum has less than three dimensions or hints contradict.
    """

    def __init__(self, spectrum, input_output_dtype=dtypes.complex64, is_non_singular=None, is_self_adjoint=None,
                 is_positive_definite=None, is_square=True, name="LinearOperatorCirculant3D"):  # fmt: skip
        given = _hints(is_non_singular, is_self_adjoint, is_positive_definite, is_square)
        super().__init__(spectrum, 3, input_output_dtype, given, name)


def _of_type(operator, spectrum, given):
    return LinearOperatorCirculant(spectrum, operator.dtype, **given)


@rule("Adjoint", LinearOperatorCirculant)
def _adjoint(operator):
    spectrum = conj(operator.spectrum) if operator.spectrum.dtype.is_complex else operator.spectrum
    return _of_type(operator, spectrum, hints(operator))


@rule("Inverse", LinearOperatorCirculant)
def _inverse(operator):
    return _of_type(operator, 1.0 / operator.spectrum, hints(operator))


@rule("Matmul", LinearOperatorCirculant, LinearOperatorCirculant)
def _product(a, b):
    return _of_type(a, a.spectrum * b.spectrum, hints_of_commuting(a, b))


@rule("Solve", LinearOperatorCirculant, LinearOperatorCirculant)
def _solution(a, b):
    return _of_type(a, b.spectrum / a.spectrum, hints_of_commuting(a, b))
