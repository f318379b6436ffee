"""Operations on the bits of integers."""

import numpy as np
import torch

from reflow.graph import errors
from reflow.graph.registry import define_op
from reflow.ops.factories import binary, unary
from reflow.ops.shape_rules import with_rank_at_least
from reflow.ops.torch_types import array_of, tensor_of

_INTEGERS = "int8|int16|int32|int64|uint8|uint16|uint32|uint64"

bitwise_and = binary(
    "BitwiseAnd", _INTEGERS, "{x} & {y}", "bitwise.bitwise_and", is_commutative=True, gradient=None,
    summary="The bits that are set in both x and y, elementwise.",
)  # fmt: skip
bitwise_or = binary(
    "BitwiseOr", _INTEGERS, "{x} | {y}", "bitwise.bitwise_or", is_commutative=True, gradient=None,
    summary="The bits that are set in x or y, elementwise.",
)  # fmt: skip
bitwise_xor = binary(
    "BitwiseXor", _INTEGERS, "{x} ^ {y}", "bitwise.bitwise_xor", is_commutative=True, gradient=None,
    summary="The bits that are set in one of x and y, elementwise.",
)  # fmt: skip
invert = unary(
    "Invert", _INTEGERS, "~{x}", "bitwise.invert", numpy=np.invert, gradient=None,
    summary="Every bit flipped, elementwise.",
)  # fmt: skip


def _distance(y):
    """Shift distances brought into the range that the type has bits for, as TensorFlow does."""
    most = y.itemsize * 8 - 1
    return y.clip(0, most) if isinstance(y, np.ndarray) else y.clamp(0, most)


left_shift = binary(
    "LeftShift", _INTEGERS, lambda x, y: torch.bitwise_left_shift(x, _distance(y)), "bitwise.left_shift", gradient=None,
    numpy=lambda x, y: np.left_shift(x, _distance(y)),
    summary="The bits of x moved up by y places (of those that the type has), elementwise.",
)  # fmt: skip
right_shift = binary(
    "RightShift", _INTEGERS, lambda x, y: torch.bitwise_right_shift(x, _distance(y)), "bitwise.right_shift",
    numpy=lambda x, y: np.right_shift(x, _distance(y)), gradient=None,
    summary="The bits of x moved down by y places (of those that the type has), elementwise; the sign stays.",
)  # fmt: skip


def _population_count(x):
    octets = np.ascontiguousarray(array_of(x)).reshape(*x.shape, 1).view(np.uint8)
    return tensor_of(np.asarray(np.unpackbits(octets, axis=-1).sum(-1, dtype=np.uint8)))


unary("PopulationCount", _INTEGERS, _population_count, signature="x: T -> y: uint8", gradient=None)


def _compare_and_bitpack_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    if dims is None or dims[-1] is None:
        return [dims]
    if dims[-1] % 8:
        raise ValueError(f"Dimension size must be evenly divisible by 8 but is {dims[-1]}")
    return [(*dims[:-1], dims[-1] // 8)]


def _compare_and_bitpack(input, threshold):
    if not input.ndim or input.shape[-1] % 8:
        raise errors.InvalidArgumentError(
            None, None,
            f"Inner dimension of input should be divisible by 8, but saw shape: {list(input.shape)}".replace(", ", ","),
        )  # fmt: skip
    # TensorFlow packs bools as they are, whatever the threshold.
    bits = input if input.dtype is torch.bool else input > threshold
    return tensor_of(np.packbits(array_of(bits), axis=-1))


define_op(
    "CompareAndBitpack", "input: T, threshold: T -> output: uint8",
    "T: type in bool|half|float|double|int8|int16|int32|int64",
    shape=_compare_and_bitpack_shape, kernel=_compare_and_bitpack,
)  # fmt: skip
