import contextlib
import random

import pytest

from reflow.files.coding import MalformedError, put_varint
from reflow.files.snappy import decompress


def test_what_tensorflows_snappy_compressed(golden, cases):
    assert decompress((golden / "text.snappy").read_bytes()) == cases.snappy_text()


@pytest.mark.parametrize(
    ("elements", "text"),
    [
        ([b"\x08abc"], b"abc"),
        ([b"\xf0\x02abc"], b"abc"),  # the size of a literal in one further byte
        ([b"\xfc\x02\x00\x00\x00abc"], b"abc"),  # in four
        ([b"\x00a", b"\x0d\x01"], b"a" + b"a" * 7),  # a copy of 7 that overlaps itself, 11-bit offset
        ([b"\x0cabcd", b"\x0a\x04\x00"], b"abcdabc"),  # 16-bit offset
        ([b"\x0cabcd", b"\x0b\x03\x00\x00\x00"], b"abcdbcd"),  # 32-bit offset
    ],
)
def test_each_kind_of_element(elements, text):
    assert decompress(put_varint(len(text)) + b"".join(elements)) == text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x03",
        b"\x03\x08ab",  # a literal that is cut off
        b"\x04\x08abc",  # too short
        b"\x02\x08abc",  # too long
        b"\x08\x00a\x0d\x02",  # a copy from before the text
        b"\x08\x00a\x0d\x00",  # a copy of offset 0
        put_varint(2**32) + b"\x08abc",  # a length that so few bytes cannot have
    ],
)
def test_damage_is_found(data):
    with pytest.raises(MalformedError):
        decompress(data)


def test_random_damage_is_found_or_changes_nothing_but_the_text(golden, cases):
    data = (golden / "text.snappy").read_bytes()
    generator = random.Random(0)
    for _ in range(500):
        damaged = bytearray(data)
        damaged[generator.randrange(len(data))] ^= 1 << generator.randrange(8)
        with contextlib.suppress(MalformedError):
            assert len(decompress(bytes(damaged))) < 22 * len(data)
