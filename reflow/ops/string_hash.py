"""Hashes of strings: the three StringToHashBucket ops.

Strings of one length are hashed together: the hashes are written over NumPy vectors of uint64, one element a string,
whose arithmetic wraps around as the algorithms want it.
"""

import math
from collections.abc import Callable

import numpy as np
import torch

from reflow.graph.build import call
from reflow.graph.convert import constant_value
from reflow.graph.export import export
from reflow.graph.registry import define_op
from reflow.ops.shape_rules import unchanged_shape, with_rank, with_rank_at_least
from reflow.ops.torch_types import array_of
from reflow.platform.deprecation import deprecated_argument_lookup

_U64 = np.uint64


def hash_strings(texts: list[bytes], hash_rows: Callable) -> np.ndarray:
    """The hashes of some strings.

    Args:
      texts: the strings.
      hash_rows: `(uint8 array [n, length]) -> uint64 [n]`.

    Returns:
      A uint64 vector.
    """
    places: dict[int, list[int]] = {}
    for place, text in enumerate(texts):
        places.setdefault(len(text), []).append(place)
    hashes = np.empty(len(texts), _U64)
    for length, group in places.items():
        joined = b"".join([texts[i] for i in group])
        hashes[group] = hash_rows(np.frombuffer(joined, np.uint8).reshape(len(group), length))
    return hashes


def _words(rows: np.ndarray, start: int, size: int = 8) -> np.ndarray:
    """The little-endian number of `size` bytes at `start`, of each row, as uint64."""
    return np.ascontiguousarray(rows[:, start : start + size]).view(f"<u{size}")[:, 0].astype(_U64)


def _tail(rows: np.ndarray, start: int) -> np.ndarray:
    """The little-endian number of the bytes from `start` on, fewer than eight, of each row."""
    padded = np.zeros((len(rows), 8), np.uint8)
    padded[:, : rows.shape[1] - start] = rows[:, start:]
    return _words(padded, 0)


def _rotated_right(x: np.ndarray, bits: int) -> np.ndarray:
    return x >> _U64(bits) | x << _U64(64 - bits)


# --- Hash64: MurmurHash64A ----------------------------------------------------------------------------------------

_MURMUR, _MURMUR_SEED = 0xC6A4A7935BD1E995, 0xDECAFCAFFE


def murmur64(rows: np.ndarray) -> np.ndarray:
    """MurmurHash64A (Appleby 2008) with TensorFlow's seed, of each row of bytes."""
    count, length = rows.shape
    multiplier, shift = _U64(_MURMUR), _U64(47)
    state = np.full(count, _MURMUR_SEED ^ length * _MURMUR & (1 << 64) - 1, _U64)
    whole = length // 8 * 8
    for start in range(0, whole, 8):
        word = _words(rows, start) * multiplier
        word ^= word >> shift
        state = (state ^ word * multiplier) * multiplier
    if whole < length:
        state = (state ^ _tail(rows, whole)) * multiplier
    state ^= state >> shift
    state *= multiplier
    return state ^ state >> shift


# --- Fingerprint64 of FarmHash ------------------------------------------------------------------------------------

_K0, _K1, _K2 = map(_U64, (0xC3A5C85C97CB3127, 0xB492B66FBE98F273, 0x9AE16A3B2F90404F))


def farm_fingerprint(rows: np.ndarray) -> np.ndarray:
    """FarmHash's Fingerprint64 (Pike 2014) of each row of bytes."""
    length = rows.shape[1]
    if length <= 16:
        return _farm_to_16(rows, length)
    if length <= 32:
        return _farm_to_32(rows, length)
    return _farm_to_64(rows, length) if length <= 64 else _farm_long(rows, length)


def _mixed(x):
    return x ^ x >> _U64(47)


def _pair(u, v, multiplier):
    """Two words hashed to one."""
    a = _mixed((u ^ v) * multiplier)
    return _mixed((v ^ a) * multiplier) * multiplier


def _farm_to_16(rows, length):
    if not length:
        return np.full(len(rows), _K2)
    if length < 4:
        first, middle, last = (rows[:, i].astype(_U64) for i in (0, length >> 1, length - 1))
        y, z = first + (middle << _U64(8)), _U64(length) + (last << _U64(2))
        return _mixed(y * _K2 ^ z * _K0) * _K2
    multiplier = _multiplier(length)
    if length < 8:
        return _pair(_U64(length) + (_words(rows, 0, 4) << _U64(3)), _words(rows, length - 4, 4), multiplier)
    a, b = _words(rows, 0) + _K2, _words(rows, length - 8)
    return _pair(_rotated_right(b, 37) * multiplier + a, (_rotated_right(a, 25) + b) * multiplier, multiplier)


def _multiplier(length):
    return np.array([length * 2], _U64) + _K2


