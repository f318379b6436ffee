"""Discrete Fourier transforms in one, two and three dimensions, of complex and of real tensors."""

from collections.abc import Callable

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_value, constant_value_as_dims, to_tensor
from reflow.graph.export import export
from reflow.graph.registry import define_op, gradient
from reflow.ops.arithmetic import maximum
from reflow.ops.casting import cast
from reflow.ops.constant import ones, zeros, zeros_like
from reflow.ops.joining import concat, stack, unstack
from reflow.ops.padding import pad
from reflow.ops.permute import roll
from reflow.ops.reduction import reduce_prod
from reflow.ops.shape_ops import rank as rank_of
from reflow.ops.shape_ops import shape
from reflow.ops.shape_rules import with_rank, with_rank_at_least
from reflow.ops.sparse_coordinates import invalid

_SUFFIXES = {1: "", 2: "2D", 3: "3D"}

# --- complex transforms -------------------------------------------------------------------------------------------


def _complex_kernel(function: Callable, rank: int):
    def kernel(input):
        if input.ndim < rank:
            raise invalid(f"Input must have rank of at least {rank} but got: {list(input.shape)}")
        return function(input, dim=tuple(range(-rank, 0))) if input.numel() else input.clone()

    return kernel


def _define_complex(op_name: str, rank: int, function: Callable, summary: str) -> Callable:
    define_op(
        op_name, "input: Tcomplex -> output: Tcomplex", "Tcomplex: type in complex64|complex128 = complex64",
        shape=lambda op: [with_rank_at_least(op._inputs[0].dims, rank)], kernel=_complex_kernel(function, rank),
    )  # fmt: skip

    def transform(input, name=None):
        return call(op_name, input, name=name)

    name = op_name.lower()
    transform.__name__ = transform.__qualname__ = name
    transform.__doc__ = f"""{summary} over the last {"axis" if rank == 1 else f"{rank} axes"}.

    Args:
      input: a complex64 or complex128 tensor of rank {rank} or more.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape.
    """
    return export(f"signal.{name}", f"spectral.{name}", name)(transform)


_FORWARD = "The discrete Fourier transform, X[k] = sum over j of x[j] exp(-2 pi i j k / n),"
_INVERSE = "The inverse discrete Fourier transform, x[j] = (sum over k of X[k] exp(2 pi i j k / n)) / n,"

fft = _define_complex("FFT", 1, torch.fft.fftn, _FORWARD)
ifft = _define_complex("IFFT", 1, torch.fft.ifftn, _INVERSE)
fft2d = _define_complex("FFT2D", 2, torch.fft.fftn, _FORWARD)
ifft2d = _define_complex("IFFT2D", 2, torch.fft.ifftn, _INVERSE)
fft3d = _define_complex("FFT3D", 3, torch.fft.fftn, _FORWARD)
ifft3d = _define_complex("IFFT3D", 3, torch.fft.ifftn, _INVERSE)


def _transform_size(tensor, rank):
    return reduce_prod(shape(tensor)[-rank:])


def _complex_gradients(rank: int, forward: Callable, inverse: Callable) -> None:
    @gradient(f"FFT{_SUFFIXES[rank]}")
    def _forward_gradient(op, grad):
        size = cast(_transform_size(grad, rank), grad.dtype.base_dtype)
        return inverse(grad) * size

    @gradient(f"IFFT{_SUFFIXES[rank]}")
    def _inverse_gradient(op, grad):
        dtype = grad.dtype.base_dtype
        size = cast(_transform_size(grad, rank), dtype.real_dtype)
        return forward(grad) * cast(1.0 / size, dtype)


_complex_gradients(1, fft, ifft)
_complex_gradients(2, fft2d, ifft2d)
_complex_gradients(3, fft3d, ifft3d)


# --- real transforms ----------------------------------------------------------------------------------------------


def _check_real_input(input, fft_length, rank, least_of_last: Callable):
    if input.ndim < rank:
        raise invalid(f"Input must have rank of at least {rank} but got: {list(input.shape)}")
    if not isinstance(fft_length, list) or len(fft_length) != rank:
        raise invalid(f"fft_length must have shape [{rank}]")
    if min(fft_length) < 0:
        raise invalid(f"fft_length must be non-negative, but got: {fft_length}")
    for i, size in enumerate(fft_length):
        least = least_of_last(size) if i == rank - 1 else size
        axis = input.ndim - rank + i
        if input.shape[axis] and input.shape[axis] < least:
            raise invalid(f"Input dimension {axis} must have length of at least {least} but got: {input.shape[axis]}")


