"""Arithmetic of two tensors that broadcast: sums, products, quotients, remainders, powers."""

import numpy as np
import torch

from reflow.graph import dtypes, errors
from reflow.graph.build import call
from reflow.graph.context import name_scope
from reflow.graph.convert import constant_tensor, to_tensor
from reflow.graph.dtypes import DType
from reflow.graph.export import export
from reflow.graph.indexed_slices import IndexedSlices
from reflow.graph.operation import Tensor
from reflow.graph.registry import define_op
from reflow.graph.shapes import dims_to_str
from reflow.graph.sparse_tensor import SparseTensor
from reflow.ops.casting import cast
from reflow.ops.constant import zeros_like
from reflow.ops.factories import binary, binary_operator
from reflow.ops.native import elementwise as elementwise_native
from reflow.ops.native import transposition as transposition_native
from reflow.ops.shape_rules import broadcast

_ADDABLE = "bfloat16|half|float|double|uint8|int8|int16|int32|int64|complex64|complex128"
_WITH_UINT16 = "bfloat16|half|float|double|uint8|int8|uint16|int16|int32|int64|complex64|complex128"
_NO_NAN = "half|float|double|complex64|complex128"

# --- sums, differences, products ----------------------------------------------------------------------------------

add = binary(
    "Add", f"{_ADDABLE}|string", "{x} + {y}", "add", "math.add", numpy=np.add,
    summary="x + y, elementwise; strings are joined.", native=transposition_native.binary(torch.add),
)  # fmt: skip
binary("AddV2", _ADDABLE, "{x} + {y}", numpy=np.add, is_commutative=True, is_aggregate=True,
       native=transposition_native.binary(torch.add))  # fmt: skip
subtract = binary(
    "Sub", _WITH_UINT16, "{x} - {y}", "subtract", "math.subtract", numpy=np.subtract, summary="x - y, elementwise.",
    native=transposition_native.binary(torch.sub),
)  # fmt: skip
multiply = binary(
    "Mul", _WITH_UINT16, "{x} * {y}", "multiply", "math.multiply", numpy=np.multiply, is_commutative=True,
    summary="x * y, elementwise.", native=transposition_native.binary(torch.mul),
)  # fmt: skip
binary("MulNoNan", _NO_NAN, "({x} * {y}).masked_fill_({y} == 0, 0)")
squared_difference = binary(
    "SquaredDifference", "bfloat16|half|float|double|int32|int64|complex64|complex128",
    lambda x, y: torch.square((x - y).abs()).to(x.dtype) if x.is_complex() else torch.square(x - y),
    "squared_difference", "math.squared_difference", is_commutative=True,
    lower=lambda node: None if node.dtype(0).is_complex else f"torch.square({node.args[0]} - {node.args[1]})",
    native=elementwise_native.binary("squared_difference", lambda x, y: torch.square(x - y)),
    summary="(x - y) * conj(x - y), elementwise.",
)  # fmt: skip


# --- quotients ----------------------------------------------------------------------------------------------------


def _by_zero(error: RuntimeError) -> Exception:
    if "ZeroDivision" in str(error):
        return errors.InvalidArgumentError(None, None, "Integer division by zero")
    return error


def _integer_quotient(x, y, rounding_mode: str):
    """Integer division; the quotient that does not fit, by -1, wraps around (the processor's instruction traps)."""
    wraps = y == -1 if y.dtype.is_signed else None
    try:
        if wraps is None or not wraps.any():
            return torch.div(x, y, rounding_mode=rounding_mode)
        return torch.where(wraps, -x, torch.div(x, y.masked_fill(wraps, 1), rounding_mode=rounding_mode))
    except RuntimeError as error:
        raise _by_zero(error) from None


def _is_integer(tensor) -> bool:
    return not (tensor.is_floating_point() or tensor.is_complex())


def _numpy_quotient(x, y):
    """The quotient of unsigned integers."""
    if np.any(y == 0):
        raise errors.InvalidArgumentError(None, None, "Integer division by zero")
    return np.floor_divide(x, y)


def _floor_quotient(x, y):
    return _integer_quotient(x, y, "floor") if _is_integer(x) else torch.floor(x / y)


def _quotient(x, y):
    return _integer_quotient(x, y, "trunc") if _is_integer(x) else x / y


def _lower_division(floating: str, integral: str):
    """Direct templates for floats, and for integers where the divisor is a constant that makes no trouble."""

    def lower(node):
        dtype, divisor = node.dtype(0), node.constant(1)
        if dtype is dtypes.uint16:
            return None
        x, y = node.args
        if not dtype.is_integer:
            return floating.format(x=x, y=y)
        harmless = divisor is not None and not np.isin(divisor, (0, -1)).any()
        return integral.format(x=x, y=y) if harmless else None

    return lower