def _farm_to_32(rows, length):
    multiplier = _multiplier(length)
    a, b = _words(rows, 0) * _K1, _words(rows, 8)
    c, d = _words(rows, length - 8) * multiplier, _words(rows, length - 16) * _K2
    return _pair(_rotated_right(a + b, 43) + _rotated_right(c, 30) + d, a + _rotated_right(b + _K2, 18) + c, multiplier)


def _farm_to_64(rows, length):
    multiplier = _multiplier(length)
    a, b = _words(rows, 0) * _K2, _words(rows, 8)
    c, d = _words(rows, length - 8) * multiplier, _words(rows, length - 16) * _K2
    y = _rotated_right(a + b, 43) + _rotated_right(c, 30) + d
    z = _pair(y, a + _rotated_right(b + _K2, 18) + c, multiplier)
    e, f = _words(rows, 16) * multiplier, _words(rows, 24)
    g, h = (y + _words(rows, length - 32)) * multiplier, (z + _words(rows, length - 24)) * multiplier
    return _pair(_rotated_right(e + f, 43) + _rotated_right(g, 30) + h, e + _rotated_right(f + a, 18) + g, multiplier)


def _weak_32(rows, start, a, b):
    """32 bytes mixed with two seeds to two words."""
    w, x, y, z = (_words(rows, start + 8 * i) for i in range(4))
    a = a + w
    b = _rotated_right(b + a + z, 21)
    mixed = a + x + y
    return mixed + z, b + _rotated_right(mixed, 44) + a


