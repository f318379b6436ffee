"""Complex numbers: their parts, modulus, argument and conjugate, and how to make them of two real tensors."""

import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.context import control_dependencies, name_scope
from reflow.graph.convert import constant_tensor, to_tensor
from reflow.graph.export import export
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op, gradient
from reflow.ops.broadcasting import summed_to_inputs
from reflow.ops.constant import zeros_like
from reflow.ops.shape_rules import broadcast, unchanged_shape

_PART_TYPES = "T: type in complex64|complex128 = complex64, Tout: type in float|double = float"


def _conj(input):
    """Conjugates of variants (lists of tensors) are taken by the object itself."""
    return torch.conj(input).resolve_conj() if isinstance(input, torch.Tensor) else input.conj()


define_op(
    "Conj", "input: T -> output: T", "T: type in complex64|complex128|variant = complex64",
    shape=unchanged_shape, kernel=_conj,
)  # fmt: skip
define_op(
    "Real", "input: T -> output: Tout", _PART_TYPES,
    shape=unchanged_shape, kernel="{input}.real.contiguous()", aliases=(0,),
)  # fmt: skip
define_op(
    "Imag", "input: T -> output: Tout", _PART_TYPES,
    shape=unchanged_shape, kernel="{input}.imag.contiguous()", aliases=(0,),
)  # fmt: skip
define_op("Angle", "input: T -> output: Tout", _PART_TYPES, shape=unchanged_shape, kernel="torch.angle({input})")
define_op("ComplexAbs", "x: T -> y: Tout", _PART_TYPES, shape=unchanged_shape, kernel="torch.abs({x})")
define_op(
    "Complex", "real: T, imag: T -> out: Tout",
    "T: type in float|double = float, Tout: type in complex64|complex128 = complex64",
    shape=broadcast, kernel="torch.complex(*torch.broadcast_tensors({real}, {imag}))",
)  # fmt: skip


# --- gradients ----------------------------------------------------------------------------------------------------


@gradient("Conj")
def _conj_gradient(op, grad):
    return conj(grad)


@gradient("Real")
def _real_gradient(op, grad):
    return complex(grad, constant_tensor(0, grad.dtype.base_dtype, "Const"))


@gradient("Imag")
def _imag_gradient(op, grad):
    return complex(constant_tensor(0, grad.dtype.base_dtype, "Const"), grad)


@gradient("Angle")
def _angle_gradient(op, grad):
    """d angle(z) = d(y / x) x^2 / |z|^2, which is -grad / (y + i x) for z = x + i y."""
    z = op._inputs[0]
    with control_dependencies([grad.op]):
        real_part, imaginary_part = real(z), imag(z)
        inverse = call("Reciprocal", complex(imaginary_part, real_part))
        zero = constant_tensor(0, grad.dtype.base_dtype, "Const")
        return -complex(grad, zero) * inverse


@gradient("ComplexAbs")
def _complex_abs_gradient(op, grad):
    """The unit vector z / |z|, 0 at the origin, times the real gradient."""
    modulus = op.outputs[0]
    numerator = complex(grad, zeros_like(grad)) * op._inputs[0]
    return call("DivNoNan", numerator, complex(modulus, zeros_like(modulus)), name="div_no_nan")


@gradient("Complex")
def _complex_gradient(op, grad):
    return summed_to_inputs(op, lambda: real(grad), lambda: imag(grad))


# --- public functions ---------------------------------------------------------------------------------------------

_COMPLEX_OF = {dtypes.float32: dtypes.complex64, dtypes.float64: dtypes.complex128}


@export("complex", "dtypes.complex")
def complex(real, imag, name=None):
    """Complex numbers with the given real and imaginary parts, elementwise.

    Args:
      real: a tensor of float32 or float64.
      imag: a tensor of the same type, of a shape that broadcasts with that of `real`.
      name: a name for the operation.

    Returns:
      A tensor of complex64 for float32, of complex128 for float64.

    Raises:
      TypeError: if the parts are of different or other types.
    """
    real, imag = to_tensor(real, name="real"), to_tensor(imag, name="imag")
    with name_scope(name, "Complex", [real, imag]) as scope:
        part = real.dtype.base_dtype
        if part is not imag.dtype.base_dtype or part not in _COMPLEX_OF:
            raise TypeError(f"real and imag have incorrect types: {real.dtype.name} {imag.dtype.name}")
        return call("Complex", real, imag, Tout=_COMPLEX_OF[part], name=scope)


@export("real", "math.real")
def real(input, name=None):
    """The real part, elementwise; real tensors are returned as they are.

    Args:
      input: a numeric tensor.
      name: a name for the operation.

    Returns:
      A tensor shaped like `input`, of float32 for complex64, of float64 for complex128.
    """
    with name_scope(name, "Real", [input]) as scope:
        input = to_tensor(input, name="input")
        if input.dtype.is_complex:
            return call("Real", input, Tout=input.dtype.base_dtype.real_dtype, name=scope)
        return input


@export("imag", "math.imag")
def imag(input, name=None):
    """The imaginary part, elementwise; zeros for a real tensor.

    Args:
      input: a numeric tensor.
      name: a name for the operation.

    Returns:
      A tensor shaped like `input`, of float32 for complex64, of float64 for complex128.
    """
    return _part("Imag", input, name)


@export("angle", "math.angle")
def angle(input, name=None):
    """The argument of complex numbers, atan2(imaginary part, real part), elementwise; zeros for a real tensor.

    Args:
      input: a numeric tensor.
      name: a name for the operation.

    Returns:
      A tensor of radians in (-pi, pi], shaped like `input`, of float32 for complex64, of float64 for complex128.
    """
    return _part("Angle", input, name)


def _part(op_name, input, name):
    with name_scope(name, op_name, [input]) as scope:
        input = to_tensor(input, name="input")
        if input.dtype.is_complex:
            return call(op_name, input, Tout=input.dtype.base_dtype.real_dtype, name=scope)
        return zeros_like(input)


@export("conj", "math.conj")
def conj(x, name=None):
    """The complex conjugate, elementwise; real tensors are returned as they are.

    Args:
      x: a numeric or variant tensor.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.

    Raises:
      TypeError: if `x` is neither numeric nor a variant.
    """
    if type(x) is Tensor and (x.dtype.is_floating or x.dtype.is_integer):
        return x
    with name_scope(name, "Conj", [x]) as scope:
        x = to_tensor(x, name="x")
        if x.dtype.is_complex or x.dtype.base_dtype is dtypes.variant:
            return call("Conj", x, name=scope)
        if x.dtype.is_floating or x.dtype.is_integer:
            return x
        raise TypeError(f"Expected numeric or variant tensor, got dtype {x.dtype!r}")
