"""CRC-32C as TensorFlow and LevelDB store it: masked, so that a checksum of data that holds checksums stays strong."""

import google_crc32c
import numpy as np

_MASK_DELTA = 0xA282EAD8


def crc32c(data: bytes | np.ndarray, crc: int = 0) -> int:
    """The CRC-32C (Castagnoli) of some bytes.

    Args:
      data: bytes, or a C-contiguous array whose memory is checksummed without a copy.
      crc: the checksum of what came before, to continue it.

    Returns:
      The unmasked checksum, an int of 32 bits.
    """
    return google_crc32c.extend(crc, data)


def mask(crc: int) -> int:
    """The stored form of a checksum: rotated right by 15 bits, plus a constant."""
    return ((crc >> 15 | crc << 17) + _MASK_DELTA) & 0xFFFFFFFF


def unmask(masked: int) -> int:
    """The checksum whose stored form is `masked`."""
    rotated = (masked - _MASK_DELTA) & 0xFFFFFFFF
    return (rotated >> 17 | rotated << 15) & 0xFFFFFFFF


def masked_crc32c(data: bytes | np.ndarray) -> int:
    """`mask(crc32c(data))`."""
    return mask(google_crc32c.value(data))
