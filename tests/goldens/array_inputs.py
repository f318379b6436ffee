"""Inputs of the array families' cases: arrays of every type that moves through array ops."""

import numpy as np

TYPES = ["float16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "bool", "complex64",
         "complex128", "string"]  # fmt: skip


def array(t, dtype, *shape):
    """An array of `dtype`, different at every place as far as the type allows."""
    count = int(np.prod(shape))
    if dtype == "string":
        return np.array([b"s%d" % i for i in range(count)] + [b""], object)[:-1].reshape(shape)
    if dtype == "bool":
        return t.random.rand(*shape) > 0.5
    if "int" in dtype:
        return t.integers(0, 100, *shape, dtype=dtype)
    return t.normal(*shape, dtype=dtype)
