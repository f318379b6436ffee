"""The 128-bit fingerprint of a string: CityHash 1.1, which FarmHash keeps for this width.

Source: G. Pike, J. Alakuijala, "Introducing CityHash" (2011), and the algorithm's published form, version 1.1.
"""

_K0, _K1, _K2 = 0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F
_MULTIPLIER = 0x9DDFEA08EB382D69
_MASK = (1 << 64) - 1


def fingerprint128(data: bytes) -> tuple[int, int]:
    """(lower, upper) 64 bits of the fingerprint."""
    if len(data) >= 16:
        return _with_seed(data, 16, _word(data, 0), (_word(data, 8) + _K0) & _MASK)
    return _with_seed(data, 0, _K0, _K1)


def _word(data: bytes, start: int) -> int:
    return int.from_bytes(data[start : start + 8], "little")


def _rotated(value: int, bits: int) -> int:
    value &= _MASK
    return (value >> bits | value << (64 - bits)) & _MASK


def _shifted(value: int) -> int:
    value &= _MASK
    return value ^ value >> 47


def _mixed(u: int, v: int, multiplier: int = _MULTIPLIER) -> int:
    a = _shifted(((u ^ v) & _MASK) * multiplier)
    b = _shifted(((v ^ a) & _MASK) * multiplier)
    return b * multiplier & _MASK


def _short(data: bytes, start: int) -> int:
    """The hash of at most 16 bytes."""
    length = len(data) - start
    multiplier = (_K2 + 2 * length) & _MASK
    if length >= 8:
        a, b = _word(data, start) + _K2, _word(data, len(data) - 8)
        return _mixed((_rotated(b, 37) * multiplier + a) & _MASK, (_rotated(a, 25) + b) * multiplier & _MASK,
                      multiplier)  # fmt: skip
    if length >= 4:
        first = int.from_bytes(data[start : start + 4], "little")
        return _mixed(length + (first << 3), int.from_bytes(data[-4:], "little"), multiplier)
    if not length:
        return _K2
    y = data[start] + (data[start + (length >> 1)] << 8)
    z = length + (data[-1] << 2)
    return _shifted(y * _K2 ^ z * _K0) * _K2 & _MASK


def _weak(data: bytes, start: int, a: int, b: int) -> tuple[int, int]:
    """The hash of 32 bytes and two seeds."""
    w, x, y, z = (_word(data, start + i) for i in (0, 8, 16, 24))
    a += w
    b = _rotated(b + a + z, 21)
    total = a + x + y
    b += _rotated(total, 44)
    return (total + z) & _MASK, (b + a) & _MASK


def _murmur(data: bytes, start: int, a: int, b: int) -> tuple[int, int]:
    """The hash of less than 128 bytes."""
    length, end = len(data) - start, len(data)
    if length <= 16:
        a = _shifted(a * _K1) * _K1
        c = b * _K1 + _short(data, start)
        d = _shifted(a + (_word(data, start) if length >= 8 else c))
    else:
        c = _mixed(_word(data, end - 8) + _K1, a)
        d = _mixed(b + length, c + _word(data, end - 16))
        a += d
        for at in range(start, end - 16, 16):
            a = (a ^ _shifted(_word(data, at) * _K1) * _K1) * _K1 & _MASK
            b ^= a
            c = (c ^ _shifted(_word(data, at + 8) * _K1) * _K1) * _K1 & _MASK
            d ^= c
    a, b = _mixed(a, c), _mixed(d, b)
    return a ^ b, _mixed(b, a)


def _with_seed(data: bytes, start: int, low: int, high: int) -> tuple[int, int]:
    if len(data) - start < 128:
        return _murmur(data, start, low, high)
    x, y, z = low, high, (len(data) - start) * _K1
    first = _rotated(y ^ _K1, 49) * _K1 + _word(data, start)
    v = first, _rotated(first, 42) * _K1 + _word(data, start + 8)
    w = _rotated(y + z, 35) * _K1 + x, _rotated(x + _word(data, start + 88), 53) * _K1
    while len(data) - start >= 128:
        for at in (start, start + 64):
            x = _rotated(x + y + v[0] + _word(data, at + 8), 37) * _K1
            y = _rotated(y + v[1] + _word(data, at + 48), 42) * _K1
            x ^= w[1]
            y += v[0] + _word(data, at + 40)
            z = _rotated(z + w[0], 33) * _K1
            v = _weak(data, at, v[1] * _K1, x + w[0])
            w = _weak(data, at + 32, z + w[1], y + _word(data, at + 16))
            z, x = x, z
        start += 128
    return _finished(data, start, (x, y, z), v, w)


def _finished(data, start, xyz, v, w) -> tuple[int, int]:
    """Take in the last less than 128 bytes, from behind, in pieces of 32 that may reach into the bytes before."""
    x, y, z = xyz
    x += _rotated(v[0] + z, 49) * _K0
    y = y * _K0 + _rotated(w[1], 37)
    z = z * _K0 + _rotated(w[0], 27)
    w, v = (w[0] * 9, w[1]), (v[0] * _K0, v[1])
    for at in range(len(data) - 32, start - 32, -32):
        y = _rotated(x + y, 42) * _K0 + v[1]
        w = w[0] + _word(data, at + 16), w[1]
        x = x * _K0 + w[0]
        z += w[1] + _word(data, at)
        w = w[0], w[1] + v[0]
        v = _weak(data, at, v[0] + z, v[1])
        v = v[0] * _K0, v[1]
    x = _mixed(x, v[0])
    y = _mixed(y + z, w[0])
    return (_mixed(x + v[1], w[1]) + y) & _MASK, _mixed(x + w[1], y + v[1])
