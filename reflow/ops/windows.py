"""The geometry of windows that slide over space: output sizes and paddings of convolutions and poolings.

TensorFlow's rules: output size = ceil(size / stride) with SAME padding, ceil((size - window + 1) / stride) with VALID;
SAME puts the odd element of padding behind.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch

from reflow.graph.errors import InvalidArgumentError

DATA_FORMATS_2D = "data_format: string in NHWC|NCHW = NHWC"
DATA_FORMATS_3D = "data_format: string in NDHWC|NCDHW = NDHWC"


def is_channels_first(data_format: bytes) -> bool:
    """True for NCHW and NCDHW."""
    return data_format[:2] == b"NC"


def spatial(values: Sequence, data_format: bytes) -> list:
    """Of one value a dimension, those of the spatial dimensions."""
    return list(values[2:]) if is_channels_first(data_format) else list(values[1:-1])


def channels(values: Sequence, data_format: bytes):
    """Of one value a dimension, that of the channels."""
    return values[1] if is_channels_first(data_format) else values[-1]


def with_layout(batch, sizes: Sequence, depth, data_format: bytes) -> tuple:
    """Sizes in the order of `data_format`."""
    return (batch, depth, *sizes) if is_channels_first(data_format) else (batch, *sizes, depth)


def check_attr_length(op, name: str, rank: int) -> None:
    """ValueError unless the list attribute has one value a dimension."""
    count = len(op.attrs[name])
    if count != rank:
        raise ValueError(f"{op.type} requires the {name} attribute to contain {rank} values, but got: {count}")


class Window(NamedTuple):
    """A window along one spatial dimension."""

    size: int | None
    stride: int
    dilation: int = 1
    padding: bytes = b"VALID"
    before: int = 0
    after: int = 0

    @property
    def extent(self) -> int | None:
        """From the window's first element to its last."""
        return None if self.size is None else (self.size - 1) * self.dilation + 1

    def output_size(self, size: int | None) -> int | None:
        """How many places the window takes along a dimension of `size`; None if that is not known.

        Raises:
          ValueError: if the dimension is smaller than the window.
        """
        if size is None or self.padding != b"SAME" and self.size is None:
            return None
        if self.padding == b"SAME":
            return -(-size // self.stride)
        padded, extent = size + self.before + self.after, self.extent
        if padded < extent:
            raise ValueError(f"Negative dimension size caused by subtracting {extent} from {padded}")
        return (padded - extent) // self.stride + 1

    def pads(self, size: int) -> tuple[int, int]:
        """How many elements of padding stand before and behind a dimension of `size`."""
        if self.padding != b"SAME":
            return self.before, self.after
        total = max((-(-size // self.stride) - 1) * self.stride + self.extent - size, 0)
        return total // 2, total - total // 2


def windows_of(attrs: dict, sizes: Sequence, data_format: bytes) -> list[Window]:
    """The windows that attributes describe, one a spatial dimension; `sizes` are the windows' own sizes."""
    strides = spatial(attrs["strides"], data_format)
    dilations = spatial(attrs["dilations"], data_format) if "dilations" in attrs else [1] * len(strides)
    padding = attrs["padding"]
    check_positive(strides, "Stride must be > 0")
    check_positive(dilations, "Dilation rate must be >= 1")
    explicit = [(0, 0)] * len(strides)
    if padding == b"EXPLICIT":
        values = attrs["explicit_paddings"]
        explicit = spatial(list(zip(values[::2], values[1::2], strict=True)), data_format)
    return [
        Window(size, stride, dilation, padding, *pads)
        for size, stride, dilation, pads in zip(sizes, strides, dilations, explicit, strict=True)
    ]


def check_positive(values: Sequence[int], demand: str) -> None:
    """ValueError if a stride or dilation is none; `demand` says what it has to be."""
    wrong = next((value for value in values if value < 1), None)
    if wrong is not None:
        raise ValueError(f"{demand}, but got {wrong}")


def output_sizes(windows: Sequence[Window], sizes: Sequence) -> tuple:
    """The places of each window along its dimension."""
    return tuple([window.output_size(size) for window, size in zip(windows, sizes, strict=True)])


def check_only_spatial(values: Sequence[int], data_format: bytes, what: str) -> None:
    """InvalidArgumentError unless the batch's and the channels' value is 1."""
    if values[0] != 1 or channels(values, data_format) != 1:
        raise InvalidArgumentError(None, None, f"Current implementation does not yet support {what} in the batch and "
                                 "depth dimensions.")  # fmt: skip


# --- arguments of public functions ----------------------------------------------------------------------------------


def one_a_dimension(value, spatial_rank: int, channel_index: int, name: str) -> list:
    """A list of one value a dimension: from one number, one value a spatial dimension, or the whole list; None is 1.

    Raises:
      ValueError: for a list of another length.
    """
    values = [1] if value is None else list(value) if hasattr(value, "__len__") else [value]
    if len(values) == spatial_rank + 2:
        return values
    if len(values) == 1:
        values = values * spatial_rank
    elif len(values) != spatial_rank:
        raise ValueError(f"{name} should be of length 1, {spatial_rank} or {spatial_rank + 2} but was {len(values)}")
    return [1, 1, *values] if channel_index == 1 else [1, *values, 1]


def channel_index(data_format: str | None, spatial_rank: int) -> int:
    """Which dimension holds the channels."""
    return 1 if data_format is not None and data_format.startswith("NC") else spatial_rank + 1


# --- layouts ------------------------------------------------------------------------------------------------------


def channels_first(x: torch.Tensor, data_format: bytes = b"NHWC") -> torch.Tensor:
    """The tensor with its channels in dimension 1: a view; for NHWC data ATen knows it as channels_last."""
    return x if is_channels_first(data_format) else x.movedim(-1, 1)


def in_layout(x: torch.Tensor, data_format: bytes = b"NHWC") -> torch.Tensor:
    """A tensor with its channels in dimension 1, in the layout that the program asked for."""
    return x.contiguous() if is_channels_first(data_format) else x.movedim(1, -1).contiguous()


def empty_channels_first(sizes: Sequence[int], data_format: bytes, like: torch.Tensor) -> torch.Tensor:
    """Memory for a tensor of `sizes` in a program's layout, as a view with its channels in dimension 1."""
    return channels_first(like.new_empty(sizes), data_format)


def flat_pads(pads: Sequence[tuple[int, int]]) -> list[int]:
    """Pads in the order of torch.nn.functional.pad: the last dimension first."""
    return [p for pair in reversed(pads) for p in pair]


def split_pads(pads: Sequence[tuple[int, int]]) -> tuple[list[int], list[int] | None]:
    """What an ATen kernel can pad by itself, and what has to be padded before it (None: nothing)."""
    if all(before == after for before, after in pads):
        return [before for before, _ in pads], None
    return [0] * len(pads), flat_pads(pads)


def padded_sizes(sizes: Sequence[int], extra: list[int] | None) -> list[int]:
    """Spatial sizes after padding with `extra`."""
    if extra is None:
        return list(sizes)
    pairs = list(zip(extra[::2], extra[1::2], strict=True))[::-1]
    return [size + before + after for size, (before, after) in zip(sizes, pairs, strict=True)]


def without_padding(x: torch.Tensor, extra: list[int] | None) -> torch.Tensor:
    """A tensor that was padded with `extra`, cropped again."""
    return x if extra is None else torch.nn.functional.pad(x, [-p for p in extra])
