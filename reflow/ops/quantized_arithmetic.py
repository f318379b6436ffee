"""Arithmetic of quantized tensors: QuantizedAdd, QuantizedMul, QuantizedBiasAdd, QuantizedMatMul, QuantizedRelu(6).

A product is that of the integers less the integers for 0; sums are over a range much wider than what they fill, so that
they hardly round.
"""

import torch

from reflow.graph.registry import define_op
from reflow.ops.quantized_numbers import (
    QUANTIZED,
    Range,
    integer_of,
    integers_of,
    limits,
    product_range,
    real,
    real_scalar,
    reals_of,
    requantize,
    zero_of,
)
from reflow.ops.shape_rules import broadcast, merge_size, unchanged_shape, with_rank, with_rank_at_least
from reflow.ops.sparse_coordinates import in_brackets, invalid

# The range of a sum is that of its terms times this.
_HEADROOM = 1 << 14
_HEADROOM_OF_BIAS = 1 << 17


def check_range(low, high, name: str) -> None:
    """InvalidArgumentError for a range of nothing."""
    if not high > low:
        raise invalid(f"max_{name} must be larger than min_{name}.")


def wrapped(sums: torch.Tensor, dtype: torch.dtype) -> torch.Tensor:
    """Exact integers, in float64 or int64, as two's complement numbers of a narrower type."""
    return sums.to(torch.int64).to(dtype)


def _without_zero(q: torch.Tensor, low, high) -> torch.Tensor:
    """Integers less the integer that stands for 0."""
    return q.to(torch.int64) - zero_of(low, high, q.dtype)


# Up to here float32 holds all integers.
_FLOAT_EXACT = 1 << 24
# Shorter pieces of a sum than this are not worth their additions.
_LEAST_PIECE = 32


def centered(q: torch.Tensor, low, high) -> tuple[torch.Tensor, int]:
    """Quantized integers less the integer that stands for 0, as floating numbers that hold them exactly.

    Returns:
      (the numbers, the greatest magnitude that the type allows).
    """
    zero = zero_of(low, high, q.dtype)
    largest = max(abs(end - zero) for end in limits(q.dtype))
    return q.to(torch.float32 if largest <= _FLOAT_EXACT else torch.float64) - zero, largest


def integer_product(a: torch.Tensor, b: torch.Tensor, largest: int, dtype: torch.dtype) -> torch.Tensor:
    """The product of two matrices of integers, which may be floating numbers.

    Args:
      a: [rows, inner].
      b: [inner, columns].
      largest: the greatest magnitude of a product of two elements.
      dtype: the type of the sums, which wrap around in it.
    """
    piece = _FLOAT_EXACT // max(largest, 1)
    if piece < _LEAST_PIECE:
        return wrapped(a.double() @ b.double(), dtype)
    # Products of float32 matrices are the fast ones; they are exact as long as float32 holds the sums.
    pieces = zip(a.split(piece, 1), b.split(piece), strict=True)
    return sum((left @ right).to(torch.int32) for left, right in pieces).to(dtype)


# --- sums -----------------------------------------------------------------------------------------------------------


def _sum_range(a, b, headroom) -> Range:
    high = max(abs(end) for end in (*a, *b)) * real(headroom)
    return -high, high


def _term(q, own: Range, total: Range, dtype):
    """One term of a sum in the integers of the sum's range: a whole number of them for each integer of the term."""
    zero, one = (integer_of(x, *total, dtype, clamped=False)
                 for x in reals_of(torch.tensor([0, 1], dtype=q.dtype), *own).numpy())  # fmt: skip
    return (zero + q.to(torch.int64) * (one - zero)).clamp(*limits(dtype)).to(dtype)


def _single_term(q, own: Range, total: Range, dtype):
    """A term of one element, which TensorFlow rounds more exactly."""
    return integers_of(reals_of(q, *own), *total, dtype)


def _add(x, y, min_x, max_x, min_y, max_y, Toutput):
    of_x, of_y = (real(min_x), real(max_x)), (real(min_y), real(max_y))
    check_range(*of_x, "x")
    check_range(*of_y, "y")
    total = _sum_range(of_x, of_y, _HEADROOM)
    x_is_single = x.numel() == 1
    x_term, y_term = (_single_term if single else _term for single in (x_is_single, y.numel() == 1 and not x_is_single))
    result = x_term(x, of_x, total, Toutput) + y_term(y, of_y, total, Toutput)
    return result, *map(real_scalar, total)


def _bias_add(input, bias, min_input, max_input, min_bias, max_bias, out_type):
    if input.dim() < 2:
        raise invalid(f"Input tensor must be at least 2D: {in_brackets(input.shape)}")
    if bias.dim() != 1:
        raise invalid(f"Biases must be 1D: {in_brackets(bias.shape)}")
    if bias.shape[0] != input.shape[-1]:
        raise invalid("Must provide as many biases as the last dimension of the input tensor: "
                      f"{in_brackets(bias.shape)} vs. {in_brackets(input.shape)}")  # fmt: skip
    of_input, of_bias = (real(min_input), real(max_input)), (real(min_bias), real(max_bias))
    total = _sum_range(of_input, of_bias, _HEADROOM_OF_BIAS)
    zero = integer_of(0.0, *total, out_type)
    terms = requantize(input, of_input, total, out_type), requantize(bias, of_bias, total, out_type)
    return terms[0] + (terms[1] - zero), *map(real_scalar, total)


# --- products -------------------------------------------------------------------------------------------------------