_TRUNCATED = {
    "numpy": _numpy_quotient, "value": None,
    "lower": _lower_division("{x} / {y}", "torch.div({x}, {y}, rounding_mode='trunc')"),
}  # fmt: skip

realdiv = binary(
    "RealDiv", _WITH_UINT16, _quotient, "realdiv", **_TRUNCATED,
    summary="x / y of real or complex numbers, elementwise.",
)  # fmt: skip
binary("Div", _WITH_UINT16, _quotient, **_TRUNCATED)
binary("DivNoNan", _NO_NAN, "({x} / {y}).masked_fill_({y} == 0, 0)")
floor_div = binary(
    "FloorDiv", _WITH_UINT16, _floor_quotient, "floor_div", numpy=_numpy_quotient,
    lower=_lower_division("torch.floor({x} / {y})", "torch.div({x}, {y}, rounding_mode='floor')"),
    summary="x / y rounded towards minus infinity, elementwise.",
)  # fmt: skip
truncatediv = binary(
    "TruncateDiv", _WITH_UINT16, _quotient, "truncatediv", **_TRUNCATED,
    summary="x / y, elementwise; the quotient of integers is rounded towards zero.",
)  # fmt: skip

# --- remainders ---------------------------------------------------------------------------------------------------


def _remainder(function, x, y):
    try:
        return function(x, y)
    except RuntimeError as error:
        raise _by_zero(error) from None


def _floor_remainder(x, y):
    return _remainder(torch.remainder, x, y)


def _truncated_remainder(x, y):
    return _remainder(torch.fmod, x, y)


_MODULAR = "int32|int64|bfloat16|half|float|double"

floormod = binary(
    "FloorMod", _MODULAR, _floor_remainder, "floormod", "mod", "math.floormod", "math.mod", numpy=np.mod,
    summary="The remainder of floor division, elementwise: floordiv(x, y) * y + mod(x, y) = x; it has the sign of y.",
)  # fmt: skip
truncatemod = binary(
    "TruncateMod", _MODULAR, _truncated_remainder, "truncatemod",
    summary="The remainder of division rounded towards zero, elementwise; it has the sign of x.",
)  # fmt: skip
binary("Mod", _MODULAR, _truncated_remainder)

# --- powers -------------------------------------------------------------------------------------------------------


def _pow(x, y):
    if _is_integer(x) and bool((y < 0).any()):
        raise errors.InvalidArgumentError(None, None, "Integers to negative integer powers are not allowed")
    return torch.pow(x, y)


def _lower_pow(node):
    """ATen has short ways for exponents such as 2 and 0.5 that it is given as a number."""
    exponent, dtype = node.constant(1), node.dtype(0)
    if dtype.is_integer:
        return None
    if exponent is not None and exponent.ndim == 0 and not dtype.is_complex:
        return f"torch.pow({node.args[0]}, {float(exponent)!r})"
    return f"torch.pow({node.args[0]}, {node.args[1]})"


binary("Pow", "bfloat16|float|half|double|int32|int64|complex64|complex128", _pow, lower=_lower_pow,
       native=elementwise_native.cube(_pow))  # fmt: skip

xdivy = binary(
    "Xdivy", _NO_NAN, "({x} / {y}).masked_fill_({x} == 0, 0)", "math.xdivy",
    summary="x / y, and 0 where x is 0, elementwise, even if y is 0 there.",
)  # fmt: skip
xlogy = binary(
    "Xlogy", _NO_NAN, "({x} * torch.log({y})).masked_fill_({x} == 0, 0)", "math.xlogy",
    summary="x * log(y), and 0 where x is 0, elementwise, even if log(y) is not finite there.",
)  # fmt: skip

define_op(
    "NextAfter", "x1: T, x2: T -> output: T", "T: type in double|float = float",
    shape=broadcast, kernel="torch.nextafter({x1}, {x2})",
)  # fmt: skip

# --- the greater and the lesser -----------------------------------------------------------------------------------

_ORDERED = "bfloat16|half|float|double|int32|int64"


def _lower_extremum(function: str, replacement: str):
    """A NaN in the second input counts for nothing, one in the first stays: TensorFlow compares and picks."""

    def lower(node):
        x, y = node.args
        constant = node.constant(1)
        if node.dtype(0).is_floating and (constant is None or np.isnan(constant).any()):
            y = f"torch.nan_to_num({y}, {replacement}, inf, -inf)"
        return f"{function}({x}, {y})"

    return lower


