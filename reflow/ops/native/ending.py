"""What becomes of a convolution's sums on the way to memory: `ending.h`, which kernels of convolutions share."""

from __future__ import annotations

import ctypes
from typing import NamedTuple

import torch

_POINTER, _I64 = ctypes.c_void_p, ctypes.c_int64


class _Fields(ctypes.Structure):
    _fields_ = [("bias", _POINTER), ("relu", _I64), ("pool", _I64), ("out", _POINTER), ("places", _POINTER)]


POINTER = ctypes.POINTER(_Fields)


class Ending(NamedTuple):
    """What follows a convolution.

    Attributes:
        bias: float32 [out_depth] to add, or None.
        relu: whether the sums go through a ReLU.
        pool: whether only the maximum of each window of 2x2 is kept; the sums' height and width are even.
        with_places: whether the maxima's places in their windows are found, too, as bytes.
    """

    bias: torch.Tensor | None = None
    relu: bool = False
    pool: bool = False
    with_places: bool = False

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
        bias = None if self.bias is None else self.bias.data_ptr()
        return _Fields(bias, self.relu, self.pool, out.data_ptr(), None if places is None else places.data_ptr())


NOTHING = Ending()