def _mul(x, y, min_x, max_x, min_y, max_y, Toutput):
    of_x, of_y = (real(min_x), real(max_x)), (real(min_y), real(max_y))
    check_range(*of_x, "x")
    check_range(*of_y, "y")
    product = wrapped(_without_zero(x, *of_x) * _without_zero(y, *of_y), Toutput)
    return product, *map(real_scalar, product_range(of_x, x.dtype, of_y, y.dtype, Toutput))


def _matmul(a, b, min_a, max_a, min_b, max_b, transpose_a, transpose_b, Toutput):
    if a.dim() != 2 or b.dim() != 2:
        raise invalid(f"In[{0 if a.dim() != 2 else 1}] is not a matrix")
    of_a, of_b = (real(min_a), real(max_a)), (real(min_b), real(max_b))
    check_range(*of_a, "a")
    check_range(*of_b, "b")
    left, right = a.T if transpose_a else a, b.T if transpose_b else b
    if left.shape[1] != right.shape[0]:
        raise invalid(f"Matrix size-incompatible: In[0]: {in_brackets(a.shape)}, In[1]: {in_brackets(b.shape)}")
    (left, most_left), (right, most_right) = centered(left, *of_a), centered(right, *of_b)
    result = integer_product(left, right, most_left * most_right, Toutput)
    return result, *map(real_scalar, product_range(of_a, a.dtype, of_b, b.dtype, Toutput))


# --- rectifiers -----------------------------------------------------------------------------------------------------


def _relu(features, min_features, max_features):
    low, high = real(min_features), real(max_features)
    least = integer_of(0.0, low, high, features.dtype)
    return features.clamp(min=least), real_scalar(low), real_scalar(high)


def _relu6(features, min_features, max_features):
    low, high = real(min_features), real(max_features)
    least, most = (integer_of(x, low, high, features.dtype) for x in (0.0, 6.0))
    return features.clamp(least, most), real_scalar(low), real_scalar(high)


# --- shapes ---------------------------------------------------------------------------------------------------------


def check_scalars(op, *indices: int) -> None:
    """ValueError unless these inputs are scalars."""
    for index in indices:
        with_rank(op._inputs[index].dims, 0)


def matmul_dims(op):
    """The shape of the product of the first two inputs.

    Raises:
      ValueError: for shapes that do not fit.
    """
    (rows, inner), (other, columns) = (with_rank(tensor.dims, 2) for tensor in op._inputs[:2])
    if op.attrs["transpose_a"]:
        rows, inner = inner, rows
    if op.attrs["transpose_b"]:
        other, columns = columns, other
    merge_size(inner, other)
    return (rows, columns)


def _matmul_shape(op):
    check_scalars(op, 2, 3, 4, 5)
    return [matmul_dims(op), (), ()]


def _bias_add_shape(op):
    check_scalars(op, 2, 3, 4, 5)
    dims = with_rank_at_least(op._inputs[0].dims, 2)
    (channels,) = with_rank(op._inputs[1].dims, 1)
    return [None if dims is None else (*dims[:-1], merge_size(dims[-1], channels)), (), ()]


def _broadcast_shape(op):
    return [*broadcast(op), (), ()]


def _relu_shape(op):
    check_scalars(op, 1, 2)
    return [*unchanged_shape(op), (), ()]


# --- ops ------------------------------------------------------------------------------------------------------------

_PAIR = "min_x: float, max_x: float, min_y: float, max_y: float -> z: Toutput, min_z: float, max_z: float"
_PAIR_TYPES = f"T1: type in {QUANTIZED}, T2: type in {QUANTIZED}, Toutput: type in {QUANTIZED} = qint32"

define_op("QuantizedAdd", f"x: T1, y: T2, {_PAIR}", _PAIR_TYPES, shape=_broadcast_shape, kernel=_add,
          host="min_x max_x min_y max_y")  # fmt: skip
define_op("QuantizedMul", f"x: T1, y: T2, {_PAIR}", _PAIR_TYPES, shape=_broadcast_shape, kernel=_mul,
          host="min_x max_x min_y max_y")  # fmt: skip
define_op(
    "QuantizedBiasAdd",
    "input: T1, bias: T2, min_input: float, max_input: float, min_bias: float, max_bias: float -> "
    "output: out_type, min_out: float, max_out: float",
    f"T1: type in {QUANTIZED}, T2: type in {QUANTIZED}, out_type: type in {QUANTIZED}", shape=_bias_add_shape,
    kernel=_bias_add, host="min_input max_input min_bias max_bias",
)  # fmt: skip
define_op(
    "QuantizedMatMul",
    "a: T1, b: T2, min_a: float, max_a: float, min_b: float, max_b: float -> "
    "out: Toutput, min_out: float, max_out: float",
    f"{_PAIR_TYPES}, transpose_a: bool = false, transpose_b: bool = false, Tactivation: type in {QUANTIZED} = quint8",
    shape=_matmul_shape, kernel=_matmul, host="min_a max_a min_b max_b",
)  # fmt: skip
for _name, _kernel in (("QuantizedRelu", _relu), ("QuantizedRelu6", _relu6)):
    define_op(
        _name,
        "features: Tinput, min_features: float, max_features: float -> "
        "activations: out_type, min_activations: float, max_activations: float",
        f"Tinput: type in {QUANTIZED}, out_type: type in {QUANTIZED} = quint8", shape=_relu_shape, kernel=_kernel,
        host="min_features max_features",
    )  # fmt: skip
