import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from reflow.files.crc import crc32c, mask, masked_crc32c, unmask


def test_the_check_value_of_the_standard():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4 and the catalogue of CRCs


def test_masked_crc_is_what_tensorflow_writes_after_the_length_of_an_empty_record(golden):
    header = (golden / "records").read_bytes()[:12]
    assert header[:8] == bytes(8)
    assert masked_crc32c(bytes(8)) == int.from_bytes(header[8:], "little")


@given(st.integers(0, 2**32 - 1))
def test_unmask_undoes_mask(crc):
    assert unmask(mask(crc)) == crc


@given(st.binary(max_size=100), st.binary(max_size=100))
def test_a_checksum_continues(head, tail):
    assert crc32c(tail, crc32c(head)) == crc32c(head + tail)


def test_an_array_is_checksummed_like_its_bytes():
    array = np.arange(100, dtype=np.float64)
    assert crc32c(array) == crc32c(array.tobytes())
