"""Discrete cosine transforms."""

import math

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import to_tensor
from reflow.graph.export import export
from reflow.ops.casting import cast
from reflow.ops.complex import complex as complex_
from reflow.ops.complex import real
from reflow.ops.elementwise import exp
from reflow.ops.fft import irfft, rfft
from reflow.ops.joining import concat
from reflow.ops.padding import pad
from reflow.ops.ranges import range as range_
from reflow.ops.shape_ops import expand_dims, shape


@export("signal.dct", "spectral.dct")
def dct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """A discrete cosine transform over the last axis.

    Of n samples x, type 2 is y[k] = 2 sum over j of x[j] cos(pi k (2 j + 1) / (2 n)), type 3 its inverse but for a
    factor 2 n, and type 1 is y[k] = x[0] + (-1)^k x[n - 1] + 2 sum over 0 < j < n - 1 of x[j] cos(pi j k / (n - 1)).

    Args:
      input: a float32 tensor [..., samples].
      type: 1, 2 or 3.
      n: how many samples to transform: others are cut off, missing ones are zeros; all of them if None.
      axis: -1.
      norm: None, or "ortho": scale so that the transform (of type 2 or 3) is orthonormal.
      name: a name scope for the operations.

    Returns:
      A float32 tensor [..., n].

    Raises:
      ValueError: for another type, another norm, an `n` below 1, or type 1 of less than two samples.
      NotImplementedError: for another axis.
    """
    _check_arguments(input, type, n, axis, norm)
    with name_scope(name, "dct", [input]):
        input = to_tensor(input, dtypes.float32)
        length = _length(input)
        if n is not None:
            input = _cut_or_padded(input, length, n)
        length = _length(input)
        float_length = cast(length, dtypes.float32)
        if type == 1:
            mirrored = concat([input, input[..., -2:0:-1]], axis=-1)
            return real(rfft(mirrored))
        if type == 2:
            return _second(input, length, float_length, norm)
        return _third(input, length, float_length, norm)


def _check_arguments(input, type, n, axis, norm):
    if axis != -1:
        raise NotImplementedError(f"axis must be -1. Got: {axis}")
    if n is not None and n < 1:
        raise ValueError("n should be a positive integer or None")
    if type not in (1, 2, 3):
        raise ValueError("Only Types I, II and III (I)DCT are supported.")
    if type == 1:
        if norm == "ortho":
            raise ValueError("Normalization is not supported for the Type-I DCT.")
        samples = input.shape[-1]
        samples = getattr(samples, "value", samples)
        if samples is not None and samples < 2:
            raise ValueError("Type-I DCT requires the dimension to be greater than one.")
    if norm not in (None, "ortho"):
        raise ValueError(f"Unknown normalization. Expected None or 'ortho', got: {norm}")


def _length(tensor):
    """The size of the last axis: an int if it is known (and not 0), else a tensor."""
    return tensor.dims[-1] or shape(tensor)[-1]


def _cut_or_padded(input, length, n):
    if n <= length:
        return input[..., 0:n]
    paddings = [[0, 0] for _ in input.dims]
    paddings[-1][1] = n - length
    return pad(input, to_tensor(paddings, dtypes.int32))


def _second(input, length, float_length, norm):
    angles = -range_(float_length) * math.pi * 0.5 / float_length
    scale = 2.0 * exp(complex_(0.0, angles))
    result = real(rfft(input, fft_length=[2 * length])[..., :length] * scale)
    if norm == "ortho":
        first = 0.5 * call("Rsqrt", float_length)
        result *= _weights(first, first * call("Sqrt", 2.0), length)
    return result


def _third(input, length, float_length, norm):
    if norm == "ortho":
        first = call("Sqrt", float_length)
        input *= _weights(first, first * call("Sqrt", 0.5), length)
    else:
        input *= float_length
    scale = 2.0 * exp(complex_(0.0, range_(float_length) * math.pi * 0.5 / float_length))
    return real(irfft(scale * complex_(input, 0.0), fft_length=[2 * length]))[..., :length]


def _weights(first, others, length):
    """[first, others, others, ...]."""
    return pad(expand_dims(first, 0), [[0, length - 1]], constant_values=others)


@export("signal.idct", "spectral.idct")
def idct(input, type=2, n=None, axis=-1, norm=None, name=None):
    """The inverse of `dct` but for a scale: with norm "ortho" of types 2 and 3, it is the inverse itself.

    Args:
      input: a float32 tensor [..., coefficients].
      type: 1, 2 or 3: the type of the transform to invert.
      n: how many coefficients to take: others are cut off, missing ones are zeros; all of them if None.
      axis: -1.
      norm: None or "ortho".
      name: a name scope for the operations.

    Returns:
      A float32 tensor [..., n].

    Raises:
      ValueError, NotImplementedError: as `dct` does.
    """
    _check_arguments(input, type, n, axis, norm)
    return dct(input, type={1: 1, 2: 3, 3: 2}[type], n=n, axis=axis, norm=norm, name=name)
