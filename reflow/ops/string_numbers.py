"""Between numbers and their text: StringToNumber, AsString."""

import math
import re
from fractions import Fraction

import numpy as np
import torch

from reflow.graph import dtypes
from reflow.graph.build import call
from reflow.graph.dtypes import as_dtype
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unchanged_shape
from reflow.ops.strings import string_array
from reflow.platform.deprecation import deprecated_argument_lookup

# --- text to number -----------------------------------------------------------------------------------------------

_INTEGER = re.compile(rb"[ \t\n\v\f\r]*(-?[0-9]+)[ \t\n\v\f\r]*", re.ASCII)
_REAL = re.compile(
    rb"[ \t\n\v\f\r]*(?:(?P<real>[+-]?(?:[0-9]+\.?[0-9]*|\.[0-9]+)(?:[eE][+-]?[0-9]+)?|[+-]?(?:inf|nan))"
    rb"|(?P<hex>[+-]?0x[0-9a-f]+))[ \t\n\v\f\r]*",
    re.IGNORECASE,
)
# TensorFlow reads a real number through a buffer of 32 bytes, one of them for the end.
_LONGEST_REAL = 31
_RANGES = {torch.int32: 1 << 31, torch.int64: 1 << 63}


def number_of(text: bytes, dtype: torch.dtype):
    """The number that a text spells, as a Python number; None if it spells none of that type.

    Args:
      text: decimal digits, for real numbers also with a point, an exponent, "inf", "nan" or hexadecimal digits after
        "0x"; white space around it does not matter.
      dtype: float32, float64, int32 or int64.
    """
    if dtype in _RANGES:
        match = _INTEGER.fullmatch(text)
        # More digits than any int64 has, zeros in front apart, are not worth converting.
        if match is None or len(match[1].lstrip(b"-0")) > 19:
            return None
        value = int(match[1])
        return value if -_RANGES[dtype] <= value < _RANGES[dtype] else None
    if len(text) > _LONGEST_REAL:
        return None
    match = _REAL.fullmatch(text)
    if match is None:
        return 0.0 if text and not text.strip() else None
    if match["hex"]:
        return float(int(match["hex"], 16))
    return float(match["real"]) if dtype is torch.float64 else _nearest_float32(match["real"])


def _nearest_float32(text: bytes) -> float:
    """The float32 nearest to a decimal number: rounding to a float64 first may end at its neighbour."""
    value = float(text)
    if not math.isfinite(value) or abs(value) > 3.4e38 or value == 0:
        return value
    single = np.float32(value)
    other = np.nextafter(single, np.float32(math.copysign(math.inf, value - float(single))))
    if float(single) + float(other) == 2 * value:
        exact = Fraction(text.decode())
        return float(min((single, other), key=lambda each: abs(Fraction(float(each)) - exact)))
    return float(single)


def _to_number(string_tensor, out_type):
    values = []
    for text in string_tensor.reshape(-1).tolist():
        value = number_of(text, out_type)
        if value is None:
            raise ValueError(f"StringToNumberOp could not correctly convert string: {text.decode(errors='replace')}")
        values.append(value)
    return torch.tensor(values, dtype=out_type).reshape(string_tensor.shape)


define_op(
    "StringToNumber", "string_tensor: string -> output: out_type",
    "out_type: type in float|double|int32|int64 = float", shape=unchanged_shape, kernel=_to_number, gradient=None,
)  # fmt: skip


@export("strings.to_number", "string_to_number")
def string_to_number(string_tensor=None, out_type=dtypes.float32, name=None, input=None):
    """The number that each string spells.

    Args:
      string_tensor: a string tensor.
      out_type: float32, float64, int32 or int64.
      name: the node's name.
      input: the newer name of `string_tensor`.

    Returns:
      A tensor of `out_type` shaped like `string_tensor`.

    Raises:
      InvalidArgumentError: when run, for a string that spells no number, or one that the integers of the type exceed.
    """
    string_tensor = deprecated_argument_lookup("input", input, "string_tensor", string_tensor)
    return call("StringToNumber", string_tensor, out_type=as_dtype(out_type), name=name)


# --- number to text -----------------------------------------------------------------------------------------------

_FILLS = (b"", b" ", b"+", b"-", b"0", b"#")


def _number_format(fill: bytes, width: int, precision: int, letter: str) -> str:
    return "".join(["%", fill.decode(), str(width) if width > -1 else "", f".{precision}" if precision > -1 else "",
                    letter])  # fmt: skip


def _check_format(dtype, precision, scientific, shortest, fill):
    if not dtype.is_floating_point and not dtype.is_complex:
        if scientific or shortest:
            raise ValueError(f"scientific and shortest format not supported for datatype {_name(dtype)}")
        if precision >= 0:
            raise ValueError(f"precision not supported for datatype {_name(dtype)}")
    if scientific and shortest:
        raise ValueError("Cannot select both scientific and shortest notation")
    if len(fill) > 1:
        raise ValueError("Fill string must be one or fewer characters")
    if fill not in _FILLS:
        raise ValueError(f'Fill argument not supported: "{fill.decode(errors="replace")}"')


def _name(dtype: torch.dtype) -> str:
    return str(dtype).removeprefix("torch.")


def _real_text(value: float, template: str) -> str:
    """As C's printf, which does not pad infinity and NaN with zeros."""
    if math.isfinite(value):
        return template % value
    template = template.replace("%0", "%")
    return template % value


def _as_string(input, precision, scientific, shortest, width, fill):
    dtype = input.dtype
    _check_format(dtype, precision, scientific, shortest, fill)
    values = input.reshape(-1).tolist()
    if dtype is torch.bool:
        texts = ["true" if v else "false" for v in values]
    elif dtype.is_floating_point or dtype.is_complex:
        letter = "e" if scientific else "g" if shortest else "f"
        template = _number_format(fill, width, precision, letter)
        if dtype.is_complex:
            texts = [f"({_real_text(v.real, template)},{_real_text(v.imag, template)})" for v in values]
        else:
            texts = [_real_text(v, template) for v in values]
    else:
        template = _number_format(fill, width, -1, "d")
        texts = [template % v for v in values]
    return string_array(tuple(input.shape), (text.encode() for text in texts))


define_op(
    "AsString", "input: T -> output: string",
    "T: type in int8|int16|int32|int64|complex64|complex128|float|double|bool, precision: int = -1, "
    'scientific: bool = false, shortest: bool = false, width: int = -1, fill: string = ""',
    shape=unchanged_shape, kernel=_as_string, gradient=None,
)  # fmt: skip


@export("strings.as_string", "as_string", "dtypes.as_string")
def as_string(input, precision=-1, scientific=False, shortest=False, width=-1, fill="", name=None):
    """The text of each number.

    Args:
      input: a tensor of numbers or booleans.
      precision: how many digits follow the point; the usual six if negative. Only for real and complex numbers.
      scientific: whether to write an exponent.
      shortest: whether to write whichever is shorter, with or without an exponent.
      width: the least length of a number's text; none if negative.
      fill: what to fill up to `width`: a space, "0", or one of "+", "-", "#" with their meaning in C's `printf`.
      name: the node's name.

    Returns:
      A string tensor shaped like `input`.
    """
    return call("AsString", input, precision=precision, scientific=scientific, shortest=shortest, width=width,
                fill=fill, name=name)  # fmt: skip