def _half(size: int) -> int:
    """How many of `size` coefficients of a real signal say all."""
    return size // 2 + 1 if size else 0


def _forward_kernel(rank: int):
    def kernel(input, fft_length):
        _check_real_input(input, fft_length, rank, lambda size: size)
        if not input.numel() or 0 in fft_length:
            sizes = [*input.shape[: input.ndim - rank], *fft_length[:-1], _half(fft_length[-1])]
            return input.new_zeros(sizes, dtype=torch.complex64)
        return torch.fft.rfftn(input, s=fft_length, dim=tuple(range(-rank, 0)))

    return kernel


def _inverse_kernel(rank: int):
    def kernel(input, fft_length):
        _check_real_input(input, fft_length, rank, lambda size: size // 2 + 1)
        if not input.numel() or 0 in fft_length:
            return input.new_zeros([*input.shape[: input.ndim - rank], *fft_length], dtype=torch.float32)
        return torch.fft.irfftn(input, s=fft_length, dim=tuple(range(-rank, 0)))

    return kernel


def _real_shape(rank: int, last_size: Callable):
    def rule(op):
        dims = with_rank_at_least(op._inputs[0].dims, rank)
        length = with_rank(op._inputs[1].dims, 1)[0]
        if length not in (None, rank):
            raise ValueError(f"Dimension must be {rank} but is {length}")
        if dims is None:
            return [None]
        sizes = constant_value(op._inputs[1])
        if sizes is None:
            return [dims[:-rank] + (None,) * rank]
        *outer, last = sizes.tolist()
        return [(*dims[:-rank], *outer, last_size(last))]

    return rule


def _define_real(op_name: str, rank: int, is_forward: bool, summary: str) -> Callable:
    from_type, to_type = ("float", "complex64") if is_forward else ("complex64", "float")
    define_op(
        op_name, f"input: {from_type}, fft_length: int32 -> output: {to_type}",
        shape=_real_shape(rank, _half if is_forward else int),
        kernel=_forward_kernel(rank) if is_forward else _inverse_kernel(rank), host="fft_length",
    )  # fmt: skip
    input_type = dtypes.float32 if is_forward else dtypes.complex64
    name_ = op_name.lower()

    def transform(input_tensor, fft_length=None, name=None):
        with name_scope(name, name_, [input_tensor, fft_length]) as scope:
            input_tensor = to_tensor(input_tensor, input_type)
            input_tensor.shape.with_rank_at_least(rank)
            if fft_length is None:
                fft_length = _whole_length(input_tensor, rank, is_forward)
            else:
                fft_length = to_tensor(fft_length, dtypes.int32)
            return call(op_name, _padded(input_tensor, rank, fft_length, is_forward), fft_length, name=scope)

    transform.__name__ = transform.__qualname__ = name_
    transform.__doc__ = f"""{summary} over the last {"axis" if rank == 1 else f"{rank} axes"}.

    Of a real signal of length n the first n // 2 + 1 coefficients of the last axis tell all others.

    Args:
      input_tensor: a {input_type.name} tensor of rank {rank} or more.
      fft_length: int32 vector [{rank}]: the sizes of the signal; {"those of `input_tensor`" if is_forward else
      "those that `input_tensor` has, with 2 (n - 1) for the last"} if None. A larger input is cut, a smaller one padded
        with zeros.
      name: a name for the operations.

    Returns:
      A {"complex64" if is_forward else "float32"} tensor.

    Raises:
      ValueError: if the rank is known to be less.
    """
    return export(f"signal.{name_}", f"spectral.{name_}")(transform)


def _whole_length(input_tensor, rank, is_forward):
    """The sizes of the signal that the input is, or is the transform of."""
    sizes = input_tensor.get_shape()[-rank:]
    if sizes.is_fully_defined():
        sizes = sizes.as_list()
        if sizes and not is_forward:
            sizes[-1] = max(0, 2 * (sizes[-1] - 1))
        return to_tensor(sizes, dtypes.int32)
    sizes = shape(input_tensor)[-rank:]
    if is_forward:
        return sizes
    sizes = unstack(sizes)
    sizes[-1] = maximum(0, 2 * (sizes[-1] - 1))
    return stack(sizes)


def _padded(input_tensor, rank, fft_length, is_forward):
    """The input with zeros after it where it is shorter than the transform asks for."""
    dims, wanted = input_tensor.dims, constant_value_as_dims(fft_length)
    if dims is not None and 0 in dims:
        return input_tensor
    if dims is not None and wanted is not None and None not in wanted and None not in dims[-len(wanted):]:
        return _padded_statically(input_tensor, wanted, is_forward)
    input_rank = rank_of(input_tensor)
    sizes = shape(input_tensor)[-rank:]
    outer = zeros([maximum(0, input_rank - rank)], fft_length.dtype.base_dtype)
    if not is_forward:
        fft_length = concat([fft_length[:-1], fft_length[-1:] // 2 + 1], 0)
    after = concat([outer, maximum(0, fft_length - sizes)], 0)
    return pad(input_tensor, stack([zeros_like(after), after], axis=1))


def _padded_statically(input_tensor, wanted, is_forward):
    dims = input_tensor.dims
    if not is_forward:
        wanted = (*wanted[:-1], wanted[-1] // 2 + 1)
    after = [max(want - have, 0) for want, have in zip(wanted, dims[-len(wanted):], strict=True)]
    if not any(after):
        return input_tensor
    return pad(input_tensor, [[0, 0]] * (len(dims) - len(after)) + [[0, size] for size in after])


_REAL_FORWARD = "The discrete Fourier transform of a real tensor"
_REAL_INVERSE = "The real tensor with these Fourier coefficients: the inverse transform"

rfft = _define_real("RFFT", 1, True, _REAL_FORWARD)
irfft = _define_real("IRFFT", 1, False, _REAL_INVERSE)
rfft2d = _define_real("RFFT2D", 2, True, _REAL_FORWARD)
irfft2d = _define_real("IRFFT2D", 2, False, _REAL_INVERSE)
rfft3d = _define_real("RFFT3D", 3, True, _REAL_FORWARD)
irfft3d = _define_real("IRFFT3D", 3, False, _REAL_INVERSE)


# --- gradients of real transforms ---------------------------------------------------------------------------------


def _weights(fft_length, inner):
    """[1, inner, ..., inner, 1]: a weight a coefficient; the last one is `inner`, too, if the length is odd."""
    last = fft_length[-1]
    is_odd = last % 2
    half = last // 2 + 1
    return concat([[1.0], inner * ones([half - 2 + is_odd]), ones([1 - is_odd])], 0)


def _in_input_shape(op, grad):
    """What was cut off before the transform has no influence: zeros."""
    source = op.inputs[0]
    if grad.get_shape().is_fully_defined() and grad.dims == source.dims:
        return grad
    after = shape(source) - shape(grad)
    return pad(grad, stack([zeros_like(after), after], axis=1))


def _real_gradients(rank: int, forward: Callable, inverse: Callable) -> None:
    """Coefficients that stand for two (themselves and their conjugates) count half in the inverse transform."""

    @gradient(f"RFFT{_SUFFIXES[rank]}")
    def _forward_gradient(op, grad):
        fft_length = op.inputs[1]
        weighted = grad * cast(_weights(fft_length, 0.5), dtypes.complex64)
        size = cast(reduce_prod(fft_length), dtypes.float32)
        return _in_input_shape(op, inverse(weighted, fft_length) * size), None

    @gradient(f"IRFFT{_SUFFIXES[rank]}")
    def _inverse_gradient(op, grad):
        fft_length = op.inputs[1]
        size = cast(_transform_size(grad, rank), dtypes.float32)
        weights = call("Reciprocal", size) * _weights(fft_length, 2.0)
        return _in_input_shape(op, forward(grad, fft_length) * cast(weights, dtypes.complex64)), None


_real_gradients(1, rfft, irfft)
_real_gradients(2, rfft2d, irfft2d)


# --- shifts -------------------------------------------------------------------------------------------------------


@export("signal.fftshift")
def fftshift(x, axes=None, name=None):
    """The coefficients moved so that frequency zero stands in the middle.

    Args:
      x: a tensor of known shape along the axes.
      axes: int or a sequence of ints: the axes to shift; all of them if None.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape.
    """
    return _shifted("fftshift", 1, x, axes, name)


@export("signal.ifftshift")
def ifftshift(x, axes=None, name=None):
    """The inverse of `fftshift`, from which it differs in axes of odd size.

    Args:
      x: a tensor of known shape along the axes.
      axes: int or a sequence of ints: the axes to shift; all of them if None.
      name: a name for the operation.

    Returns:
      A tensor of the same type and shape.
    """
    return _shifted("ifftshift", -1, x, axes, name)


def _shifted(default_name, sign, x, axes, name):
    with name_scope(name, default_name) as scope:
        x = to_tensor(x)
        if axes is None:
            axes = tuple(range(x.shape.ndims))
        if isinstance(axes, int):
            shift = sign * int(x.shape[axes] // 2)
        else:
            shift = [sign * int(x.shape[axis] // 2) for axis in axes]
        return roll(x, shift, axes, scope)
