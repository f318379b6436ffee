"""The IDX reader: what it reads, and what it says about damaged files."""

import gzip
import io
import struct

import numpy as np
import pytest

from reflow.data_sets import idx

IMAGES = np.arange(12, dtype=np.uint8).reshape(2, 3, 2)
IMAGE_FILE = struct.pack(">4I", 2051, 2, 3, 2) + IMAGES.tobytes()
LABEL_FILE = struct.pack(">2I", 2049, 3) + bytes([7, 0, 9])


def test_plain_and_gzipped_files_read_alike():
    for content in (IMAGE_FILE, gzip.compress(IMAGE_FILE)):
        np.testing.assert_array_equal(idx.read_images(io.BytesIO(content), "x"), IMAGES)
    np.testing.assert_array_equal(idx.read_labels(io.BytesIO(LABEL_FILE), "x"), [7, 0, 9])


@pytest.mark.parametrize(
    ("content", "problem"),
    [
        (b"", "truncated: the.file ends within its header"),
        (IMAGE_FILE[:15], "truncated: the.file ends within its header"),
        (IMAGE_FILE[:-1], r"wrong size: the.file says \[2, 3, 2\], 12 bytes, but holds only 11"),
        (IMAGE_FILE + b"x", "wrong size: .* holds more"),
        (LABEL_FILE + b"0123456789", "Invalid magic number 2049 in MNIST image file: the.file"),
        (struct.pack(">4I", 2051, 2**32 - 1, 2**32 - 1, 2**32 - 1) + b"x", "wrong size: .* holds only 1"),
        (gzip.compress(IMAGE_FILE, mtime=0)[:-9], "damaged: the.file"),
        (gzip.compress(IMAGE_FILE, mtime=0)[:14] + b"\xff\xff\xff", "damaged: the.file"),
    ],
    ids=["empty", "header", "short", "long", "labels", "huge", "cut gzip", "wrong gzip"],
)
def test_damaged_files_are_named(content, problem):
    with pytest.raises(ValueError, match=problem):
        idx.read_images(io.BytesIO(content), "the.file")


def test_a_flipped_bit_of_a_gzipped_file_never_gives_other_images():
    content = gzip.compress(IMAGE_FILE, mtime=0)
    noticed = 0
    for position in range(len(content)):
        damaged = bytearray(content)
        damaged[position] ^= 0x10
        try:
            images = idx.read_images(io.BytesIO(bytes(damaged)), "the.file")
        except ValueError as error:
            assert "MNIST image file" in str(error)
            noticed += 1
        else:
            np.testing.assert_array_equal(images, IMAGES)
    # The rest are bits that say nothing of the content, such as the time in the header.
    assert noticed > len(content) - 12
