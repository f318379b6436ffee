"""Hashes of strings against published values; their speed is that of NumPy, not of Python."""

import numpy as np

from reflow.ops.string_hash import farm_fingerprint, hash_strings, sip_hash


def test_sip_hash_of_the_authors_vectors():
    key = (0x0706050403020100, 0x0F0E0D0C0B0A0908)
    texts = [bytes(range(n)) for n in (0, 1, 8, 15)]
    hashes = hash_strings(texts, lambda rows: sip_hash(rows, key))
    expected = [0x726FDB47DD0E0E31, 0x74F839C593DC67FD, 0x93F5F5799A932462, 0xA129CA6149BE45E5]
    assert [int(h) for h in hashes] == expected


def test_strings_of_any_lengths_keep_their_places():
    texts = [b"x" * n for n in (70, 3, 70, 0, 20, 3)]
    together = hash_strings(texts, farm_fingerprint)
    alone = np.concatenate([hash_strings([text], farm_fingerprint) for text in texts])
    np.testing.assert_array_equal(together, alone)
    assert together[0] == together[2] != together[1]
