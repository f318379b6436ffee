"""Bilinear interpolation of images [batch, height, width, channels], with three ways to place the pixels."""

import torch


def neighbours(size: int, wanted: int, align_corners: bool, half_pixel_centers: bool = False):
    """Which pixels each place of a resized axis lies between.

    Args:
      size: how many pixels there are.
      wanted: how many places.
      align_corners: the first and the last place are on the first and the last pixel.
      half_pixel_centers: pixels are squares, whose centers are placed; else their upper left corners are.

    Returns:
      (lower neighbour, upper neighbour, weight of the upper one): int64, int64 and float32 vectors.
    """
    ends = (size - 1, wanted - 1) if align_corners and wanted > 1 else (size, wanted)
    scale = torch.tensor(ends[0], dtype=torch.float32) / ends[1]
    places = torch.arange(wanted, dtype=torch.float32)
    places = (places + 0.5) * scale - 0.5 if half_pixel_centers else places * scale
    below = torch.floor(places)
    # A place on a pixel has that one as both neighbours: NaN in the next one does not reach it.
    return below.long().clamp(0, size - 1), torch.ceil(places).long().clamp(0, size - 1), places - below


def resized(x: torch.Tensor, size, align_corners: bool, half_pixel_centers: bool = False) -> torch.Tensor:
    """Floating images in another size [height, width]: interpolated along rows, then between them."""
    rows = neighbours(x.shape[1], size[0], align_corners, half_pixel_centers)
    columns = neighbours(x.shape[2], size[1], align_corners, half_pixel_centers)
    across = columns[2][:, None].to(x.dtype)
    left, right = x.index_select(2, columns[0]), x.index_select(2, columns[1])
    x = left + (right - left) * across
    upper, lower = x.index_select(1, rows[0]), x.index_select(1, rows[1])
    return upper + (lower - upper) * rows[2][:, None, None].to(x.dtype)