def _farm_long(rows, length):
    seed = np.full(len(rows), 81, _U64)
    x, y = seed * _K2 + _words(rows, 0), seed * _K1 + _U64(113)
    z = _mixed(y * _K2 + _U64(113)) * _K2
    v = w = (np.zeros_like(x), np.zeros_like(x))
    for start in range(0, (length - 1) // 64 * 64, 64):
        x, y, z, v, w = _farm_round(rows, start, x, y, z, v, w, _K1, _U64(1))
    multiplier = _K1 + ((z & _U64(0xFF)) << _U64(1))
    w = (w[0] + _U64(length - 1 & 63), w[1])
    v = (v[0] + w[0], v[1])
    w = (w[0] + v[0], w[1])
    x, y, z, v, w = _farm_round(rows, length - 64, x, y, z, v, w, multiplier, _U64(9))
    return _pair(_pair(v[0], w[0], multiplier) + _mixed(y) * _K0 + z, _pair(v[1], w[1], multiplier) + x, multiplier)


def _farm_round(rows, start, x, y, z, v, w, multiplier, factor):
    x = _rotated_right(x + y + v[0] + _words(rows, start + 8), 37) * multiplier
    y = _rotated_right(y + v[1] + _words(rows, start + 48), 42) * multiplier
    x = x ^ w[1] * factor
    y = y + v[0] * factor + _words(rows, start + 40)
    z = _rotated_right(z + w[0], 33) * multiplier
    v = _weak_32(rows, start, v[1] * multiplier, x + w[0])
    w = _weak_32(rows, start + 32, z + w[1], y + _words(rows, start + 16))
    return z, y, x, v, w


# --- SipHash ------------------------------------------------------------------------------------------------------


def sip_hash(rows: np.ndarray, key: tuple[int, int]) -> np.ndarray:
    """SipHash-2-4 (Aumasson and Bernstein 2012) of each row of bytes."""
    length = rows.shape[1]
    words = (0x736F6D6570736575, 0x646F72616E646F6D, 0x6C7967656E657261, 0x7465646279746573)
    state = [np.full(len(rows), word ^ key[i % 2], _U64) for i, word in enumerate(words)]
    whole = length // 8 * 8
    messages = [_words(rows, start) for start in range(0, whole, 8)]
    messages.append(_tail(rows, whole) | _U64((length & 0xFF) << 56))
    for message in messages:
        state[3] = state[3] ^ message
        state = _sip_round(*_sip_round(*state))
        state[0] = state[0] ^ message
    state[2] = state[2] ^ _U64(0xFF)
    for _ in range(4):
        state = _sip_round(*state)
    return state[0] ^ state[1] ^ state[2] ^ state[3]


def _sip_round(a, b, c, d):
    a, c = a + b, c + d
    b, d = _rotated_right(b, 51) ^ a, _rotated_right(d, 48) ^ c
    a = _rotated_right(a, 32)
    c, a = c + b, a + d
    b, d = _rotated_right(b, 47) ^ c, _rotated_right(d, 43) ^ a
    return [a, b, _rotated_right(c, 32), d]


# --- fingerprints -------------------------------------------------------------------------------------------------


def _fingerprint(data, method):
    if method.item() != b"farmhash64":
        raise ValueError(f"Unsupported method: {method.item().decode(errors='replace')}")
    array = array_of(data)
    if array.ndim < 1:
        raise ValueError("`data` should have at least one dimension: []")
    rows = array.reshape(len(array), math.prod(array.shape[1:]))
    if array.dtype == object:
        # Of several strings the fingerprints count, not the strings.
        hashes = hash_strings(rows.reshape(-1).tolist(), farm_fingerprint).reshape(rows.shape)
        if rows.shape[1] == 1:
            return torch.from_numpy(hashes.view(np.uint8))
        rows = hashes
    contents = np.frombuffer(rows.tobytes(), np.uint8).reshape(len(rows), rows.shape[1] * rows.dtype.itemsize)
    return torch.from_numpy(farm_fingerprint(contents).view(np.uint8).reshape(len(rows), 8))


def _fingerprint_shape(op):
    dims = with_rank_at_least(op._inputs[0].dims, 1)
    with_rank(op._inputs[1].dims, 0)
    method = constant_value(op._inputs[1])
    if method is not None and method.item() != b"farmhash64":
        raise ValueError(f"Unsupported method: {method.item().decode(errors='replace')}")
    return [(None if dims is None else dims[0], None if method is None else 8)]


define_op("Fingerprint", "data: T, method: string -> fingerprint: uint8", "T: type", shape=_fingerprint_shape,
          kernel=_fingerprint)  # fmt: skip


@export("fingerprint")
def fingerprint(data, method="farmhash64", name=None):
    """The fingerprint of each slice of a tensor along its first axis.

    Args:
      data: a tensor of rank 1 or more.
      method: a string scalar, "farmhash64".
      name: the node's name.

    Returns:
      A uint8 matrix with the bytes of a fingerprint in each row.

    Raises:
      InvalidArgumentError: when run, for another method.
    """
    return call("Fingerprint", data, method, name=name)


# --- ops ----------------------------------------------------------------------------------------------------------


def _buckets(array: np.ndarray, hash_rows: Callable, num_buckets: int) -> torch.Tensor:
    hashes = hash_strings(array.reshape(-1).tolist(), hash_rows) % _U64(num_buckets)
    return torch.from_numpy(hashes.astype(np.int64)).reshape(array.shape)


def _to_bucket(string_tensor, num_buckets):
    return _buckets(string_tensor, murmur64, num_buckets)


def _to_bucket_fast(input, num_buckets):
    return _buckets(input, farm_fingerprint, num_buckets)


def _to_bucket_strong(input, num_buckets, key):
    if len(key) != 2:
        raise ValueError("Key must have 2 elements")
    first, second = (word & (1 << 64) - 1 for word in key)
    return _buckets(input, lambda rows: sip_hash(rows, (first, second)), num_buckets)


define_op("StringToHashBucket", "string_tensor: string -> output: int64", "num_buckets: int >= 1",
          shape=unchanged_shape, kernel=_to_bucket, gradient=None)  # fmt: skip
define_op("StringToHashBucketFast", "input: string -> output: int64", "num_buckets: int >= 1", shape=unchanged_shape,
          kernel=_to_bucket_fast, gradient=None)  # fmt: skip
define_op("StringToHashBucketStrong", "input: string -> output: int64", "num_buckets: int >= 1, key: list(int)",
          shape=unchanged_shape, kernel=_to_bucket_strong, gradient=None)  # fmt: skip


@export("strings.to_hash_bucket", "string_to_hash_bucket")
def string_to_hash_bucket(string_tensor=None, num_buckets=None, name=None, input=None):
    """A number for each string, the same for equal strings: its 64-bit Murmur hash modulo `num_buckets`.

    Args:
      string_tensor: a string tensor.
      num_buckets: how many numbers there are, at least 1.
      name: the node's name.
      input: the newer name of `string_tensor`.

    Returns:
      An int64 tensor shaped like `string_tensor`.
    """
    string_tensor = deprecated_argument_lookup("input", input, "string_tensor", string_tensor)
    return call("StringToHashBucket", string_tensor, num_buckets=num_buckets, name=name)


@export("strings.to_hash_bucket_fast", "string_to_hash_bucket_fast")
def string_to_hash_bucket_fast(input, num_buckets, name=None):
    """A number for each string, the same for equal strings: its FarmHash fingerprint modulo `num_buckets`.

    Args:
      input: a string tensor.
      num_buckets: how many numbers there are, at least 1.
      name: the node's name.

    Returns:
      An int64 tensor shaped like `input`.
    """
    return call("StringToHashBucketFast", input, num_buckets=num_buckets, name=name)


@export("strings.to_hash_bucket_strong", "string_to_hash_bucket_strong")
def string_to_hash_bucket_strong(input, num_buckets, key, name=None):
    """A number for each string, the same for equal strings, that only who knows the key can aim at.

    Args:
      input: a string tensor.
      num_buckets: how many numbers there are, at least 1.
      key: two integers, the key of the hash (SipHash-2-4).
      name: the node's name.

    Returns:
      An int64 tensor shaped like `input`.
    """
    return call("StringToHashBucketStrong", input, num_buckets=num_buckets, key=key, name=name)
