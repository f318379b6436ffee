"""The IDX format of the MNIST files: a big-endian header of 32-bit words, then unsigned bytes.

Format: http://yann.lecun.com/exdb/mnist/ ("the IDX file format"). The words are a magic number (0x0801 for vectors
of bytes, 0x0803 for stacks of images) and the size of each dimension. Files may be gzipped.
"""

import gzip
import struct
import zlib
from typing import BinaryIO

import numpy as np

IMAGES_MAGIC = 2051
LABELS_MAGIC = 2049
_GZIP_MAGIC = b"\x1f\x8b"


def read_images(source: BinaryIO, name: str) -> np.ndarray:
    """Reads a file of images.

    Args:
      source: a binary file at its start, gzipped or not.
      name: what to call the file in an error.

    Returns:
      uint8 [number of images, rows, columns].

    Raises:
      ValueError: if it is no such file, or shorter or longer than its header says.
    """
    return _read(source, name, IMAGES_MAGIC, "image", dimensions=3)


def read_labels(source: BinaryIO, name: str) -> np.ndarray:
    """Reads a file of labels.

    Args:
      source: a binary file at its start, gzipped or not.
      name: what to call the file in an error.

    Returns:
      uint8 [number of labels].

    Raises:
      ValueError: if it is no such file, or shorter or longer than its header says.
    """
    return _read(source, name, LABELS_MAGIC, "label", dimensions=1)


def _read(source: BinaryIO, name: str, wanted_magic: int, kind: str, dimensions: int) -> np.ndarray:
    is_gzip = source.read(2) == _GZIP_MAGIC
    source.seek(0)
    stream = gzip.GzipFile(fileobj=source) if is_gzip else source
    try:
        header = stream.read(4 * (1 + dimensions))
        if len(header) < 4 * (1 + dimensions):
            raise ValueError(f"MNIST {kind} file is truncated: {name} ends within its header")
        magic, *shape = struct.unpack(f">{1 + dimensions}I", header)
        if magic != wanted_magic:
            raise ValueError(f"Invalid magic number {magic} in MNIST {kind} file: {name}")
        return _read_body(stream, name, kind, shape)
    except (EOFError, gzip.BadGzipFile, zlib.error) as error:
        raise ValueError(f"MNIST {kind} file is damaged: {name} ({error})") from None


def _read_body(stream, name: str, kind: str, shape: list[int]) -> np.ndarray:
    size = int(np.prod([int(length) for length in shape], dtype=object))
    # One byte more than there should be: a longer file is as wrong as a shorter one.
    body = _read_at_most(stream, size + 1)
    if len(body) != size:
        found = f"only {len(body)}" if len(body) < size else "more"
        raise ValueError(f"MNIST {kind} file has the wrong size: {name} says {shape}, {size} bytes, but holds {found}")
    return np.frombuffer(body, np.uint8).reshape(shape)


def _read_at_most(stream, count: int) -> bytes:
    """Reads in pieces, so that a damaged header cannot ask for more memory than the file has bytes."""
    pieces = []
    while count and (piece := stream.read(min(count, 1 << 24))):
        pieces.append(piece)
        count -= len(piece)
    return b"".join(pieces)
