import pytest
from hypothesis import given
from hypothesis import strategies as st

from reflow.files.coding import (
    MalformedError,
    get_varint,
    ordered_signed,
    ordered_string,
    ordered_unsigned,
    put_varint,
)

INT64 = st.integers(-(2**63), 2**63 - 1)


@given(st.integers(0, 2**64 - 1), st.binary(max_size=3))
def test_varint_round_trip(value, rest):
    encoded = put_varint(value)
    assert get_varint(b"." + encoded + rest, 1) == (value, 1 + len(encoded))


@pytest.mark.parametrize("data", [b"", b"\x80", b"\xff" * 20, b"\xff" * 9 + b"\x02"])
def test_a_varint_that_does_not_end_or_is_too_large(data):
    with pytest.raises(MalformedError):
        get_varint(data, 0)


@pytest.mark.parametrize(
    ("value", "encoded"),
    [(0, "80"), (-1, "7f"), (63, "bf"), (64, "c040"), (-64, "40"), (-65, "3fbf"), (8192, "e02000")],
)
def test_known_signed_codes(value, encoded):
    assert ordered_signed(value).hex() == encoded


@given(INT64, INT64)
def test_signed_codes_sort_as_numbers(a, b):
    assert (ordered_signed(a) < ordered_signed(b)) == (a < b)


@given(st.integers(0, 2**64 - 1), st.integers(0, 2**64 - 1))
def test_unsigned_codes_sort_as_numbers(a, b):
    assert (ordered_unsigned(a) < ordered_unsigned(b)) == (a < b)


@given(st.binary(max_size=6), st.binary(max_size=6))
def test_string_codes_sort_as_strings(a, b):
    assert (ordered_string(a) < ordered_string(b)) == (a < b)


def test_string_code_escapes():
    assert ordered_string(b"a\x00\xfe\xff\x00") == b"a\x00\xff\xfe\xff\x00\x00\xff\x00\x01"