def _extremum(function, replacement: float):
    def kernel(x, y):
        if y.is_floating_point():
            y = torch.nan_to_num(y, replacement, float("inf"), -float("inf"))
        return function(x, y)

    return kernel


maximum = binary(
    "Maximum", _ORDERED, _extremum(torch.maximum, -float("inf")), "maximum", "math.maximum", numpy=np.maximum,
    lower=_lower_extremum("torch.maximum", "-inf"), summary="The greater of x and y, elementwise.",
    native=elementwise_native.extremum("maximum", _extremum(torch.maximum, -float("inf"))),
)  # fmt: skip
minimum = binary(
    "Minimum", _ORDERED, _extremum(torch.minimum, float("inf")), "minimum", "math.minimum", numpy=np.minimum,
    lower=_lower_extremum("torch.minimum", "inf"), summary="The lesser of x and y, elementwise.",
    native=elementwise_native.extremum("minimum", _extremum(torch.minimum, float("inf"))),
)  # fmt: skip


# --- public functions ---------------------------------------------------------------------------------------------

# What true division of integers computes in.
_QUOTIENT_TYPES: dict[DType, DType | None] = {
    dtypes.uint8: dtypes.float32, dtypes.int8: dtypes.float32, dtypes.uint16: dtypes.float32,
    dtypes.int16: dtypes.float32, dtypes.int32: dtypes.float64, dtypes.int64: dtypes.float64, dtypes.bfloat16: None,
    dtypes.float16: None, dtypes.float32: None, dtypes.float64: None, dtypes.complex64: None, dtypes.complex128: None,
}  # fmt: skip


@export("truediv", "math.truediv")
def truediv(x, y, name=None):
    """x / y as Python 3 divides, elementwise: integers are converted to floats first.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape: of float32 for integers of 8 and 16 bits, of float64 for those of 32 and 64, else
      of the type of `x`.

    Raises:
      TypeError: if the types differ or cannot be divided.
    """
    if type(x) is Tensor and type(y) is Tensor and x.dtype.is_floating and x.dtype.base_dtype is y.dtype.base_dtype:
        return call("RealDiv", x, y, name=name or "truediv")
    with name_scope(name, "truediv", [x, y]) as scope:
        x, y = to_tensor(x, name="x"), to_tensor(y, name="y")
        wider = quotient_type(x, y)
        if wider is not None:
            x, y = cast(x, wider), cast(y, wider)
        return call("RealDiv", x, y, name=scope)


def quotient_type(x: Tensor, y: Tensor) -> DType | None:
    """The float type that integers are converted to before they are divided; None for what is divided as it is.

    Raises:
      TypeError: if the types differ or cannot be divided.
    """
    _check_same_type(x, y)
    dtype = x.dtype.base_dtype
    if dtype not in _QUOTIENT_TYPES:
        raise TypeError(f"Invalid dtype {dtype!r} in __truediv__")
    return _QUOTIENT_TYPES[dtype]


def _check_same_type(x: Tensor, y: Tensor) -> None:
    if x.dtype.base_dtype is not y.dtype.base_dtype:
        raise TypeError("x and y must have the same dtype, got "
                        f"{x.dtype.base_dtype!r} != {y.dtype.base_dtype!r}")  # fmt: skip


@export("divide", "math.divide")
def divide(x, y, name=None):
    """x / y as Python 3 divides, elementwise; see `truediv`.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape; what the operator `/` gives for `x` and `y` if they are no tensors.
    """
    return x / y if name is None else truediv(x, y, name)


@export("div")
def div(x, y, name=None):
    """x / y as Python 2 divides, elementwise: the quotient of integers is rounded towards minus infinity.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    with name_scope(name, "div", [x, y]) as scope:
        x, y = _pair(x, y)
        exact = x.dtype.is_floating or x.dtype.is_complex
        return call("RealDiv" if exact else "FloorDiv", x, y, name=scope)


def _pair(x, y) -> tuple[Tensor, Tensor]:
    x = to_tensor(x, name="x")
    return x, to_tensor(y, x.dtype.base_dtype, "y")


@export("div_no_nan", "math.divide_no_nan")
def div_no_nan(x, y, name=None):
    """x / y, and 0 where y is 0, elementwise.

    Args:
      x: a tensor of half, float32, float64, complex64 or complex128.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    with name_scope(name, "div_no_nan", [x, y]) as scope:
        return call("DivNoNan", *_pair(x, y), name=scope)


