"""What becomes of a convolution's sums on the way to memory: `ending.h`, which kernels of convolutions share."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import torch

# The activations, and their numbers in `activations.h`.
CODES = {name: code for code, name in enumerate(("", "Relu", "Relu6", "Elu", "Selu", "Tanh", "Sigmoid"))}
# Those that kernels of convolutions apply to the sums in their registers.
IN_REGISTERS = frozenset({"", "Relu", "Relu6"})



def split(activation: str) -> tuple[str, str]:
    """What of an activation a kernel of a convolution applies in its registers, and what is left for its result."""
    return (activation, "") if activation in IN_REGISTERS else ("", activation)


_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Fields(ctypes.Structure):
    _fields_ = [("bias", _POINTER), ("residual", _POINTER), ("activation", _I64), ("pool", _I64), ("out", _POINTER),
                ("places", _POINTER)]  # fmt: skip


POINTER = ctypes.POINTER(_Fields)


class Ending(NamedTuple):
    """What follows a convolution.

    Attributes:
        bias: float32 [out_depth] to add, or None.
        activation: which of those in `IN_REGISTERS` the sums go through.
        pool: whether only the maximum of each window of 2x2 is kept; the sums' height and width are even.
        with_places: whether the maxima's places in their windows are found, too, as bytes.
        residual: float32, of the result's shape, to add before the activation, or None; not with `pool`,
            and not for `shallow_conv`.
    """

    bias: torch.Tensor | None = None
    activation: str = ""
    pool: bool = False
    with_places: bool = False
    residual: torch.Tensor | None = None

    def outputs(
        self, images: torch.Tensor, sizes: tuple[int, int], depth: int
    ) -> tuple[torch.Tensor, torch.Tensor | None]:
        """Room for the result of a convolution of `images`, and for the places or None.

        Args:
            images: float32 [batch, height, width, channels].
            sizes: height and width of the sums.
            depth: their channels.
        """
        height, width = (size // 2 for size in sizes) if self.pool else sizes
        out = images.new_empty(images.shape[0], height, width, depth)
        return out, torch.empty_like(out, dtype=torch.uint8) if self.with_places else None

    def fields(self, out: torch.Tensor, places: torch.Tensor | None) -> ctypes.Structure:
        """The structure that the C functions take, for what `outputs` gave."""
        bias, residual, where = (
            None if tensor is None else tensor.data_ptr() for tensor in (self.bias, self.residual, places)
        )
        return _Fields(bias, residual, CODES[self.activation], self.pool, out.data_ptr(), where)


NOTHING = Ending()