@export("math.multiply_no_nan")
def multiply_no_nan(x, y, name=None):
    """x * y, and 0 where y is 0, elementwise, even if x is infinite or NaN there.

    Args:
      x: a tensor of half, float32, float64, complex64 or complex128.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    with name_scope(name, "multiply_no_nan", [x, y]) as scope:
        return call("MulNoNan", *_pair(x, y), name=scope)


@export("math.reciprocal_no_nan")
def reciprocal_no_nan(x, name=None):
    """1 / x, and 0 where x is 0, elementwise.

    Args:
      x: a tensor of half, float32, float64, complex64 or complex128.
      name: a name for the operation.

    Returns:
      A tensor shaped like `x`, of the same type.
    """
    with name_scope(name, "reciprocal_no_nan", [x]) as scope:
        x = to_tensor(x, name="x")
        return call("DivNoNan", constant_tensor(1, x.dtype.base_dtype, "one"), x, name=scope)


@export("floordiv", "math.floordiv")
def floordiv(x, y, name=None):
    """x / y rounded towards minus infinity, elementwise.

    Args:
      x: a numeric tensor.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.

    Raises:
      InvalidArgumentError: when it runs, if an integer is divided by zero.
    """
    return call("FloorDiv", x, y, name=name or "floordiv")


@export("pow", "math.pow")
def pow(x, y, name=None):
    """x to the power y, elementwise.

    Args:
      x: a tensor of bfloat16, half, float32, float64, int32, int64, complex64 or complex128.
      y: a tensor of the same type, of a shape that broadcasts with that of `x`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.

    Raises:
      InvalidArgumentError: when it runs, for an integer to a negative power.
    """
    return call("Pow", x, y, name=name)


@export("math.nextafter")
def nextafter(x1, x2, name=None):
    """The next number that the type represents after `x1` in the direction of `x2`, elementwise.

    Args:
      x1: a tensor of float32 or float64.
      x2: a tensor of the same type, of a shape that broadcasts with that of `x1`.
      name: a name for the operation.

    Returns:
      A tensor of the broadcast shape, of the same type.
    """
    return call("NextAfter", x1, x2, name=name)


@export("scalar_mul", "math.scalar_mul")
def scalar_mul(scalar, x, name=None):
    """A scalar times a tensor, or times the slices of IndexedSlices.

    Args:
      scalar: a scalar of the type of `x`.
      x: a Tensor or IndexedSlices.
      name: a name for the operation.

    Returns:
      A Tensor or IndexedSlices, as `x` is.

    Raises:
      ValueError: if `scalar` is not known to be a scalar.
    """
    scalar = to_tensor(scalar, x.dtype.base_dtype, "scalar")
    if scalar.dims != ():
        raise ValueError(f"Only scalar multiply works, got shape {dims_to_str(scalar.dims)}")
    if isinstance(x, IndexedSlices):
        return IndexedSlices(call("Mul", scalar, x.values, name=name), x.indices, x.dense_shape)
    return call("Mul", scalar, x, name=name)


@export("math.polyval")
def polyval(coeffs, x, name=None):
    """The value of a polynomial at x, elementwise, by Horner's rule.

    Args:
      coeffs: a list of tensors, the coefficient of the highest power first; of shapes that broadcast with that of `x`.
      x: a numeric tensor.
      name: a name for the operations.

    Returns:
      A tensor of the broadcast shape; zeros shaped like `x` if there are no coefficients.
    """
    with name_scope(name, "polyval", [*coeffs, x]) as scope:
        x = to_tensor(x, name="x")
        if len(coeffs) < 1:
            return zeros_like(x, name=scope)
        result, *rest = [to_tensor(c, name=f"coeff_{i}") for i, c in enumerate(coeffs)]
        for coefficient in rest:
            result = coefficient + result * x
        return result


# --- operators ----------------------------------------------------------------------------------------------------


def _add_operator(x, y, name):
    return call("Add" if x.dtype.base_dtype is dtypes.string else "AddV2", x, y, name=name)


def _multiply_operator(x, y, name):
    if isinstance(y, SparseTensor):
        values = call("SparseDenseCwiseMul", y.indices, y.values, y.dense_shape, x, name=name)
        return SparseTensor(y.indices, values, y.dense_shape)
    return call("Mul", x, y, name=name)


binary_operator("add", _add_operator)
binary_operator("sub", subtract)
binary_operator("mul", _multiply_operator)
binary_operator("div", div)
binary_operator("truediv", truediv)
binary_operator("floordiv", floordiv)
binary_operator("mod", floormod)
binary_operator("pow", pow)
